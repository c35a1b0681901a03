"""Plans and what an organization has of them."""
