"""What every part stands on and no feature owns."""
