"""The commands of `flask`: people, demo data, outbox, jobs, settings and, for testers, clock and limits.

Each works on the instance that INSTANCE names.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from typing import ParamSpec, TextIO, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from redis.exceptions import RedisError

from app.core import clock, jobs, limits, outbox, redis
from app.core.access import Actor, system
from app.core.errors import AppError
from app.core.settings import current_settings
from app.domains.accounts import publishing
from app.domains.archiving import naming
from app.domains.audit import verifying
from app.domains.auth import admins, assisted_recovery
from app.domains.demo import operations as demo
from app.domains.settings import console
from app.domains.tenants import queries as tenants
from app.surfaces.shared import keeping
from app.surfaces.shared.transaction import transaction

P = ParamSpec("P")
R = TypeVar("R")

_ACTOR = system("cli")
_STEP = re.compile(r"([+-]\d{1,9})(s|m|h|d)?")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAIL_SEND = "mail.send"


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Word what a person did wrong in a sentence, without a stack."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except AppError as error:
            told = [f"{field}: {' '.join(texts)}" for field, texts in error.fields.items()]
            raise click.ClickException("\n".join(told) or error.message) from error

    return run


def _not_in_production(what: str) -> None:
    if current_settings().is_production:
        raise click.ClickException(f"{what} is for development and tests; this instance is in production.")


# ---- people and data -------------------------------------------------------------------------------------


@click.command(
    "db",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def migrations(context: click.Context, words: tuple[str, ...]) -> None:
    """Perform database migrations."""
    commands = import_module("flask_migrate.cli").db  # loads Alembic, which nothing else needs
    commands.main(words, prog_name="db", standalone_mode=False, parent=context.parent)


@click.command("create-admin")
@click.argument("email")
@click.option("--password", help="For an account that has none; left out, a link to choose one is printed.")
@with_appcontext
@plain_errors
def create_admin(email: str, password: str | None) -> None:
    """Make EMAIL an admin of the platform, with a new account if it has none."""
    with transaction():
        appointed = admins.appoint(_ACTOR, email=email, password=password)
        verb = "was made" if appointed.is_new else "is"
        click.echo(f"{appointed.user.email} {verb} an admin of the platform.")
        if appointed.password_link:
            click.echo(f"Choose a password here (good for {appointed.link_minutes} minutes):")
            click.echo(appointed.password_link)


@click.command("recover-second-factor")
@click.argument("email")
@with_appcontext
@plain_errors
def recover_second_factor(email: str) -> None:
    """Begin the removal of a second factor that EMAIL has lost; mailbox, wait and password stay."""
    with transaction():
        asked = assisted_recovery.request_for(_ACTOR, email=email)
    hours = int(asked.waits.total_seconds() // 3600)
    click.echo(f"A mail went to {asked.sent_to}. Once it is confirmed, {hours} hours have to pass.")


@click.command("seed")
@with_appcontext
@plain_errors
def seed() -> None:
    """Put in the demo organizations and their people, once."""
    _not_in_production("The demo organization, whose passwords everybody knows,")
    with transaction():
        planted = demo.plant(_ACTOR)
    if planted:
        click.echo(f"{planted.people} people in {planted.organizations} organizations.")
    else:
        click.echo("The demo organization is there already.")


# ---- background work -------------------------------------------------------------------------------------


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Send mail and do all other work in the background until stopped."""
    import_module("app.surfaces.worker").run()  # by name: no two surfaces know each other


@click.group("outbox", cls=AppGroup, invoke_without_command=True)
@click.pass_context
def outbox_group(context: click.Context) -> None:
    """Show or revive what was promised; alone: what waits."""
    if context.invoked_subcommand is None:
        context.invoke(outbox_list)


@outbox_group.command("list")
@plain_errors
def outbox_list() -> None:
    """Show what waits, the next due first."""
    with transaction(read_only=True):
        standing = outbox.backlog()
        rows = outbox.waiting()
        for row in rows:
            held = " held" if row.lease_token else ""
            why = f"  {row.last_error}" if row.last_error else ""
            click.echo(f"{row.id}  {row.kind}  due {row.due_at:%F %T}  tries {row.attempts}{held}{why}")
    click.echo(f"{standing.waiting} waiting, {standing.dead} given up.")


