"""The person who is signed in."""

import marshmallow as ma

from app.domains.accounts import details, policies, preferences, profiles
from app.domains.auth import email_change, passwords, person
from app.surfaces.services_v1.dialect import (
    Confirmed,
    Part,
    Seconds,
    Slug,
    TenantOut,
    blp,
    done,
    door,
    shown,
    told,
)
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.ids import Moment, Secret, Word
from app.surfaces.shared.languages import speak
from app.surfaces.shared.openapi import Schema
from app.surfaces.shared.problems import fields_called

_INTERACTIVE = "auth:interactive_session_required"


class PasswordIn(Confirmed):
    current_password = Secret(load_default=None)


class NewEmailIn(Schema):
    email = Word(required=True, most=254)


class EmailTokenIn(Schema):
    token = Secret(required=True)


class AcceptanceIn(Schema):
    type = Word(required=True, most=20, metadata={"enum": ["terms", "privacy", "cookies"]})
    version = Word(required=True, most=20)


class DetailsIn(Schema):
    first_name = Word(least=1, most=100)
    last_name = Word(least=1, most=100)
    phone = Word(most=20, allow_none=True)
    avatar = Word(data_key="avatar_url", most=2000, allow_none=True)

    @ma.validates("avatar")
    def _is_elsewhere(self, address, **_):
        if address is not None and address.startswith("data:"):  # only api_v1 takes pictures in a body
            raise ma.ValidationError("Give an https address.")

    @ma.validates_schema
    def _name_something(self, data, **_):
        if not data:
            raise ma.ValidationError("Name at least one field.")


class LanguageIn(Schema):
    language = Word(required=True, least=1, most=35)


class TimezoneIn(Schema):
    timezone = Word(required=True, least=1, most=64)


class EditorSettingsIn(Schema):
    settings = ma.fields.Dict(required=True, keys=Word(least=1, most=100))


class EditorModeIn(Schema):
    editor_mode = ma.fields.String(required=True, validate=ma.validate.OneOf(["simple", "advanced"]))


class SidebarIn(Schema):
    sidebar_layout_mode = ma.fields.String(
        required=True, validate=ma.validate.OneOf(["expanded", "collapsed", "hidden"])
    )


class TeaserIn(Schema):
    widget = Slug(required=True)


class TwoFactorOut(Schema):
    enabled = ma.fields.Boolean(attribute="two_factor.enabled")
    enabled_at = Moment(attribute="two_factor.enabled_at", allow_none=True)
    pending = ma.fields.Boolean(attribute="two_factor.pending")
    enforced = ma.fields.Boolean(attribute="two_factor_enforced")
    recovery_codes_remaining = ma.fields.Integer(attribute="two_factor.recovery_codes_remaining")


class OwnSessionOut(Schema):
    id = ma.fields.Integer(attribute="session.id")
    kind = ma.fields.String(attribute="session.kind")
    factors = ma.fields.Function(
        lambda who: None if who.session.kind == "api_token" else who.session.factors,
        metadata={"type": ["integer", "null"]},
    )
    verified_until = Moment(allow_none=True)


class AgreementOut(Schema):
    type = ma.fields.String(attribute="policy.type")
    current_version = ma.fields.String(attribute="policy.version")
    accepted_version = ma.fields.String(allow_none=True)
    accepted_at = Moment(allow_none=True)
    must_accept = ma.fields.Boolean()


class OwnTenantOut(TenantOut):
    id = ma.fields.Integer(attribute="tenant.id")
    name = ma.fields.String(attribute="tenant.name")
    slug = ma.fields.String(attribute="tenant.slug")
    role = ma.fields.String()


class PreferencesOut(Schema):
    editor_mode = ma.fields.String(attribute="screen.editor_mode")
    editor_settings = ma.fields.Dict()
    sidebar_layout_mode = ma.fields.String(attribute="screen.sidebar_layout")
    dismissed_teasers = ma.fields.List(ma.fields.String(), attribute="screen.dismissed")


