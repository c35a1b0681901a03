"""The people of the organization: looked for, looked at, changed, taken out; and leaving it oneself."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import flash, g, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.core.errors import BadCursor, ValidationFailed
from app.core.ids import Ref, parse_ref
from app.core.paging import CursorPage, CursorWindow
from app.core.permissions import Permission
from app.core.touches import Ending, Touched
from app.domains.members import bulk, changing, erasing, offboarding, queries, reach
from app.domains.members.bulk import Act
from app.domains.members.changing import MemberChanges
from app.domains.members.counting import Filter
from app.domains.members.queries import Member
from app.domains.permissions import queries as permissions
from app.domains.permissions.roles import HEADS, Role
from app.domains.tenants.models import MembershipStatus
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, page, typed
from app.surfaces.portal.roles import ROLES, profile_name
from app.surfaces.shared.actor import SAFE_METHODS, current_actor
from app.surfaces.shared.problems import problem_of

bp = area("members")

PAGE = "/organization/members"
PER_PAGE = 25

STATUSES: Mapping[MembershipStatus, Any] = {
    MembershipStatus.ACTIVE: _l("Active"),
    MembershipStatus.INACTIVE: _l("Deactivated"),
    MembershipStatus.INVITED: _l("Invited"),
}
ACTS: Mapping[Act, Any] = {
    Act.ACTIVATE: _l("Activate"),
    Act.DEACTIVATE: _l("Deactivate"),
    Act.CHANGE_ROLE: _l("Change the role"),
    Act.REMOVE: _l("Remove from the organization"),
}
TOUCHED: Mapping[str, Any] = {
    "sign_ins": _l("Sign-ins to this organization end"),
    "devices": _l("Devices are out of this organization; the person stays signed in"),
    "api_tokens": _l("API tokens end and their places in the plan become free"),
    "ownership_offers": _l("The offer to own the organization is void"),
}
"""What a domain says of its part, so that it is translated."""
_WORDS = {"roles": ROLES, "statuses": STATUSES, "touches": TOUCHED}


class NameForm(PortalForm):
    first_name = StringField(_l("First name"), [InputRequired(_l("Give a name.")), Length(max=100)])
    last_name = StringField(_l("Last name"), [InputRequired(_l("Give a name.")), Length(max=100)])
    job_title = StringField(_l("Job title"), [Length(max=changing.TITLE_LENGTH)])


class RightsForm(PortalForm):
    faults = {
        "member:role_above_own": "role",
        "profile:above_own": "profile_id",
        "member:owner_fixed": "role",
        "member:outranks_you": "role",
    }
    role = SelectField(_l("Role"), validate_choice=False)
    profile_id = SelectField(_l("Permission profile"), coerce=int, validate_choice=False)


class ConfirmForm(PortalForm):
    name = StringField(_l("Name"), [InputRequired(_l("Type the name."))])


# ---- The list


def _asked() -> dict[str, str]:
    """Return the filters of the page as they were asked for, those that cannot be left out."""
    wanted = {
        "role": set(map(str, Role)),
        "status": set(map(str, MembershipStatus)),
        "profile": None,
        "search": None,
    }
    asked = {}
    for name, allowed in wanted.items():
        text = request.args.get(name, "").strip()[:200]
        if text and "\0" not in text and (allowed is None or text in allowed):
            asked[name] = text
    if not asked.get("profile", "1").isascii() or not asked.get("profile", "1").isdigit():
        asked.pop("profile")
    return asked


def _wanted(asked: Mapping[str, str]) -> Filter:
    return Filter(
        search=asked.get("search", ""),
        statuses=(MembershipStatus(asked["status"]),) if "status" in asked else (),
        roles=(Role(asked["role"]),) if "role" in asked else (),
        profile_id=int(asked["profile"][:9]) if "profile" in asked else None,
    )


def _found(wanted: Filter) -> tuple[CursorPage[Member], bool]:
    """Return a part of the list, and whether it is the first: so is that of a cursor which is none."""
    actor, cursor = current_actor(), request.args.get("cursor") or None
    try:
        window = CursorWindow(limit=PER_PAGE, cursor=cursor)
        return queries.browse(actor, window=window, wanted=wanted), cursor is None
    except BadCursor:
        return queries.browse(actor, window=CursorWindow(limit=PER_PAGE), wanted=wanted), True


@bp.get(PAGE)
@door("user")
def index():
    return page("organizations/members.html", **_listed(_asked()))


def _listed(asked: Mapping[str, str]) -> dict[str, Any]:
    actor, wanted = current_actor(), _wanted(asked)
    found, is_first = _found(wanted)
    return {
        "rows": [(member, reach.reach(actor, member=member)) for member in found.items],
        "next_cursor": found.next_cursor,
        "is_first": is_first,
        "asked": asked,
        "total": queries.count(actor, wanted=wanted),
        "profiles": permissions.uncounted_profiles(actor),
        "manages": actor.may(Permission.MEMBERS_MANAGE),
        "acts": ACTS,
        "giveable": _giveable(),
        **_WORDS,
    }


def _giveable() -> list[Role]:
    own = Role(current_actor().role)
    head = own in HEADS
    return [role for role in Role if role is not Role.OWNER and (head or role.rank < own.rank)]


# ---- Several at once


@bp.post(f"{PAGE}/bulk")
@door("user")
def several():
    actor = current_actor()
    act, role = _choice("act", Act), _choice("role", Role)
    members = [ref for text in request.form.getlist("members")[:500] if (ref := parse_ref(text, "mem"))]
    if act is None or not members:
        flash(_("Choose people and what to do with them."), "warning")
        return away(PAGE)
    if act in (Act.REMOVE, Act.DEACTIVATE) and request.form.get("sure") != "y":
        chosen = bulk.chosen(actor, members=members)
        return page("organizations/members_sure.html", act=act, acts=ACTS, members=chosen, **_WORDS)
    done = bulk.apply(actor, members=members, act=act, role=role)
    told = [(one, problem_of(one.refusal) if one.refusal else None) for one in done]
    return page("organizations/members_done.html", act=act, acts=ACTS, told=told, role=role, **_WORDS)


def _choice(field: str, words: Any) -> Any:
    text = request.form.get(field, "")
    return words(text) if text in set(map(str, words)) else None


# ---- One


def _member(uid: UUID) -> Member:
    return _previewed(uid)[0]


def _previewed(uid: UUID) -> tuple[Member, Sequence[Touched]]:
    """Return somebody and, to those who may see it, what their end would touch; a GET reads it once."""
    known: dict[UUID, tuple[Member, Sequence[Touched]]] = g.setdefault("previewed", {})
    if uid not in known or request.method not in SAFE_METHODS:
        known[uid] = _read(Ref(uid=uid))
    return known[uid]


def _read(ref: Ref) -> tuple[Member, Sequence[Touched]]:
    actor = current_actor()
    member = None if actor.may(Permission.MEMBERS_MANAGE) else queries.get(actor, member=ref)
    if member is not None and member.membership.id != actor.membership_id:
        return member, ()
    found = offboarding.preview(actor, member=ref)
    return found.member, found.touched


def _facts(uid: UUID) -> dict[str, Any]:
    actor, (member, touched) = current_actor(), _previewed(uid)
    may = reach.reach(actor, member=member)
    return {
        "member": member,
        "within_reach": may,
        "touched": touched if may.remove or may.is_self else None,
        "reads_trail": actor.may(Permission.AUDIT_VIEW),
        **_WORDS,
    }


def _names(member: Member) -> dict[str, Any]:
    job_title = member.membership.job_title or ""
    return {"first_name": member.first_name, "last_name": member.last_name, "job_title": job_title}


def _name_page(uid: UUID) -> FormPage[NameForm]:
    shown = FormPage(
        NameForm,
        "organizations/member.html",
        lambda: {**_facts(uid), "names": shown.form, "rights": _rights(uid)},
    )
    if not shown.form.is_submitted():
        for name, value in _names(_member(uid)).items():
            shown.form[name].data = value
    return shown


def _rights(uid: UUID) -> RightsForm:
    form = RightsForm(formdata=None)
    _offer(form, uid)
    return form


def _offer(form: RightsForm, uid: UUID) -> None:
    """Fill in what may be chosen, and what is so now where nothing was sent."""
    actor, member = current_actor(), _member(uid)
    may = reach.reach(actor, member=member)
    form.role.choices = [(str(role), ROLES[role]) for role in may.roles]
    offers = permissions.offers(actor) if may.profile else ()
    own = member.membership.profile_id
    form.profile_id.choices = [
        (o.profile.id, profile_name(o.profile)) for o in offers if o.assignable or o.profile.id == own
    ]
    if not form.is_submitted() or form.role.data is None:
        form.role.data = str(member.membership.role)
        form.profile_id.data = own


def _rights_page(uid: UUID) -> FormPage[RightsForm]:
    def facts() -> dict[str, Any]:
        names = NameForm(formdata=None, data=_names(_member(uid)))
        return {**_facts(uid), "names": names, "rights": shown.form}

    shown = FormPage(RightsForm, "organizations/member.html", facts)
    _offer(shown.form, uid)
    return shown


@bp.get(f"{PAGE}/<uuid:uid>")
@door("user")
def member(uid: UUID):
    return _name_page(uid).show()


@bp.post(f"{PAGE}/<uuid:uid>")
@door("user")
def rename(uid: UUID):
    form = _name_page(uid).take()
    changes: MemberChanges = {
        "first_name": typed(form.first_name),
        "last_name": typed(form.last_name),
        "job_title": typed(form.job_title) or None,
    }
    changed = changing.manage(current_actor(), member=Ref(uid=uid), changes=changes)
    flash(_("%(name)s is saved.", name=changed.name), "success")
    return away(f"{PAGE}/{uid}")


@bp.post(f"{PAGE}/<uuid:uid>/rights")
@door("user")
def give_rights(uid: UUID):
    form = _rights_page(uid).take()
    changes: MemberChanges = {}
    if "role" in request.form:
        if typed(form.role) not in set(map(str, Role)):
            raise ValidationFailed({"role": [_("Choose a role.")]})
        changes["role"] = Role(typed(form.role))
    if "profile_id" in request.form:
        changes["profile_id"] = form.profile_id.data
    changed = changing.manage(current_actor(), member=Ref(uid=uid), changes=changes)
    flash(_("%(name)s has other rights from the next step on.", name=changed.name), "success")
    return away(f"{PAGE}/{uid}")


@bp.post(f"{PAGE}/<uuid:uid>/activate")
@door("user")
def activate(uid: UUID):
    changed = changing.switch(current_actor(), member=Ref(uid=uid), active=True)
    flash(_("%(name)s can work here again.", name=changed.name), "success")
    return away(f"{PAGE}/{uid}")


@bp.post(f"{PAGE}/<uuid:uid>/deactivate")
@door("user")
def deactivate(uid: UUID):
    changed = changing.switch(current_actor(), member=Ref(uid=uid), active=False)
    flash(_("%(name)s has no access any more.", name=changed.name), "success")
    return away(f"{PAGE}/{uid}")


# ---- Out


def _way_out(uid: UUID, ending: Ending) -> FormPage[ConfirmForm]:
    def facts() -> dict[str, Any]:
        seen = offboarding.preview(current_actor(), member=Ref(uid=uid), ending=ending)
        return {"member": seen.member, "touched": seen.touched, "ending": str(ending), **_WORDS}

    return FormPage(ConfirmForm, "organizations/member_out.html", facts)


def _require_name(form: ConfirmForm, uid: UUID) -> Member:
    found = _member(uid)
    if typed(form.name).strip().casefold() != found.name.casefold():
        raise ValidationFailed({"name": [_("This is not the name shown above.")]})
    return found


@bp.get(f"{PAGE}/<uuid:uid>/remove")
@door("user")
def removal(uid: UUID):
    return _way_out(uid, Ending.REMOVAL).show()


@bp.post(f"{PAGE}/<uuid:uid>/remove")
@door("user")
def remove(uid: UUID):
    found = _require_name(_way_out(uid, Ending.REMOVAL).take(), uid)
    offboarding.remove_member(current_actor(), member=Ref(uid=uid))
    flash(_("%(name)s is removed.", name=found.name), "success")
    return away(PAGE)


@bp.get(f"{PAGE}/<uuid:uid>/erase")
@door("user")
def erasure(uid: UUID):
    return _way_out(uid, Ending.ERASURE).show()


@bp.post(f"{PAGE}/<uuid:uid>/erase")
@door("user")
def erase(uid: UUID):
    _require_name(_way_out(uid, Ending.ERASURE).take(), uid)
    gone = erasing.erase_member(current_actor(), member=Ref(uid=uid))
    said = _("The person is erased, and the account with it.")
    flash(said if gone.person_erased else _("The person is erased from this organization."), "success")
    return away(PAGE)


@bp.get("/organizations/<uuid:tenant_uid>/leave")
@door("user")
def leaving(tenant_uid: UUID):
    return _leave_page(tenant_uid).show()


@bp.post("/organizations/<uuid:tenant_uid>/leave")
@door("user")
def leave(tenant_uid: UUID):
    form = _leave_page(tenant_uid).take()
    left = offboarding.leave(current_actor(), tenant=Ref(uid=tenant_uid), name=typed(form.name))
    flash(_("You have left %(name)s.", name=left), "success")
    return away("/organizations")


def _leave_page(tenant_uid: UUID) -> FormPage[ConfirmForm]:
    def facts() -> dict[str, Any]:
        left = offboarding.leaving(current_actor(), tenant=Ref(uid=tenant_uid))
        return {"membership": left.membership, "touched": left.touched, **_WORDS}

    return FormPage(ConfirmForm, "organizations/leave.html", facts)
