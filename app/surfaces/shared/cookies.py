"""The one session cookie of services_v1, v0 and the portal."""

from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from app.core import clock
from app.core.access import Actor
from app.core.errors import Forbidden
from app.core.settings import current_settings
from app.domains.sessions.operations import Opened
from app.domains.sessions.tokens import csrf_matches
from app.surfaces.shared.actor import COOKIE

CSRF_HEADER = "X-CSRF-Token"


class CsrfInvalid(Forbidden):
    code, message = "auth:csrf_invalid", "This call did not come from our own pages."


class PortalSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, which only pages use: a call without it pays nothing for it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie where there is one."""
        if self.get_cookie_name(app) in request.cookies:
            return super().open_session(app, request)
        return SecureCookieSession()


def set_session_cookie(response: Response, opened: Opened) -> Response:
    """Put a new session's token into the cookie; without "remember me" it lasts as long as the browser."""
    if opened.token is None:
        raise ValueError("this sign-in is not carried by a cookie")
    session = opened.session
    response.set_cookie(
        COOKIE,
        opened.token,
        max_age=session.expires_at - clock.now() if session.persistent else None,
        httponly=True,
        secure=current_settings().https,
        samesite="Lax",
        path="/",
    )
    return response


def clear_session_cookie(response: Response) -> Response:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, secure=current_settings().https, samesite="Lax")
    return response


def session_cookie(opened: Opened) -> dict[str, str]:
    """Return the header that puts a new session's token into the cookie."""
    return _cookie_of(set_session_cookie(Response(), opened))


def forgotten_cookie() -> dict[str, str]:
    """Return the header that takes the cookie back, where the call rests on it; another sign-in's stays."""
    return _cookie_of(clear_session_cookie(Response())) if g.caller.rests_on_cookie else {}


def _cookie_of(response: Response) -> dict[str, str]:
    return {"Set-Cookie": response.headers["Set-Cookie"]}


def require_same_origin(_actor: Actor) -> None:
    """Refuse a call that another site may have made the browser send.

    ``Sec-Fetch-Site`` decides where the browser sends it, else ``Origin`` must be the instance's own.

    :raises CsrfInvalid: also where neither is there
    """
    if not is_from_our_own_page():
        raise CsrfInvalid(layer="session")


def is_from_our_own_page() -> bool:
    """Say whether the browser vouches for a page of this instance as the sender."""
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site == "same-origin"
    origin = request.headers.get("Origin", "")
    own = {_origin_of(current_settings().public_url)}
    if not current_settings().is_production:
        own.add(_origin_of(request.host_url))
    return bool(origin) and origin != "null" and _origin_of(origin) in own


def require_csrf_token(actor: Actor) -> None:
    """Refuse a call that does not show the session's own token in ``X-CSRF-Token``.

    :raises CsrfInvalid: if it is missing or another session's
    """
    if not csrf_matches(actor.session_uid, request.headers.get(CSRF_HEADER, "")):
        raise CsrfInvalid(layer="session")


def _origin_of(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(parts.scheme)
