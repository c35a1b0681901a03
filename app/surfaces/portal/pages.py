"""Pages for everybody: the way to the APIs' documentation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l

from app.core.environments import Environment
from app.core.errors import NothingHere
from app.core.languages import LANGUAGES
from app.core.settings import current_settings
from app.domains.sessions.api_token_values import PATTERN
from app.surfaces.portal.base import area, away, door, internal, page
from app.surfaces.portal.i18n import remember_language

bp = area("pages")


@dataclass(frozen=True)
class Reference:
    """One dialect's documentation."""

    name: str
    title: str
    reads_like: Any
    path: str

    @property
    def docs(self) -> str:
        staging = f"?environment={Environment.STAGING}" if self.name == "client_v1" else ""
        return f"/developers/{self.name.replace('_', '-')}{staging}"

    @property
    def document(self) -> str:
        return f"/openapi/{self.name}.json"

    @property
    def base(self) -> str:
        return current_settings().public_url + self.path


REFERENCES: Mapping[str, Reference] = {
    reference.name.replace("_", "-"): reference
    for reference in (
        Reference("services_v1", "Services v1", _l("Verbs in the path: GET reads, POST does."), "/v1"),
        Reference("api_v1", "API v1", _l("REST in camelCase, inside one organization."), "/api/v1"),
        Reference(
            "platform_api", "Platform API", _l("REST in snake_case with prefixed ids."), "/platform/api"
        ),
        Reference(
            "client_v1",
            "Client API",
            _l("An organization's own application keeps its clients' accounts by it."),
            "/v1/client",
        ),
        Reference("v0", "v0", _l("REST in snake_case with handles and a cookie."), "/v0"),
    )
}


@bp.get("/developers")
def developers():
    door.visitor()
    return page(
        "pages/developers.html",
        references=REFERENCES.values(),
        token_pattern=PATTERN,
        public_url=current_settings().public_url,
    )


@bp.get("/developers/<string:dialect>")
def reference(dialect: str):
    door.visitor()
    staging = request.args.get("environment") == Environment.STAGING
    if dialect not in REFERENCES or (dialect == "client-v1" and not staging):
        raise NothingHere  # calls of that one are tried out in staging only, as its document has it
    return page("pages/reference.html", reference=REFERENCES[dialect])


@bp.get("/language/<string:code>")
@door("public")
def choose_language(code: str):
    """Remember a visitor's language in this browser; a link, so that it works where no form is."""
    if code not in LANGUAGES:
        raise NothingHere
    return remember_language(away(internal(request.args.get("next")) or "/"), code)
