"""What an admin decides in the product: one registry, values by scope and environment."""
