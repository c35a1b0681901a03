"""Files that a page hands out: saved under a name, and not before it is known who asks."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from flask import Response, flash
from flask_babel import gettext as _

from app.core.storage import StoreFailed
from app.domains.sessions.operations import StepUpRequired
from app.surfaces.portal.base import away


class Download(Protocol):
    """What a domain hands out as a file."""

    @property
    def name(self) -> str: ...

    @property
    def media_type(self) -> str: ...

    @property
    def size(self) -> int: ...

    def stream(self) -> Iterator[bytes]:
        """Yield the file piece by piece."""


def attached(file: Download) -> Response:
    """Return the answer that a browser saves as a file."""
    return _answer(file, file.stream())


def _answer(file: Download, pieces: Iterable[bytes]) -> Response:
    answer = Response(pieces, content_type=file.media_type, direct_passthrough=True)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer.content_length = file.size
    return answer


def attached_once_proven(fetch: Callable[[], Download], *, page: str) -> Response:
    """Return the file, or send the person to prove who they are and back to the page.

    Its first piece is there before the answer begins: a storage that does not give it is told on the page.

    Not the usual dialog, which sends the form again by itself: its answer would be saved, and the question
    would stay on the screen.
    """
    try:
        file = fetch()
        pieces = file.stream()
        return _answer(file, chain([next(pieces, b"")], pieces))
    except StoreFailed:
        flash(_("The storage did not give the file. Look at the storage, then try again."), "danger")
        return away(page)
    except StepUpRequired:
        flash(_("Confirm that it is you, then download it."), "info")
        return away(f"/step-up?next={page}")
