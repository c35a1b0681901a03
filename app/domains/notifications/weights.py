"""Telling the mail which events are optional and which nothing may hold back."""

from app.domains.email.weight import Weight, weigh
from app.domains.notifications.definition import Kind
from app.domains.notifications.events import EVENTS

weigh({key: Weight(event.kind is Kind.OPTIONAL, event.mandatory) for key, event in EVENTS.items()})