class PersonOut(Schema):
    id = ma.fields.Integer(attribute="user.id")
    uid = ma.fields.UUID(attribute="user.uid")
    email = ma.fields.String(attribute="user.email")
    email_verified_at = Moment(attribute="user.email_verified_at", allow_none=True)
    pending_email = ma.fields.String(attribute="user.awaited_email", allow_none=True)
    handle = ma.fields.String(attribute="user.handle", allow_none=True)
    first_name = ma.fields.String(attribute="user.first_name")
    last_name = ma.fields.String(attribute="user.last_name")
    phone = ma.fields.String(attribute="user.phone", allow_none=True)
    avatar_url = ma.fields.String(attribute="user.avatar_url", allow_none=True)
    language = ma.fields.String()
    timezone = ma.fields.String()
    has_password = ma.fields.Boolean(attribute="user.has_password")
    is_platform_admin = ma.fields.Boolean(attribute="user.is_platform_admin")
    is_support_staff = ma.fields.Boolean()
    two_factor = Part(TwoFactorOut)
    session = Part(OwnSessionOut)
    policies = ma.fields.List(ma.fields.Nested(AgreementOut), attribute="agreements")
    selected_project_id = ma.fields.Constant(None)  # nobody can have a project yet
    tenants = ma.fields.List(ma.fields.Nested(OwnTenantOut), attribute="memberships")
    preferences = Part(PreferencesOut)
    unread_notifications = ma.fields.Constant(0)  # no notice is kept yet
    created_at = Moment(attribute="user.created_at")
    updated_at = Moment(attribute="user.updated_at")


class PasswordSetOut(Schema):
    password_changed_at = Moment(attribute="changed_at")
    sessions_revoked = ma.fields.Integer(attribute="ended.sign_ins")


class EmailAskedOut(Schema):
    pending_email = ma.fields.String(attribute="email")
    expires_in = Seconds()


class EmailChangedOut(Schema):
    email = ma.fields.String()
    email_verified_at = Moment(attribute="verified_at")
    pending_email = ma.fields.Constant(None, metadata={"type": "string"})  # and null, as it is none


class DetailsOut(Schema):
    id = ma.fields.Integer()
    first_name = ma.fields.String()
    last_name = ma.fields.String()
    phone = ma.fields.String(allow_none=True)
    avatar_url = ma.fields.String(allow_none=True)
    updated_at = Moment()


class LanguageOut(Schema):
    language = ma.fields.String(attribute="locale")


class TimezoneOut(Schema):
    timezone = ma.fields.String()


class EditorSettingsOut(Schema):
    editor_settings = ma.fields.Dict()


class EditorModeOut(Schema):
    editor_mode = ma.fields.String(attribute="ui.editor_mode")


class SidebarOut(Schema):
    sidebar_layout_mode = ma.fields.String(attribute="ui.sidebar_layout")


class DismissalOut(Schema):
    widget = ma.fields.String()
    dismissed_at = Moment()
    dismissed_teasers = ma.fields.List(ma.fields.String())


class AcceptedOut(Schema):
    type = ma.fields.String(attribute="policy.type")
    version = ma.fields.String(attribute="accepted_version")
    accepted_at = Moment()
    must_accept = ma.fields.Boolean()


@blp.get("/services/platforms/v1/user/get")
@door("user")
@blp.response(200, shown(PersonOut))
def get():
    """Give the signed-in person with all that the front end needs at its start."""
    return {"data": person.myself(current_actor())}


@blp.post("/services/platforms/v1/user/update-email-sendtoken")
@door("user", limit=None, interactive=True)
@blp.refuses({403: ["auth:step_up_required", _INTERACTIVE]})
@blp.arguments(NewEmailIn)
@blp.response(200, told(EmailAskedOut))
def update_email_sendtoken(body):
    """Begin a change of e-mail by mailing a token to the new address."""
    asked = email_change.request(current_actor(), email=body["email"])
    return done(asked, "If that address can be used, a token is on its way to it.")


@blp.post("/services/platforms/v1/user/update-email-via-token")
@door("user", limit=None, interactive=True)
@blp.refuses({403: _INTERACTIVE, 409: "user:email_taken", 422: "auth:email_change_token_invalid"})
@blp.arguments(EmailTokenIn)
@blp.response(200, told(EmailChangedOut))
def update_email_via_token(body):
    """Finish the change of e-mail with the token from the new mailbox."""
    return done(
        email_change.confirm_own(current_actor(), token=body["token"]), "Your e-mail address is changed."
    )


