"""What a sign-in page needs to know of this instance."""

import marshmallow as ma

from app.domains.accounts import instance
from app.surfaces.services_v1.dialect import Part, blp, door, shown
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.openapi import Schema


class AddressesOut(Schema):
    portal = ma.fields.String(attribute="portal_url")
    docs = ma.fields.String(attribute="docs_url")
    support = ma.fields.Constant(None)  # there is no such page yet


class PasswordPolicyOut(Schema):
    min_length = ma.fields.Integer()
    max_length = ma.fields.Integer()


class PolicyVersionOut(Schema):
    type = ma.fields.String()
    version = ma.fields.String()


class InstanceOut(Schema):
    platform_id = ma.fields.String()
    name = ma.fields.String()
    environment = ma.fields.String()
    version = ma.fields.String()
    logo_url = ma.fields.String(allow_none=True)
    urls = Part(AddressesOut)
    support_email = ma.fields.String(allow_none=True)
    languages = ma.fields.List(ma.fields.String())
    default_language = ma.fields.String()
    currencies = ma.fields.List(ma.fields.String())
    registration_open = ma.fields.Boolean()
    login_methods = ma.fields.List(ma.fields.String())
    password_policy = ma.fields.Nested(PasswordPolicyOut)
    policies = ma.fields.List(ma.fields.Nested(PolicyVersionOut))


@blp.get("/services/platforms/v1/platforms/info")
@door("public")
@blp.response(200, shown(InstanceOut))
def info():
    """Tell a sign-in page about this instance."""
    return {"data": instance.face(current_actor())}
