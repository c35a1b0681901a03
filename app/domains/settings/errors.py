"""Why a setting is not shown or not changed."""

from app.core.errors import Forbidden, NotFound, Refused


class SettingNotFound(NotFound):
    code, message = "setting:not_found", "There is no such setting."


class CategoryNotFound(NotFound):
    code, message = "setting:category_not_found", "There is no such category."


class ChangeNotFound(NotFound):
    code, message = "setting:change_not_found", "There is no such change."


class SettingLocked(Forbidden):
    code, message = "setting:locked", "The platform's admin has locked this setting."

    def __init__(self) -> None:
        super().__init__(layer="platform", remedy="Ask the platform's admins to free it.")


class NotLockable(Refused):
    code, message = "setting:not_lockable", "This setting cannot be locked."


class NotTenantKey(Refused):
    code, message = "setting:not_tenant_key", "Only the platform has a value of this setting."


class TenantKeyOnly(Refused):
    code, message = "setting:tenant_only", "Only an organization has a value of this setting."


class WouldLockOut(Refused):
    code, message = "setting:would_lock_out", "Your own address would be locked out."

    def __init__(self) -> None:
        super().__init__(layer="organization", remedy="Put your own address or its network on the list.")


class ValueNotKept(Refused):
    code, message = "setting:value_not_kept", "The earlier value is not kept, so it cannot be put back."


class FactorWouldLockOut(Refused):
    code = "two_factor:would_lock_out"
    message = "This would lock you out. Set up your own second factor first, or choose a later day."
