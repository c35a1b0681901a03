"""What is said of exports of the trail where a person's own data is asked for."""

from app.core.personal import not_exported
from app.domains.archiving import models as _models  # noqa: F401 - so that the table is known

not_exported("audit_exports", "copies of what lies in the organization's trail; their activity names each")
