"""What a passkey is good for: signing in alone, being the second step, and proving again who it is."""

from app.core import clock
from app.core.access import Access, Actor, operation
from app.core.buckets import PROOF_FAILURES, SIGN_IN_FAILURES
from app.core.limits import give_back
from app.core.links import public_url
from app.domains.accounts.emails import EmailUnverified
from app.domains.accounts.models import User
from app.domains.accounts.queries import held
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.auth import login_tokens, second_step, step_up
from app.domains.auth.credentials import AccountDisabled, TwoFactorRequired, require_verified_where_asked
from app.domains.auth.step_up import SteppedUp
from app.domains.email import mails
from app.domains.sessions.operations import Opened, Plan, open_session, step_up_window
from app.domains.settings import budgets
from app.domains.twofactor import passkey_ceremonies as ceremonies
from app.domains.twofactor import passkeys, recoveries
from app.domains.twofactor.errors import PasskeyRefused
from app.domains.twofactor.passkey_models import CeremonyPurpose, Passkey

METHOD = "passkey"


# ---- Alone


@operation(Access.PUBLIC)
def begin_sign_in(actor: Actor, *, browser: str) -> str:
    """Ask a browser for any passkey that it has of us; returns the options, as JSON.

    :param browser: what only this browser knows: the answer counts from nowhere else
    """
    return ceremonies.ask(CeremonyPurpose.SIGN_IN, bound_to=_browser(browser))


@operation(Access.PUBLIC)
def sign_in(actor: Actor, *, credential: str, browser: str, plan: Plan) -> Opened:
    """Turn a passkey's signature into a session; the device has verified the person: two factors.

    :raises PasskeyRefused: whatever does not fit; a failure of the network like a wrong password
    :raises AccountDisabled, EmailUnverified, RateLimited: as for a sign-in by password
    """
    spent = budgets.spend(SIGN_IN_FAILURES, ip=actor.origin.ip)
    try:
        found = ceremonies.answered(CeremonyPurpose.SIGN_IN, credential, bound_to=_browser(browser))
    except PasskeyRefused:
        record(actor, AuditKind.USER_SIGN_IN_FAILED, subject=("user", None), changes={"method": METHOD})
        raise
    user = held(found.passkey.user_id)
    if found.is_copy:
        _tell_of_copy(user, found.passkey)
        second_step.note(actor, AuditKind.USER_SIGN_IN_FAILED, user, method="passkey_copy")
        raise PasskeyRefused
    give_back(spent)
    if user.disabled_at is not None:
        raise AccountDisabled(layer="platform", remedy="Write to the address for questions.")
    try:
        require_verified_where_asked(user)
    except EmailUnverified as refusal:
        refusal.commits = True  # the passkey was right: no failure, and its answer is used up
        raise
    recoveries.cancel(actor, user)
    return open_session(actor, user=user, method=METHOD, factors=2, plan=plan)


# ---- After the first step


@operation(Access.PUBLIC)
def serves_second_step(actor: Actor, *, login_token: str) -> bool:
    """Say whether whoever has this login token has a passkey as well.

    :raises LoginTokenInvalid: unknown, late or spent
    """
    return bool(passkeys.of(login_tokens.owner_of(login_token)))


@operation(Access.PUBLIC)
def begin_second_step(actor: Actor, *, login_token: str) -> str:
    """Ask for one of the passkeys of a login token's person; returns the options, as JSON.

    :raises LoginTokenInvalid: unknown, late or spent
    :raises TwoFactorRequired: if the person has no passkey
    """
    user_id = login_tokens.owner_of(login_token)
    known = passkeys.of(user_id)
    if not known:
        raise TwoFactorRequired
    return ceremonies.ask(
        CeremonyPurpose.SECOND_STEP, bound_to=_step(login_token), user_id=user_id, known=known
    )


@operation(Access.PUBLIC)
def finish_second_step(actor: Actor, *, login_token: str, credential: str, plan: Plan) -> Opened:
    """Turn a login token into a session by a passkey of its person.

    :raises PasskeyRefused: whatever does not fit; the token stays good until its fifth failure
    :raises LoginTokenInvalid, AccountDisabled, RateLimited: as in ``second_step.authenticate``
    """

    def proof(user: User) -> None:
        try:
            _use(actor, CeremonyPurpose.SECOND_STEP, user, credential, bound_to=_step(login_token))
        except PasskeyRefused:
            second_step.note(actor, AuditKind.USER_TWO_FACTOR_FAILED, user, method=METHOD)
            raise

    return second_step.complete(actor, login_token=login_token, proof=proof, plan=plan)


# ---- Inside a session


@operation(Access.INTERACTIVE)
def begin_proof(actor: Actor) -> str:
    """Ask for one of the actor's passkeys; returns the options, as JSON.

    :raises ProofNotAllowed: without any
    """
    known = passkeys.of(actor.user_id or 0)
    if not known:
        raise step_up.ProofNotAllowed
    return ceremonies.ask(
        CeremonyPurpose.STEP_UP, bound_to=passkeys.bound_to(actor), user_id=actor.user_id, known=known
    )


@operation(Access.INTERACTIVE)
def prove(actor: Actor, *, credential: str) -> SteppedUp:
    """Open sensitive calls to this session by a passkey, which also raises it to two factors.

    :raises PasskeyRefused: counted, and kept in the trail
    :raises RateLimited: after five wrong proofs in a quarter of an hour
    """
    spent = budgets.spend(PROOF_FAILURES, user=actor.user_id)
    user = held(actor.user_id or 0)
    try:
        _use(actor, CeremonyPurpose.STEP_UP, user, credential, bound_to=passkeys.bound_to(actor))
    except PasskeyRefused:
        record(
            actor,
            AuditKind.SESSION_STEP_UP_FAILED,
            subject=("session", actor.session_id),
            changes={"method": METHOD},
        )
        raise
    give_back(spent, clear=["user"])
    session = step_up.open_to_sensitive_calls(actor, second_factor=True)
    record(actor, AuditKind.SESSION_STEPPED_UP, subject=("session", session.id), changes={"method": METHOD})
    return SteppedUp(METHOD, session.proven_at + step_up_window(), (METHOD,), session)


def _use(actor: Actor, purpose: CeremonyPurpose, user: User, credential: str, *, bound_to: str) -> None:
    found = ceremonies.answered(purpose, credential, bound_to=bound_to)
    if found.passkey.user_id != user.id:
        raise PasskeyRefused
    if found.is_copy:
        _tell_of_copy(user, found.passkey)
        raise PasskeyRefused
    recoveries.cancel(actor, user)  # whoever has a passkey has not lost all


def _tell_of_copy(user: User, passkey: Passkey) -> None:
    mails.passkey_copy(
        user.email,
        first_name=user.greeting,
        passkey_name=passkey.name,
        at=clock.now(),
        link=public_url("/account/security"),
    )


def _browser(known: str) -> str:
    return f"browser:{known}"


def _step(login_token: str) -> str:
    return f"login:{login_token}"
