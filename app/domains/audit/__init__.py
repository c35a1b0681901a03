"""The trail of what happened: append-only, one row for each change, in the same transaction."""
