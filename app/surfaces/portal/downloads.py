"""Files that a page hands out: saved under a name, and not before it is known who asks."""

from collections.abc import Callable, Iterator
from typing import Protocol

from flask import Response, flash
from flask_babel import gettext as _

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
    answer = Response(file.stream(), content_type=file.media_type, direct_passthrough=True)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer.content_length = file.size
    return answer


def attached_once_proven(fetch: Callable[[], Download], *, page: str) -> Response:
    """Return the file, or send the person to prove who they are and back to the page.

    Not the usual dialog, which sends the form again by itself: its answer would be saved, and the question
    would stay on the screen.
    """
    try:
        return attached(fetch())
    except StepUpRequired:
        flash(_("Confirm that it is you, then download it."), "info")
        return away(f"/step-up?next={page}")
