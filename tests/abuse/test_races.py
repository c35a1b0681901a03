"""Many at once, against a running server: B07, D03, E08, H08, and bursts that counters must not miss."""

import pytest

from tests.support.calls import Caller, at_once
from tests.support.live import LiveInstance

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery 7"


def newcomer(caller: Caller, email: str) -> None:
    who = {"email": email, "password": PASSWORD, "first_name": "Jane", "last_name": "Doe"}
    caller.good("platform_api.auth.register", **who)


def test_b07_a_code_is_good_once_however_many_show_it(live: LiveInstance, caller: Caller) -> None:
    email = "jane@race-code.example"
    newcomer(caller, email)
    caller.good("platform_api.auth.otp_request", email=email)
    code = live.mail.code_for(email, subject="signs you in")
    statuses = at_once(50, lambda _: caller.call("platform_api.auth.otp_verify", email=email, code=code))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 429}


def test_d03_a_reset_token_is_good_once_however_many_show_it(live: LiveInstance, caller: Caller) -> None:
    email = "jane@race-reset.example"
    newcomer(caller, email)
    caller.good("platform_api.auth.forgot_password", email=email)
    token = live.mail.token_for(email, subject="new password")
    reset = "platform_api.auth.reset_password"
    statuses = at_once(
        8, lambda n: caller.call(reset, token=token, new_password=f"password number {n} of eight")
    )
    assert statuses == [200] + [400] * 7
    login = "platform_api.auth.login"
    again = [caller.call(login, email=email, password=f"password number {n} of eight") for n in range(8)]
    assert [answer.status_code for answer in again].count(200) == 1


def test_a04_a_burst_of_guesses_is_counted_whole(caller: Caller) -> None:
    email = "jane@race-guess.example"
    newcomer(caller, email)
    login = "v0.auth.login"
    statuses = at_once(40, lambda n: caller.call(login, email=email, password=f"guess {n}"))
    assert statuses == [401] * 10 + [429] * 30
    assert caller.call(login, email=email, password=PASSWORD).status_code == 429


def test_e08_a_refresh_token_makes_one_family_however_many_show_it(caller: Caller) -> None:
    email = "jane@race-refresh.example"
    newcomer(caller, email)
    token = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["refresh_token"]
    refresh = "platform_api.auth.refresh"
    statuses = at_once(10, lambda _: caller.call(refresh, refresh_token=token))
    assert statuses == [200] * 10  # within the seconds that forgive a lost answer
    successor = caller.good(refresh, refresh_token=token)["refresh_token"]
    caller.good(refresh, refresh_token=successor)
    caller.refused(refresh, "401 auth:refresh_token_reused", refresh_token=token)


def test_h08_a_slug_has_one_winner(caller: Caller) -> None:
    email = "jane@race-slug.example"
    newcomer(caller, email)
    bearer = caller.good("platform_api.auth.login", email=email, password=PASSWORD)["access_token"]
    body = {"name": "Race", "slug": "race-corp"}
    statuses = at_once(12, lambda _: caller.call("platform_api.tenants.create", bearer=bearer, **body))
    assert statuses == [201] + [409] * 11


def test_a03_an_address_has_one_account(caller: Caller) -> None:
    who = {"email": "kim@race-address.example", "password": PASSWORD, "first_name": "K", "last_name": "L"}
    statuses = at_once(5, lambda _: caller.call("platform_api.auth.register", **who))
    assert statuses == [201] + [400] * 4


def test_i_a_profiles_name_is_taken_once_however_many_want_it(caller: Caller) -> None:
    slug = "race-profiles"
    names = {"companyName": "Race Corp", "adminFirstName": "Olga", "adminLastName": "Doe"}
    admin = {"adminEmail": "olga@race-profiles.example", "adminPassword": PASSWORD}
    caller.good("api_v1.tenants.register", slug=slug, **names, **admin)
    who = {"email": admin["adminEmail"], "password": PASSWORD, "tenantSlug": slug}
    token = caller.good("api_v1.auth.login", **who)["data"]["accessToken"]
    made = "api_v1.profiles.create"
    spelled = ("Sales", "sales", "SALES")
    statuses = at_once(30, lambda n: caller.call(made, bearer=token, name=spelled[n % 3], permissions=[1]))
    assert statuses == [201] + [409] * 29
