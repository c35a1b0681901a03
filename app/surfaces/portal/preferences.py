"""How the person likes the portal: language, time zone, look, where it begins, which notices reach them."""

from typing import Any, cast

from flask import Response, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Length

from app.core.languages import language_of
from app.domains.accounts import languages, preferences, profiles, queries
from app.domains.accounts.profiles import ProfileChanges
from app.surfaces.portal.base import FormPage, PortalForm, area, away, door, typed
from app.surfaces.portal.i18n import NAMES, remember_language
from app.surfaces.portal.navigation import START_PAGES
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.languages import instance, speak

bp = area("preferences")

_THEMES = (
    SelectChoice("system", _l("As the system has it")),
    SelectChoice("light", _l("Light")),
    SelectChoice("dark", _l("Dark")),
)
_DENSITIES = (SelectChoice("comfortable", _l("Comfortable")), SelectChoice("compact", _l("Compact")))
_SIDEBARS = (
    SelectChoice("expanded", _l("Wide")),
    SelectChoice("collapsed", _l("Icons only")),
    SelectChoice("hidden", _l("Behind the menu button")),
)
_SCREEN = ("theme", "density", "sidebar_layout", "start_page")
_NOTICES = ("email_enabled", "in_app_enabled", "sound", "email_consent")


class PreferencesForm(PortalForm):
    language = SelectField(_l("Language"))
    timezone = StringField(_l("Time zone"), [Length(max=64)])
    theme = SelectField(_l("Theme"), choices=_THEMES)
    density = SelectField(_l("Density"), choices=_DENSITIES)
    sidebar_layout = SelectField(_l("Sidebar"), choices=_SIDEBARS)
    start_page = SelectField(_l("Page after signing in"))
    email_enabled = BooleanField(_l("Send me notices by e-mail"))
    in_app_enabled = BooleanField(_l("Show me notices here"))
    sound = BooleanField(_l("Play a sound with a notice"))
    email_consent = BooleanField(_l("Send me news about the product by e-mail"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spoken = [code for code in instance().languages if code in NAMES]
        mine = language_of(current_actor().particulars.locale)
        self.language.choices = [SelectChoice(code, NAMES[code]) for code in dict.fromkeys([*spoken, mine])]
        self.start_page.choices = [SelectChoice(name, label) for name, (label, _path) in START_PAGES.items()]


def _page() -> FormPage[PreferencesForm]:
    return FormPage(PreferencesForm, "account/preferences.html", _facts)


def _facts() -> dict[str, Any]:
    kept = preferences.my_preferences(current_actor())
    return {"zones": languages.zones(), "consent_at": kept.notifications.email_consent_at}


@bp.get("/account/preferences")
@door("user")
def form():
    shown, about = _page(), current_actor().particulars
    kept = preferences.my_preferences(current_actor())
    now = {name: getattr(kept.ui, name) for name in _SCREEN}
    now |= {name: getattr(kept.notifications, name) for name in _NOTICES}
    if now["start_page"] not in START_PAGES:
        now["start_page"] = "dashboard"
    shown.form.process(data={**now, "language": language_of(about.locale), "timezone": about.timezone})
    return shown.show()


@bp.post("/account/preferences")
@door("user")
def save():
    sent = _page().take()
    profiles.update_page(current_actor(), changes=_place(sent))
    preferences.change_preferences(
        current_actor(),
        ui={name: sent[name].data for name in _SCREEN},
        notifications={name: bool(sent[name].data) for name in _NOTICES},
    )
    spoken = str(queries.me(current_actor()).locale or sent.language.data)
    speak(spoken)
    flash(_("Your preferences are saved."), "success")
    return remember_language(away("/account/preferences"), language_of(spoken))


def _place(sent: PreferencesForm) -> ProfileChanges:
    """Return language and time zone where they differ from what the page showed; a region is kept."""
    about, changes = current_actor().particulars, {}
    zone = typed(sent.timezone).strip()
    if sent.language.data != language_of(about.locale):
        changes["locale"] = str(sent.language.data)
    if zone != about.timezone:
        changes["timezone"] = zone
    return cast("ProfileChanges", changes)


@bp.post("/account/preferences/theme")
@door("user")
def theme():
    """Keep what a theme button set; the page shows it already."""
    wanted = request.form.get("theme", "")
    if wanted in {choice.value for choice in _THEMES}:
        preferences.change_preferences(current_actor(), ui={"theme": wanted})
    return Response(status=204)
