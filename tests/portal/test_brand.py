"""How an organization looks: colours that can be read whatever they are, and its own words at the sign-in."""

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import db
from app.core.links import public_url
from app.domains.settings.models import SettingValue
from app.domains.tenants.models import Tenant
from app.surfaces.portal.brand import contrast, sheet
from app.surfaces.shared.transaction import transaction
from tests.portal.conftest import Visitor


@pytest.fixture
def acme(app: Flask, database: sa.Connection) -> str:
    with app.app_context(), transaction():
        db.session.add(Tenant(slug="acme-brand", name="Acme Works"))
    return "acme-brand"


def put(app: Flask, key: str, value: str) -> None:
    with app.app_context(), transaction():
        tenant_id = db.session.scalar(sa.select(Tenant.id).where(Tenant.slug == "acme-brand"))
        db.session.add(SettingValue(tenant_id=tenant_id, key=key, value=value))


@pytest.mark.parametrize("colour", ["#ffffff", "#000000", "#ffff00", "#2457d6", "#ff0000", "#808080"])
def test_any_colour_can_be_read(colour: str) -> None:
    rules = dict(line.strip(" ;").split(": ") for line in sheet(colour, colour).splitlines()[1:-1])
    for rule, grounds in (("--primary", ("#ffffff", "#ffffff")), ("--link", ("#ffffff", "#16171b"))):
        light, dark = rules[rule].removeprefix("light-dark(").removesuffix(")").split(", ")
        assert contrast(light, grounds[0]) >= 4.5
        assert contrast(dark, grounds[1]) >= 4.5


def test_the_sign_in_page_of_an_organization_is_its_own(visitor: Visitor, app: Flask, acme: str) -> None:
    put(app, "branding.login_message", "Use your <b>Acme</b> address.")
    put(app, "general.website", "https://acme.example/")
    put(app, "branding.logo_url", "https://elsewhere.example/logo.png")
    page = visitor.get(f"/sign-in?organization={acme}").text
    assert "Sign in to Acme Works" in page
    assert "Use your &lt;b&gt;Acme&lt;/b&gt; address." in page
    assert 'href="https://acme.example/"' in page
    assert f"/brand/{acme}.css" in page
    assert "elsewhere.example" not in page  # another site's picture is not fetched


def test_an_organization_that_is_not_there_changes_nothing(visitor: Visitor) -> None:
    assert visitor.get("/sign-in?organization=nobody-here").status_code == 200
    assert visitor.get("/brand/nobody-here.css").status_code == 404
    assert visitor.get("/brand/nobody-here/icon").status_code == 303


def test_colours_count_from_the_next_call_on(visitor: Visitor, app: Flask, acme: str) -> None:
    first = visitor.get(f"/brand/{acme}.css")
    assert "#2457d6" in first.text
    assert first.mimetype == "text/css"
    same = visitor.get(f"/brand/{acme}.css", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status_code == 304
    put(app, "branding.primary_color", "#0a7d4f")
    put(app, "branding.accent_color", "#884400")
    assert "#0a7d4f" in visitor.get(f"/brand/{acme}.css").text


def test_a_picture_that_is_kept_here_is_shown(visitor: Visitor, app: Flask, acme: str) -> None:
    kept = "/media/01a201a1-29eb-7562-8a19-7745ad56192a.webp"

    with app.app_context():
        put(app, "branding.logo_url", public_url(kept))
        put(app, "branding.favicon_url", public_url(kept))
    assert kept in visitor.get(f"/brand/{acme}.css").text
    assert visitor.get(f"/brand/{acme}/icon").location.endswith(kept)
