"""The mails about the life of an organization: who owns it, who comes to it, how it ends."""

from app.domains.email.definition import MailDefinition

ORGANIZATION_MAILS = (
    MailDefinition(
        name="ownership_offer",
        event="organization.ownership_offered",
        variables=(
            "actor_name",
            "expires_at",
            "link",
        ),
        subject="{{ actor_name }} offers you {{ tenant_name }}",
    ),
    MailDefinition(
        name="ownership_transfer",
        event="organization.ownership_answered",
        variables=(
            "actor_name",
            "person_name",
            "at",
            "link",
        ),
        subject="{{ tenant_name }} has a new owner",
    ),
    MailDefinition(
        name="ownership_refusal",
        event="organization.ownership_answered",
        variables=(
            "person_name",
            "link",
        ),
        subject="{{ person_name }} does not take {{ tenant_name }} over",
    ),
    MailDefinition(
        name="ownership_withdrawal",
        event="organization.ownership_answered",
        variables=("actor_name",),
        subject="The offer of {{ tenant_name }} was taken back",
    ),
    MailDefinition(
        name="domain_loss",
        event="organization.domain_lost",
        variables=(
            "domain",
            "link",
        ),
        subject="{{ domain }} is not proven any more",
    ),
    MailDefinition(
        name="closing_request",
        event="organization.closing",
        variables=(
            "actor_name",
            "due_at",
            "link",
        ),
        subject="{{ tenant_name }} will be closed on {{ due_at }}",
    ),
    MailDefinition(
        name="closing_reminder",
        event="organization.closing",
        variables=(
            "due_at",
            "link",
        ),
        subject="{{ tenant_name }} is about to be closed",
    ),
    MailDefinition(
        name="closing_stop",
        event="organization.closing",
        variables=(
            "actor_name",
            "at",
            "link",
        ),
        subject="{{ tenant_name }} stays",
    ),
    MailDefinition(
        name="closing_done",
        event="organization.closed",
        variables=("at",),
        subject="{{ tenant_name }} is closed",
    ),
    MailDefinition(
        name="organization_export_ready",
        event="organization.export_ready",
        variables=(
            "expires_at",
            "link",
        ),
        subject="The export of {{ tenant_name }} is ready",
    ),
    MailDefinition(
        name="join_request",
        event="organization.join_requested",
        variables=(
            "person_name",
            "email",
            "reason",
            "link",
        ),
        subject="{{ person_name }} asks to join {{ tenant_name }}",
    ),
    MailDefinition(
        name="join_approval",
        event="organization.join_answered",
        variables=(
            "actor_name",
            "link",
        ),
        subject="Welcome to {{ tenant_name }}",
    ),
    MailDefinition(
        name="join_refusal",
        event="organization.join_answered",
        variables=("answer",),
        subject="{{ tenant_name }} did not take you in",
    ),
)
