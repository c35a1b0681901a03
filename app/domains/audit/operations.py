"""Writing the trail: in the same transaction as the change, so that neither is there without the other."""

from collections.abc import Mapping
from typing import Any

from app.core import figures, following
from app.core.access import Actor, anonymous
from app.core.db import db
from app.core.following import Change
from app.domains.audit.kinds import AuditKind
from app.domains.audit.models import AuditEvent

_REFUSALS = frozenset(
    {
        AuditKind.USER_SIGN_IN_FAILED,
        AuditKind.USER_TWO_FACTOR_FAILED,
        AuditKind.SESSION_STEP_UP_FAILED,
        AuditKind.SERVICE_USER_SIGN_IN_FAILED,
        AuditKind.CLIENT_SIGN_IN_FAILED,
    }
)


def record(
    actor: Actor,
    kind: AuditKind,
    *,
    subject: tuple[str, int | None],
    tenant_id: int | None = None,
    user_id: int | None = None,
    session_id: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write one row of the trail.

    :param subject: what was changed: its type and its id, e.g. ``("user", 7)``
    :param user_id: who acted, where the call itself was not signed in yet (a sign-in, a mailed link), or was
        another's, whose session and organization have no part in it
    :param changes: the fields changed, never a secret's value
    """
    if user_id is not None and actor.user_id not in (None, user_id):
        actor = anonymous(actor.origin)
    event = AuditEvent(
        kind=kind,
        tenant_id=tenant_id if tenant_id is not None else actor.tenant_id,
        actor_kind=actor.kind,
        actor_user_id=actor.user_id if user_id is None else user_id,
        actor_uid=actor.user_uid or actor.service_user_uid,
        impersonator_user_id=actor.impersonator.user_id if actor.impersonator else None,
        session_id=actor.session_id if session_id is None else session_id,
        subject_type=subject[0],
        subject_id=subject[1],
        dialect=actor.origin.dialect,
        ip=actor.origin.ip,
        user_agent=actor.origin.user_agent[:400],
        request_id=actor.origin.request_id,
        ok=kind not in _REFUSALS,
        changes=dict(changes or {}),
    )
    db.session.add(event)
    following.note(Change(kind, event.tenant_id, subject[1] if subject[0] == "user" else None))
    if kind is AuditKind.USER_REGISTERED:
        figures.add(figures.SIGN_UPS)
    return event
