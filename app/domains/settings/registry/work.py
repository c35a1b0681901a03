"""Settings of billing, support, client accounts and kept data."""

from functools import partial

from app.domains.settings.registry.definition import Definition, Scope, Type

_invoices = partial(
    Definition, scope=Scope.TENANT, category="billing", tree=("Billing", "Invoicing", "Invoices")
)
_trial = partial(Definition, scope=Scope.GLOBAL, tree=("Billing", "Payment", "Trial"))
_terms = partial(Definition, scope=Scope.GLOBAL, tree=("Billing", "Payment", "Terms"))
_life_of_a_ticket = partial(
    Definition, scope=Scope.TENANT, category="support", tree=("Support", "Tickets", "Life of a ticket")
)
_staff = partial(Definition, scope=Scope.GLOBAL, tree=("Support", "Help desk", "Staff"))
_channels = partial(Definition, scope=Scope.GLOBAL, tree=("Support", "Help desk", "Channels"))
_access = partial(
    Definition, scope=Scope.TENANT, category="clients", tree=("Clients", "Client accounts", "Access")
)
_entity_registry = partial(
    Definition, scope=Scope.TENANT, category="entities", tree=("Data", "Retention", "Entity registry")
)
_audit_trail = partial(
    Definition, scope=Scope.TENANT, category="data", tree=("Data", "Retention", "Audit trail")
)
_tokens = partial(Definition, scope=Scope.TENANT, category="data", tree=("Data", "API access", "Tokens"))
_own_endpoints = partial(Definition, scope=Scope.GLOBAL, tree=("Data", "Storage", "Own endpoints"))

DEFINITIONS = (
    _invoices(
        "billing.billing_email",
        Type.EMAIL,
        label="Address for invoices",
        bound="tenant.billing_email",
        governs="the tenant's billing e-mail in every dialect",
    ),
    _invoices("billing.tax_id", Type.STRING, label="VAT or tax number", governs="printed on invoices"),
    _invoices(
        "billing.purchase_order",
        Type.STRING,
        label="Order reference on invoices",
        lock=True,
        governs="printed on invoices",
    ),
    _trial(
        "billing.trial_days",
        Type.INTEGER,
        label="Days a new organization may try",
        default=14,
        min=0,
        max=90,
        governs="every new tenant, through whichever dialect; 0 = it starts on dev",
    ),
    _trial(
        "billing.trial_plan",
        Type.ENUM,
        label="Plan of the trial",
        default="pro",
        options=("pro", "enterprise"),
        governs="the same",
    ),
    _terms(
        "billing.currency",
        Type.ENUM,
        label="Currency of the plans",
        default="USD",
        options=("USD", "EUR", "GBP", "CHF"),
        governs="plan prices and tenants' invoices",
    ),
    _terms(
        "billing.currencies",
        Type.LIST,
        label="Currencies of project checkouts",
        default=("EUR", "USD"),
        governs=(
            "services_v1.platforms.info and services_v1.domain_upgrade.checkout, the first is the default"
        ),
    ),
    _terms(
        "billing.seller_country",
        Type.STRING,
        label="Country the seller pays VAT in",
        default="DE",
        governs="services_v1.checkout.calculate_tax",
    ),
    _terms(
        "billing.seller",
        Type.TEXT,
        label="Name and address of the seller",
        governs="the head of invoices; the name of the instance where it is empty",
    ),
    _terms(
        "billing.invoice_due_days",
        Type.INTEGER,
        label="Days to pay an invoice",
        default=14,
        min=0,
        max=90,
        governs="due dates; past_due after them",
    ),
    _terms(
        "billing.grace_days",
        Type.INTEGER,
        label="Days between past due and suspension",
        default=14,
        min=0,
        max=90,
        governs="job billing.collect",
    ),
    _terms(
        "billing.payment_instructions",
        Type.TEXT,
        label="How to pay an invoice",
        governs=("what stands below the amount of every open invoice: an account to pay to, a reference"),
    ),
    _life_of_a_ticket(
        "support.auto_close_days",
        Type.INTEGER,
        label="Close answered tickets after days (0 = never)",
        default=14,
        min=0,
        max=90,
        lock=True,
        governs="job tickets.close",
    ),
    _staff(
        "support.staff_tenant",
        Type.STRING,
        label="Organization whose people answer tickets (slug)",
        governs="who is staff, together with the platform admins",
    ),
    _channels(
        "support.channels",
        Type.LIST,
        label="Channels a ticket can be opened in",
        default=("technical", "billing", "account", "feedback"),
        governs="services_v1.support.channels",
    ),
    _access(
        "clients.enabled",
        Type.BOOLEAN,
        label="Use the client account API",
        default=False,
        env=True,
        lock=True,
        governs="client_v1, client:feature_disabled when off",
    ),
    _access(
        "clients.session_hours",
        Type.INTEGER,
        label="Hours a client's session is good for",
        default=12,
        min=1,
        max=720,
        env=True,
        lock=True,
        governs="expires_at of client sessions",
    ),
    _access(
        "clients.vouched_sessions",
        Type.BOOLEAN,
        label="Sessions without a password check",
        default=False,
        env=True,
        lock=True,
        governs="client_v1.session.create",
    ),
    _entity_registry(
        "entities.auto_register_members",
        Type.BOOLEAN,
        label="Keep a record of every member",
        default=True,
        lock=True,
        governs="the registry's own links of app members",
    ),
    _entity_registry(
        "entities.event_retention_days",
        Type.INTEGER,
        label="Days a platform event is kept",
        default=730,
        min=365,
        max=3650,
        lock=True,
        governs="job retention.prune",
    ),
    _audit_trail(
        "data.audit_retention_days",
        Type.INTEGER,
        label="Days the audit trail is kept",
        default=365,
        min=90,
        max=3650,
        lock=True,
        governs="job retention.prune",
    ),
    _audit_trail(
        "storage.archive_audit",
        Type.BOOLEAN,
        label="Write each day's audit events to the storage",
        default=False,
        env=True,
        lock=True,
        governs="job audit.archive",
    ),
    _tokens(
        "data.api_tokens_enabled",
        Type.BOOLEAN,
        label="Allow API tokens",
        default=True,
        lock=True,
        governs="making and using pat_ tokens of the tenant, in every dialect",
    ),
    _own_endpoints(
        "storage.allowed_endpoints",
        Type.LIST,
        label="Hosts (host:port) tenants may name as storage",
        default=(),
        governs=(
            "platform_api.storage.update; Amazon's and Azure's own are always allowed, others only when "
            "listed, private addresses too"
        ),
    ),
)
