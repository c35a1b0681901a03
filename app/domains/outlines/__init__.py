"""What other domains name of people and organizations before these are there."""
