"""Events of a person's own account that only the portal raises (docs/additions.yaml)."""

from functools import partial

from app.domains.notifications.definition import Channel, Channels, Kind, NotificationEvent, Priority

_NORMAL, _HIGH, _CRITICAL = Priority.NORMAL, Priority.HIGH, Priority.CRITICAL

_MAIL: Channels = {Channel.EMAIL: True}
_BOTH: Channels = {Channel.EMAIL: True, Channel.IN_APP: True}

_must = partial(NotificationEvent, mandatory=True, kind=Kind.TRANSACTIONAL)
_should = partial(NotificationEvent, mandatory=False, kind=Kind.TRANSACTIONAL)

ACCOUNT_EVENTS = (
    _must(
        66, "account.passkey_added", "Passkey added", _CRITICAL, _BOTH, "{{ passkeyName }} signs you in now."
    ),
    _must(
        67,
        "account.passkey_removed",
        "Passkey removed",
        _CRITICAL,
        _BOTH,
        "{{ passkeyName }} does not sign you in any more.",
    ),
    _must(
        68,
        "account.email_change_undone",
        "Change of e-mail address undone",
        _CRITICAL,
        _BOTH,
        "Your address is {{ email }} again.",
    ),
    _must(
        69,
        "account.recovery_requested",
        "Removal of your second factor asked for",
        _CRITICAL,
        _BOTH,
        "It is removed after {{ dueAt }} unless you stop it.",
    ),
    _must(70, "account.recovery_due", "Second factor can be removed now", _CRITICAL, _MAIL),
    _must(
        71,
        "account.recovery_cancelled",
        "Removal of your second factor stopped",
        _HIGH,
        _BOTH,
        "Stopped at {{ at }}.",
    ),
    _should(
        72,
        "account.token_expiring",
        "API token about to run out",
        _NORMAL,
        _BOTH,
        "{{ tokenName }} runs out on {{ expiresAt }}.",
    ),
    _must(
        73,
        "account.token_leaked",
        "API token found in public",
        _CRITICAL,
        _BOTH,
        "{{ tokenName }} was found in public and ended.",
    ),
    _must(
        74, "account.export_ready", "Export ready", _NORMAL, _BOTH, "It can be fetched until {{ expiresAt }}."
    ),
    _must(
        75,
        "account.deletion_requested",
        "Deletion of your account asked for",
        _CRITICAL,
        _BOTH,
        "It is erased on {{ dueAt }} unless you stop it.",
    ),
    _must(76, "account.deletion_near", "Your account is about to be erased", _CRITICAL, _MAIL),
    _must(77, "account.deleted", "Your account is erased", _HIGH, _MAIL),
    _must(
        78,
        "organization.two_factor_demanded",
        "An organization asks for a second factor",
        _HIGH,
        _BOTH,
        "{{ tenantName }} asks for it from {{ from }} on.",
    ),
    _must(
        79,
        "account.token_revoked",
        "API token ended by an admin",
        _HIGH,
        _BOTH,
        "{{ revokedBy }} ended {{ tokenName }}.",
    ),
    _must(
        80,
        "organization.token_leaked",
        "API token of the organization found in public",
        _CRITICAL,
        _BOTH,
        "{{ tokenName }} of {{ memberName }} was found in public and ended.",
    ),
    _must(
        81,
        "account.passkey_copied",
        "Copy of a passkey refused",
        _CRITICAL,
        _BOTH,
        "What looks like a copy of {{ passkeyName }} was refused.",
    ),
    _should(
        90,
        "organization.access_requested",
        "A member asks for access",
        _NORMAL,
        _BOTH,
        "{{ memberName }} asks for: {{ wanted }}.",
    ),
    _should(
        91,
        "organization.access_granted",
        "Access you asked for was given",
        _NORMAL,
        _BOTH,
        "{{ decidedBy }} gave you: {{ given }}.",
    ),
    _should(
        92,
        "organization.access_declined",
        "Access you asked for was declined",
        _NORMAL,
        _BOTH,
        "{{ decidedBy }} declined: {{ wanted }}.",
    ),
    _must(
        102,
        "organization.ownership_offered",
        "An organization is offered to you",
        _HIGH,
        _BOTH,
        "{{ actorName }} offers it to you until {{ expiresAt }}.",
    ),
    _must(103, "organization.ownership_answered", "An offered organization was taken or not", _HIGH, _MAIL),
    _should(
        104,
        "organization.domain_lost",
        "A domain is not proven any more",
        _HIGH,
        _BOTH,
        "The record of {{ domain }} is gone.",
    ),
    _must(105, "organization.closing", "An organization will be closed, or stays", _CRITICAL, _MAIL),
    _must(106, "organization.closed", "An organization is closed", _CRITICAL, _MAIL),
    _must(
        107,
        "organization.export_ready",
        "Export of an organization ready",
        _NORMAL,
        _BOTH,
        "It can be fetched until {{ expiresAt }}.",
    ),
    _should(
        108,
        "organization.join_requested",
        "Somebody asks to join",
        _NORMAL,
        _BOTH,
        "{{ personName }} ({{ email }}) asks to join.",
    ),
    _must(109, "organization.join_answered", "Your request to join was answered", _NORMAL, _MAIL),
    _must(
        110,
        "account.support_requested",
        "Support asks for access",
        _HIGH,
        _BOTH,
        "{{ adminName }} asks to act in your name.",
    ),
    _should(
        111,
        "account.support_granted",
        "Somebody lets you in",
        _NORMAL,
        _BOTH,
        "{{ personName }} lets you in until {{ until }}.",
    ),
    _must(
        112,
        "account.support_began",
        "Support acts in your name",
        _CRITICAL,
        _BOTH,
        "{{ adminName }} acts in your name until {{ until }}.",
    ),
    _must(113, "account.standing_changed", "Your account was closed or opened", _CRITICAL, _MAIL),
    _should(
        118,
        "organization.audit_export_ready",
        "Export of the audit trail ready",
        _NORMAL,
        _BOTH,
        "It can be fetched until {{ expiresAt }}.",
    ),
    _must(
        119,
        "organization.audit_archive_failed",
        "Audit trail not written to the storage",
        _HIGH,
        _BOTH,
        "{{ day }} could not be written: {{ reason }}.",
    ),
)
