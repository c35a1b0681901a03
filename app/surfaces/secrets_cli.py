"""The command that seals all secrets anew, so that an old key of SEALING_KEYS can go."""

from functools import partial

import click
from flask import Flask
from flask.cli import AppGroup

from app.core import sealing
from app.core.access import system
from app.core.errors import AppError
from app.core.sealing import Place
from app.core.settings import current_settings
from app.domains.audit import digests
from app.surfaces.shared.transaction import writing

_ROUNDS = 5
"""How often all places are walked through at most: what is under an older key again was just written."""

secrets_group = AppGroup("secrets", help="What is kept sealed.")


@secrets_group.command("reseal")
def reseal() -> None:
    """Seal everything under the newest of SEALING_KEYS; stopped at any moment, it goes on where it was.

    People may work meanwhile. Run it once every process knows the newest key; then the others can go.
    """
    keys = current_settings().sealing_keys
    others = [key_id for key_id in keys.keys if key_id != keys.newest[0]]
    renewed, broken = 0, list[str]()
    try:
        writing(lambda: digests.keep_keys(system("cli")))
        for _ in range(_ROUNDS):
            renewed, broken = _walk()
            if broken or not renewed:
                break
    except AppError as error:
        raise click.ClickException(f"{error.message} What was done stays; run it again.") from error
    if broken:
        broken.append("These could not be opened; all else is sealed anew.")
        raise click.ClickException("\n".join(broken))
    if renewed:
        raise click.ClickException("Something still seals with an older key: give all processes the newest.")
    click.echo(f"All is sealed with {keys.newest[0]}.")
    if others:
        click.echo(f"SEALING_KEYS needs {', '.join(others)} no more, once no process seals with it.")


def _walk() -> tuple[int, list[str]]:
    total, broken = 0, list[str]()
    for place in sealing.places():
        done = _walk_through(place)
        total += done[0]
        broken += done[1]
    return total, broken


def _walk_through(place: Place) -> tuple[int, list[str]]:
    after: int | None = 0
    renewed, broken = 0, list[str]()
    while after is not None:
        step = writing(partial(sealing.reseal_some, place, after=after))
        renewed, after = renewed + step.renewed, step.after
        broken += step.broken
        if step.renewed:
            click.echo(f"{place.name}  {renewed} sealed anew{' …' if after else ''}")
    return renewed, broken


def mount(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(secrets_group)
