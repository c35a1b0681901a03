"""Where secret scanners report API tokens that they found in public."""
