"""Inviting many at once, by addresses or from a table: each good row goes out, each bad one is told why.

Safe to send again: who is invited or a member already is told so and gets no second mail.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.core.access import Actor, operation
from app.core.db import db
from app.core.errors import AppError, RateLimited, Refused, ValidationFailed
from app.core.languages import Sentence
from app.core.permissions import Permission
from app.domains.accounts import emails
from app.domains.members import granting
from app.domains.members.invitations import (
    AlreadyMember,
    AlreadyPending,
    Wanted,
    check_message,
    checked,
    send,
    spend,
)
from app.domains.permissions.roles import Role

MOST_ROWS = 100
MOST_BYTES = 64 * 1024
_MOST_COLUMNS = 20
_LONGEST_CELL = 400
_SIGNS = ",;\t"
_NAMES = {
    "email": "email",
    "e-mail": "email",
    "mail": "email",
    "address": "email",
    "role": "role",
    "first name": "first_name",
    "first_name": "first_name",
    "firstname": "first_name",
    "last name": "last_name",
    "last_name": "last_name",
    "lastname": "last_name",
    "job title": "job_title",
    "job_title": "job_title",
    "jobtitle": "job_title",
}
_ORDER = ("email", "first_name", "last_name", "role", "job_title")
"""What the columns are where the first row does not name them."""
_TWICE = Sentence("This address stands further up already.")
_ROLES = {role.value: role for role in Role} | {"user": Role.MEMBER, "tenant_admin": Role.ADMIN}


class TableUnreadable(Refused):
    code, message = "invitation:table_unreadable", "This is no table that can be read."


@dataclass(frozen=True)
class RowResult:
    """What became of one row; ``sent``, ``there`` (invited or a member already) or ``refused``."""

    line: int
    email: str
    outcome: str
    reason: str = ""
    link: str = ""
    """What the mail leads to, where whoever invites passes it on too."""


@dataclass(frozen=True)
class _Row:
    line: int
    email: str
    wanted: Wanted | None = None
    fault: str = ""


@operation(Permission.MEMBERS_MANAGE)
def invite_people(actor: Actor, *, people: Sequence[Wanted], copy: bool = False) -> Sequence[RowResult]:
    """Invite up to a hundred people as one form names them: all with the same role, profile and message.

    :param copy: show the links too, so that they prove no mailbox
    :raises ValidationFailed: at emails, role, profile_id, message, before anybody is invited
    :raises RoleAboveOwn, ProfileAboveOwn: likewise
    """
    if not people:
        raise ValidationFailed({"emails": ["Give one e-mail address or more."]})
    if len(people) > MOST_ROWS:
        wrong = Sentence("Give at most %(number)s addresses at once.", number=MOST_ROWS)
        raise ValidationFailed({"emails": [wrong]})
    check_message(people[0].message)
    rows = [_counted(actor, row) for row in _named(people)]
    granting.chosen_role(actor, people[0].role)
    granting.chosen_profile(actor, people[0].profile_id)
    return [_sent(actor, row, copy=copy) for row in rows]


def _named(people: Sequence[Wanted]) -> Iterator[_Row]:
    seen: set[str] = set()
    for line, wanted in enumerate(people, 1):
        key = emails.key_of(wanted.email)
        yield _Row(line, wanted.email, wanted, _TWICE if key in seen else "")
        seen.add(key)


@operation(Permission.MEMBERS_MANAGE)
def invite_all(actor: Actor, *, table: bytes) -> Sequence[RowResult]:
    """Invite everybody in a table of at most a hundred rows: address, names, role, job title.

    :param table: CSV in UTF-8, UTF-16 or Windows-1252, parted by comma, semicolon or tab
    :raises TableUnreadable: if it is too large or too long, or holds no row
    """
    # All are counted before anything is looked at: what guards the mailboxes commits by itself.
    rows = [_counted(actor, row) for row in _read(table)]
    return [_sent(actor, row) for row in rows]


def _counted(actor: Actor, row: _Row) -> _Row:
    if row.fault:
        return row
    try:
        spend(actor, emails.checked(row.email))
    except RateLimited:
        return replace(row, fault=Sentence("Too many invitations for now. Send this row again later."))
    except AppError as error:
        return replace(row, fault=_reason(error))
    return row


def _sent(actor: Actor, row: _Row, *, copy: bool = False) -> RowResult:
    if row.fault or row.wanted is None:
        return _refused(row, row.fault)
    try:
        with db.session.begin_nested():
            sent = send(actor, checked(actor, row.wanted), copy=copy)
    except (AlreadyPending, AlreadyMember) as error:
        return RowResult(row.line, row.email, "there", error.message)
    except AppError as error:
        return _refused(row, _reason(error))
    return RowResult(row.line, sent.invitation.email, "sent", link=sent.link if copy else "")


def _refused(row: _Row, reason: str) -> RowResult:
    return RowResult(row.line, row.email[:_LONGEST_CELL], "refused", reason)


def _reason(error: AppError) -> str:
    told = [text for texts in error.fields.values() for text in texts]
    return told[0] if told else error.message


def _wanted(cells: dict[str, str]) -> Wanted:
    role = _ROLES[cells["role"].lower()] if cells.get("role") else None
    return Wanted(
        email=cells["email"],
        role=role,
        first_name=cells.get("first_name", ""),
        last_name=cells.get("last_name", ""),
        job_title=cells.get("job_title") or None,
    )


# ---- Reading


def _read(table: bytes) -> Iterator[_Row]:
    if len(table) > MOST_BYTES:
        raise TableUnreadable(remedy=Sentence("Send at most %(number)s kB.", number=MOST_BYTES // 1024))
    lines = [line for line in _lines(_decoded(table)) if any(cell.strip() for cell in line[1])]
    names = _header(lines[0][1]) if lines else None
    body = lines[1:] if names else lines
    if not body:
        raise TableUnreadable(remedy="Give one row for each person, the e-mail address first.")
    if len(body) > MOST_ROWS:
        raise TableUnreadable(remedy=Sentence("Send at most %(number)s rows at once.", number=MOST_ROWS))
    seen: set[str] = set()
    for line, cells in body:
        yield _row(line, cells, names or _ORDER, seen)


def _decoded(table: bytes) -> str:
    if table.startswith((b"\xff\xfe", b"\xfe\xff")):
        return table.decode("utf-16", "replace")
    try:
        return table.decode("utf-8-sig")
    except UnicodeDecodeError:
        return table.decode("cp1252", "replace")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.lstrip().split("\n", 1)[0]
    delimiter = max(_SIGNS, key=first.count)
    reader = csv.reader(text.replace("\0", "\ufffd").splitlines(), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise TableUnreadable(remedy="A cell in it is too long or a quote is left open.") from error


def _header(cells: Sequence[str]) -> tuple[str, ...] | None:
    names = tuple(_NAMES.get(cell.strip().lower(), "") for cell in cells[:_MOST_COLUMNS])
    return names if "email" in names else None


def _row(line: int, cells: Sequence[str], names: Sequence[str], seen: set[str]) -> _Row:
    named = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
    fault = _fault(cells, named, seen)
    return _Row(line, named.get("email", ""), None if fault else _wanted(named), fault)


def _fault(cells: Sequence[str], named: dict[str, str], seen: set[str]) -> str:
    """Say what is wrong with a row by itself, nothing where it can be tried."""
    formula = any(cell[:1] in ("=", "@", "+", "-") for name, cell in named.items() if name != "email")
    key = emails.key_of(named.get("email", "")[:_LONGEST_CELL])
    faults = {
        Sentence("This row has too many columns."): len(cells) > _MOST_COLUMNS,
        Sentence("A cell of this row is too long."): any(len(cell) > _LONGEST_CELL for cell in cells),
        Sentence("This row has no e-mail address."): not named.get("email"),
        Sentence("A cell of this row begins like a formula."): formula,
        Sentence("There is no such role."): bool(named.get("role")) and named["role"].lower() not in _ROLES,
        _TWICE: key in seen,
    }
    seen.add(key)
    return next((told for told, so in faults.items() if so), "")
