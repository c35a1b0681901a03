"""Demanding the second factor in the portal: the page of those who decide, and what members are shown."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import clock, mail
from app.core.db import db
from app.domains.settings.models import SettingValue
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor

DAY = 24 * 3600
PAGE = "/organization/security"


def day(ahead: int) -> str:
    return (clock.now() + timedelta(days=ahead)).date().isoformat()


def test_the_page_proposes_a_day_two_weeks_ahead_and_counts_whom_it_concerns(owner: Visitor) -> None:
    page = owner.get(PAGE)
    assert page.status_code == 200
    assert f'value="{day(14)}"' in page.text
    assert "No second factor" in page.text
    assert "lock you out" in page.text


def test_a_demand_from_a_day_on_is_announced_above_every_page_and_by_mail(
    owner: Visitor, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[mail.OutgoingMail] = []
    monkeypatch.setattr(mail, "send", lambda message, **_: sent.append(message))
    made = owner.send(PAGE, {"demand": "day", "day": day(14)}, on=PAGE)
    assert (made.status_code, made.location) == (303, PAGE)
    for path in ("/dashboard", "/account", PAGE):
        assert "Acme Corp asks for a second factor from" in owner.get(path).text
    with app.app_context():
        keeping.drain()
    assert [m.subject for m in sent if "second factor" in m.subject] == ["Acme Corp asks for a second factor"]


def test_nobody_can_lock_themselves_out(owner: Visitor) -> None:
    refused = owner.send(PAGE, {"demand": "now"}, on=PAGE)
    assert refused.status_code == 400
    assert "This would lock you out" in refused.text
    assert "asks for a second factor" not in owner.get("/dashboard").text


@pytest.mark.parametrize("first", ["", "yesterday", "today"])
def test_the_first_day_is_to_come(owner: Visitor, first: str) -> None:
    wanted = day(0) if first == "today" else first
    refused = owner.send(PAGE, {"demand": "day", "day": wanted}, on=PAGE)
    assert refused.status_code in {400, 422}
    assert 'id="day-error"' in refused.text


def test_from_the_first_day_on_the_account_stays_open_and_the_organization_does_not(
    owner: Visitor, move_clock: Callable[[int], None]
) -> None:
    owner.send(PAGE, {"demand": "day", "day": day(2)}, on=PAGE)
    move_clock(3 * DAY)
    owner.sign_in("jane@portal.example")
    shown = owner.get("/account")
    assert shown.status_code == 200
    assert "Acme Corp asks for a second factor. Set one up to work there." in shown.text
    assert owner.get(PAGE).status_code == 403
    assert owner.get("/account/security").status_code == 200


def test_withdrawing_it_takes_the_notice_away(owner: Visitor) -> None:
    owner.send(PAGE, {"demand": "day", "day": day(14)}, on=PAGE)
    owner.send(PAGE, {"demand": "off"}, on=PAGE)
    assert "asks for a second factor" not in owner.get("/dashboard").text


def test_a_lock_of_the_platform_is_named_and_leaves_nothing_to_press(owner: Visitor, app: Flask) -> None:
    with app.app_context(), transaction():
        db.session.execute(
            sa.insert(SettingValue).values(key="auth.mfa_enforced", value=False, environment="", locked=True)
        )
    page = owner.get(PAGE)
    assert "Held by the platform." in page.text
    assert 'name="demand"' not in page.text
    refused = owner.send(PAGE, {"demand": "day", "day": day(14)}, on="/account/password")
    assert refused.status_code == 403


def test_a_stranger_to_the_settings_sees_neither_page_nor_way(signed_in: Visitor) -> None:
    assert signed_in.get(PAGE).status_code == 403
    assert PAGE not in signed_in.get("/dashboard").text


def test_it_asks_for_a_fresh_proof_over_the_page_and_goes_on_by_itself(
    owner: Visitor, move_clock: Callable[[int], None]
) -> None:
    move_clock(3600)
    asked = owner.send(PAGE, {"demand": "day", "day": day(14)}, on=PAGE)
    assert asked.status_code == 403
    assert 'name="step_up_password"' in asked.text
    assert f'value="{day(14)}"' in asked.text
