"""What the SMTP sandbox was told to do wrong: delay, refuse, drop, stay silent, or be away."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

_MOST_RULES = 200


class Action(StrEnum):
    """What is done to a message that a rule is for."""

    DELAY = "delay"  # keep the message, wait, then say 250
    REFUSE = "refuse"  # answer with a 4xx or 5xx code
    DROP = "drop"  # take the message and hang up without an answer: its fate is unknown to the sender
    SILENCE = "silence"  # never answer
    OFFLINE = "offline"  # nobody listens on the port


class Stage(StrEnum):
    """At which command of the conversation a refusal is spoken."""

    AUTH = "auth"  # the rule's recipient is the user's name
    RCPT = "rcpt"
    DATA = "data"


class BadRule(ValueError):
    """A rule that cannot be understood; the text says why."""


@dataclass
class Rule:
    """One instruction; ``count`` is how many more times it acts, None until it is cleared."""

    id: int
    action: Action
    recipient: str = "*"
    stage: Stage = Stage.DATA
    code: int = 451
    seconds: float = 0.0
    count: int | None = None
    until: datetime | None = None

    def as_json(self) -> dict[str, object]:
        """Return the rule as plain values."""
        return {**asdict(self), "until": self.until.isoformat() if self.until else None}


@dataclass
class Rules:
    """All rules in force, shared by the SMTP server and the page (which runs in a thread of its own)."""

    now: Callable[[], datetime]
    changed: Callable[[], None] = lambda: None
    _rules: list[Rule] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, values: Mapping[str, object]) -> Rule:
        """Put a rule in force.

        :raises BadRule: naming the field that cannot be used
        """
        with self._lock:
            if len(self.all()) >= _MOST_RULES:
                raise BadRule(f"There are {_MOST_RULES} rules already.")
            rule = _parse(next(self._ids), values, self.now())
            self._rules.append(rule)
        self.changed()
        return rule

    def all(self) -> list[Rule]:
        """Return the rules that still act, oldest first."""
        with self._lock:
            moment = self.now()
            self._rules = [
                rule
                for rule in self._rules
                if (rule.count is None or rule.count > 0) and (rule.until is None or rule.until > moment)
            ]
            return list(self._rules)

    def clear(self, rule_id: int | None = None) -> None:
        """Take back one rule, or all."""
        with self._lock:
            self._rules = [rule for rule in self._rules if rule_id is not None and rule.id != rule_id]
        self.changed()

    def take(self, recipient: str, *actions: Action, stage: Stage | None = None) -> Rule | None:
        """Return the first rule of these actions for a recipient, and count it as used once."""
        with self._lock:
            for rule in self.all():
                wanted = rule.action in actions and (stage is None or rule.stage == stage)
                if wanted and fnmatchcase(recipient.lower(), rule.recipient.lower()):
                    if rule.count is not None:
                        rule.count -= 1
                    return rule
        return None

    def offline(self) -> bool:
        """Say whether the server is to be unreachable now."""
        return any(rule.action is Action.OFFLINE for rule in self.all())


def _parse(rule_id: int, values: Mapping[str, object], moment: datetime) -> Rule:
    unknown = set(values) - {"action", "recipient", "stage", "code", "seconds", "count", "lasts_seconds"}
    if unknown:
        raise BadRule(f"Unknown: {', '.join(sorted(unknown))}.")
    try:
        action = Action(str(values.get("action", "")))
        stage = Stage(str(values.get("stage") or Stage.DATA))
    except ValueError as error:
        raise BadRule(f"{error}.") from error
    code = _number(values, "code", 400, 599)
    seconds = _number(values, "seconds", 0, 3600)
    count = _number(values, "count", 1, 1_000_000)
    lasts = _number(values, "lasts_seconds", 1, 10_000_000)
    return Rule(
        id=rule_id,
        action=action,
        recipient=(str(values.get("recipient") or "*").strip() or "*")[:320],
        stage=stage,
        code=451 if code is None else int(code),
        seconds=seconds or 0.0,
        count=None if count is None else int(count),
        until=None if lasts is None else moment + timedelta(seconds=lasts),
    )


def _number(values: Mapping[str, object], name: str, least: float, most: float) -> float | None:
    given = values.get(name)
    if given is None or given == "":
        return None
    try:
        number = float(str(given))
    except ValueError:
        raise BadRule(f"{name} is no number.") from None
    if not least <= number <= most:
        raise BadRule(f"{name} must be between {least:g} and {most:g}.")
    return number
