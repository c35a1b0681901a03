"""What a person's security log shows, in the groups that it can be narrowed to."""

from collections.abc import Mapping
from enum import StrEnum

from app.domains.audit.kinds import AuditKind


class Group(StrEnum):
    SIGN_IN = "sign-in"
    PROOF = "password-and-factors"
    EMAIL = "e-mail"
    TOKEN = "api-tokens"
    DATA = "data"
    SUPPORT = "support"
    PROFILE = "profile"


_EMAIL = {
    AuditKind.USER_EMAIL_CHANGE_CANCELLED,
    AuditKind.USER_EMAIL_CHANGE_REQUESTED,
    AuditKind.USER_EMAIL_CHANGE_UNDONE,
    AuditKind.USER_EMAIL_CHANGED,
    AuditKind.USER_EMAIL_VERIFIED,
    AuditKind.USER_UNSUBSCRIBED,
}
_DATA = {
    AuditKind.USER_DELETED,
    AuditKind.USER_DELETION_CANCELLED,
    AuditKind.USER_DELETION_REQUESTED,
    AuditKind.USER_EXPORT_DOWNLOADED,
    AuditKind.USER_EXPORT_REQUESTED,
    AuditKind.USER_POLICY_ACCEPTED,
    AuditKind.USER_REGISTERED,
}
_PROOF = {
    AuditKind.SESSION_SECOND_FACTOR_ADDED,
    AuditKind.SESSION_STEP_UP_FAILED,
    AuditKind.SESSION_STEPPED_UP,
    AuditKind.USER_OAUTH_LINKED,
    AuditKind.USER_OAUTH_UNLINKED,
    AuditKind.USER_PASSWORD_CHANGED,
    AuditKind.USER_PASSWORD_RESET,
    AuditKind.USER_PASSWORD_RESET_REQUESTED,
    AuditKind.USER_SECURITY_CODE_REQUESTED,
}
_SIGN_IN = {
    AuditKind.USER_SIGN_IN_CODE_REQUESTED,
    AuditKind.USER_SIGN_IN_FAILED,
    AuditKind.USER_SIGNED_IN,
    AuditKind.USER_SIGNED_OUT,
    AuditKind.USER_SIGNED_OUT_EVERYWHERE,
    AuditKind.USER_TWO_FACTOR_FAILED,
}
_BY_SUBJECT = {
    "user": Group.PROFILE,
    "session": Group.SIGN_IN,
    "two_factor": Group.PROOF,
    "passkey": Group.PROOF,
    "api_token": Group.TOKEN,
    "support_access": Group.SUPPORT,
}


def _group_of(kind: AuditKind) -> Group | None:
    named = ((Group.EMAIL, _EMAIL), (Group.DATA, _DATA), (Group.PROOF, _PROOF), (Group.SIGN_IN, _SIGN_IN))
    found = next((group for group, kinds in named if kind in kinds), None)
    return found or _BY_SUBJECT.get(kind.partition(".")[0])


GROUP_OF: Mapping[AuditKind, Group] = {
    kind: group for kind in AuditKind if (group := _group_of(kind)) is not None
}
"""Everything about a person and their ways in; what they did in organizations is the organizations' log."""
