"""A mailed link that leads nowhere any more says why, in words of its own, and leads on."""

import re
from datetime import datetime, timedelta

import pytest

from app.core import clock
from app.core.db import db
from app.core.secrets import token_hash
from app.domains.accounts.models import User
from app.domains.auth.models import LinkPurpose, MailedLink
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor
from tests.support.invited import SAM, found, invite, mailed
from tests.support.world import World

PAGES = {
    "/reset-password": LinkPurpose.PASSWORD_RESET,
    "/verify-email": LinkPurpose.VERIFY_EMAIL,
    "/email/confirm": LinkPurpose.EMAIL_CHANGE,
    "/email/stop": LinkPurpose.EMAIL_STOP,
    "/email/undo": LinkPurpose.EMAIL_UNDO,
    "/passkeys/undo": LinkPurpose.PASSKEY_UNDO,
    "/recover-second-factor/confirm": LinkPurpose.RECOVERY_CONFIRM,
    "/recover-second-factor/cancel": LinkPurpose.RECOVERY_CANCEL,
    "/recover-second-factor/finish": LinkPurpose.RECOVERY_FINISH,
    "/keep-account": LinkPurpose.KEEP_ACCOUNT,
}
PAST = -timedelta(minutes=1)


def put(world: World, person: int, purpose: LinkPurpose, **how: datetime) -> str:
    """Give a link out that stands so; returns its token."""
    token = f"{purpose}-{'-'.join(how)}"
    with world.app.app_context(), transaction():
        key, soon = db.session.get_one(User, person).email_key, clock.now() + timedelta(hours=1)
        times = {"created_at": clock.now(), "expires_at": soon, **how}
        row = MailedLink(
            purpose=purpose, token_hash=token_hash(token), user_id=person, email_key=key, **times
        )
        db.session.add(row)
    return token


def told(visitor: Visitor, address: str, status: int) -> tuple[str, str]:
    """Return the title and the text of a dead link's page, on which one button leads on."""
    answer = visitor.get(address)
    assert answer.status_code == status, address
    card = answer.text.split('id="dead-link"')[1].split("</main>")[0]
    (way,) = re.findall(r'<a class="btn btn-block" href="([^"]+)"', card)
    assert visitor.get(way).status_code in (200, 303), way
    title, text = re.findall(r"<h1>(.*?)</h1>\s*<p>(.*?)</p>", card)[0]
    return title, text


@pytest.mark.parametrize("path", PAGES)
def test_each_way_a_link_can_be_over_has_its_own_words(visitor: Visitor, world: World, path: str) -> None:
    person, now, purpose = world.person(), clock.now(), PAGES[path]
    tokens = {
        put(world, person, purpose, used_at=now, ended_at=now): 410,
        put(world, person, purpose, ended_at=now): 410,
        put(world, person, purpose, expires_at=now + PAST): 410,
        "nobody-was-given-this": 404,
        "x" * 3000: 404,
    }
    said = [told(visitor, f"{path}?token={token}", status) for token, status in tokens.items()]
    assert len(set(said)) == 4
    assert said[-1] == said[-2]


def test_each_way_an_invitation_can_be_over_has_its_own_words(
    visitor: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = found(world)
    uid = invite(world, token)
    link = f"/accept-invitation?token={mailed(world)}"
    said = [told(visitor, "/accept-invitation?token=made-up", 404)]
    world.done("platform_api.invites.revoke", token=token, path={"invite_id": uid})
    said.append(told(visitor, link, 410))
    invite(world, token)
    link = f"/accept-invitation?token={mailed(world)}"
    then = clock.now() + timedelta(days=400)
    with monkeypatch.context() as later:
        later.setattr(clock, "now", lambda: then)
        said.append(told(visitor, link, 410))
    assert "Join World" in visitor.get(link).text
    assert len(set(said)) == 3
    assert SAM not in str(said)
