"""Leading a new organization to readiness: what is left to do, and what was found to be done."""
