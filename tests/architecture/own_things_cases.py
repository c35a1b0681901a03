"""For each call that changes something of one's own: what makes it leave its row."""

from tests.architecture.audit_cases import act, leaves
from tests.support.world import World


def own(endpoint_id: str, kind: str, body: dict[str, object], dialect: str = "services_v1") -> None:
    """Register a case of somebody who changes something of their own."""

    @leaves(endpoint_id, kind)
    def changes(world: World) -> None:
        world.organization(world.person())
        act(world, endpoint_id, token=world.token(dialect), json=body)


PICTURE = {"avatar": "https://pictures.example/jane.png"}

own("services_v1.user.update_details", "user.details_updated", {"first_name": "Joan"})
own(
    "services_v1.user.update_details",
    "user.profile_image_changed",
    {"avatar_url": "https://pictures.example/jane.png"},
)
own("services_v1.user.update_language", "user.preferences_updated", {"language": "de"})
own("services_v1.user.update_timezone", "user.preferences_updated", {"timezone": "Europe/Berlin"})
own("services_v1.user.update_editor_mode", "user.preferences_updated", {"editor_mode": "advanced"})
own("services_v1.user.update_editor_settings", "user.preferences_updated", {"settings": {"autosave": True}})
own(
    "services_v1.user.update_sidebar_layout_mode",
    "user.preferences_updated",
    {"sidebar_layout_mode": "collapsed"},
)
own("services_v1.user.dismiss_widget_teaser", "user.preferences_updated", {"widget": "calendar"})
own("api_v1.auth.me_profile_update", "user.details_updated", {"jobTitle": "Director"}, "api_v1")
own("api_v1.auth.me_profile_update", "user.profile_image_changed", PICTURE, "api_v1")


@leaves("api_v1.auth.me_profile_update", "user.profile_image_removed")
def api_picture_removed(world: World) -> None:
    world.organization(world.person())
    token = world.token("api_v1")
    world.done("api_v1.auth.me_profile_update", token=token, json=PICTURE)
    act(world, "api_v1.auth.me_profile_update", token=token, json={"avatar": None})
