"""Opens the portal."""

from flask import Flask, Response

from app.surfaces.shared.problems import Dialect, Problem


def render(problem: Problem) -> Response:
    """Show a problem as a page."""
    return Response(f"{problem.status} {problem.message}", status=problem.status, content_type="text/plain")


DIALECT = Dialect("portal", ("/",), render)


def mount(app: Flask) -> None:
    """Open the way in."""
