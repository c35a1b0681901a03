"""Erasing a person: all that is personal goes in one transaction, numbers stay in the trail."""

from dataclasses import replace

import sqlalchemy as sa

from app.core.access import Actor
from app.core.db import db
from app.core.personal import FAREWELLS, Leaver, not_exported, on_erasure
from app.domains.accounts.models import User
from app.domains.accounts.person_data import leaver_of
from app.domains.audit import person_data as _audit  # noqa: F401 - each registers its part by itself
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth.models import MailedCode, SignUp
from app.domains.billing import person_data as _billing  # noqa: F401
from app.domains.email import person_data as _email  # noqa: F401
from app.domains.sessions import person_data as _sessions  # noqa: F401
from app.domains.tenants import person_data as _tenants  # noqa: F401
from app.domains.tenants.models import Membership

not_exported("login_tokens", "ten minutes between a password and a second factor; only a hash is kept")
not_exported("mailed_codes", "only hashes of codes on their way; that they were mailed is in the mails")
not_exported("mailed_links", "only hashes of links on their way; that they were mailed is in the mails")
not_exported("sign_ups", "an hour between a sign-up and its code; its name and password become the account's")


def erase(actor: Actor, user: User, *, reason: str, ended: Membership | None = None) -> None:
    """Erase a person whom the caller holds locked (``accounts.queries.held``), in the running transaction.

    :param reason: why, as the trail says it
    :param ended: the person's last membership, where its organization erases them: then it writes the trail
    """
    memberships = db.session.execute(
        sa.select(Membership.id, Membership.tenant_id, Membership.first_name, Membership.last_name).where(
            Membership.user_id == user.id
        )
    ).all()
    leaver = leaver_of(
        user,
        tenant_ids=[row.tenant_id for row in memberships],
        membership_ids=[row.id for row in memberships],
    )
    called = [name for row in memberships for name in (row.first_name, row.last_name) if name]
    leaver = replace(leaver, names=(*leaver.names, *called))
    if ended is not None:
        db.session.execute(sa.delete(Membership).where(Membership.id == ended.id))
    db.session.flush()  # what was recorded so far is part of what is erased
    for farewell in FAREWELLS:
        farewell(leaver)
    db.session.flush()  # before what hangs on the person goes with them
    gone = sa.delete(User).where(User.id == leaver.user_id)
    db.session.execute(gone.execution_options(synchronize_session=False))
    if ended is not None:
        return
    record(actor, AuditKind.USER_DELETED, subject=("user", leaver.user_id), changes={"reason": reason})


@on_erasure
def drop_what_waits_for_the_address(leaver: Leaver) -> None:
    """Delete sign-ups and codes that were on their way to the address."""
    for model in (MailedCode, SignUp):
        gone = sa.delete(model).where(model.email_key == leaver.email_key)
        db.session.execute(gone.execution_options(synchronize_session=False))
