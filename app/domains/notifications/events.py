"""The events people are told of: how urgently, through which channels, and in which words.

The numbers are for ever (an event's templates are numbered by them); a new event takes the next one. An event
has one mail at most and one notice, whose title is the mail's subject and whose text is ``short``.
"""

from collections.abc import Mapping
from functools import partial

from app.domains.notifications.account_events import ACCOUNT_EVENTS
from app.domains.notifications.definition import Channel, Channels, Kind, NotificationEvent, Priority

AREAS: Mapping[str, str] = {
    "account": "Your account",
    "members": "People",
    "organization": "Organization",
    "billing": "Billing",
    "email": "E-mail",
    "chat": "Chat",
    "entities": "Entity registry",
    "projects": "Projects",
    "support": "Support",
    "clients": "Client accounts",
    "sales": "Sales",
    "digest": "Digest",
}

_LOW, _NORMAL, _HIGH, _CRITICAL = Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.CRITICAL

_MAIL: Channels = {Channel.EMAIL: True}
_BOTH: Channels = {Channel.EMAIL: True, Channel.IN_APP: True}
_NOTICE: Channels = {Channel.EMAIL: False, Channel.IN_APP: True}


_must = partial(NotificationEvent, mandatory=True, kind=Kind.TRANSACTIONAL)
_should = partial(NotificationEvent, mandatory=False, kind=Kind.TRANSACTIONAL)
_may = partial(NotificationEvent, mandatory=False, kind=Kind.OPTIONAL)

