"""Asking a device for a signature, and judging what it answers (WebAuthn level 3)."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.late import Late
from app.core.secrets import same, token_hash
from app.core.settings import current_settings
from app.domains.accounts.models import User
from app.domains.settings import queries as settings
from app.domains.twofactor.errors import PasskeyRefused
from app.domains.twofactor.passkey_models import CeremonyPurpose, Passkey, PasskeyCeremony

if TYPE_CHECKING:
    import webauthn
    from webauthn import helpers
    from webauthn.helpers import structs
    from webauthn.registration.verify_registration_response import VerifiedRegistration
else:
    webauthn, helpers, structs = Late("webauthn"), Late("webauthn.helpers"), Late("webauthn.helpers.structs")

LIFE = timedelta(minutes=5)
_CHALLENGE_BYTES = 32
_HANDLE_BYTES = 32
_LONGEST_ANSWER = 20_000


@dataclass(frozen=True)
class Registered:
    """What a new passkey is known by."""

    verified: "VerifiedRegistration"
    user_handle: bytes
    transports: Sequence[str]


@dataclass(frozen=True)
class Answered:
    """A passkey that has signed as it should, and what it says of its use."""

    passkey: Passkey
    is_copy: bool
    """Whether it counts backwards: somebody has a copy of it."""


# ---- Asking


def ask_for_new(user: User, *, bound_to: str, known: Sequence[Passkey]) -> str:
    """Begin the making of a passkey; returns the options for the browser, as JSON."""
    handle = known[0].user_handle if known else secrets.token_bytes(_HANDLE_BYTES)
    challenge = _begin(CeremonyPurpose.REGISTRATION, bound_to, user_id=user.id, user_handle=handle)
    options = webauthn.generate_registration_options(
        rp_id=_party(),
        rp_name=settings.instance_name(),
        user_name=user.email,
        user_id=handle,
        user_display_name=user.name,
        challenge=challenge,
        timeout=_milliseconds(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
    )
    return webauthn.options_to_json(options)


def ask(
    purpose: CeremonyPurpose, *, bound_to: str, user_id: int | None = None, known: Sequence[Passkey] = ()
) -> str:
    """Begin the use of a passkey: of any, or of one of those known; returns the options, as JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=_party(),
        challenge=_begin(purpose, bound_to, user_id=user_id),
        timeout=_milliseconds(),
        allow_credentials=_described(known),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def _begin(
    purpose: CeremonyPurpose, bound_to: str, *, user_id: int | None, user_handle: bytes | None = None
) -> bytes:
    challenge, now = secrets.token_bytes(_CHALLENGE_BYTES), clock.now()
    db.session.add(
        PasskeyCeremony(
            purpose=purpose,
            challenge_hash=_hash(challenge),
            bound_hash=token_hash(bound_to),
            user_id=user_id,
            user_handle=user_handle,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return challenge


def _described(passkeys: Sequence[Passkey]) -> "list[structs.PublicKeyCredentialDescriptor]":
    known = {transport.value: transport for transport in structs.AuthenticatorTransport}
    return [
        structs.PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[known[name] for name in passkey.transports if name in known],
        )
        for passkey in passkeys
    ]


# ---- Judging


def registered(credential: str, *, bound_to: str, user_id: int) -> Registered:
    """Judge a new passkey and use its challenge up.

    :raises PasskeyRefused: whatever does not fit: challenge, place, origin, signature
    """
    with _refusing():
        parsed = helpers.parse_registration_credential_json(_bounded(credential))
        challenge = helpers.parse_client_data_json(parsed.response.client_data_json).challenge
    ceremony = _finish(CeremonyPurpose.REGISTRATION, challenge, bound_to)
    if ceremony.user_id != user_id or ceremony.user_handle is None:
        raise PasskeyRefused
    with _refusing():
        verified = webauthn.verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=_party(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    transports = [transport.value for transport in parsed.response.transports or ()]
    return Registered(verified, ceremony.user_handle, transports)


def answered(purpose: CeremonyPurpose, credential: str, *, bound_to: str) -> Answered:
    """Judge a passkey's signature and use its challenge up; the row is held until the transaction ends.

    :raises PasskeyRefused: whatever does not fit: challenge, place, person, origin, signature; unknown
    """
    with _refusing():
        parsed = helpers.parse_authentication_credential_json(_bounded(credential))
        challenge = helpers.parse_client_data_json(parsed.response.client_data_json).challenge
    ceremony = _finish(purpose, challenge, bound_to)
    passkey = db.session.scalar(
        sa.select(Passkey).where(Passkey.credential_id == parsed.raw_id).with_for_update()
    )
    if passkey is None or ceremony.user_id not in (None, passkey.user_id):
        raise PasskeyRefused
    handle = parsed.response.user_handle
    if not same(handle or b"", passkey.user_handle) and (handle or ceremony.user_id is None):
        raise PasskeyRefused
    with _refusing():
        verified = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=_party(),
            expected_origin=_origin(),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # judged below: a copy is told of, not just refused
            require_user_verification=True,
        )
    count = verified.new_sign_count
    if (count or passkey.sign_count) and count <= passkey.sign_count:
        return Answered(passkey, is_copy=True)
    passkey.sign_count, passkey.last_used_at = count, clock.now()
    passkey.backed_up = verified.credential_backed_up
    return Answered(passkey, is_copy=False)


def _finish(purpose: CeremonyPurpose, challenge: bytes, bound_to: str) -> PasskeyCeremony:
    """Use a challenge up, whatever becomes of its answer; of two answers at once one gets it."""
    found = db.session.scalars(
        sa.update(PasskeyCeremony)
        .where(
            PasskeyCeremony.challenge_hash == _hash(challenge),
            PasskeyCeremony.purpose == purpose,
            PasskeyCeremony.bound_hash == token_hash(bound_to),
            PasskeyCeremony.ended_at.is_(None),
            PasskeyCeremony.expires_at > clock.now(),
        )
        .values(ended_at=clock.now())
        .returning(PasskeyCeremony)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise PasskeyRefused
    return found


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn whatever a foreign answer breaks into one refusal: the library raises many kinds."""
    try:
        yield
    except Exception as error:
        raise PasskeyRefused from error


def _bounded(credential: str) -> str:
    if len(credential) > _LONGEST_ANSWER:
        raise ValueError("too long")
    return credential


def _hash(challenge: bytes) -> bytes:
    return token_hash(challenge.hex())


def _party() -> str:
    return urlsplit(current_settings().public_url).hostname or ""


def _origin() -> str:
    parts = urlsplit(current_settings().public_url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port not in (None, usual) else ""
    return f"{parts.scheme}://{_party()}{port}"


def _milliseconds() -> int:
    return int(LIFE.total_seconds() * 1000)
