"""api_v1: REST, camelCase, ``{"success": true, "data": …}``."""
