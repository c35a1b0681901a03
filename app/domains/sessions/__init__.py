"""Sign-ins of every kind, in one table, and who stands behind a credential."""
