"""For each endpoint that changes something, and each kind of row it leaves: what makes it leave that row."""

from collections.abc import Callable

from app.core.access import system
from app.domains.auth import admins
from app.surfaces.shared.transaction import transaction
from tests.support.world import PASSWORD, World

Case = Callable[[World], None]

JANE = "jane@world.example"
NEWCOMER = "new@world.example"
NEW_PASSWORD = "a longer horse battery 8"

CASES: dict[tuple[str, str], Case] = {}
"""By endpoint and kind: what makes the endpoint leave that row."""


def leaves(endpoint_id: str, *kinds: str) -> Callable[[Case], Case]:
    """Register a case: all rows of the trail after ``act`` begins must be of these kinds."""

    def register(case: Case) -> Case:
        for kind in kinds:
            CASES[endpoint_id, kind] = case
        return case

    return register


def act(world: World, endpoint_id: str, **call: object) -> None:
    """Make the call that a case is about; what was there before it does not count."""
    world.before = len(world.trail())
    world.call(endpoint_id, **call)  # type: ignore[arg-type]


# ---- signing up


def sign_up(world: World) -> str:
    body = {
        "email": NEWCOMER,
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
        "first_name": "Nia",
        "last_name": "New",
        "accept_policies": True,
    }
    return str(world.done("services_v1.auth.create_account", json=body)["data"]["verification_token"])


@leaves("services_v1.auth.create_account", "user.registered")
def services_sign_up(world: World) -> None:
    world.before = len(world.trail())
    sign_up(world)


@leaves("services_v1.auth.verify_email_otp", "user.email_verified")
def services_code(world: World) -> None:
    token = sign_up(world)
    body = {"email": NEWCOMER, "otp": world.mailed_code(), "verification_token": token}
    act(world, "services_v1.auth.verify_email_otp", json=body)


@leaves("platform_api.auth.register", "user.registered")
def platform_register(world: World) -> None:
    body = {"email": NEWCOMER, "password": PASSWORD, "first_name": "Nia", "last_name": "New"}
    act(world, "platform_api.auth.register", json=body)


@leaves("v0.users.register", "user.registered")
def v0_register(world: World) -> None:
    body = {"email": NEWCOMER, "password": PASSWORD, "handle": "nia_new", "display_name": "Nia"}
    act(world, "v0.users.register", json=body)


@leaves("v0.auth.verify_email", "user.email_verified", "user.joined")
def v0_verify(world: World) -> None:
    body = {"email": NEWCOMER, "password": PASSWORD, "handle": "nia_new", "display_name": "Nia"}
    world.done("v0.users.register", json=body)
    act(world, "v0.auth.verify_email", json={"token": world.mailed_token()})


@leaves("services_v1.auth.confirm_email", "user.email_verified")
def services_confirm(world: World) -> None:
    world.person(JANE, verified=False)
    world.done("services_v1.auth.send_verification_email", json={"email": JANE})
    act(world, "services_v1.auth.confirm_email", json={"token": world.mailed_token()})


FOUNDER = {"adminFirstName": "Nia", "adminLastName": "New"}


@leaves("api_v1.tenants.register", "tenant.created", "user.registered", "subscription.trial_started")
def api_found(world: World) -> None:
    body = {"companyName": "New Corp", "slug": "new-corp", "adminEmail": NEWCOMER, "adminPassword": PASSWORD}
    act(world, "api_v1.tenants.register", json={**body, **FOUNDER})


@leaves("api_v1.tenants.register", "user.sign_in_failed")
def api_found_with_another_persons_address(world: World) -> None:
    world.person(JANE)
    body = {"companyName": "New Corp", "slug": "new-corp", "adminEmail": JANE, "adminPassword": NEW_PASSWORD}
    act(world, "api_v1.tenants.register", json={**body, **FOUNDER})


@leaves("api_v1.auth.verify_email", "user.email_verified")
def api_verify(world: World) -> None:
    body = {"companyName": "New Corp", "slug": "new-corp", "adminEmail": NEWCOMER, "adminPassword": PASSWORD}
    world.done("api_v1.tenants.register", json={**body, **FOUNDER})
    act(world, "api_v1.auth.verify_email", path={"token": world.mailed_token()})


# ---- signing in


def at_work(world: World) -> None:
    """Let Jane own an organization."""
    world.organization(world.person(JANE))


SIGN_INS: dict[str, dict[str, object]] = {
    "api_v1.auth.login": {"tenantSlug": "world-corp"},
    "platform_api.auth.login": {},
    "v0.auth.login": {},
}


def signing_in(endpoint_id: str, password: str) -> Case:
    def case(world: World) -> None:
        at_work(world)
        body = {"email": JANE, "password": password, **SIGN_INS.get(endpoint_id, {})}
        act(world, endpoint_id, json=body)

    return case


for login in SIGN_INS:
    leaves(login, "user.signed_in")(signing_in(login, PASSWORD))
    leaves(login, "user.sign_in_failed")(signing_in(login, NEW_PASSWORD))