_ALL = (
    _must(1, "account.verify_email", "Confirm your e-mail address", _HIGH, _MAIL),
    _must(2, "account.password_reset", "Password reset asked for", _HIGH, _MAIL),
    _must(
        3,
        "account.password_changed",
        "Password changed",
        _CRITICAL,
        _BOTH,
        "Changed at {{ changedAt }} from {{ ipAddress }}.",
    ),
    _should(
        4,
        "account.new_sign_in",
        "Sign-in from a new device",
        _HIGH,
        _BOTH,
        "{{ device }} from {{ ipAddress }}",
    ),
    _must(
        5,
        "account.session_reuse",
        "A spent sign-in token was used again",
        _CRITICAL,
        _BOTH,
        "Ended the sign-in on {{ device }}: a spent token was used again.",
    ),
    _should(
        6,
        "account.role_changed",
        "Your role or profile changed",
        _NORMAL,
        _BOTH,
        "Role {{ role }}, profile {{ profileName }}.",
    ),
    _must(7, "account.tenant_claim", "Confirm that you found an organization", _HIGH, _MAIL),
    _must(36, "account.signup_code", "Code for a sign-up", _HIGH, _MAIL),
    _must(37, "account.already_registered", "Someone signed up with your address", _HIGH, _MAIL),
    _must(38, "account.sign_in_code", "Code for a sign-in", _HIGH, _MAIL),
    _must(39, "account.security_code", "Code for a security check", _HIGH, _MAIL),
    _must(
        40,
        "account.signed_out_everywhere",
        "Signed out everywhere",
        _HIGH,
        _BOTH,
        "{{ sessions }} sign-ins and {{ tokens }} API tokens ended.",
    ),
    _must(
        41,
        "account.api_token_created",
        "API token made",
        _HIGH,
        _BOTH,
        "{{ tokenName }} ({{ scopes }}) was made.",
    ),
    _must(
        42,
        "account.two_factor_enabled",
        "Second factor switched on",
        _CRITICAL,
        _BOTH,
        "Switched on at {{ at }}.",
    ),
    _must(
        43,
        "account.two_factor_disabled",
        "Second factor switched off",
        _CRITICAL,
        _BOTH,
        "Switched off at {{ at }}.",
    ),
    _must(
        44, "account.backup_codes_replaced", "Backup codes replaced", _HIGH, _BOTH, "Replaced at {{ at }}."
    ),
    _must(
        45, "account.backup_code_used", "A backup code was used", _HIGH, _BOTH, "{{ remaining }} are left."
    ),
    _must(46, "account.email_change_token", "Confirm a new e-mail address", _HIGH, _MAIL),
    _must(
        47,
        "account.email_change_requested",
        "A change of your e-mail address was asked for",
        _CRITICAL,
        _BOTH,
        "Asked for at {{ at }}.",
    ),
    _must(48, "account.email_in_use", "Someone wants to use your address", _HIGH, _MAIL),
    _must(
        49,
        "account.email_changed",
        "E-mail address changed",
        _CRITICAL,
        _BOTH,
        "Your address is {{ newEmail }} now.",
    ),
    _must(
        50, "account.connection_linked", "Account linked", _HIGH, _BOTH, "{{ provider }} signs you in now."
    ),
    _must(
        51,
        "account.connection_unlinked",
        "Account unlinked",
        _HIGH,
        _BOTH,
        "{{ provider }} does not sign you in any more.",
    ),
    _should(52, "account.welcome", "Welcome", _NORMAL, _BOTH, "Your account is ready."),
    _must(8, "members.invited", "Invitation", _HIGH, _MAIL),
    _may(
        9,
        "members.joined",
        "Invitation accepted",
        _NORMAL,
        _NOTICE,
        "{{ memberEmail }} took up the invitation.",
    ),
    _must(10, "members.deactivated", "Your access was ended", _HIGH, _MAIL),
    _must(11, "members.reactivated", "Your access was restored", _NORMAL, _MAIL),
    _may(
        12,
        "members.erased",
        "A person was erased",
        _NORMAL,
        _NOTICE,
        "{{ actorName }} erased the member number {{ memberId }}.",
    ),
    _should(
        13,
        "organization.welcome",
        "Welcome",
        _NORMAL,
        _BOTH,
        "Your trial runs until {{ trialEndsAt }}. The setup hub leads you on.",
    ),
    _may(
        14,
        "organization.setup_completed",
        "Setup completed",
        _LOW,
        _NOTICE,
        "{{ actorName }} closed the setup.",
    ),
    _must(
        15,
        "organization.status_changed",
        "Organization suspended or restored",
        _CRITICAL,
        _BOTH,
        "Status {{ status }}: {{ reason }}",
    ),
    _should(
        53,
        "organization.setting_locked",
        "A setting was locked",
        _NORMAL,
        _BOTH,
        "{{ settingLabel }} is {{ value }} and locked.",
    ),
    _should(
        16,
        "billing.trial_ending",
        "Trial about to end",
        _HIGH,
        _BOTH,
        "The trial of {{ planName }} ends on {{ endsAt }}.",
    ),
    _should(
        17,
        "billing.subscription_started",
        "Subscription started",
        _NORMAL,
        _BOTH,
        "{{ planName }} ({{ interval }}) until {{ periodEnd }}.",
    ),
    _must(
        18,
        "billing.payment_failed",
        "Payment failed",
        _CRITICAL,
        _BOTH,
        "{{ amount }} could not be collected.",
    ),
    _should(
        19,
        "billing.subscription_cancelled",
        "Subscription cancelled",
        _NORMAL,
        _BOTH,
        "{{ actorName }} cancelled; it runs until {{ endsAt }}.",
    ),
    _may(
        20,
        "billing.seats_low",
        "Seats nearly used up",
        _NORMAL,
        _BOTH,
        "{{ used }} of {{ total }} seats are taken.",
    ),
    _must(54, "billing.invoice_issued", "Invoice", _NORMAL, _MAIL),
    _should(
        55,
        "billing.subscription_resumed",
        "Subscription resumed",
        _NORMAL,
        _BOTH,
        "{{ planName }} renews on {{ periodEnd }}.",
    ),
    _should(
        56, "billing.trial_started", "Trial started", _NORMAL, _BOTH, "{{ planName }} until {{ endsAt }}."
    ),
    _must(21, "email.smtp_test", "SMTP test message", _NORMAL, _MAIL),
    _should(
        22,
        "email.smtp_failing",
        "Mail server refuses messages",
        _CRITICAL,
        _BOTH,
        "{{ failures }} messages failed at {{ smtpHost }}.",
    ),
    _may(
        23,
        "email.domain_status_changed",
        "Sender domain checked",
        _NORMAL,
        _NOTICE,
        "The DNS records of {{ domain }} are {{ status }}.",
    ),
    _may(24, "chat.direct_message", "Direct message", _NORMAL, _NOTICE, "{{ excerpt }}"),
    _may(25, "chat.mentioned", "Mentioned in a channel", _NORMAL, _BOTH, "{{ excerpt }}"),
    _may(
        26,
        "chat.group_added",
        "Added to a group channel",
        _LOW,
        _NOTICE,
        "{{ actorName }} added you to {{ channelName }}.",
    ),
    _may(
        27,
        "entities.merged",
        "Records merged",
        _LOW,
        _NOTICE,
        "{{ actorName }} merged {{ loserName }} into {{ winnerName }}.",
    ),
    _must(
        28,
        "projects.invited",
        "Invitation to a project",
        _HIGH,
        _BOTH,
        "{{ inviterName }} invites you to {{ projectName }}.",
    ),
    _may(
        29,
        "projects.member_joined",
        "Someone joined a project",
        _LOW,
        _NOTICE,
        "{{ memberName }} is now in {{ projectName }}.",
    ),
    _should(
        57,
        "projects.member_removed",
        "Removed from a project",
        _NORMAL,
        _BOTH,
        "{{ actorName }} took you out of {{ projectName }}.",
    ),
    _may(
        58,
        "projects.permissions_changed",
        "Rights in a project changed",
        _NORMAL,
        _NOTICE,
        "Now {{ permissions }}.",
    ),
    _must(
        59,
        "projects.transfer_requested",
        "A project is offered to you",
        _HIGH,
        _BOTH,
        "Answer by {{ expiresAt }}.",
    ),
    _must(60, "projects.transferred", "A project changed hands", _HIGH, _BOTH, "{{ newOwner }} owns it now."),
    _should(
        61,
        "projects.transfer_declined",
        "A project was not taken over",
        _NORMAL,
        _BOTH,
        "{{ actorName }} declined.",
    ),
    _may(30, "support.ticket_created", "New support ticket", _NORMAL, _BOTH, "{{ authorName }} opened it."),
    _should(31, "support.ticket_replied", "Answer to a support ticket", _NORMAL, _BOTH, "{{ excerpt }}"),
    _should(62, "support.ticket_opened", "Your ticket", _NORMAL, _BOTH, "{{ ticketSubject }} is open."),
    _may(63, "support.ticket_updated", "A ticket was changed", _LOW, _NOTICE, "Now {{ status }}."),
    _should(
        64,
        "support.ticket_closed",
        "A ticket was closed",
        _NORMAL,
        _BOTH,
        "{{ ticketSubject }} is {{ status }}.",
    ),
    _should(
        65,
        "clients.sign_in_failures",
        "A service user keeps failing to sign in",
        _HIGH,
        _BOTH,
        "{{ failures }} failed sign-ins in {{ environment }}.",
    ),
    _may(
        32,
        "sales.lead_assigned",
        "Lead assigned to you",
        _NORMAL,
        _BOTH,
        "{{ actorName }} handed you {{ leadName }}.",
        external=True,
    ),
    _may(
        33,
        "sales.deal_won",
        "Deal won",
        _LOW,
        _NOTICE,
        "{{ dealName }} ({{ amount }}) is won.",
        external=True,
    ),
    _may(34, "sales.task_due", "Sales task due", _NORMAL, _BOTH, "Due at {{ dueAt }}.", external=True),
    _may(35, "digest.summary", "Digest", _LOW, _MAIL),
)

EVENTS: Mapping[str, NotificationEvent] = {event.key: event for event in (*_ALL, *ACCOUNT_EVENTS)}
