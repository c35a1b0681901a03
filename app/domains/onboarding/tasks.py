"""The tasks of the setup hub, in their order."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One thing to do: what it is called, the part of the product it belongs to, where it is done."""

    code: str
    label: str
    area: str
    link: str
    required: bool = False
    checkable: bool = True
    """Whether facts can tell that it is done; else only a person can."""

    @property
    def has_page(self) -> bool:
        """Say whether the portal has a page to do it on; else a fact tells that it was done elsewhere."""
        return self.link != "/dashboard"


TASKS: Mapping[str, Task] = {
    task.code: task
    for task in (
        Task(
            "company_profile", "Fill in the company profile", "organization", "/organization/settings", True
        ),
        Task("verify_owner_email", "Confirm the owner's e-mail address", "organization", "/account", True),
        Task("branding", "Add logo and colours", "organization", "/organization/settings?q=branding"),
        Task(
            "localization",
            "Set language and time zone",
            "organization",
            "/organization/settings?q=localization",
        ),
        Task("invite_team", "Invite your team", "people", "/organization/invitations"),
        Task("permission_profiles", "Decide who may do what", "people", "/organization/permissions"),
        Task(
            "secure_admins",
            "Protect the admins with a second factor",
            "security",
            "/organization/security",
        ),
        Task("email_smtp", "Connect your mail server", "email", "/organization/email"),
        Task("email_sender", "Set the sender", "email", "/organization/email"),
        Task(
            "email_compliance",
            "Give the postal address and consent texts",
            "email",
            "/organization/email/compliance",
        ),
        Task("email_domain", "Prove your sender domain", "email", "/organization/email/domain"),
        Task("choose_plan", "Choose a plan", "billing", "/organization/plan"),
        Task("first_project", "Start a project", "work", "/dashboard"),
        Task("first_entity", "Register a record", "work", "/dashboard"),
        Task(
            "review_policies",
            "Read terms and data processing agreement",
            "organization",
            "/policies/terms",
            True,
            checkable=False,
        ),
    )
}
