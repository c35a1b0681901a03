"""Text that two parts could take differently: no character makes an answer fail or a person somebody else."""

import unicodedata

import pytest

from tests.abuse.ways import JANE, LOGINS, REGISTRATIONS, RESETS, Way, unlimited
from tests.portal.conftest import Visitor
from tests.support.world import PASSWORD, World

SAME_WORD = "Zürich grüßt Ångström"
"""Typed on one system as composed letters, on another as letters with marks after them."""


@pytest.mark.parametrize(
    "path", ["/api/v1/tenants/by-slug/a%00b", "/v0/users/handle/a%00b/available", "/a%00"]
)
def test_a_nul_in_an_address_leads_nowhere(town: World, path: str) -> None:
    assert town.app.test_client().get(path).status_code in (200, 404)


def test_a_nul_in_a_form_is_a_fault_of_the_form(town: World) -> None:
    visitor = Visitor(town.app.test_client())
    for email in ("jane\0@world.example", JANE + "\0"):
        assert visitor.sign_in(email, PASSWORD).status_code in (401, 422)


@pytest.mark.parametrize("way", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_an_address_that_grows_when_compared_is_refused(world: World, way: Way) -> None:
    answer = way.call(world, email="\ufdfa" * 20 + "@world.example")
    assert answer.status_code in (400, 422)
    assert way.code(answer).startswith("validation")


@pytest.mark.parametrize("way", LOGINS.values(), ids=LOGINS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_password_is_the_same_however_its_letters_are_put_together(
    town: World, way: Way, form: str
) -> None:
    town.done("platform_api.auth.forgot_password", json={"email": JANE})
    other = "NFD" if form == "NFC" else "NFC"
    chosen = unicodedata.normalize(form, SAME_WORD)
    assert RESETS["platform_api"].call(town, token=town.mailed_token(), password=chosen).status_code == 200
    assert way.call(town, password=unicodedata.normalize(other, SAME_WORD)).status_code < 300
    unlimited(town)
    assert way.call(town, password=SAME_WORD.replace("ü", "u")).status_code == 401
