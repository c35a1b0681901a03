"""Where the organization's files lie: one page for each environment, tried before it is kept."""

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import PasswordField, RadioField, StringField
from wtforms.validators import InputRequired, Length

from app.core.buckets import STORAGE_CHANGES
from app.domains.storage import operations
from app.domains.storage.models import Provider
from app.domains.storage.naming import Wanted
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.environments import actor_there, offered

bp = area("storage")

PAGE = "/organization/storage"
_LONGEST = Length(max=2000)
_PROVIDERS = {
    Provider.LOCAL: (_l("With this instance"), _l("Counts against the plan's storage.")),
    Provider.S3: (_l("Amazon S3, or what speaks it"), _l("A bucket of your own.")),
    Provider.AZURE: (_l("Azure Blob Storage"), _l("A container of your own.")),
}
_OF_S3 = ("bucket", "region", "aws_access_key_id", "aws_secret_access_key", "endpoint_url")
_OF_AZURE = ("container_name", "azure_connection_string")
_FIELDS = {Provider.S3: _OF_S3, Provider.AZURE: _OF_AZURE, Provider.LOCAL: ()}


class StorageForm(PortalForm):
    faults = {"storage:endpoint_not_allowed": "endpoint_url", "storage:connection_failed": "provider"}
    provider = RadioField(_l("Where new files go"), [InputRequired(_l("Choose one."))])
    bucket = StringField(_l("Bucket"), [_LONGEST])
    region = StringField(_l("Region"), [_LONGEST])
    aws_access_key_id = StringField(_l("Access key ID"), [_LONGEST])
    aws_secret_access_key = PasswordField(_l("Secret access key"), [_LONGEST])
    endpoint_url = StringField(_l("Address, if it is not Amazon's"), [_LONGEST])
    container_name = StringField(_l("Container"), [_LONGEST])
    azure_connection_string = PasswordField(_l("Connection string"), [_LONGEST])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = [(str(provider), words[0]) for provider, words in _PROVIDERS.items()]

    def wanted(self) -> Wanted:
        """Return what is asked for: the fields of the provider chosen, whatever stands in the others."""
        provider = Provider(self.provider.data)
        given = {name: typed(self[name]).strip() or None for name in _FIELDS[provider]}
        return Wanted(provider=provider, **given)


def _page() -> FormPage[StorageForm]:
    return FormPage(StorageForm, "organizations/storage.html", _facts)


def _facts() -> dict[str, Any]:
    actor = actor_there()
    return {
        "current": operations.current(actor),
        "room": operations.room(actor),
        "environment": actor.environment,
        "environments": offered(),
        "providers": {str(provider): words[0] for provider, words in _PROVIDERS.items()},
        "hints": {str(provider): words[1] for provider, words in _PROVIDERS.items()},
    }


@bp.get(PAGE)
@door("user")
def storage_form():
    shown = _page()
    now = operations.current(actor_there())
    shown.form.provider.data = str(now.provider)
    azure = now.provider is Provider.AZURE
    shown.form.container_name.data = now.bucket if azure else None
    shown.form.bucket.data = None if azure else now.bucket
    shown.form.region.data, shown.form.endpoint_url.data = now.region, now.endpoint_url
    return shown.show()


@bp.post(PAGE)
@door("user", limit=STORAGE_CHANGES)
def storage():
    form, actor = _page().take(), actor_there()
    operations.update(actor, wanted=form.wanted())
    flash(_("New files go there from now on. Older ones stay where they are."), "success")
    return away(f"{PAGE}?environment={actor.environment}")
