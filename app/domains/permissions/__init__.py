"""What roles and permission profiles allow."""