leaves("services_v1.auth.login", "user.sign_in_failed")(signing_in("services_v1.auth.login", NEW_PASSWORD))


@leaves("services_v1.auth.authenticate", "user.signed_in")
def services_sign_in(world: World) -> None:
    world.person(JANE)
    step = world.done("services_v1.auth.login", json={"email": JANE, "password": PASSWORD})["data"]
    act(world, "services_v1.auth.authenticate", json={"login_token": step["login_token"]})


@leaves("platform_api.auth.otp_request", "user.sign_in_code_requested")
def platform_code(world: World) -> None:
    world.person(JANE)
    act(world, "platform_api.auth.otp_request", json={"email": JANE})


@leaves("platform_api.auth.otp_verify", "user.signed_in", "user.email_verified")
def platform_sign_in_by_code(world: World) -> None:
    world.person(JANE, verified=False)
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    act(world, "platform_api.auth.otp_verify", json={"email": JANE, "code": world.mailed_code()})


@leaves("platform_api.auth.otp_verify", "user.sign_in_failed")
def platform_wrong_code(world: World) -> None:
    world.person(JANE)
    world.done("platform_api.auth.otp_request", json={"email": JANE})
    wrong = "111111" if world.mailed_code() != "111111" else "222222"
    act(world, "platform_api.auth.otp_verify", json={"email": JANE, "code": wrong})


@leaves("api_v1.auth.refresh", "session.reuse_detected")
def api_reuse(world: World) -> None:
    at_work(world)
    who = {"email": JANE, "password": PASSWORD, "tenantSlug": "world-corp"}
    first = spent = world.done("api_v1.auth.login", json=who)["data"]["refreshToken"]
    for _ in range(2):
        spent = world.done("api_v1.auth.refresh", json={"refreshToken": spent})["data"]["refreshToken"]
    act(world, "api_v1.auth.refresh", json={"refreshToken": first})


@leaves("platform_api.auth.refresh", "session.reuse_detected")
def platform_reuse(world: World) -> None:
    world.person(JANE)
    who = {"email": JANE, "password": PASSWORD}
    first = spent = world.done("platform_api.auth.login", json=who)["refresh_token"]
    for _ in range(2):
        spent = world.done("platform_api.auth.refresh", json={"refresh_token": spent})["refresh_token"]
    act(world, "platform_api.auth.refresh", json={"refresh_token": first})


@leaves("platform_api.auth.select_tenant", "session.tenant_selected")
def platform_select(world: World) -> None:
    at_work(world)
    token = world.token("platform_api")
    (tenant,) = world.done("platform_api.tenants.list", token=token)
    act(world, "platform_api.auth.select_tenant", token=token, json={"tenant_id": tenant["id"]})


@leaves("platform_api.auth.switch_environment", "session.environment_switched")
def platform_switch(world: World) -> None:
    at_work(world)
    body = {"environment": "staging"}
    act(world, "platform_api.auth.switch_environment", token=world.scoped_token(), json=body)


@leaves("platform_api.admin.set_tenant_status", "tenant.status_changed")
def platform_suspend(world: World) -> None:
    world.organization(world.person())
    (tenant,) = world.done("platform_api.tenants.list", token=world.token("platform_api"))
    with world.app.app_context(), transaction():
        admins.appoint(system("test"), email="root@world.example", password=PASSWORD)
    token = world.token("platform_api", "root@world.example")
    path, body = {"tenant_id": tenant["id"]}, {"status": "suspended", "reason": "Payment overdue"}
    act(world, "platform_api.admin.set_tenant_status", token=token, path=path, json=body)


@leaves("platform_api.tenants.create", "tenant.created", "subscription.trial_started")
def platform_found(world: World) -> None:
    world.person(JANE)
    token = world.token("platform_api")
    act(world, "platform_api.tenants.create", token=token, json={"name": "New Corp", "slug": "new-corp"})


# ---- signing out


def signing_out(endpoint_id: str) -> Case:
    def case(world: World) -> None:
        at_work(world)
        act(world, endpoint_id, token=world.token(endpoint_id.partition(".")[0]))

    return case


for logout in (
    "services_v1.auth.logout",
    "api_v1.auth.logout",
    "platform_api.auth.logout",
    "v0.auth.logout",
):
    leaves(logout, "user.signed_out")(signing_out(logout))
for everywhere in ("services_v1.active_sessions.revoke_all", "api_v1.auth.logout_all"):
    leaves(everywhere, "user.signed_out_everywhere")(signing_out(everywhere))


@leaves("services_v1.active_sessions.revoke", "session.revoked")
def services_revoke(world: World) -> None:
    world.person(JANE)
    world.token("platform_api")
    token = world.token("services_v1")
    sessions = world.done("services_v1.active_sessions.list", token=token)["data"]
    other = next(session for session in sessions if not session["current"])
    act(world, "services_v1.active_sessions.revoke", token=token, json={"session_id": other["id"]})


# ---- passwords and policies