@outbox_group.command("dead")
@plain_errors
def outbox_dead() -> None:
    """Show what was given up, with the reason."""
    with transaction(read_only=True):
        rows = outbox.dead()
        for row in rows:
            click.echo(f"{row.id}  {row.kind}  {row.dead_at:%F %T}  tries {row.attempts}  {row.last_error}")
    click.echo(f"{len(rows)} given up." + (" To try again: flask outbox revive ID …" if rows else ""))


@outbox_group.command("revive")
@click.argument("ids", nargs=-1, type=int, required=True)
@plain_errors
def outbox_revive(ids: tuple[int, ...]) -> None:
    """Try what was given up again, from the first try on."""
    with transaction():
        revived = outbox.revive(ids)
    redis.ring_now()
    click.echo(f"{revived} of {len(ids)} will be tried again.")


@outbox_group.command("sweep")
@plain_errors
def outbox_sweep() -> None:
    """Do what is due now, in this process, without waiting for a worker."""
    click.echo(f"{keeping.drain()} done.")


jobs_group = AppGroup("jobs", help="Periodic jobs.")


@jobs_group.command("list")
def jobs_list() -> None:
    """Show each job, how often it runs and how it last ended."""
    click.echo(f"{_MAIL_SEND}  at once")
    with transaction(read_only=True):
        known = jobs.runs()
        for name, job in sorted(jobs.JOBS.items()):
            row = known.get(name)
            last = f"last {row.finished_at:%F %T}" if row and row.finished_at else "never yet"
            how = f"  {row.last_error}" if row and row.last_error else ""
            click.echo(f"{name}  every {job.every}  {last}{how}")


@jobs_group.command("run")
@click.argument("name")
@plain_errors
def jobs_run(name: str) -> None:
    """Run the job NAME now, whenever it is due."""
    if name == _MAIL_SEND:
        click.echo(f"{name}: {keeping.drain()} sent.")
        return
    if name not in jobs.JOBS:
        raise click.ClickException(f"There is no job {name!r}; `flask jobs list` shows all.")
    click.echo(f"{name}: {keeping.run_job(jobs.JOBS[name])} changed.")


# ---- settings --------------------------------------------------------------------------------------------

settings_group = AppGroup("settings", help="What the platform or one organization is set to.")
_tenant_option = click.option("--tenant", "slug", help="The organization's slug; left out: the platform.")


@settings_group.command("get")
@click.argument("key")
@_tenant_option
@plain_errors
def settings_get(key: str, slug: str | None) -> None:
    """Show the value of KEY."""
    with transaction(read_only=True):
        click.echo(console.look_up(_in_tenant(slug), key=key))


@settings_group.command("set")
@click.argument("key")
@click.argument("value")
@_tenant_option
@plain_errors
def settings_set(key: str, value: str, slug: str | None) -> None:
    """Set KEY to VALUE; lists are written with commas, `null` takes a value away."""
    with transaction():
        click.echo(console.put(_in_tenant(slug), key=key, text=value))


def _in_tenant(slug: str | None) -> Actor:
    if slug is None:
        return _ACTOR
    return replace(_ACTOR, tenant_id=tenants.by_slug(_ACTOR, slug=slug).id)


# ---- legal texts -----------------------------------------------------------------------------------------

policies_group = AppGroup("policies", help="Legal texts, in versions.")


@policies_group.command("list")
@plain_errors
def policies_list() -> None:
    """Show every version in every language; a star stands at what is in force."""
    with transaction(read_only=True):
        for policy, in_force in publishing.published(_ACTOR):
            star = "*" if in_force else " "
            asked = "" if policy.must_accept else "  not asked for"
            about = f"{policy.type}  {policy.version}  {policy.language}  from {policy.effective_at:%F}"
            click.echo(f"{star} {about}  {policy.title}{asked}")


@policies_group.command("publish")
@click.argument("type")
@click.argument("version")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--language", default="en", help="The text's language; others follow with the same VERSION.")
@click.option("--title", help="Left out: the text's first heading.")
@click.option("--changes", help="What is new, for those who are asked to accept it.")
@click.option("--effective", type=click.DateTime(["%Y-%m-%d"]), help="The day (UTC) it comes into force.")
@click.option("--must-accept/--no-must-accept", default=None, help="Left out: as the version before.")
@plain_errors
def policies_publish(
    type: str, version: str, file: TextIO, effective: datetime | None, **more: str | bool | None
) -> None:
    """Publish FILE (HTML) as VERSION of the policy TYPE: terms, privacy or cookies."""
    moment = effective.replace(tzinfo=UTC) if effective else None
    draft = publishing.Draft(
        type=type,
        version=version,
        content_html=file.read(),
        effective_at=moment,
        **more,  # type: ignore[arg-type]
    )
    with transaction():
        made = publishing.publish(_ACTOR, draft=draft)
        click.echo(
            f"{made.type} {made.version} ({made.language}) is in force from {made.effective_at:%F %T} UTC."
        )