@blp.post("/services/platforms/v1/user/update-password")
@door("user", limit=None, interactive=True)
@blp.refuses({403: ["auth:step_up_required", _INTERACTIVE], 422: "auth:current_password_wrong"})
@blp.arguments(PasswordIn)
@blp.response(200, told(PasswordSetOut))
def update_password(body):
    """Change the caller's password and sign out their other devices."""
    with fields_called(new_password="password"):
        changed = passwords.change(
            current_actor(), current_password=body["current_password"], new_password=body["password"]
        )
    return done(changed, "Your password is changed.")


@blp.post("/services/platforms/v1/user/update-details")
@door("user")
@blp.arguments(DetailsIn)
@blp.response(200, told(DetailsOut))
def update_details(body):
    """Change the caller's name and contact data, only the fields that are sent."""
    with fields_called(avatar="avatar_url"):
        user = details.update_details(current_actor(), changes=body)
    return done(user, "Your details are saved.")


@blp.post("/services/platforms/v1/user/update-language")
@door("user")
@blp.arguments(LanguageIn)
@blp.response(200, told(LanguageOut))
def update_language(body):
    """Set the language of the caller's portal, mails and messages; the answer speaks it already."""
    with fields_called(locale="language"):
        user = profiles.update_page(current_actor(), changes={"locale": body["language"]})
    speak(body["language"])
    return done(user, "Language saved.")


@blp.post("/services/platforms/v1/user/update-timezone")
@door("user")
@blp.arguments(TimezoneIn)
@blp.response(200, told(TimezoneOut))
def update_timezone(body):
    """Set the time zone in which the portal and mails show times to the caller."""
    user = profiles.update_page(current_actor(), changes={"timezone": body["timezone"]})
    return done(user, "Time zone saved.")


@blp.post("/services/platforms/v1/user/update-editor-settings")
@door("user")
@blp.arguments(EditorSettingsIn)
@blp.response(200, told(EditorSettingsOut))
def update_editor_settings(body):
    """Merge settings of the editor into the caller's own."""
    kept = preferences.merge_editor_settings(current_actor(), changes=body["settings"])
    return done({"editor_settings": kept}, "Editor settings saved.")


@blp.post("/services/platforms/v1/user/update-editor-mode")
@door("user")
@blp.arguments(EditorModeIn)
@blp.response(200, told(EditorModeOut))
def update_editor_mode(body):
    """Keep which editor mode the caller prefers."""
    return done(preferences.change_preferences(current_actor(), ui=body), "Editor mode saved.")


@blp.post("/services/platforms/v1/user/update-sidebar-layout-mode")
@door("user")
@blp.arguments(SidebarIn)
@blp.response(200, told(SidebarOut))
def update_sidebar_layout_mode(body):
    """Keep how the caller wants the sidebar laid out."""
    wanted = {"sidebar_layout": body["sidebar_layout_mode"]}
    return done(preferences.change_preferences(current_actor(), ui=wanted), "Sidebar layout saved.")


@blp.post("/services/platforms/v1/user/dismiss-widget-teaser")
@door("user")
@blp.arguments(TeaserIn)
@blp.response(200, told(DismissalOut))
def dismiss_widget_teaser(body):
    """Hide a widget's teaser from the caller for good."""
    gone = preferences.dismiss_teaser(current_actor(), widget=body["widget"])
    return done(gone, "You will not see this again.")


@blp.post("/services/platforms/v1/user/policy-acceptance")
@door("user", interactive=True)
@blp.refuses({403: _INTERACTIVE, 404: "policy:not_found", 409: "policy:version_outdated"})
@blp.arguments(AcceptanceIn)
@blp.response(200, told(AcceptedOut))
def policy_acceptance(body):
    """Record that the caller accepts the version of a policy now in force."""
    return done(policies.accept(current_actor(), **body), "Thank you, your acceptance is recorded.")
