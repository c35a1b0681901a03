"""Jane, who has proven her address, and what this dialect's tests ask of answers."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import db
from app.domains.accounts.models import User
from app.domains.settings.models import SettingValue
from app.surfaces.shared.transaction import transaction
from tests.support.world import World

JANE = "jane@world.example"
CHARLIE = "charlie@elsewhere.example"


@pytest.fixture
def jane(world: World) -> int:
    return world.person(JANE, agreed=False)


@pytest.fixture
def token(world: World, jane: int) -> str:
    """Return the access token of a sign-in of Jane's."""
    return world.token("services_v1", JANE)


@pytest.fixture
def strangers_token(world: World) -> str:
    """Return the access token of Charlie, whom nothing here concerns."""
    world.person(CHARLIE, agreed=False)
    return world.token("services_v1", CHARLIE)


@pytest.fixture
def setting(world: World) -> Callable[[str, Any], None]:
    """Return a function that gives a setting its platform value."""

    def put(key: str, value: Any) -> None:
        with world.app.app_context(), transaction():
            db.session.add(SettingValue(key=key, value=value))

    return put


@pytest.fixture
def change(world: World) -> Callable[..., None]:
    """Return a function that sets columns of a person."""

    def put(user_id: int, **columns: Any) -> None:
        with world.app.app_context(), transaction():
            user = db.session.get_one(User, user_id)
            for name, value in columns.items():
                setattr(user, name, clock.now() if value == "now" else value)

    return put


def refused(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check the form of a refusal and return its body."""
    body: dict[str, Any] = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert isinstance(body["message"], str)
    assert set(body) <= {"message", "code", "errors"}
    return body


def at_fault(answer: TestResponse) -> set[str]:
    """Return the names of the fields that a call was refused for."""
    return set(refused(answer, 422, "validation")["errors"])
