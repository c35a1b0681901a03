"""Writing an export, one small step after the other; each step can be made twice and is there once.

A list is collected in pieces, one file each, and packed into the archive when it is over or a volume is
full. Each packing makes a new archive beside the old one, so whatever a killed step left is written over.
"""

import csv
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from app.core import clock
from app.core.outbox import Act, Payload
from app.core.personal import Part, Row
from app.core.spreadsheets import harmless
from app.core.stepwise import ExportState
from app.core.storage import store
from app.domains.privacy import files
from app.domains.privacy.models import Archived

BATCH = 1000
"""Rows read and written in one step: all that is ever held in memory."""
VOLUME_PIECES = 50
"""Pieces packed into one file of the archive; a longer list goes on in the next file."""


@dataclass(frozen=True)
class Position:
    """How far an export is: what the next step begins with."""

    part: int = 0
    after: int = 0
    """The key of the last row that was read of this part."""
    volume: int = 0
    """Files of this part that are packed already."""
    pieces: int = 0
    """Pieces of the next file that are written already."""
    packed: int = 0
    """Files in the archive so far, of all parts."""

    @classmethod
    def read(cls, kept: dict[str, Any]) -> "Position":
        """Return a position as it was kept."""
        return cls(**kept)

    def kept(self) -> dict[str, Any]:
        """Return the position as it is kept."""
        return asdict(self)

    def is_end(self, parts: Sequence[Part]) -> bool:
        """Say whether all parts are in the archive."""
        return self.part >= len(parts)

    def progress(self, parts: Sequence[Part]) -> int:
        """Return how much is done, of 100; a long list comes ever nearer to its end."""
        within = 1 - 1 / (1 + self.volume * VOLUME_PIECES + self.pieces)
        return min(99, int(100 * (self.part + within) / (len(parts) + 1)))


def next_step(export: Archived, *, whose: int, parts: Sequence[Part], about: Callable[[], str]) -> Act:
    """Read what the next step writes, and say how: what it returns tells ``note`` how far the export is then.

    :param whose: the id of the person or the organization
    :param about: the page that says what is what
    """
    folder, position = export.folder, Position.read(export.position)
    if position.is_end(parts):
        page = about()
        return lambda: {"size": seal_up(folder, position, page)}
    part = parts[position.part]
    rows = part.read(whose, position.after, BATCH)
    return lambda: step(folder, position, rows, part).kept()


def note(export: Archived, kept: Payload, parts: Sequence[Part]) -> int | None:
    """Keep how far a step has come; returns the archive's size in bytes once it is whole."""
    if "size" in kept:
        return int(kept["size"])
    position = Position.read(dict(kept))
    export.state, export.position = ExportState.MAKING, position.kept()
    export.progress = position.progress(parts)
    return None


def contents(title: str, export: Archived, parts: Sequence[Part], missing: Sequence[str] = ()) -> str:
    """Return the page that lies in an archive: what each file holds, and what is not in it."""
    lines = [
        title,
        f"Asked for: {export.requested_at.isoformat()}",
        f"Made: {clock.now().isoformat()}",
        "",
        "Times are UTC. Lists are there twice: as JSON, and as CSV for a spreadsheet.",
        "Passwords, codes, keys and tokens are not in here: only their hashes are kept, or they are sealed.",
        "",
        *(f"{part.name}: {part.about}" for part in parts),
        *(("", "Not in here:", *missing) if missing else ()),
    ]
    return "\n".join(lines) + "\n"


def step(folder_name: str, position: Position, rows: Sequence[Row], part: Part) -> Position:
    """Write what was read of a part at a position and return the position after it."""
    folder = files.make(folder_name)
    _tidy(folder, position)
    if rows:
        lines = "".join(json.dumps(facts, ensure_ascii=False) + "\n" for _, facts in rows)
        files.write_whole(_piece(folder, position.pieces), lines.encode())
    over = len(rows) < BATCH
    pieces = position.pieces + bool(rows)
    after = rows[-1][0] if rows else position.after
    if not over and pieces < VOLUME_PIECES:
        return replace(position, after=after, pieces=pieces)
    packed = position.packed
    if pieces or position.volume == 0:  # a list with nothing in it is shown as one
        _pack(folder, position, pieces, part, last=over)
        packed += 1
    if over:
        return Position(part=position.part + 1, packed=packed)
    return replace(position, after=after, volume=position.volume + 1, pieces=0, packed=packed)


