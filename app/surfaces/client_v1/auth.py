"""Service users: a name and a password for an API token, and its end."""

import marshmallow as ma

from app.domains.clients import sign_in
from app.surfaces.client_v1.dialect import blp, nothing
from app.surfaces.client_v1.door import door
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Secret, Word
from app.surfaces.shared.openapi import Schema


class CredentialsIn(Schema):
    """As they were shown once, when the service user was made."""

    username = Word(least=1, required=True)
    password = Secret(required=True)


class TokenOut(Schema):
    """What further calls are made with, as a bearer, for an hour."""

    api_token = ma.fields.String(required=True)


@blp.post("/v1/login/password")
@door("public", limit=None)
@blp.arguments(CredentialsIn)
@blp.response(200, TokenOut)
@blp.refuses({401: "auth:invalid_credentials"})
def login_password(body):
    """Exchange a service user's name and password for an API token of one instance."""
    return {"api_token": sign_in.sign_in(current_actor(), **body)}


@blp.post("/v1/login/revoke")
@door("service", leaves=True)
@blp.response(204)
def revoke():
    """End the session of the API token that the call is made with."""
    sign_in.sign_out(current_actor())
    return nothing()
