"""The people of the organization: listing, changing, taking access away and giving it back, erasing."""

from typing import Any, cast

import marshmallow as ma

from app.core.access import Access
from app.core.ids import Ref
from app.core.paging import Page, Window
from app.domains.members import changing, erasing, queries
from app.domains.members.changing import MemberChanges
from app.domains.members.counting import Filter
from app.domains.members.erasing import Erased
from app.domains.members.queries import Order
from app.domains.permissions.roles import HEADS, Role
from app.domains.tenants.models import MembershipStatus
from app.surfaces.api_v1.dialect import blp, door, envelope, ok, paged, paged_envelope
from app.surfaces.api_v1.user_shape import UserOut, shown
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Word
from app.surfaces.shared.openapi import Schema

ROLES = {
    "tenant_admin": HEADS,
    "manager": (Role.MANAGER,),
    "user": (Role.MEMBER,),
    "viewer": (Role.VIEWER,),
}
GIVEN = {word: roles[-1] for word, roles in ROLES.items()}
"""The role that a word gives: an owner is only ever made by handing over."""

_MOST = 2**31 - 1
_SORTS = (Order.NAME, Order.EMAIL, Order.NEWEST, Order.LAST_LOGIN)


class UsersIn(Schema):
    """Which part of the list is wanted."""

    page = ma.fields.Integer(load_default=1, validate=ma.validate.Range(1, 2**31))
    limit = ma.fields.Integer(load_default=20, validate=ma.validate.Range(1, 2**31))
    search = Word(load_default="")
    status = ma.fields.Enum(MembershipStatus, by_value=True)
    role = ma.fields.String(validate=ma.validate.OneOf(list(ROLES)))
    profile_id = ma.fields.Integer(data_key="profileId", validate=ma.validate.Range(1, _MOST))
    sort = ma.fields.String(load_default=str(Order.NAME), validate=ma.validate.OneOf(_SORTS))


class UserChangesIn(Schema):
    """The fields that change; what is left out stays."""

    first_name = Word(data_key="firstName", least=1, most=100)
    last_name = Word(data_key="lastName", least=1, most=100)
    role = ma.fields.String(validate=ma.validate.OneOf(list(GIVEN)))
    profile_id = ma.fields.Integer(
        data_key="profileId", strict=True, validate=ma.validate.Range(1, 2**31 - 1)
    )
    status = ma.fields.Enum(
        MembershipStatus,
        by_value=True,
        validate=ma.validate.OneOf([MembershipStatus.ACTIVE, MembershipStatus.INACTIVE]),
    )
    job_title = Word(data_key="jobTitle", most=100, allow_none=True)

    @ma.validates_schema
    def check_something_is_sent(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a body that changes nothing."""
        if not data:
            raise ma.ValidationError("Name at least one field.")


class TombstoneOut(Schema):
    """What stands in the person's place."""

    name = ma.fields.String()


class KeptOut(Schema):
    """How much of what others rely on stays."""

    messages = ma.fields.Integer()
    audit_events = ma.fields.Integer(data_key="auditEvents")


class ErasedOut(Schema):
    """Who is gone, and what stays."""

    id = ma.fields.Integer()
    deleted = ma.fields.Boolean()
    person_erased = ma.fields.Boolean(data_key="personErased")
    tombstone = ma.fields.Nested(TombstoneOut)
    kept = ma.fields.Nested(KeptOut)
    deleted_at = Moment(data_key="deletedAt")


def _filter(query: dict[str, Any]) -> Filter:
    return Filter(
        search=query["search"],
        statuses=(query["status"],) if "status" in query else (),
        roles=ROLES.get(query.get("role", ""), ()),
        profile_id=query.get("profile_id"),
    )


@blp.get("/users")
@door("tenant")
@blp.arguments(UsersIn, location="query")
@blp.response(200, paged_envelope(UserOut))
def list_(query: dict[str, Any]):
    """List the people of the organization."""
    found = queries.list_members(
        current_actor(),
        window=Window.page(query["page"], query["limit"]),
        wanted=_filter(query),
        order=Order(query["sort"]),
    )
    return paged(Page([shown(member) for member in found.items], found.total, found.window))


@blp.get("/users/me")
@door("tenant")
@blp.response(200, envelope(UserOut))
def me():
    """Give the caller's own membership."""
    return ok(shown(queries.me(current_actor())))


@blp.get("/users/<int:user_id>")
@door("tenant")
@blp.refuses({404: "member:not_found"})
@blp.response(200, envelope(UserOut))
def get(user_id: int):
    """Give one person of the organization."""
    return ok(shown(queries.get(current_actor(), member=Ref(id=user_id))))


@blp.put("/users/<int:user_id>")
@door("tenant", access=Access.TENANT_MANAGER)
@blp.refuses(
    {
        402: "plan:seat_limit",
        403: [
            "member:outranks_you",
            "member:role_above_own",
            "profile:above_own",
            "member:owner_fixed",
            "auth:role_required",
        ],
        404: "member:not_found",
        409: ["member:self_forbidden", "member:never_joined"],
    }
)
@blp.arguments(UserChangesIn)
@blp.response(200, envelope(UserOut))
def update(body: dict[str, Any], user_id: int):
    """Change a person's name, role, profile or status here."""
    if "role" in body:
        body["role"] = GIVEN[body["role"]]
    actor, member = current_actor(), Ref(id=user_id)
    return ok(
        shown(changing.update(actor, member=member, changes=cast("MemberChanges", body), owner_is_admin=True))
    )


@blp.delete("/users/<int:user_id>")
@door("tenant")
@blp.refuses(
    {
        403: ["member:owner_fixed", "auth:role_required"],
        404: "member:not_found",
        409: "member:self_forbidden",
    }
)
@blp.response(200, envelope(UserOut))
def deactivate(user_id: int):
    """Take a person's access away and keep everything else."""
    return ok(shown(changing.deactivate(current_actor(), member=Ref(id=user_id))))


@blp.post("/users/<int:user_id>/activate")
@door("tenant")
@blp.refuses(
    {
        402: "plan:seat_limit",
        403: "auth:role_required",
        404: "member:not_found",
        409: "member:never_joined",
    }
)
@blp.response(200, envelope(UserOut))
def activate(user_id: int):
    """Give a deactivated person their access back."""
    return ok(shown(changing.activate(current_actor(), member=Ref(id=user_id))))


@blp.delete("/users/<int:user_id>/permanent")
@door("tenant")
@blp.refuses(
    {
        403: ["member:owner_fixed", "auth:role_required"],
        404: "member:not_found",
        409: "member:self_forbidden",
    }
)
@blp.response(200, envelope(ErasedOut))
def delete_permanent(user_id: int):
    """Erase a person from the organization for good."""
    return ok(_erased(erasing.erase_member(current_actor(), member=Ref(id=user_id))))


def _erased(erased: Erased) -> dict[str, Any]:
    return {
        "id": erased.membership_id,
        "deleted": True,
        "person_erased": erased.person_erased,
        "tombstone": {"name": erased.name},
        "kept": {"messages": erased.kept.get("messages", 0), "audit_events": erased.kept["audit_events"]},
        "deleted_at": erased.deleted_at,
    }
