"""Two environments of an organization side by side, and what is chosen taken from one to the other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.core.access import Actor, operation, working_in
from app.core.environments import Environment
from app.core.errors import AppError, ValidationFailed
from app.core.permissions import Permission
from app.domains.settings import sheet
from app.domains.settings.operations import set_value, tenant_key
from app.domains.settings.registry import Definition, Type, Value
from app.domains.settings.sheet import Standing


@dataclass(frozen=True)
class Pair:
    """One setting in two environments."""

    source: Standing
    target: Standing

    @property
    def definition(self) -> Definition:
        """Return what they are values of."""
        return self.source.definition

    @property
    def differs(self) -> bool:
        """Say whether one thing is not worth the same in both."""
        return self.source.value != self.target.value or self.definition.type is Type.SECRET


@dataclass(frozen=True)
class Outcome:
    """What became of one setting that was to be taken over."""

    definition: Definition
    changed: bool
    refusal: str | None = None
    """The sentence with which it was refused; the others are taken over all the same."""


@operation(Permission.SETTINGS_VIEW)
def side_by_side(actor: Actor, *, source: Environment, target: Environment) -> Sequence[Pair]:
    """Return every setting with a value for each environment, in two of them.

    :raises PermissionDenied: if the actor may not look at one of them
    """
    left = sheet.in_organization(working_in(actor, source))
    right = sheet.in_organization(working_in(actor, target))
    return [Pair(one, other) for one, other in zip(left, right, strict=True) if one.definition.env]


@operation(Permission.SETTINGS_MANAGE)
def promote(
    actor: Actor, *, keys: Collection[str], source: Environment, target: Environment
) -> Sequence[Outcome]:
    """Take settings from one environment to another, in one transaction; each leaves its row in the trail.

    What is locked there, or would lock the actor out, is refused by itself.

    :raises ValidationFailed: at keys, if none is chosen, or at target, if it is the source
    :raises SettingNotFound: if one of them is no setting of organizations
    :raises PermissionDenied: if the actor may not work in one of them
    """
    if not keys:
        raise ValidationFailed({"keys": ["Choose at least one setting."]})
    if source is target:
        raise ValidationFailed({"target": ["Choose two different environments."]})
    for key in keys:
        tenant_key(key)
    there = working_in(actor, target)
    chosen = [pair for pair in side_by_side(actor, source=source, target=target) if pair.source.key in keys]
    return [_taken_over(there, pair) for pair in chosen]


def _taken_over(actor: Actor, pair: Pair) -> Outcome:
    wanted = _wanted(pair)
    if pair.definition.type is Type.SECRET or (wanted == pair.target.own and not pair.target.is_locked):
        return Outcome(pair.definition, changed=False)
    try:
        set_value(actor, key=pair.definition.key, value=wanted)
    except AppError as error:
        return Outcome(pair.definition, changed=False, refusal=error.message)
    return Outcome(pair.definition, changed=True)


def _wanted(pair: Pair) -> Value:
    """Return the own value that makes both worth the same; None where it is so without one."""
    if pair.source.own is None and pair.target.fallback == pair.source.value:
        return None
    return pair.source.value
