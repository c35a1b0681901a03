"""What all surfaces do alike: credentials, problems, one transaction, limits, documents."""
