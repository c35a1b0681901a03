"""What all surfaces do alike: credentials to actor, errors to problems, one transaction, limits, documents."""