# ---- the audit trail -------------------------------------------------------------------------------------

audit_group = AppGroup("audit", help="The audit trail and its hash chains.")
_chain_option = click.option("--tenant", "slug", help="The organization's slug; left out: every chain.")


def _chains(slug: str | None) -> dict[int, str]:
    found = {key: name for key, name in naming.slugs_of_chains(_ACTOR).items() if slug in (None, name)}
    if slug and not found:
        raise click.ClickException(f"There is no chain of {slug!r}.")
    return found


@audit_group.command("verify")
@_chain_option
@click.option("--head", help="POSITION:HASH as `flask audit head` printed it once; with --tenant.")
@plain_errors
def audit_verify(slug: str | None, head: str | None) -> None:
    """Say of each chain whether it is whole, and where it is not; the exit code is 1 if one is broken."""
    position, _, code = (head or "0:").partition(":")
    if head and (slug is None or not position.isdecimal() or not code):
        raise click.UsageError("Give --tenant, and the head as POSITION:HASH.")
    noted, broken = (int(position), code) if head else None, False
    with transaction():
        for key, name in _chains(slug).items():
            verdict = verifying.verify(_ACTOR, tenant_key=key, noted=noted)
            verifying.write_down(_ACTOR, verdict=verdict)
            broken = broken or not verdict.is_whole
            click.echo(f"{name}  {'whole' if verdict.is_whole else 'BROKEN'}  {verdict.checked} links")
            for fault in verdict.faults:
                click.echo(f"  {fault}")
    if broken:
        raise click.exceptions.Exit(1)


@audit_group.command("head")
@_chain_option
@plain_errors
def audit_head(slug: str | None) -> None:
    """Print each chain's newest position and hash, to be kept where nobody of here can change it."""
    with transaction(read_only=True):
        names = _chains(slug)
        for head in verifying.heads(_ACTOR):
            if head.tenant_key in names:
                click.echo(f"{names[head.tenant_key]}  {head.position}:{head.code}")


# ---- for testers -----------------------------------------------------------------------------------------


@click.command("clock", context_settings={"ignore_unknown_options": True})
@click.argument("step", required=False)
@with_appcontext
@plain_errors
def move_clock(step: str | None) -> None:
    """Move this instance's time by STEP, such as +601s, -5m, +2h or +1d; `reset` makes it right again."""
    _not_in_production("A clock that can be moved")
    if step is not None:
        if step != "reset" and not _STEP.fullmatch(step):
            raise click.ClickException("Say e.g. +601s, -5m, +2h, +1d or reset.")
        _move(step)
    click.echo(f"It is {clock.now():%F %T} UTC here.")


def _move(step: str) -> None:
    before = clock.now()
    match = _STEP.fullmatch(step)
    clock.move(int(match[1]) * _UNITS[match[2] or "s"] if match else None)
    if clock.now() < before:
        with transaction():
            outbox.hurry()  # what waited for a time that is now further away


limits_group = AppGroup("limits", help="Rate limits.")


@limits_group.command("reset")
@plain_errors
def limits_reset() -> None:
    """Forget all that was counted, in the database and in Redis."""
    _not_in_production("Forgetting limits")
    with transaction():
        counted = limits.forget_all()
    try:
        counted += redis.forget_limits()
    except RedisError as error:
        raise click.ClickException(f"Redis did not answer; the database's {counted} are gone.") from error
    click.echo(f"{counted} counters forgotten.")


def mount(app: Flask) -> None:
    """Add the commands."""
    commands = (
        create_admin,
        recover_second_factor,
        seed,
        worker,
        migrations,
        outbox_group,
        jobs_group,
        settings_group,
        policies_group,
        audit_group,
        move_clock,
        limits_group,
    )
    for command in commands:
        app.cli.add_command(command)
