"""What people are told of, by notice and by mail."""
