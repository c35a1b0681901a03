"""People: their registration, their public page, and what they say of themselves."""

import marshmallow as ma
from werkzeug.exceptions import BadRequest

from app.core.buckets import HANDLE_CHECKS
from app.domains.accounts import handles, profiles, queries
from app.domains.auth import registration
from app.domains.auth.newcomers import Newcomer
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Secret, Word
from app.surfaces.shared.openapi import Schema
from app.surfaces.v0.dialect import MessageOut, blp, door
from app.surfaces.v0.people import MeOut, PageOut


class RegisterIn(Schema):
    email = Word(required=True, most=254)
    handle = Word(required=True)
    display_name = Word(required=True)
    password = Secret(required=True)
    locale = Word(most=35)
    timezone = Word(most=64)


class UpdateMeIn(Schema):
    handle = Word()
    display_name = Word()
    bio = Word(most=2000, allow_none=True)
    is_public = ma.fields.Boolean(truthy={True}, falsy={False})
    locale = Word(most=35)
    timezone = Word(most=64)

    @ma.post_load
    def change_something(self, data, **_options):
        """Refuse an empty object: whoever sends one means something else."""
        if not data:
            raise BadRequest
        return data


class HandleQuery(Schema):
    handle = Word(required=True)


class UserIdQuery(Schema):
    user_id = ma.fields.UUID(required=True)


class AvailabilityOut(Schema):
    handle = ma.fields.String(required=True)
    available = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf(["invalid", "reserved", "taken"])
    )


@blp.post("/v0/users")
@door("public", limit=None)
@blp.refuses({403: "auth:registration_closed", 409: "user:handle_taken"})
@blp.arguments(RegisterIn)
@blp.response(202, MessageOut)
def register(body):
    """Register a person with a handle and mail the verification token."""
    registration.register_with_handle(current_actor(), newcomer=Newcomer(**body))
    return {"message": "Look into your mailbox to confirm your e-mail address."}


@blp.get("/v0/users/profile")
@door("public")
@blp.refuses({400: "user:not_found"})
@blp.arguments(HandleQuery, location="query")
@blp.response(200, PageOut)
def profile_by_handle(query):
    """Show a person's public page, found by handle."""
    return profiles.page_by_handle(current_actor(), handle=query["handle"])


@blp.get("/v0/users/profile/id")
@door("public")
@blp.refuses({400: "user:not_found"})
@blp.arguments(UserIdQuery, location="query")
@blp.response(200, PageOut)
def profile_by_id(query):
    """Show a person's public page, found by UUID."""
    return profiles.page_by_uid(current_actor(), uid=query["user_id"])


@blp.get("/v0/users/handle/<string:handle>/available")
@door("public", limit=HANDLE_CHECKS)
@blp.response(200, AvailabilityOut)
def handle_available(handle):
    """Tell whether a handle can be had, and if not, why."""
    reason = handles.availability(current_actor(), handle=handle)
    return {"handle": handle, "available": reason is None, "reason": reason}


@blp.get("/v0/user/me")
@door("user")
@blp.response(200, MeOut)
def me():
    """Show the signed-in person to themselves."""
    return queries.me(current_actor())


@blp.patch("/v0/user/me")
@door("user")
@blp.refuses({409: "user:handle_taken", 429: "user:handle_change_limit"})
@blp.arguments(UpdateMeIn)
@blp.response(200, MeOut)
def update_me(body):
    """Change the fields sent of the signed-in person's page and preferences."""
    return profiles.update_page(current_actor(), changes=body)
