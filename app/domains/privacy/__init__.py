"""What people may ask of their own data: a copy of all of it, and that it goes."""
