"""The person: who they are, how their address and password are kept, what they agreed to."""
