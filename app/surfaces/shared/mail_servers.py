"""Testing a mail server: the talk with it is had between two transactions, not in one.

A view that uses it is marked ``has_no_transaction``.
"""

from app.core.outbound import turn
from app.domains.email import smtp_test
from app.domains.email.smtp_test import Outcome
from app.surfaces.shared.actor import current_actor
from app.surfaces.shared.transaction import reading, writing


def try_server(*, to: str | None = None) -> Outcome:
    """Try the caller's organization's mail server with a message to a member."""
    actor = current_actor()
    trial = reading(lambda: smtp_test.prepare(actor, to=to))
    with turn(actor.tenant_id):
        outcome = smtp_test.attempt(actor, trial=trial)
    return writing(lambda: smtp_test.keep_result(actor, trial=trial, outcome=outcome))
