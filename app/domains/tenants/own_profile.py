"""What a member says of themselves in one organization."""

from typing import cast

from app.core.access import Access, Actor, operation
from app.core.db import db
from app.core.errors import ValidationFailed
from app.domains.accounts.details import DetailChanges, update_details
from app.domains.audit.kinds import AuditKind
from app.domains.audit.operations import record
from app.domains.tenants.models import Membership
from app.domains.tenants.queries import my_membership

_TITLE_LENGTH = 100


class ProfileChanges(DetailChanges, total=False):
    """A person's details, and what they do in this organization."""

    job_title: str | None


@operation(Access.TENANT)
def update_own_profile(actor: Actor, *, changes: ProfileChanges) -> Membership:
    """Change the actor's details, which are the person's, and their job title, which is the membership's.

    :raises ValidationFailed: at the field that cannot be so
    :raises ImageTooLarge, ImageTypeUnsupported, ImageUndecodable, ImageDimensionsBad: for the picture
    """
    title = changes.get("job_title")
    if title is not None and (len(title) > _TITLE_LENGTH or not title.isprintable()):
        raise ValidationFailed({"job_title": ["Use up to 100 characters on one line."]})
    of_the_person = {name: value for name, value in changes.items() if name != "job_title"}
    update_details(actor, changes=cast("DetailChanges", of_the_person))
    membership = my_membership(actor)
    if "job_title" in changes and membership.job_title != (title or None):
        change = (membership.job_title, title or None)
        membership.job_title = title or None
        record(
            actor,
            AuditKind.USER_DETAILS_UPDATED,
            subject=("member", membership.id),
            changes={"job_title": change},
        )
        db.session.flush()  # updated_at as it is shown
    return membership
