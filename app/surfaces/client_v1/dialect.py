"""How client_v1 speaks: bare bodies, ``{"error": {"code", "message"}}``."""

from flask import Response, jsonify

from app.surfaces.shared.problems import Dialect, Problem


def render(problem: Problem) -> Response:
    """Word a problem."""
    response = jsonify({"error": {"code": problem.code, "message": problem.message}})
    response.status_code = problem.status
    return response


DIALECT = Dialect("client_v1", ("/v1/login/password", "/v1/client"), render)
