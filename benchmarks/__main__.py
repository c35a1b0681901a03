"""``python -m benchmarks [reads|logins|members|audit …]``: measure, print, name what missed."""

import sys
import tempfile
from pathlib import Path

from benchmarks import answers, audit, logins, members, queries, reads, servers, startup
from benchmarks.report import Result, show

PARTS = ("startup", "reads", "logins", "answers", "members", "audit", "queries")


def main(wanted: list[str]) -> None:
    """Run the parts that are named, all where none is."""
    unknown = set(wanted) - set(PARTS)
    if unknown:
        sys.exit(f"No such part: {', '.join(sorted(unknown))}. There are {', '.join(PARTS)}.")
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as name:
        folder = Path(name)
        for part in PARTS:
            if part in (wanted or PARTS):
                run(part, folder)


def run(part: str, folder: Path) -> None:
    """Run one part and print it."""
    if part == "startup":
        show("Start-up and memory, SQLite", startup.measure(folder / "startup"))
    elif part == "queries":
        queries.report(folder)
    else:
        with servers.postgresql() as server:
            title, results = _with_database(part, server, folder)
        show(title, results)


def _with_database(part: str, server: servers.Postgresql, folder: Path) -> tuple[str, list[Result]]:
    if part == "reads":
        return "Authenticated read, PostgreSQL", [reads.measure(server, folder)]
    if part == "logins":
        return "Sign-in, PostgreSQL", [logins.measure(server, folder)]
    if part == "members":
        return "A hundred thousand members beside ten, PostgreSQL", [*members.measure(server, folder)]
    if part == "audit":
        return "A trail of five million rows beside one of ten thousand, PostgreSQL", [
            *audit.measure(server, folder)
        ]
    return "Known and unknown addresses, PostgreSQL", answers.measure(server, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
