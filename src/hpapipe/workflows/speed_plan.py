"""Which cells a speed study measures, and the recipe of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from hpapipe import config
from hpapipe.config import STRATEGIES, Recipe
from hpapipe.errors import UserError, nearest
from hpapipe.models.build import check_options


@dataclass(frozen=True)
class Cell:
    """One architecture, fed in one way, in batches of one size.

    Args:
        architecture: its name.
        feed: value of `feed.strategy`.
        batch_size: fields in a batch.
        recipe: what `hpapipe train` would train with; none where the three do not fit together.
        reason: why there is no recipe.
    """

    architecture: str
    feed: str
    batch_size: int
    recipe: Recipe | None
    reason: str = ""

    @property
    def name(self) -> str:
        return f"{self.architecture}, {self.feed}, {self.batch_size}"


def cells(recipe: Recipe) -> list[Cell]:
    """The cells of the study that a recipe asks for: batch sizes rise within each feed of each architecture.

    Raises:
        UserError: an unknown architecture, option or feed, or two feeds that come to the same.
    """
    wanted = recipe.speed
    for name in wanted.architectures:
        check_options(name, recipe.model.options if name == recipe.model.name else {})
    for name in wanted.feeds:
        if name not in STRATEGIES:
            raise UserError(
                "`speed.feeds` must hold values of `feed.strategy`.", f"`{name}`", nearest(name, STRATEGIES)
            )
    fed = {name: _fed(recipe, name) for name in wanted.feeds}
    _refuse_alike({name: found for name, found in fed.items() if isinstance(found, Recipe)})
    planned = []
    for architecture in dict.fromkeys(wanted.architectures):
        for name, found in fed.items():
            for size in sorted(set(wanted.batch_sizes)):
                if isinstance(found, Recipe):
                    planned.append(Cell(architecture, name, size, _sized(found, architecture, size)))
                else:
                    planned.append(Cell(architecture, name, size, None, str(found)))
    return planned


def given(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says itself, without the defaults and without what its own strategy stands for.

    An option that is given with the very value that the strategy stands for counts as the strategy's.
    """
    tree: dict[str, Any] = recipe.model_dump(mode="json", exclude_unset=True)
    for section, meant in STRATEGIES[recipe.feed.strategy].items():
        own = tree.get(section, {})
        tree[section] = {name: value for name, value in own.items() if name not in meant or value != meant[name]}
    return tree


def with_strategy(recipe: Recipe, strategy: str) -> Recipe:
    """The recipe as if `feed.strategy` had been given so: its own options still come before the strategy's.

    Raises:
        UserError: the strategy does not fit the rest of the recipe.
    """
    tree = given(recipe)
    return config.parse({**tree, "feed": {**tree.get("feed", {}), "strategy": strategy}})


def subject(recipe: Recipe) -> str:
    """What the speed of training depends on besides batch size and machine, in words: equal words, equal speed."""
    data, model, feed = recipe.data, recipe.model, recipe.feed
    options = "".join(f", {name} {json.dumps(value)}" for name, value in sorted(model.options.items()))
    frozen = ", frozen" if model.frozen else ""
    seen = f"{data.size[0]}×{data.size[1]} pixels ({data.cut}), {len(model.mix or data.channels)} channels"
    return f"{model.name}{options}{frozen}, {seen}, feed {feed.strategy} ({feed.source})"


def subject_key(recipe: Recipe) -> str:
    """12 hex digits of `subject`, to look for."""
    return hashlib.sha256(subject(recipe).encode()).hexdigest()[:12]


def training_fields(recipe: Recipe, fields: int) -> int:
    """How many of a set's fields train: all folds but one."""
    return fields - -(-fields // recipe.split.folds)


def _fed(recipe: Recipe, strategy: str) -> Recipe | UserError:
    try:
        return with_strategy(recipe, strategy)
    except UserError as error:
        return error


def _sized(recipe: Recipe, architecture: str, batch_size: int) -> Recipe:
    """The recipe with another architecture, whose options and weights are not those of the recipe's own, and size."""
    model = recipe.model
    if architecture != model.name:
        model = model.model_copy(update={"name": architecture, "options": {}, "weights": None, "frozen": False})
    feed = recipe.feed.model_copy(update={"batch_size": batch_size})
    return recipe.model_copy(update={"model": model, "feed": feed})


def _refuse_alike(fed: dict[str, Recipe]) -> None:
    """Refuse two lines of the study that would measure the same under two names."""
    seen: dict[str, str] = {}
    for name, recipe in fed.items():
        sections = [recipe.data, recipe.model, recipe.feed.model_copy(update={"strategy": "packed"})]
        text = json.dumps([section.model_dump(mode="json") for section in sections])
        if text in seen:
            rule = "The feeds of a speed study must differ."
            received = f"`{seen[text]}` and `{name}`, which come to the same"
            options = sorted({f"{section}.{option}" for section, meant in STRATEGIES[name].items() for option in meant})
            remedy = f"The recipe's own options come before a feed's: leave {', '.join(options)} to the feeds."
            raise UserError(rule, received, remedy)
        seen[text] = name
