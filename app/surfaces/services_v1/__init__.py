"""services_v1: verbs in the path, ``{"data": …, "message": …}``."""
