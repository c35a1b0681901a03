"""Stand-ins for the outside world, and the supervisor that starts them for development and tests."""
