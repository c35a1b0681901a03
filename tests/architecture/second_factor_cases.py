"""The calls of the second factor and of the step-up: what makes each leave its rows in the trail."""

from typing import Any

from tests.architecture.audit_cases import JANE, NEW_PASSWORD, Case, act, leaves
from tests.support.authenticator import other_than
from tests.support.world import PASSWORD, World

WHO = {"email": JANE, "password": PASSWORD}


class Factor:
    """Jane's second factor: what her authenticator app and her sheet of recovery codes say."""

    def __init__(self, world: World) -> None:
        person = world.person(JANE)
        world.organization(person)
        self.session = world.token("services_v1")  # of one factor, as it began before
        secret = world.authenticator(person)
        self.code = world.totp(secret)
        self.wrong = other_than(self.code)
        self.backup = world.recovery_codes(person)[0]


# ---- on the way in

AT_ONCE: dict[str, tuple[str, dict[str, str]]] = {
    "api_v1.auth.login": ("twoFactorCode", {"tenantSlug": "world-corp"}),
    "platform_api.auth.login": ("two_factor_code", {}),
}


def at_once(endpoint_id: str) -> Case:
    def case(world: World) -> None:
        field, more = AT_ONCE[endpoint_id]
        act(world, endpoint_id, json={**WHO, **more, field: Factor(world).backup})

    return case


for way in AT_ONCE:
    leaves(way, "two_factor.backup_code_used")(at_once(way))


@leaves("platform_api.auth.otp_verify", "two_factor.backup_code_used")
def by_mailed_code(world: World) -> None:
    factor = Factor(world)
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    body = {"email": JANE, "code": world.mailed_code(), "two_factor_code": factor.backup}
    act(world, "platform_api.auth.otp_verify", json=body)


def second_step(endpoint_id: str, proof: str, failures_before: int = 0) -> Case:
    """Sign in through a way of two steps; ``proof`` names what is shown at the second."""

    def case(world: World) -> None:
        factor = Factor(world)
        if endpoint_id == "v0.totp.verify":
            body: dict[str, Any] = {"temp_token": world.done("v0.auth.login", json=WHO)["temp_token"]}
        else:
            step = world.done("services_v1.auth.login", json=WHO)["data"]
            method = "recovery_code" if proof == "backup" else "authenticator"
            body = {"login_token": step["login_token"], "method": method}
        for _ in range(failures_before):
            world.call(endpoint_id, json={**body, "code": factor.wrong})
        act(world, endpoint_id, json={**body, "code": getattr(factor, proof)})

    return case


for way in ("services_v1.auth.authenticate", "v0.totp.verify"):
    leaves(way, "two_factor.backup_code_used")(second_step(way, "backup"))
    leaves(way, "user.two_factor_failed")(second_step(way, "wrong"))
    leaves(way, "user.sign_in_failed")(second_step(way, "wrong", failures_before=4))
leaves("v0.totp.verify", "user.signed_in")(second_step("v0.totp.verify", "code"))


# ---- in a session


def proving(endpoint_id: str, method: str, proof: str) -> Case:
    def case(world: World) -> None:
        factor = Factor(world)
        body = {"method": method, "code": getattr(factor, proof)}
        act(world, endpoint_id, token=factor.session, json=body)

    return case


ADD, PROVE = "services_v1.two_factor.validate_auth", "services_v1.two_factor.security_verification"
leaves(ADD, "session.second_factor_added")(proving(ADD, "authenticator", "code"))
leaves(ADD, "user.two_factor_failed")(proving(ADD, "authenticator", "wrong"))
leaves(ADD, "two_factor.backup_code_used")(proving(ADD, "recovery_code", "backup"))
leaves(PROVE, "two_factor.backup_code_used")(proving(PROVE, "recovery_code", "backup"))


# ---- a session proves itself again


@leaves("services_v1.two_factor.email_code", "user.security_code_requested")
def services_security_code(world: World) -> None:
    world.person(JANE)
    act(world, "services_v1.two_factor.email_code", token=world.token("services_v1"))


def stepping_up(password: str) -> Case:
    def case(world: World) -> None:
        world.person(JANE)
        body = {"method": "password", "password": password}
        token = world.token("services_v1")
        act(world, "services_v1.two_factor.security_verification", token=token, json=body)

    return case


leaves("services_v1.two_factor.security_verification", "session.stepped_up")(stepping_up(PASSWORD))
leaves("services_v1.two_factor.security_verification", "session.step_up_failed")(stepping_up(NEW_PASSWORD))


# ---- setting up and switching off

UPDATE = "services_v1.two_factor.authenticator_update"


@leaves(UPDATE, "two_factor.setup_started")
def services_begin(world: World) -> None:
    world.person(JANE)
    act(world, UPDATE, token=world.token("services_v1"), json={"action": "begin"})


@leaves("services_v1.two_factor.verify_code", "two_factor.enabled")
def services_confirm(world: World) -> None:
    world.person(JANE)
    token = world.token("services_v1")
    secret = world.done(UPDATE, token=token, json={"action": "begin"})["data"]["secret"]
    act(world, "services_v1.two_factor.verify_code", token=token, json={"code": world.totp(secret)})


def strong(world: World) -> str:
    """Return a session that has shown its second factor."""
    factor = Factor(world)
    world.done(ADD, token=factor.session, json={"code": factor.code})
    return factor.session


@leaves(UPDATE, "two_factor.disabled")
def services_disable(world: World) -> None:
    act(world, UPDATE, token=strong(world), json={"action": "disable"})


@leaves("services_v1.two_factor.recovery_regenerate", "two_factor.codes_proposed")
def services_propose(world: World) -> None:
    act(world, "services_v1.two_factor.recovery_regenerate", token=strong(world))


@leaves("services_v1.two_factor.recovery_save", "two_factor.codes_replaced")
def services_save(world: World) -> None:
    token = strong(world)
    batch = world.done("services_v1.two_factor.recovery_regenerate", token=token)["data"]["batch_token"]
    act(world, "services_v1.two_factor.recovery_save", token=token, json={"batch_token": batch})


@leaves("v0.totp.setup", "two_factor.setup_started")
def v0_setup(world: World) -> None:
    world.person(JANE)
    act(world, "v0.totp.setup", token=world.token("v0"), json={})


@leaves("v0.totp.enable", "two_factor.enabled", "two_factor.codes_replaced")
def v0_enable(world: World) -> None:
    world.person(JANE)
    token = world.token("v0")
    address = world.done("v0.totp.setup", token=token, json={})["qr_code_uri"]
    secret = address.partition("secret=")[2].partition("&")[0]
    act(world, "v0.totp.enable", token=token, json={"code": world.totp(secret)})


def v0_with_code(endpoint_id: str, proof: str) -> Case:
    def case(world: World) -> None:
        factor = Factor(world)
        act(world, endpoint_id, token=factor.session, json={"code": getattr(factor, proof)})

    return case


leaves("v0.totp.disable", "two_factor.disabled")(v0_with_code("v0.totp.disable", "code"))
leaves("v0.totp.disable", "two_factor.backup_code_used")(v0_with_code("v0.totp.disable", "backup"))
REGENERATE = "v0.totp.regenerate_backup_codes"
leaves(REGENERATE, "two_factor.codes_replaced")(v0_with_code(REGENERATE, "code"))
