"""Make a recipe of a command's options: one of the table, and what the user changes of it."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from tinykit.core.errors import TinykitError
from tinykit.prune.criterion import Criterion
from tinykit.prune.masks import Scope
from tinykit.prune.pattern import KeepSome, parse_pattern
from tinykit.prune.recipe import Recipe, parse_pin, recipe_named
from tinykit.prune.schedule import Growth

_E = TypeVar("_E", bound=Enum)


@dataclass(frozen=True, slots=True)
class Changes:
    """Hold what was typed, None where nothing was."""

    sparsity: float | None = None
    scope: str | None = None
    pattern: str | None = None
    criterion: str | None = None
    schedule: str | None = None
    rounds: int | None = None
    tries: int | None = None
    fresh_epochs: int | None = None
    exclude: tuple[str, ...] = ()
    pin: tuple[str, ...] = ()
    teacher_share: float | None = None
    epochs: int | None = None
    aware_epochs: int | None = None
    clusters: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None


def chosen_recipe(name: str, changes: Changes) -> Recipe:
    """Return a recipe by name, changed.

    Raises:
        TinykitError: no such recipe, or an option that is none or that has no effect on it.
    """
    values: dict[str, Any] = {
        field: value
        for field in (
            *("sparsity", "rounds", "tries", "teacher_share", "epochs", "aware_epochs", "clusters"),
            *("batch_size", "learning_rate", "fresh_epochs"),
        )
        if (value := getattr(changes, field)) is not None
    }
    if changes.scope is not None:
        values["scope"] = _one_of(Scope, changes.scope, "scope")
    if changes.criterion is not None:
        values["criterion"] = _one_of(Criterion, changes.criterion, "criterion")
    if changes.schedule is not None:
        values["growth"] = _one_of(Growth, changes.schedule, "schedule")
    if changes.pattern is not None:
        values["pattern"] = parse_pattern(changes.pattern)
    values["exclude"] = changes.exclude
    values["pinned"] = tuple(parse_pin(text) for text in changes.pin)
    recipe = replace(recipe_named(name), **values)
    _refuse_idle(recipe, changes)
    return recipe


def _refuse_idle(recipe: Recipe, changes: Changes) -> None:
    """Refuse a sparsity or a scope beside a pattern that says both itself."""
    if not isinstance(recipe.pattern, KeepSome):
        return
    for option in ("sparsity", "scope"):
        if getattr(changes, option) is not None:
            raise TinykitError(
                f"the pattern {recipe.pattern} has {100 * recipe.final:g} % zeros in every layer",
                f"leave --{option} out, or choose another --pattern",
            )


def _one_of(kind: type[_E], text: str, option: str) -> _E:
    known = {str(each.value): each for each in kind}
    if text not in known:
        raise TinykitError(f"no {option} '{text}'", f"--{option} {' or '.join(known)}")
    return known[text]