def forgetting(endpoint_id: str) -> Case:
    def case(world: World) -> None:
        at_work(world)
        body = {"email": JANE} | ({"tenantSlug": "world-corp"} if endpoint_id.startswith("api_v1") else {})
        act(world, endpoint_id, json=body)

    return case


def resetting(forgot: str, reset: str, field: str) -> Case:
    def case(world: World) -> None:
        person = world.person(JANE, verified=forgot.startswith("api_v1"))
        if forgot.startswith("api_v1"):
            world.organization(person)
            world.unprove(person)
        forgetting_body = {"email": JANE} | (
            {"tenantSlug": "world-corp"} if forgot.startswith("api_v1") else {}
        )
        world.done(forgot, json=forgetting_body)
        confirmed = {"password_confirmation": NEW_PASSWORD} if reset.startswith("services_v1") else {}
        act(world, reset, json={"token": world.mailed_token(), field: NEW_PASSWORD, **confirmed})

    return case


def changing(endpoint_id: str, current: str, new: str) -> Case:
    def case(world: World) -> None:
        at_work(world)
        token = world.token(endpoint_id.partition(".")[0])
        confirmed = {"password_confirmation": NEW_PASSWORD} if endpoint_id.startswith("services_v1") else {}
        act(world, endpoint_id, token=token, json={current: PASSWORD, new: NEW_PASSWORD, **confirmed})

    return case


for forgot, reset, named in (
    ("services_v1.auth.forgot_password", "services_v1.auth.reset_password", "password"),
    ("api_v1.auth.password_forgot", "api_v1.auth.password_reset", "password"),
    ("platform_api.auth.forgot_password", "platform_api.auth.reset_password", "new_password"),
    ("v0.auth.forgot_password", "v0.auth.reset_password", "new_password"),
):
    leaves(forgot, "user.password_reset_requested")(forgetting(forgot))
    leaves(reset, "user.password_reset", "user.email_verified")(resetting(forgot, reset, named))
for change, current, new in (
    ("services_v1.user.update_password", "current_password", "password"),
    ("api_v1.auth.password_change", "currentPassword", "newPassword"),
    ("platform_api.auth.change_password", "current_password", "new_password"),
    ("v0.auth.change_password", "current_password", "new_password"),
):
    leaves(change, "user.password_changed")(changing(change, current, new))


@leaves("services_v1.user.policy_acceptance", "user.policy_accepted")
def services_accept(world: World) -> None:
    world.person(JANE, agreed=False)
    token = world.token("services_v1")
    policy = world.call("services_v1.auth.get_policy").get_json()["data"]
    body = {"type": policy["type"], "version": policy["version"]}
    act(world, "services_v1.user.policy_acceptance", token=token, json=body)


# ---- what people say of themselves


@leaves("api_v1.auth.me_preferences_update", "user.preferences_updated")
def api_preferences(world: World) -> None:
    at_work(world)
    body = {"ui": {"theme": "dark"}}
    act(world, "api_v1.auth.me_preferences_update", token=world.token("api_v1"), json=body)


def v0_changing(**body: object) -> Case:
    def case(world: World) -> None:
        world.person(JANE)
        token = world.token("v0")
        world.done("v0.users.update_me", token=token, json={"handle": "jane_doe"})
        act(world, "v0.users.update_me", token=token, json=body)

    return case


leaves("v0.users.update_me", "user.profile_updated")(v0_changing(bio="Builds bridges."))
leaves("v0.users.update_me", "user.preferences_updated")(v0_changing(locale="de"))
leaves("v0.users.update_me", "user.handle_changed")(v0_changing(handle="jane_dove"))


@leaves("v0.users.update_me", "user.joined")
def v0_first_handle(world: World) -> None:
    world.person(JANE)
    act(world, "v0.users.update_me", token=world.token("v0"), json={"handle": "jane_doe"})


# ---- another address

NEW_EMAIL = "jane.roe@world.example"


def asking_for_an_address(endpoint_id: str, field: str) -> Case:
    def case(world: World) -> None:
        world.person(JANE)
        act(world, endpoint_id, token=world.token(endpoint_id.partition(".")[0]), json={field: NEW_EMAIL})

    return case


def taking_an_address(endpoint_id: str) -> Case:
    def case(world: World) -> None:
        world.person(JANE)
        token = world.token("services_v1")
        world.done("services_v1.user.update_email_sendtoken", token=token, json={"email": NEW_EMAIL})
        body = {"token": world.mailed(r"/email/confirm\?token=([\w-]+)")}
        act(world, endpoint_id, token=token if endpoint_id.startswith("services") else None, json=body)

    return case


for endpoint_id, field in (
    ("services_v1.user.update_email_sendtoken", "email"),
    ("v0.auth.change_email", "new_email"),
):
    leaves(endpoint_id, "user.email_change_requested")(asking_for_an_address(endpoint_id, field))
for endpoint_id in ("services_v1.user.update_email_via_token", "v0.auth.confirm_email_change"):
    leaves(endpoint_id, "user.email_changed", "user.email_verified")(taking_an_address(endpoint_id))
