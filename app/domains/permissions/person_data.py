"""What permission profiles hold of a person."""

from app.core.personal import not_exported

not_exported("permission_profiles", "who made one stands in the organization's trail, which is exported")
