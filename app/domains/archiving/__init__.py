"""What the audit trail is kept, exported and written away as, and who reads which part of it."""
