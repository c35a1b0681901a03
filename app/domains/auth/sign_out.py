"""Ending everything by which a person is in, or half-way in."""

from app.core.access import Access, Actor, operation
from app.domains.auth import login_tokens
from app.domains.sessions import operations as sessions
from app.domains.sessions.operations import Ended


@operation(Access.INTERACTIVE)
def everywhere(actor: Actor, *, tokens_too: bool = False) -> Ended:
    """End every sign-in of the actor, this one included, and every sign-in that is still at its second step.

    :param tokens_too: end their API tokens as well, and say so by mail
    """
    login_tokens.end_all_of(actor.user_id or 0)
    return sessions.sign_out_everywhere(actor, tokens_too=tokens_too)
