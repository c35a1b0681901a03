"""People of an organization: invitations, seats, roles, leaving."""
