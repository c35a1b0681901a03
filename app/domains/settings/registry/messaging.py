"""Settings of notices, chat and the instance's mail server."""

from functools import partial

from app.domains.settings.registry.definition import Definition, Scope, Type

_delivery = partial(
    Definition, scope=Scope.TENANT, category="notifications", tree=("Messaging", "Notifications", "Delivery")
)
_retention = partial(
    Definition, scope=Scope.TENANT, category="notifications", tree=("Messaging", "Notifications", "Retention")
)
_chat = partial(Definition, scope=Scope.TENANT, category="chat", tree=("Messaging", "Chat", "Chat"))
_mail_server = partial(Definition, scope=Scope.GLOBAL, tree=("Messaging", "Outgoing mail", "Mail server"))

DEFINITIONS = (
    _delivery(
        "notifications.email_enabled",
        Type.BOOLEAN,
        label="Send optional notices by e-mail",
        default=True,
        env=True,
        lock=True,
        governs="the e-mail channel of optional events, not of transactional mail",
    ),
    _delivery(
        "notifications.digest_default",
        Type.ENUM,
        label="Digest of those who chose none",
        default="off",
        options=("off", "hourly", "daily", "weekly"),
        lock=True,
        governs="job digests.send",
    ),
    _delivery(
        "notifications.digest_default_time",
        Type.STRING,
        label="Hour of the digest",
        default="08:00",
        lock=True,
        governs="job digests.send",
    ),
    _retention(
        "notifications.retention_days",
        Type.INTEGER,
        label="Days a notice is kept",
        default=180,
        min=7,
        max=730,
        lock=True,
        governs="job retention.prune",
    ),
    _chat(
        "chat.enabled",
        Type.BOOLEAN,
        label="Use chat",
        default=True,
        lock=True,
        governs="api_v1's chat calls and the portal, chat:disabled",
    ),
    _chat(
        "chat.max_group_size",
        Type.INTEGER,
        label="Most people in a group",
        default=200,
        min=3,
        max=500,
        lock=True,
        governs="api_v1.chat.group",
    ),
    _chat(
        "chat.retention_days",
        Type.INTEGER,
        label="Days a message is kept (0 = for good)",
        default=0,
        min=0,
        max=3650,
        lock=True,
        governs="job retention.prune",
    ),
    _mail_server(
        "smtp.host",
        Type.STRING,
        label="Mail server",
        governs=(
            "mail of every tenant without a tested server of its own; null = the server from the environment "
            "variables, or the outbox folder"
        ),
    ),
    _mail_server("smtp.port", Type.INTEGER, label="Port", default=587, min=1, max=65535, governs="the same"),
    _mail_server(
        "smtp.security",
        Type.ENUM,
        label="Encryption",
        default="starttls",
        options=("none", "starttls", "tls"),
        governs="the same",
    ),
    _mail_server("smtp.username", Type.STRING, label="User name", governs="the same"),
    _mail_server(
        "smtp.password", Type.SECRET, label="Password", governs="the same; encrypted at rest, never shown"
    ),
)
