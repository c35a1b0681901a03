"""Opens the portal: its areas, its words for templates, and the proof that a form is ours."""

from flask import Flask

from app.surfaces.portal import (
    access_requests,
    account,
    api_tokens,
    assets,
    audit,
    auth,
    brand,
    client_accounts,
    closing,
    dashboard,
    domains,
    email_change,
    email_rules,
    email_settings,
    enforcement,
    invitations,
    invited,
    inviting,
    join_requests,
    mail_links,
    media,
    members,
    organization,
    organizations,
    ownership,
    pages,
    passkey_undo,
    passkeys,
    permissions,
    plan,
    platform_console,
    platform_invoices,
    platform_organizations,
    platform_people,
    platform_settings,
    policies,
    preferences,
    privacy,
    profile,
    recovery,
    second_factor,
    security,
    security_log,
    service_users,
    sessions,
    settings,
    setup,
    short_name,
    step_up,
    storage,
    support_access,
)
from app.surfaces.portal.base import app_name, bind_login, csrf, frame
from app.surfaces.portal.doors import init_support
from app.surfaces.portal.i18n import register_languages
from app.surfaces.portal.presentation import register_presentation
from app.surfaces.portal.refusals import DIALECT

__all__ = ["DIALECT", "mount"]

AREAS = (
    api_tokens,
    assets,
    mail_links,
    media,
    auth,
    brand,
    second_factor,
    passkeys,
    passkey_undo,
    recovery,
    account,
    security,
    step_up,
    email_change,
    security_log,
    profile,
    preferences,
    policies,
    sessions,
    settings,
    privacy,
    organizations,
    organization,
    short_name,
    ownership,
    closing,
    domains,
    join_requests,
    members,
    inviting,
    invitations,
    invited,
    email_rules,
    email_settings,
    enforcement,
    service_users,
    client_accounts,
    permissions,
    platform_settings,
    access_requests,
    setup,
    storage,
    plan,
    platform_console,
    platform_organizations,
    platform_invoices,
    platform_people,
    support_access,
    audit,
    dashboard,
    pages,
)


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
    init_support(app)
    register_presentation(app)
    app.context_processor(frame)
    app.jinja_env.globals["app_name"] = app_name  # a macro's file has no context of its own
    for module in AREAS:
        app.register_blueprint(module.bp)
