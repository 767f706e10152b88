"""Search spaces: which values of which options a study tries, read from a recipe."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeGuard

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError, nearest
from hpapipe.models.build import check_options
from hpapipe.workflows.speed_plan import with_strategy

Point = dict[str, Any]
"""Option -> value."""

KEYS = {"choices", "low", "high", "log", "step", "when"}


@dataclass(frozen=True)
class Dimension:
    """One option that is searched.

    Args:
        option: dotted, such as `fit.learning_rate`.
        choices: values to choose from; empty where there is a range.
        low: end of the range.
        high: the other end, which belongs to it.
        log: evenly on a logarithmic scale.
        step: distance of the values; none: any value, whole numbers where both ends are whole.
        when: option -> values of it for which this option is searched; else it keeps the recipe's value.
    """

    option: str
    choices: tuple[Any, ...]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def values(self) -> list[Any] | None:
        """All values there are, or none where they cannot be counted."""
        if self.choices:
            return list(self.choices)
        if self.whole:
            step = int(self.step or 1)
            return None if self.log else list(range(int(self.low), int(self.high) + 1, step))
        if self.step is None:
            return None
        # In decimals, as Optuna has them: 0.1 + 2 · 0.1 is more than 0.3.
        low, high, apart = (Decimal(str(end)) for end in (self.low, self.high, self.step))
        return [float(low + number * apart) for number in range(int((high - low) / apart) + 1)]

    @property
    def whole(self) -> bool:
        """Whole numbers."""
        ends = (self.low, self.high, self.step if self.step is not None else 1)
        return not self.choices and all(isinstance(end, int) for end in ends)

    @property
    def extremes(self) -> list[Any]:
        """Values that the recipe must accept for the dimension to make sense."""
        return list(self.choices) or [self.low, self.high]

    @property
    def told(self) -> list[str]:
        """All that makes a dimension what it is, in words."""
        return [str(part) for part in (self.option, self.extremes, self.log, self.step, self.when)]

    def asked(self, point: Mapping[str, Any]) -> bool:
        """Whether this option is searched where others have the values of `point`."""
        return all(point.get(option) in values for option, values in self.when)


def read_space(recipe: Recipe) -> tuple[Dimension, ...]:
    """The dimensions of `tune.space`, those first on which others depend.

    Raises:
        UserError: an empty space, or all its faults at once: unknown options, values that the recipe refuses, ranges
            without an end, conditions on what is not searched.
    """
    written = recipe.tune.space
    if not written:
        rule = "A study must have a space to search."
        raise UserError(rule, "an empty `tune.space`", "Name options and their ranges; see configs/tune/.")
    found, faults = [], []
    for option, told in written.items():
        try:
            found.append(_dimension(recipe, option, told))
        except UserError as fault:
            faults.append(fault)
    for dimension in found:
        for other, _ in dimension.when:
            if other not in written:
                faults.append(
                    UserError(
                        "`when` must name a searched option.",
                        f"`{other}` for `{dimension.option}`",
                        nearest(other, written),
                    )
                )
    if faults:
        raise UserError.joined(faults)
    return _ordered(found)


def grid(space: Sequence[Dimension]) -> list[Point]:
    """Every point of a space, each once.

    Raises:
        UserError: a dimension whose values cannot be counted.
    """
    for dimension in space:
        if dimension.values is None:
            rule = "A grid must have values that can be counted."
            raise UserError(rule, f"a range for `{dimension.option}`", "Give `choices`, or a `step`.")
    points = [dict(_kept(space, point)) for point in _products(space)]
    unique = {json.dumps(point, sort_keys=True, default=str): point for point in points}
    return list(unique.values())


def at(recipe: Recipe, point: Mapping[str, Any]) -> Recipe:
    """The recipe with the values of a point.

    Raises:
        UserError: values that do not fit one another.
    """
    if "feed.strategy" in point:
        recipe = with_strategy(recipe, point["feed.strategy"])
    return config.changed(recipe, point)


def plain(choice: Any) -> Any:
    """A choice as Optuna keeps it: lists and tables by their text."""
    return choice if isinstance(choice, str | int | float | bool | None) else json.dumps(choice)


def _products(space: Sequence[Dimension]) -> Iterator[Point]:
    for values in itertools.product(*(dimension.values or [] for dimension in space)):
        yield dict(zip((dimension.option for dimension in space), values, strict=True))


def _kept(space: Sequence[Dimension], point: Point) -> Iterator[tuple[str, Any]]:
    """The values of those dimensions alone that are searched at this point."""
    kept: Point = {}
    for dimension in space:
        if dimension.asked(kept):
            kept[dimension.option] = point[dimension.option]
    return iter(kept.items())


def _dimension(recipe: Recipe, option: str, told: Any) -> Dimension:
    _refuse_unknown(option)
    written = {"choices": told} if isinstance(told, list) else told
    if not isinstance(written, dict):
        rule = f"`tune.space.{option}` must be a list of choices, or low and high."
        raise UserError(rule, f"`{told}`", "Write [a, b], or {low: a, high: b}.")
    if unknown := sorted(set(written) - KEYS):
        raise UserError(f"`tune.space.{option}` must hold known words.", f"`{unknown[0]}`", nearest(unknown[0], KEYS))
    dimension = _choices(option, written) if "choices" in written else _range(option, written)
    met = {other: values[0] for other, values in dimension.when if other in recipe.tune.space and values}
    for value in dimension.extremes:
        try:
            model = at(recipe, {**met, option: value}).model
            if option.startswith("model."):
                check_options(model.name, model.options)
        except UserError as fault:
            rule = f"`tune.space.{option}` must hold values that the recipe takes."
            raise UserError(rule, f"`{value}`", fault.lines[0]) from None
    return dimension


def _choices(option: str, written: Mapping[str, Any]) -> Dimension:
    choices = written["choices"]
    if not isinstance(choices, list) or not choices:
        raise UserError(f"`tune.space.{option}` must have choices.", f"`{choices}`", "Give a list of values.")
    return Dimension(option, tuple(choices), when=_when(option, written))


def _range(option: str, written: Mapping[str, Any]) -> Dimension:
    low, high, step = written.get("low"), written.get("high"), written.get("step")
    numbers = [value for value in (low, high) if _is_number(value)]
    if len(numbers) < 2 or numbers[0] >= numbers[1]:
        rule = f"`tune.space.{option}` must have a low end below its high end."
        raise UserError(rule, f"low {low}, high {high}", "Give both as numbers, or choices.")
    log = bool(written.get("log", False))
    if log and (numbers[0] <= 0 or step is not None):
        rule = f"`tune.space.{option}` on a logarithmic scale must begin above 0 and have no step."
        raise UserError(rule, f"low {low}, step {step}", "Raise it, or leave `log` or `step` out.")
    if step is not None and (not _is_number(step) or step <= 0):
        raise UserError(f"`tune.space.{option}` must have a step above 0.", f"`{step}`", "Change it.")
    return Dimension(option, (), numbers[0], numbers[1], log, step, _when(option, written))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _when(option: str, written: Mapping[str, Any]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    told = written.get("when", {})
    if not isinstance(told, dict):
        rule = f"`when` of `tune.space.{option}` must name options and their values."
        raise UserError(rule, f"`{told}`", "Write {fit.optimizer: sgd}.")
    return tuple((other, tuple(values) if isinstance(values, list) else (values,)) for other, values in told.items())


def _refuse_unknown(option: str) -> None:
    known = [name for name, *_ in config.options() if not name.startswith("tune.")]
    parents = (option.rsplit(".", count)[0] for count in range(1, option.count(".")))
    if option not in known and not any(parent == "model.options" for parent in parents):
        raise UserError("A searched option must be one of the recipe.", f"`{option}`", nearest(option, known))


def _ordered(space: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Dimensions after those that they depend on.

    Raises:
        UserError: they depend on each other in a circle.
    """
    left: list[Dimension] = list(space)
    done: list[Dimension] = []
    while left:
        free = [each for each in left if all(other in {one.option for one in done} for other, _ in each.when)]
        if not free:
            names = ", ".join(f"`{each.option}`" for each in left)
            raise UserError("`when` must not lead in a circle.", names, "Leave one of the conditions out.")
        done += free
        left = [each for each in left if each not in free]
    return tuple(done)
