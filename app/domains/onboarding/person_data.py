"""What the setup holds of a person: who completed a task, which the organization's trail says too."""

from app.core.personal import not_exported

not_exported("setup_tasks", "who completed a task stands in the organization's trail, which is exported")
not_exported("setup_closings", "who closed the setup stands in the organization's trail, which is exported")
