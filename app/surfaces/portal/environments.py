"""Pages about what each environment has of its own: which one the page is about stands in its address."""

from collections.abc import Mapping
from typing import Any

from flask import request

from app.core.access import Actor, working_in
from app.core.environments import Environment
from app.core.permissions import Permission
from app.surfaces.portal.setting_forms import ENVIRONMENTS
from app.surfaces.shared.actor import current_actor


def chosen() -> Environment:
    """Return the environment that the page's address names, else production."""
    named = request.args.get("environment", "")
    return Environment(named) if named in set(Environment) else Environment.PROD


def actor_there() -> Actor:
    """Return the actor working in the environment that the page is about.

    :raises PermissionDenied: if they may work in production alone
    """
    return working_in(current_actor(), chosen())


def offered() -> Mapping[Environment, Any]:
    """Return the environments that somebody may look at, by their names."""
    may = current_actor().may(Permission.ENVIRONMENTS_SWITCH)
    return {key: label for key, label in ENVIRONMENTS.items() if key is Environment.PROD or may}
