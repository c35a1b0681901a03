"""Opens the portal: its areas, its words for templates, and the proof that a form is ours."""

from flask import Flask

from app.surfaces.portal import account, assets, auth, dashboard, organizations, pages, privacy, sessions
from app.surfaces.portal.base import DIALECT, app_name, bind_login, csrf, frame
from app.surfaces.portal.i18n import register_languages
from app.surfaces.portal.presentation import register_presentation

__all__ = ["DIALECT", "mount"]

AREAS = (assets, auth, account, sessions, privacy, organizations, dashboard, pages)


def mount(app: Flask) -> None:
    """Open the way in."""
    app.config.update(
        WTF_CSRF_CHECK_DEFAULT=False,  # the APIs have no forms; each area of the portal checks its own
        WTF_CSRF_TIME_LIMIT=None,  # a form left open over night still works; the token ends with its cookie
        WTF_CSRF_SSL_STRICT=False,  # it reads the Referer, which our pages never send
    )
    csrf.init_app(app)
    bind_login(app)
    register_languages(app)
    register_presentation(app)
    app.context_processor(frame)
    app.jinja_env.globals["app_name"] = app_name  # a macro's file has no context of its own
    for module in AREAS:
        app.register_blueprint(module.bp)
