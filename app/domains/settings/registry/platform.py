"""Settings of the instance."""

from functools import partial

from app.domains.settings.registry.definition import Definition, Scope, Type

_face = partial(Definition, scope=Scope.GLOBAL, tree=("Platform", "Instance", "Face"))
_place = partial(Definition, scope=Scope.GLOBAL, tree=("Platform", "Instance", "Place"))
_limits = partial(Definition, scope=Scope.GLOBAL, tree=("Platform", "Instance", "Limits"))

DEFINITIONS = (
    _face(
        "instance.name",
        Type.STRING,
        label="Name",
        default="Steering",
        governs="services_v1.platforms.info, appName in mails, the issuer of authenticators",
    ),
    _face(
        "instance.logo_url",
        Type.URL,
        label="Logo",
        governs="services_v1.platforms.info and mails without a tenant",
    ),
    _face(
        "instance.support_email",
        Type.EMAIL,
        label="Address for questions",
        governs="services_v1.platforms.info",
    ),
    _face(
        "instance.languages",
        Type.LIST,
        label="Languages",
        default=("en", "de", "fr"),
        governs=(
            "what a person's language may be in every dialect (a region after it is free); the first is the "
            "default"
        ),
    ),
    _place(
        "instance.region", Type.STRING, label="Region", default="eu", governs="claim reg of service tokens"
    ),
    _limits(
        "limits.per_ip_factor",
        Type.INTEGER,
        label="Factor for limits per network address",
        default=1,
        min=1,
        max=1000,
        governs="every bucket by ip whose limit no source states",
    ),
    _limits(
        "limits.requests_per_minute",
        Type.INTEGER,
        label="Calls a minute for each caller and endpoint",
        default=300,
        min=300,
        max=100000,
        governs="bucket default; never below the documented 300",
    ),
)
