"""The pages of what is one's own: profile, picture, preferences, and the texts one agrees to."""

import io
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from app.core.access import system
from app.core.db import db
from app.domains.accounts.models import PolicyAcceptance, User
from app.domains.accounts.publishing import Draft, publish
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import PASSWORD, Visitor

DETAILS = {"first_name": "Jane", "last_name": "Doe", "phone": "", "handle": "", "display_name": "", "bio": ""}
PREFERENCES = {
    "language": "en",
    "timezone": "UTC",
    "theme": "system",
    "density": "comfortable",
    "sidebar_layout": "expanded",
    "start_page": "dashboard",
    "email_enabled": "y",
    "in_app_enabled": "y",
    "sound": "y",
}


def png(size: tuple[int, int] = (300, 200)) -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, "PNG")
    out.seek(0)
    return out


def token_on(visitor: Visitor, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(path).text)
    assert found
    return found[1]


def upload(visitor: Visitor, content: io.BytesIO, name: str = "me.png") -> object:
    fields = {"csrf_token": token_on(visitor, "/account"), "picture": (content, name)}
    return visitor.client.post("/account/picture", data=fields, content_type="multipart/form-data")


def person(app: Flask) -> User:
    with app.app_context():
        found = db.session.scalars(sa.select(User).where(User.email == "jane@portal.example")).one()
        db.session.expunge_all()
        return found


# ---- profile


def test_the_profile_is_saved_and_shown(signed_in: Visitor, app: Flask) -> None:
    fields = DETAILS | {"last_name": "Roe", "phone": "0049 (151) 1234-5678", "handle": "Jane_Roe"}
    fields |= {"display_name": "Jane R.", "bio": "Builds bridges.\r\nSlowly.", "is_public": "y"}
    assert signed_in.send("/account", fields, on="/account").status_code == 303
    jane = person(app)
    assert (jane.last_name, jane.phone, jane.handle) == ("Roe", "+4915112345678", "jane_roe")
    assert (jane.display_name, jane.bio, jane.is_public) == ("Jane R.", "Builds bridges.\nSlowly.", True)
    shown = signed_in.get("/account").text
    assert 'value="jane_roe"' in shown
    assert "Builds bridges." in shown


def test_what_cannot_be_is_said_at_its_field_and_the_rest_stays_as_typed(
    signed_in: Visitor, app: Flask
) -> None:
    fields = DETAILS | {"first_name": "Joan", "phone": "12"}
    answer = signed_in.send("/account", fields, on="/account")
    assert answer.status_code == 422
    assert 'id="phone-error"' in answer.text
    assert 'value="Joan"' in answer.text
    assert person(app).first_name == "Jane"
    taken = signed_in.send("/account", DETAILS | {"handle": "admin"}, on="/account")
    assert (taken.status_code, 'id="handle-error"' in taken.text) == (409, True)


def test_who_never_gave_a_name_may_stay_without(signed_in: Visitor, app: Flask) -> None:
    with app.app_context(), transaction():
        db.session.execute(sa.update(User).values(first_name="", last_name=""))
    fields = DETAILS | {"first_name": "", "last_name": "", "handle": "jane_roe"}
    assert signed_in.send("/account", fields, on="/account").status_code == 303
    assert (person(app).first_name, person(app).handle) == ("", "jane_roe")
    named = signed_in.send("/account", fields | {"first_name": "Jane"}, on="/account")
    assert (named.status_code, person(app).first_name) == (303, "Jane")
    assert signed_in.send("/account", fields, on="/account").status_code == 422


# ---- picture


def test_a_picture_is_taken_shown_and_removed(signed_in: Visitor) -> None:
    assert upload(signed_in, png()).status_code == 303  # type: ignore[attr-defined]
    shown = signed_in.get("/account").text
    address = re.search(r'src="(/media/[0-9a-f-]+\.webp)"', shown)
    assert address
    assert signed_in.get(address[1]).content_type == "image/webp"
    assert address[1] in signed_in.get("/dashboard").text
    assert signed_in.send("/account/picture/remove", on="/account").status_code == 303
    assert signed_in.get(address[1]).status_code == 404
    assert "/media/" not in signed_in.get("/account").text


