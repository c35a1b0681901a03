"""Service users of an organization, and the client accounts that they keep for its own applications."""
