"""For invitations: what makes a call leave its row."""

from tests.architecture.audit_cases import JANE, act, leaves
from tests.support.invited import SAM, found, invite, mailed
from tests.support.world import PASSWORD, World

BODY = {"email": SAM, "role": "member"}
USER = {"email": SAM, "firstName": "Sam", "lastName": "Roe"}
NEW = {
    "first_name": "Sam",
    "last_name": "Roe",
    "password": PASSWORD,
    "password_confirmation": PASSWORD,
    "accept_policies": True,
}


def invited(world: World) -> str:
    """Invite Sam; returns the token of the mail."""
    invite(world, found(world, JANE))
    return mailed(world)


@leaves("platform_api.invites.create", "invitation.created")
def create(world: World) -> None:
    act(world, "platform_api.invites.create", token=found(world, JANE), json=BODY)


@leaves("platform_api.invites.resend", "invitation.resent")
def resend(world: World) -> None:
    token = found(world, JANE)
    act(world, "platform_api.invites.resend", token=token, path={"invite_id": invite(world, token)})


@leaves("platform_api.invites.revoke", "invitation.revoked")
def revoke(world: World) -> None:
    token = found(world, JANE)
    act(world, "platform_api.invites.revoke", token=token, path={"invite_id": invite(world, token)})


@leaves("platform_api.invites.accept", "invitation.accepted", "member.joined", "user.email_verified")
def accept(world: World) -> None:
    world.person(SAM, verified=False)
    link = invited(world)
    token = world.token("platform_api", SAM)
    act(world, "platform_api.invites.accept", token=token, json={"token": link})


@leaves("api_v1.users.create", "invitation.created")
def api_create(world: World) -> None:
    found(world, JANE)
    act(world, "api_v1.users.create", token=world.token("api_v1", JANE), json=USER)


@leaves("api_v1.users.resend_invitation", "invitation.resent")
def api_resend(world: World) -> None:
    found(world, JANE)
    token = world.token("api_v1", JANE)
    user = world.done("api_v1.users.create", token=token, json=USER)["data"]
    act(world, "api_v1.users.resend_invitation", token=token, path={"id": str(user["id"])})


@leaves(
    "api_v1.users.accept_invitation",
    "invitation.accepted",
    "member.joined",
    "user.registered",
    "user.email_verified",
)
def api_accept(world: World) -> None:
    link = invited(world)
    act(world, "api_v1.users.accept_invitation", json={"token": link, "password": PASSWORD})


@leaves("api_v1.users.accept_invitation", "user.sign_in_failed")
def api_wrong_password(world: World) -> None:
    world.person(SAM)
    link = invited(world)
    act(world, "api_v1.users.accept_invitation", json={"token": link, "password": "not the password"})


@leaves(
    "services_v1.projects.join_invitation",
    "invitation.accepted",
    "member.joined",
    "user.registered",
    "user.email_verified",
)
def join(world: World) -> None:
    act(world, "services_v1.projects.join_invitation", json={"token": invited(world), **NEW})