def test_m04_a_picture_of_up_to_4_mb_is_looked_at(signed_in: Visitor) -> None:
    padded = io.BytesIO(png().getvalue() + bytes(4 * 1024 * 1024 - 5_000))
    assert upload(signed_in, padded).status_code == 303  # type: ignore[attr-defined]
    above = upload(signed_in, io.BytesIO(png().getvalue() + bytes(4 * 1024 * 1024)))
    assert above.status_code == 413  # type: ignore[attr-defined]
    far = upload(signed_in, io.BytesIO(png().getvalue() + bytes(6 * 1024 * 1024)))
    assert far.status_code == 413  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "me.png", 415),
        (b"<script>alert(1)</script>", "../../me.html", 415),
        (b"\x89PNG\r\n\x1a\nbroken", "me.png", 400),
        (png((20, 20)).getvalue(), "small.png", 400),
    ],
)
def test_m02_what_is_no_picture_is_said_at_the_field(
    signed_in: Visitor, content: bytes, name: str, status: int
) -> None:
    answer = upload(signed_in, io.BytesIO(content), name)
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert 'id="picture-error"' in answer.text  # type: ignore[attr-defined]
    assert "<script>alert" not in answer.text  # type: ignore[attr-defined]


def test_no_picture_at_all_is_asked_for(signed_in: Visitor) -> None:
    answer = signed_in.send("/account/picture", on="/account")
    assert (answer.status_code, "Choose a picture first." in answer.text) == (422, True)


def test_l10_another_sites_picture_is_not_asked_for(signed_in: Visitor, app: Flask) -> None:
    with app.app_context(), transaction():
        db.session.execute(sa.update(User).values(avatar="https://pictures.example/jane.png"))
    shown = signed_in.get("/account").text
    assert "pictures.example" not in shown
    assert "Remove the picture" in shown


# ---- preferences


def test_preferences_are_saved_and_obeyed(signed_in: Visitor, app: Flask, jane: str) -> None:
    wanted = PREFERENCES | {"theme": "dark", "density": "compact", "sidebar_layout": "collapsed"}
    wanted |= {"start_page": "organizations", "timezone": "Europe/Berlin", "email_consent": "y"}
    assert signed_in.send("/account/preferences", wanted, on="/account/preferences").status_code == 303
    shown = signed_in.get("/dashboard").text
    assert all(
        said in shown for said in ('data-theme="dark"', 'data-density="compact"', 'data-sidebar="collapsed"')
    )
    assert person(app).timezone == "Europe/Berlin"
    assert person(app).preferences["notifications"]["email_consent_ip"]
    elsewhere = Visitor(app.test_client())
    assert elsewhere.sign_in(jane).headers["Location"].endswith("/organizations")
    assert 'data-theme="dark"' in elsewhere.get("/organizations").text


def test_the_language_chosen_is_spoken_at_once(signed_in: Visitor, app: Flask) -> None:
    wanted = PREFERENCES | {"language": "de"}
    assert signed_in.send("/account/preferences", wanted, on="/account/preferences").status_code == 303
    assert '<html lang="de' in signed_in.get("/dashboard").text
    assert person(app).locale == "de"


def test_saving_what_is_shown_changes_nothing(signed_in: Visitor, app: Flask) -> None:
    before = person(app)
    assert signed_in.send("/account/preferences", PREFERENCES, on="/account/preferences").status_code == 303
    after = person(app)
    assert (after.locale, after.timezone, after.preferences) == (before.locale, before.timezone, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [("timezone", "Mars/Base"), ("timezone", ""), ("language", "tlh"), ("theme", "pink"), ("density", "")],
)
def test_what_cannot_be_preferred_is_said_at_its_field(signed_in: Visitor, field: str, value: str) -> None:
    answer = signed_in.send("/account/preferences", PREFERENCES | {field: value}, on="/account/preferences")
    assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)


