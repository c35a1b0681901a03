"""The second factor: an authenticator app, recovery codes, and passkeys."""
