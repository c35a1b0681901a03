"""Portico: the portal that every platform needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from app import surfaces
from app.core.db import LateMigrations, db, engine_options
from app.core.settings import Settings, read_settings, use_settings
from app.surfaces.shared.actor import SAFE_METHODS
from app.surfaces.shared.cookies import PortalSessions
from app.surfaces.shared.counting import init_counting
from app.surfaces.shared.headers import init_headers
from app.surfaces.shared.ids import LateRule, RowNumber
from app.surfaces.shared.languages import init_languages
from app.surfaces.shared.limits import init_limits
from app.surfaces.shared.logs import configure_logs, init_logs
from app.surfaces.shared.transaction import reading, writing

ROOT = Path(__file__).resolve().parent.parent
MAX_BODY = 2 * 1024 * 1024


class App(Flask):
    """The application; it ends every request's transaction once, whatever happened inside."""

    url_rule_class = LateRule

    def dispatch_request(self) -> ResponseReturnValue:
        """Run the view in one transaction; a safe method reads only, unless its view says that it writes."""
        view = self.view_functions.get(request.endpoint or "")
        if view is None or request.endpoint == "static" or getattr(view, "has_no_transaction", False):
            return super().dispatch_request()
        if request.method in SAFE_METHODS and not getattr(view, "writes", False):
            return reading(self._dispatch)
        return writing(self._dispatch)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Take a view or hook as it is: none of ours is asynchronous, and Flask would look at each again."""
        return func

    def _dispatch(self) -> ResponseReturnValue:
        # Templates and schemas read what the queries loaded, so the answer is made before the session closes.
        return self.make_response(super().dispatch_request())


def create_app(settings: Settings | None = None) -> App:
    """Make the application of one instance.

    :raises SettingsError: naming the variable of the environment that is missing or wrong
    """
    settings = settings or read_settings()
    use_settings(settings)
    configure_logs(settings)
    app = App(
        "portico",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url, settings.db_pool_size),
        MAX_CONTENT_LENGTH=MAX_BODY,
        SESSION_COOKIE_NAME="portal",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        TRAP_HTTP_EXCEPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = RowNumber
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.session_interface = PortalSessions()
    db.init_app(app)
    app.extensions["migrate"] = LateMigrations(app, ROOT / "migrations")
    init_headers(app)
    init_logs(app)
    init_counting(app)
    init_limits(app, settings)
    init_languages(app)
    surfaces.mount(app)
    return app


__all__ = ["App", "Response", "create_app"]
