"""The instance itself: whether it runs, and how well."""
