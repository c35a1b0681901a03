"""What happened to a person's account, in a sentence each, with an icon."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent

SENTENCES: Mapping[AuditKind, tuple[str, Any]] = {
    AuditKind.USER_BANNER_IMAGE_CHANGED: ("user", _l("The banner of the public page was changed")),
    AuditKind.USER_BANNER_IMAGE_REMOVED: ("user", _l("The banner of the public page was removed")),
    AuditKind.USER_HANDLE_CHANGED: ("user", _l("The handle was changed")),
    AuditKind.USER_JOINED: ("user", _l("The public page appeared")),
    AuditKind.USER_PROFILE_IMAGE_CHANGED: ("user", _l("The picture was changed")),
    AuditKind.USER_PROFILE_IMAGE_REMOVED: ("user", _l("The picture was removed")),
    AuditKind.USER_PROFILE_UPDATED: ("user", _l("The public page was changed")),
    AuditKind.USER_DETAILS_UPDATED: ("user", _l("Details of the account were changed")),
    AuditKind.USER_PREFERENCES_UPDATED: ("user", _l("Preferences were changed")),
    AuditKind.USER_EMAIL_CHANGE_REQUESTED: ("mail", _l("Another e-mail address was asked for")),
    AuditKind.USER_EMAIL_CHANGE_CANCELLED: ("mail", _l("A change of the e-mail address was cancelled")),
    AuditKind.USER_EMAIL_CHANGED: ("mail", _l("The e-mail address was changed")),
    AuditKind.USER_EMAIL_CHANGE_UNDONE: ("mail", _l("A change of the e-mail address was undone")),
    AuditKind.USER_EMAIL_VERIFIED: ("shield-check", _l("The e-mail address was confirmed")),
    AuditKind.USER_UNSUBSCRIBED: ("mail", _l("Mails of one kind were unsubscribed from")),
    AuditKind.USER_PASSWORD_CHANGED: ("key-round", _l("The password was changed")),
    AuditKind.USER_PASSWORD_RESET: ("key-round", _l("A new password was set with a mailed link")),
    AuditKind.USER_PASSWORD_RESET_REQUESTED: ("mail", _l("A link for a new password was mailed")),
    AuditKind.USER_OAUTH_LINKED: ("external-link", _l("An account elsewhere was linked")),
    AuditKind.USER_OAUTH_UNLINKED: ("external-link", _l("An account elsewhere was unlinked")),
    AuditKind.USER_SECURITY_CODE_REQUESTED: ("mail", _l("A security code was mailed")),
    AuditKind.USER_SIGN_IN_CODE_REQUESTED: ("mail", _l("A code for signing in was mailed")),
    AuditKind.USER_SIGN_IN_FAILED: ("triangle-alert", _l("A sign-in failed")),
    AuditKind.USER_SIGNED_IN: ("monitor", _l("Signed in")),
    AuditKind.USER_SIGNED_OUT: ("log-out", _l("Signed out")),
    AuditKind.USER_SIGNED_OUT_EVERYWHERE: ("log-out", _l("Signed out on other devices")),
    AuditKind.USER_TWO_FACTOR_FAILED: ("triangle-alert", _l("A second factor was wrong")),
    AuditKind.SESSION_ENVIRONMENT_SWITCHED: ("monitor", _l("A session went to another environment")),
    AuditKind.SESSION_REUSE_DETECTED: ("triangle-alert", _l("A spent token was shown again")),
    AuditKind.SESSION_REVOKED: ("log-out", _l("A session was ended")),
    AuditKind.SESSION_SECOND_FACTOR_ADDED: ("shield-check", _l("A session proved the second factor")),
    AuditKind.SESSION_STEP_UP_FAILED: ("triangle-alert", _l("A proof of identity was wrong")),
    AuditKind.SESSION_STEPPED_UP: ("shield-check", _l("Proved again who is there")),
    AuditKind.SESSION_TENANT_SELECTED: ("building-2", _l("An organization was chosen")),
    AuditKind.TWO_FACTOR_BACKUP_CODE_USED: ("key-round", _l("A recovery code was used")),
    AuditKind.TWO_FACTOR_CODES_PROPOSED: ("key-round", _l("New recovery codes were shown")),
    AuditKind.TWO_FACTOR_CODES_REPLACED: ("key-round", _l("The recovery codes were replaced")),
    AuditKind.TWO_FACTOR_DISABLED: ("triangle-alert", _l("The second factor was switched off")),
    AuditKind.TWO_FACTOR_ENABLED: ("shield-check", _l("The second factor was switched on")),
    AuditKind.TWO_FACTOR_SETUP_STARTED: ("smartphone", _l("Setting up a second factor was begun")),
    AuditKind.TWO_FACTOR_RECOVERY_REQUESTED: (
        "triangle-alert",
        _l("Removing the second factor was asked for"),
    ),
    AuditKind.TWO_FACTOR_RECOVERY_CONFIRMED: (
        "triangle-alert",
        _l("Removing the second factor was confirmed by mail"),
    ),
    AuditKind.TWO_FACTOR_RECOVERY_CANCELLED: (
        "shield-check",
        _l("Removing the second factor was stopped"),
    ),
    AuditKind.TWO_FACTOR_RECOVERED: ("triangle-alert", _l("The second factor was removed by recovery")),
    AuditKind.PASSKEY_ADDED: ("key-round", _l("A passkey was added")),
    AuditKind.PASSKEY_REMOVED: ("key-round", _l("A passkey was removed")),
    AuditKind.PASSKEY_RENAMED: ("key-round", _l("A passkey was renamed")),
    AuditKind.SUPPORT_ACCESS_REQUESTED: ("life-buoy", _l("Support asked to act in your name")),
    AuditKind.SUPPORT_ACCESS_GRANTED: ("life-buoy", _l("You allowed support to act in your name")),
    AuditKind.SUPPORT_ACCESS_DECLINED: ("life-buoy", _l("You did not let support in")),
    AuditKind.SUPPORT_ACCESS_WITHDRAWN: ("life-buoy", _l("You took support's access back")),
    AuditKind.SUPPORT_ACCESS_STARTED: ("life-buoy", _l("Support acted in your name from here on")),
    AuditKind.SUPPORT_ACCESS_ENDED: ("life-buoy", _l("Support ceased to act in your name")),
    AuditKind.USER_DISABLED: ("ban", _l("The platform's admins disabled the account")),
    AuditKind.USER_ENABLED: ("user", _l("The platform's admins opened the account again")),
    AuditKind.USER_ADMIN_APPOINTED: ("shield", _l("Became an admin of the platform")),
    AuditKind.USER_ADMIN_DISMISSED: ("shield", _l("Is no admin of the platform any more")),
    AuditKind.API_TOKEN_CREATED: ("key-round", _l("An API token was made")),
    AuditKind.API_TOKEN_REVOKED: ("key-round", _l("An API token was ended")),
    AuditKind.USER_REGISTERED: ("user", _l("The account was made")),
    AuditKind.USER_POLICY_ACCEPTED: ("file-text", _l("A policy was accepted")),
    AuditKind.USER_DELETION_REQUESTED: ("triangle-alert", _l("Deleting the account was asked for")),
    AuditKind.USER_DELETION_CANCELLED: ("shield-check", _l("Deleting the account was stopped")),
    AuditKind.USER_DELETED: ("triangle-alert", _l("The account was deleted")),
    AuditKind.USER_EXPORT_REQUESTED: ("file-text", _l("A copy of the data was asked for")),
    AuditKind.USER_EXPORT_DOWNLOADED: ("file-text", _l("A copy of the data was fetched")),
    AuditKind.TENANT_CREATED: ("building-2", _l("Founded an organization")),
    AuditKind.SUBSCRIPTION_TRIAL_STARTED: ("hourglass", _l("A trial of Pro began")),
    AuditKind.MEMBER_JOINED: ("building-2", _l("Joined an organization")),
}

_METHODS: Mapping[str, Any] = {
    "password": _l("with the password"),
    "code": _l("with a mailed code"),
    "email_code": _l("with a mailed code"),
    "oauth": _l("through another provider"),
    "passkey": _l("with a passkey"),
    "authenticator": _l("with the authenticator"),
    "recovery_code": _l("with a recovery code"),
    "sign_up": _l("after signing up"),
}


def sentence(event: AuditEvent) -> str:
    """Say what happened."""
    return sentence_of(event.kind)


def sentence_of(kind: AuditKind) -> str:
    """Say what happened, by its kind alone."""
    found = SENTENCES.get(kind)
    subject, _dot, verb = str(kind).replace("_", " ").partition(".")
    return str(found[1]) if found else f"{subject} {verb}".capitalize()


def icon_of(event: AuditEvent) -> str:
    """Return the name of the icon that stands before the sentence."""
    return SENTENCES.get(event.kind, ("history", ""))[0]


def detail(event: AuditEvent) -> str:
    """Say more where there is more to say: from which address to which, by which proof, which device."""
    told = event.changes
    if isinstance(told.get("from"), str) and isinstance(told.get("to"), str):
        return _("from %(old)s to %(new)s", old=told["from"], new=told["to"])
    if isinstance(told.get("to"), str):
        return _("to %(new)s", new=told["to"])
    if event.kind is AuditKind.SESSION_REVOKED and isinstance(told.get("device"), str):
        return str(told["device"])
    method = told.get("method")
    return str(_METHODS[method]) if isinstance(method, str) and method in _METHODS else ""
