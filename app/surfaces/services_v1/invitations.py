"""Invitations as their links bring them: what one is for, and taking it."""

from typing import Any

import marshmallow as ma
from flask import g

from app.core.languages import Sentence
from app.domains.auth.newcomers import Newcomer
from app.domains.members import accepting, offers
from app.domains.members.accepting import Joined
from app.domains.members.offers import Offer
from app.surfaces.services_v1.dialect import Flag, Seconds, TenantOut, blp, done, door, shown, told
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.cookies import require_csrf_token
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

_OF_SOMEBODY_NEW = ("first_name", "last_name", "password", "language", "timezone")


class InvitationQuery(Schema):
    token = Secret(required=True, most=400)


class JoinIn(Schema):
    token = Secret(required=True, most=400)
    first_name = Word(most=100)
    last_name = Word(most=100)
    password = Secret()
    password_confirmation = Secret()
    accept_policies = Flag()
    language = Word(most=35)
    timezone = Word(most=64)

    @ma.validates_schema
    def _same_twice(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("password") != data.get("password_confirmation"):
            raise ma.ValidationError("The two passwords differ.", "password_confirmation")


class InvitingTenantOut(Schema):
    name = ma.fields.String()
    slug = ma.fields.String()


class InviterOut(Schema):
    name = ma.fields.String()


class InvitationOut(Schema):
    kind = ma.fields.String()
    email = ma.fields.String()
    account_exists = ma.fields.Boolean()
    project = ma.fields.Raw(allow_none=True)
    tenant = ma.fields.Nested(InvitingTenantOut)
    role = ma.fields.String(allow_none=True)
    permissions = ma.fields.List(ma.fields.String())
    invited_by = ma.fields.Nested(InviterOut)
    expires_at = Moment()


class NewMemberOut(Schema):
    id = ma.fields.Integer()
    uid = ma.fields.UUID()
    email = ma.fields.String()


class JoinOut(Schema):
    kind = ma.fields.String()
    project = ma.fields.Raw(allow_none=True)
    tenant = ma.fields.Nested(TenantOut)
    role = ma.fields.String()
    permissions = ma.fields.List(ma.fields.String())
    user = ma.fields.Nested(NewMemberOut)
    account_created = ma.fields.Boolean()
    next = ma.fields.String(allow_none=True)
    login_token = ma.fields.String(allow_none=True)
    expires_in = Seconds(allow_none=True)


def _offer(found: Offer) -> dict[str, Any]:
    return {
        "kind": "tenant",
        "email": found.masked_email,
        "account_exists": found.account_exists,
        "project": None,
        "tenant": {"name": found.tenant_name, "slug": found.tenant_slug},
        "role": str(found.role),
        "permissions": (),
        "invited_by": {"name": found.inviter_name},
        "expires_at": found.expires_at,
    }


def _joined(joined: Joined) -> dict[str, Any]:
    token = joined.login_token
    return {
        "kind": "tenant",
        "project": None,
        "tenant": joined.tenant,
        "role": str(joined.membership.role),
        "permissions": (),
        "user": joined.user,
        "account_created": joined.account_created,
        "next": "authenticate" if token else None,
        "login_token": token and token.token,
        "expires_in": token and token.expires_in,
    }


def _newcomer(body: dict[str, Any]) -> Newcomer | None:
    given = {name: body[name] for name in _OF_SOMEBODY_NEW if name in body}
    if not given:
        return None
    return Newcomer(email="", password=given.pop("password", ""), locale=given.pop("language", None), **given)


@blp.get("/v1/validate-invitation")
@door("public", limit=None)
@blp.in_area("projects")
@blp.refuses({404: "invitation:not_found", 409: ["invitation:used", "invitation:expired"]})
@blp.arguments(InvitationQuery, location="query")
@blp.response(200, shown(InvitationOut))
def validate_invitation(query):
    """Show what an invitation's token is for, before it is taken."""
    return {"data": _offer(offers.offer(current_actor(), token=query["token"]))}


@blp.post("/v1/join-invitation")
@door("public", limit=None)
@blp.in_area("projects")
@blp.refuses(
    {
        401: "invitation:login_required",
        402: "plan:seat_limit",
        403: ["invitation:wrong_account", "tenant:suspended"],
        404: "invitation:not_found",
        409: ["invitation:used", "invitation:expired", "member:already_member"],
    }
)
@blp.arguments(JoinIn)
@blp.response(200, told(JoinOut))
def join_invitation(body):
    """Take an invitation, as the signed-in person or with a new account."""
    actor = door.visitor()
    if g.caller.rests_on_cookie:
        require_csrf_token(actor)
    with fields_called(locale="language"):
        joined = accepting.join(
            actor,
            token=body["token"],
            newcomer=_newcomer(body),
            accept_policies=body.get("accept_policies", False),
        )
    return done(_joined(joined), Sentence("You have joined %(name)s.", name=joined.tenant.name))
