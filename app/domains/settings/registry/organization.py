"""Settings of the organization itself: who it is, how it speaks, whom it takes in, how it looks."""

from functools import partial

from app.domains.settings.registry.definition import Definition, Scope, Type

_profile = partial(
    Definition, scope=Scope.TENANT, category="general", tree=("Organization", "Company", "Profile")
)
_language_and_region = partial(
    Definition,
    scope=Scope.TENANT,
    category="localization",
    tree=("Organization", "Company", "Language and region"),
)
_new_people = partial(
    Definition, scope=Scope.TENANT, category="members", tree=("Organization", "Members", "New people")
)
_invitations = partial(
    Definition, scope=Scope.TENANT, category="members", tree=("Organization", "Members", "Invitations")
)
_members_invitations = partial(
    Definition, scope=Scope.TENANT, category="security", tree=("Organization", "Members", "Invitations")
)
_opening_organizations = partial(
    Definition, scope=Scope.GLOBAL, tree=("Organization", "Tenants", "Opening organizations")
)
_colours_and_logo = partial(
    Definition, scope=Scope.TENANT, category="branding", tree=("Branding", "Look", "Colours and logo")
)

DEFINITIONS = (
    _profile(
        "general.company_name",
        Type.STRING,
        label="Company name",
        default="",
        public=True,
        bound="tenant.name",
        governs="the tenant's name in every dialect",
    ),
    _profile(
        "general.legal_name",
        Type.STRING,
        label="Legal name",
        lock=True,
        governs="the customer's name on invoices",
    ),
    _profile("general.website", Type.URL, label="Website", governs="mail footers and the sign-in page"),
    _profile(
        "general.industry",
        Type.STRING,
        label="Industry",
        lock=True,
        governs="shown in the portal's admin pages",
    ),
    _profile(
        "general.company_size",
        Type.ENUM,
        label="Company size",
        options=("1-10", "11-50", "51-200", "201-1000", "1001+"),
        lock=True,
        governs="shown in the portal's admin pages",
    ),
    _profile(
        "general.support_email",
        Type.EMAIL,
        label="Address for questions",
        public=True,
        governs="contactEmail in mails",
    ),
    _profile("general.phone", Type.STRING, label="Telephone", lock=True, governs="mail footers"),
    _language_and_region(
        "localization.timezone",
        Type.TIMEZONE,
        label="Time zone",
        default="UTC",
        lock=True,
        governs="times in mails and digests of people who set none",
    ),
    _language_and_region(
        "localization.locale",
        Type.LOCALE,
        label="Language",
        default="en-US",
        lock=True,
        public=True,
        governs="language of mails and portal for people who set none",
    ),
    _language_and_region(
        "localization.currency",
        Type.STRING,
        label="Currency (ISO 4217)",
        default="USD",
        lock=True,
        governs="amounts the portal shows without a currency of their own",
    ),
    _language_and_region(
        "localization.date_format",
        Type.ENUM,
        label="Date format",
        default="YYYY-MM-DD",
        options=("YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY"),
        lock=True,
        governs="dates in portal and mails",
    ),
    _language_and_region(
        "localization.time_format",
        Type.ENUM,
        label="Time format",
        default="24h",
        options=("24h", "12h"),
        lock=True,
        governs="times in portal and mails",
    ),
    _language_and_region(
        "localization.first_day_of_week",
        Type.ENUM,
        label="First day of the week",
        default="monday",
        options=("monday", "sunday", "saturday"),
        lock=True,
        governs="calendars and weekly digests",
    ),
    _new_people(
        "members.default_role",
        Type.ENUM,
        label="Role of new people",
        default="member",
        options=("viewer", "member", "manager"),
        lock=True,
        governs="api_v1.users.create without a role (api_v1 says user for member here too)",
    ),
    _new_people(
        "members.default_profile_id",
        Type.INTEGER,
        label="Profile of new people",
        default=1,
        min=1,
        lock=True,
        governs="api_v1.users.create and platform_api.invites.create without a profile",
    ),
    _new_people(
        "members.domain_joining",
        Type.ENUM,
        label="People with an address at a proven domain",
        default="nothing",
        options=("nothing", "ask", "join"),
        lock=True,
        governs=(
            "what /organizations offers them: nothing, to ask, or to join with members.default_role and "
            "members.default_profile_id by pressing; nobody becomes a member without pressing"
        ),
    ),
    _new_people(
        "members.join_requests",
        Type.BOOLEAN,
        label="Whoever knows the short name may ask to join",
        default=False,
        lock=True,
        governs="requests to join by slug",
    ),
    _invitations(
        "invites.expiry_days",
        Type.INTEGER,
        label="Days an invitation is good for",
        default=7,
        min=1,
        max=30,
        lock=True,
        governs="invitations made or resent from then on, in every dialect",
    ),
    _members_invitations(
        "auth.allowed_email_domains",
        Type.LIST,
        label="Invite only these e-mail domains",
        default=(),
        lock=True,
        governs="invitations in every dialect, invitation:domain_not_allowed",
    ),
    _opening_organizations(
        "tenants.self_service",
        Type.BOOLEAN,
        label="Anyone may open an organization",
        default=True,
        governs="platform_api.tenants.create and api_v1.tenants.register, tenant:self_service_off",
    ),
    _opening_organizations(
        "tenants.max_owned",
        Type.INTEGER,
        label="Organizations one person may own",
        default=50,
        min=1,
        max=1000,
        governs="platform_api.tenants.create, tenant:limit_reached",
    ),
    Definition(
        "tenants.deletion_days",
        Type.INTEGER,
        scope=Scope.GLOBAL,
        tree=("Organization", "Tenants", "Closing organizations"),
        label="Days between asking to close an organization and erasing it",
        default=30,
        min=1,
        max=90,
        governs="job tenants.erase",
    ),
    _colours_and_logo(
        "branding.logo_url",
        Type.URL,
        label="Logo",
        lock=True,
        public=True,
        governs="portal, sign-in page and mails of the tenant",
    ),
    _colours_and_logo(
        "branding.favicon_url",
        Type.URL,
        label="Tab icon",
        lock=True,
        public=True,
        governs="portal and sign-in page",
    ),
    _colours_and_logo(
        "branding.primary_color",
        Type.COLOR,
        label="Main colour",
        default="#2457d6",
        lock=True,
        public=True,
        governs="portal, sign-in page and mails of the tenant",
    ),
    _colours_and_logo(
        "branding.accent_color",
        Type.COLOR,
        label="Second colour",
        default="#0f9d8a",
        lock=True,
        public=True,
        governs="portal and sign-in page",
    ),
    _colours_and_logo(
        "branding.login_message",
        Type.TEXT,
        label="Words on the sign-in page",
        lock=True,
        public=True,
        governs="the tenant's sign-in page",
    ),
)
