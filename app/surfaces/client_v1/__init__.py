"""client_v1: a tenant's service users managing its client accounts."""
