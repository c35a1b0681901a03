"""Two organizations of believable people, for a first look and for testers."""