def seal_up(folder_name: str, position: Position, about: str) -> int:
    """Add the page that says what is what, give the archive its name; returns its size in bytes."""
    folder = files.make(folder_name)
    final = folder / files.ARCHIVE
    if not final.exists():
        beside = _next_archive(folder, position)
        with zipfile.ZipFile(beside, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_entry("README.txt"), about)
        _settle(beside, final)
    for other in folder.iterdir():
        if other != final:
            other.unlink()
    return final.stat().st_size


def _tidy(folder: Path, position: Position) -> None:
    """Take away what earlier steps have left and no later one asks for."""
    keep = {_archive(folder, position.packed)} | {_piece(folder, n) for n in range(position.pieces)}
    for other in folder.iterdir():
        if other not in keep:
            other.unlink()


def _pack(folder: Path, position: Position, pieces: int, part: Part, *, last: bool) -> None:
    beside = _next_archive(folder, position)
    name = part.name if last and position.volume == 0 else f"{part.name}-{position.volume + 1}"
    with zipfile.ZipFile(beside, "a", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        with archive.open(_entry(f"{name}.json"), "w", force_zip64=True) as raw:
            _write_json(io.TextIOWrapper(raw, "utf-8"), part, _read(folder, pieces))
        if not part.single and pieces:
            with archive.open(_entry(f"{name}.csv"), "w", force_zip64=True) as raw:
                _write_csv(io.TextIOWrapper(raw, "utf-8", newline=""), _read(folder, pieces))
        _put_files(archive, part, _read(folder, pieces))
    _settle(beside, _archive(folder, position.packed + 1))


def _put_files(archive: zipfile.ZipFile, part: Part, lines: Iterator[str]) -> None:
    for line in lines:
        facts = json.loads(line)
        if "_file" not in facts:
            return
        content = store().get(facts["_file"]) if facts["_file"] else None
        if content is not None:  # deleted since it was listed
            archive.writestr(_entry(f"{part.name}/{facts['file']}"), content)


def _next_archive(folder: Path, position: Position) -> Path:
    beside = folder / ".next.zip"
    before = _archive(folder, position.packed)
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if position.packed:
        shutil.copyfile(before, beside)
    return beside


def _settle(beside: Path, final: Path) -> None:
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(final)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, clock.now().timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _archive(folder: Path, packed: int) -> Path:
    return folder / f"packed-{packed}.zip"


def _piece(folder: Path, number: int) -> Path:
    return folder / f"piece-{number}.jsonl"


def _read(folder: Path, pieces: int) -> Iterator[str]:
    for number in range(pieces):
        with _piece(folder, number).open(encoding="utf-8", newline="\n") as lines:
            yield from lines


def _write_json(out: TextIO, part: Part, lines: Iterator[str]) -> None:
    begin, between, end = ("", "", "\n") if part.single else ("[\n", ",\n", "\n]\n")
    out.write(begin)
    empty = True
    for line in lines:
        shown = json.dumps(_shown(json.loads(line)), ensure_ascii=False, indent=2 if part.single else None)
        out.write(shown if empty else between + shown)
        empty = False
    out.write("{}" + end if empty and part.single else end)
    out.flush()
    out.detach()  # type: ignore[attr-defined]


def _write_csv(out: TextIO, lines: Iterator[str]) -> None:
    writer = None
    for line in lines:
        facts = _shown(json.loads(line))
        if writer is None:
            writer = csv.DictWriter(out, list(facts), extrasaction="ignore")
            writer.writeheader()
        writer.writerow({name: harmless(value) for name, value in facts.items()})
    out.flush()
    out.detach()  # type: ignore[attr-defined]


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if not name.startswith("_")}
