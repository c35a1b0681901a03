"""Client accounts: signing up, looking, changing, deleting."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import marshmallow as ma

from app.core.paging import MAX_LIMIT, CursorWindow
from app.domains.clients import accounts, client_sessions
from app.domains.clients.accounts import Change, Newcomer
from app.surfaces.client_v1.dialect import blp, id_of, nothing
from app.surfaces.client_v1.door import door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

STATUSES = ma.validate.OneOf(["active", "disabled"])


class NameIn(Schema):
    first_name = Word(least=1, most=100, required=True)
    last_name = Word(least=1, most=100, required=True)


class SomeNameIn(Schema):
    first_name = Word(least=1, most=100)
    last_name = Word(least=1, most=100)


class SignUpIn(Schema):
    """A new account under the integrator's own id."""

    user_id = ma.fields.UUID(required=True)
    email = Word(most=320, required=True, metadata={"format": "email"})
    name = ma.fields.Nested(NameIn, required=True)
    password = Secret(required=True)


class ChangeIn(Schema):
    """Only the fields sent change."""

    email = Word(most=320, metadata={"format": "email"})
    name = ma.fields.Nested(SomeNameIn)
    password = Secret()
    status = ma.fields.String(validate=STATUSES)


class ListIn(Schema):
    email = Word(most=320)
    status = ma.fields.String(validate=STATUSES)
    limit = ma.fields.Integer(validate=ma.validate.Range(1, MAX_LIMIT), load_default=20)
    cursor = ma.fields.String(validate=ma.validate.Length(max=500))


class ClientTokenOut(Schema):
    """The client's session; verify tells its id and its end."""

    client_token = ma.fields.String(required=True)


class NameOut(Schema):
    first_name = ma.fields.String()
    last_name = ma.fields.String()


class Part(ma.fields.Nested):
    """Some fields of the same object, in an object of their own."""

    def get_value(self, obj: Any, attr: str, *_: Any, **__: Any) -> Any:
        """Return the object itself."""
        return obj


class AccountOut(Schema):
    """A client account; never a password in any form."""

    user_id = ma.fields.UUID(attribute="external_id")
    email = ma.fields.String()
    name = Part(NameOut)
    status = ma.fields.String()
    environment = ma.fields.String()
    created_at = Moment()
    updated_at = Moment()
    last_login_at = Moment(allow_none=True)


class AccountsOut(Schema):
    items = ma.fields.List(ma.fields.Nested(AccountOut))
    next_cursor = ma.fields.String(allow_none=True)


def _as_sent() -> AbstractContextManager[None]:
    """Name fields at fault as the body has them."""
    return fields_called(first_name="name.first_name", last_name="name.last_name", external_id="user_id")


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in body.items() if key != "name"}, **body.get("name", {})}


@blp.post("/v1/client/signup")
@door("service")
@blp.arguments(SignUpIn)
@blp.response(201, ClientTokenOut)
@blp.refuses({402: "plan:client_limit", 409: ["client:user_id_taken", "client:email_taken"]})
def signup(body):
    """Create a client account under the integrator's own id and sign the client in."""
    fields = _flat(body)
    with _as_sent():
        newcomer = Newcomer(external_id=fields.pop("user_id"), **fields)
        return {"client_token": client_sessions.sign_up(current_actor(), newcomer=newcomer).token}


@blp.get("/v1/client")
@door("service")
@blp.arguments(ListIn, location="query")
@blp.response(200, AccountsOut)
@blp.refuses({422: "pagination:bad_cursor"})
def list_(query):
    """List the client accounts of the instance, newest first, or find one by e-mail."""
    window = CursorWindow(query.pop("limit"), query.pop("cursor", None))
    return accounts.list_(current_actor(), window=window, **query)


@blp.get("/v1/client/<string:user_id>")
@door("service")
@blp.response(200, AccountOut)
@blp.refuses({404: "client:not_found"})
def get(user_id: str):
    """Show one client account."""
    return accounts.one(current_actor(), external_id=id_of(user_id))


@blp.patch("/v1/client/<string:user_id>")
@door("service")
@blp.arguments(ChangeIn)
@blp.response(200, AccountOut)
@blp.refuses({404: "client:not_found", 409: "client:email_taken"})
def update(body, user_id: str):
    """Change a client's e-mail, name, password or status."""
    with _as_sent():
        return accounts.update(current_actor(), external_id=id_of(user_id), change=Change(**_flat(body)))


@blp.delete("/v1/client/<string:user_id>")
@door("service")
@blp.response(204)
@blp.refuses({404: "client:not_found"})
def delete(user_id: str):
    """Delete a client account, erase its personal data and end its sessions."""
    accounts.delete(current_actor(), external_id=id_of(user_id))
    return nothing()
