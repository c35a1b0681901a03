"""Ways in and out: registration, proof of an address, sign-in, refresh, passwords."""