def test_the_theme_button_keeps_its_choice_with_the_person(signed_in: Visitor) -> None:
    answer = signed_in.send("/account/preferences/theme", {"theme": "light"}, on="/account")
    assert answer.status_code == 204
    assert 'data-theme="light"' in signed_in.get("/account").text
    signed_in.send("/account/preferences/theme", {"theme": "<script>"}, on="/account")
    assert 'data-theme="light"' in signed_in.get("/account").text


# ---- policies


def newer(app: Flask, **more: object) -> None:
    with app.app_context(), transaction():
        draft = Draft(
            type="terms",
            version="2026-11",
            content_html="<h1>Terms</h1><p>Newer.</p><script>alert(1)</script>",
            changes="We say more clearly what a trial costs.",
            **more,  # type: ignore[arg-type]
        )
        publish(system("test"), draft=draft)


def test_a_new_version_is_asked_for_before_going_on(signed_in: Visitor, app: Flask) -> None:
    assert signed_in.get("/organizations").status_code == 200
    newer(app)
    asked = signed_in.get("/organizations?page=2")
    assert (asked.status_code, asked.headers["Location"]) == (
        303,
        "/policies/accept?next=/organizations?page=2",
    )
    page = signed_in.get("/policies/accept?next=/organizations").text
    assert "We say more clearly" in page
    assert "2026-11" in page
    assert "2026-01" in page
    refused = signed_in.send("/policies/accept", {"version-terms": "2026-11"}, on="/policies/accept")
    assert refused.status_code == 422
    agreed = {"version-terms": "2026-11", "agree": "y"}
    done = signed_in.send("/policies/accept?next=/organizations", agreed, on="/policies/accept")
    assert done.headers["Location"] == "/organizations"
    assert signed_in.get("/organizations").status_code == 200
    with app.app_context():
        kept = db.session.scalars(
            sa.select(PolicyAcceptance).where(PolicyAcceptance.version == "2026-11")
        ).one()
        assert kept.sha256
        assert kept.ip


def test_what_was_on_the_page_is_what_is_agreed_to(signed_in: Visitor, app: Flask) -> None:
    newer(app)
    sent = {"version-terms": "2026-01", "agree": "y"}
    answer = signed_in.send("/policies/accept", sent, on="/policies/accept")
    assert answer.status_code == 409
    assert signed_in.get("/dashboard").status_code == 303


def test_the_texts_and_the_way_out_stay_open(signed_in: Visitor, app: Flask) -> None:
    newer(app)
    text = signed_in.get("/policies/terms").text
    assert "Newer." in text
    assert "alert(1)" not in text
    assert signed_in.get("/account/privacy").status_code == 200
    assert signed_in.send("/sign-out", on="/policies/accept").status_code == 303


def test_an_api_is_not_held_up(app: Flask, jane: str, database: sa.Connection) -> None:
    newer(app)
    client = app.test_client()
    body = {"email": jane, "password": PASSWORD, "session_mode": "token"}
    token = client.post("/v0/auth/login", json=body).json["session"]["token"]
    assert client.get("/v0/user/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_text_is_shown_in_the_readers_language(visitor: Visitor) -> None:
    german = visitor.get("/policies/terms", headers={"Accept-Language": "de"}).text
    assert "Nutzungsbedingungen" in german


def test_m05_files_are_kept_under_no_name_of_the_callers(
    signed_in: Visitor, app: Flask, tmp_path: Path
) -> None:
    assert upload(signed_in, png(), "../../etc/passwd.png").status_code == 303  # type: ignore[attr-defined]
    with app.app_context():
        keys = db.session.scalars(sa.text("SELECT key FROM pictures")).all()
    assert all(re.fullmatch(r"pictures/[0-9a-f]{2}/[0-9a-f]{32}\.webp", key) for key in keys)
