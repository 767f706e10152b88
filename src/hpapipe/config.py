"""Recipes: one frozen, typed tree that holds every option of an experiment, with its default, range and help.

A recipe is read from YAML and changed by dotted overrides (`fit.epochs=3`). Unknown keys are refused. An option exists
in `hpapipe.sections` alone: the command line, MLproject and the logged params all read it from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from hpapipe.errors import UserError, nearest, shown
from hpapipe.sections import (
    STRATEGIES,
    Answer,
    Checks,
    Data,
    Feed,
    Fit,
    Groups,
    Model,
    Promote,
    Score,
    Section,
    Simulate,
    Split,
    Thresholds,
)
from hpapipe.sections_of_movies import Film, Mask, Measure, Movie, Pairs, Warp
from hpapipe.sections_of_prediction import Predict
from hpapipe.sections_of_studies import Speed, Tune

__all__ = [
    "STRATEGIES",
    "Answer",
    "Checks",
    "Data",
    "Feed",
    "Film",
    "Fit",
    "Mask",
    "Measure",
    "Model",
    "Movie",
    "Pairs",
    "Predict",
    "Recipe",
    "Score",
    "Section",
    "Speed",
    "Split",
    "Thresholds",
    "Tune",
    "Warp",
    "changed",
    "flatten",
    "load",
    "options",
    "parse",
]


BY_TASK: dict[str, dict[str, Any]] = {
    "segmentation": {
        "register_as": "blastocysts",
        "feed": {"draw": "shuffled", "batch_size": 16},
        "model": {"name": "unet"},
        "fit": {"loss": "crossentropy_dice"},
        "tune": {"objectives": ["mean_iou"]},
    }
}
"""Task -> defaults that differ from those of classification."""

OF_TASK: dict[str, tuple[tuple[str, ...], str]] = {
    "classification": (("crossentropy", "focal"), "macro_f1"),
    "segmentation": (("crossentropy", "dice", "crossentropy_dice"), "mean_iou"),
}
"""Task -> losses it can be trained with, and the measure that it is judged by."""


class Recipe(Section):
    """Everything that an experiment consists of."""

    experiment: str = Field("simulated", pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$", description="MLflow experiment")
    name: str = Field("", description="name of the runs; none: the architecture and the size")
    task: Literal["classification", "segmentation"] = Field(
        "classification", description="what is learned: which labels show in a field, or where the cell is"
    )
    register_as: str = Field(
        "hpa-cells", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="registered model's name"
    )
    workspace: str = Field("workspace", description="folder for packs, simulated cells and unfinished runs")
    seed: int = Field(0, ge=0, description="seed of weights, drawing and augmentation")
    data: Data = Data()
    groups: Groups = Field(
        (),
        description="labels that have a model of their own: a number of equal groups, or lists of indices such as "
        "[[0..13], [14..27]]; none: one model for all",
    )
    pairs: Pairs = Pairs()
    simulate: Simulate = Simulate()
    film: Film = Film()
    checks: Checks = Checks()
    split: Split = Split()
    feed: Feed = Feed()
    warp: Warp = Warp()
    model: Model = Model()
    fit: Fit = Fit()
    thresholds: Thresholds = Thresholds()
    mask: Mask = Mask()
    answer: Answer = Answer()
    predict: Predict = Predict()
    score: Score = Score()
    speed: Speed = Speed()
    movie: Movie = Movie()
    measure: Measure = Measure()
    tune: Tune = Tune()
    promote: Promote = Promote()

    @model_validator(mode="before")
    @classmethod
    def _by_strategy(cls, tree: Any) -> Any:
        """Fill in what `task` and `feed.strategy` stand for, as far as the recipe does not say it itself."""
        tree = _filled(tree, BY_TASK.get(str(tree.get("task")), {})) if isinstance(tree, Mapping) else tree
        feed = tree.get("feed") if isinstance(tree, Mapping) else None
        name = feed.get("strategy") if isinstance(feed, Mapping) else None
        return _filled(tree, STRATEGIES.get(name, {})) if isinstance(name, str) else tree

    @model_validator(mode="after")
    def _mixed_channels_exist(self) -> Recipe:
        for name in (channel for mixed in self.model.mix for channel in mixed):
            if name not in self.data.channels:
                channels = ", ".join(self.data.channels)
                raise ValueError(f"model.mix with the channel {name}, where data.channels are {channels}")
        return self

    @model_validator(mode="after")
    def _fits_its_task(self) -> Recipe:
        losses, measure = OF_TASK[self.task]
        if self.fit.loss not in losses:
            raise ValueError(f"fit.loss {self.fit.loss} for {self.task}, which has {', '.join(losses)}")
        if other := [name for name in self.tune.objectives if name not in (measure, "images_per_second")]:
            raise ValueError(f"tune.objectives {other[0]} for {self.task}, which has {measure}, images_per_second")
        if self.task == "segmentation" and (self.groups or self.data.cut != "whole" or self.feed.draw == "balanced"):
            raise ValueError("groups, data.cut or feed.draw: balanced for segmentation, which knows none of them")
        return self

    @model_validator(mode="after")
    def _groups_fit(self) -> Recipe:
        if self.groups:
            _refuse_groups(self.groups, self.data)
        return self

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The columns of `data.label_set` that each model answers; one entry where one model answers all."""
        names = self.data.indices
        if not self.groups:
            return (tuple(range(len(names))),)
        if isinstance(self.groups, int):
            edges = [round(part * len(names) / self.groups) for part in range(self.groups + 1)]
            return tuple(tuple(range(low, high)) for low, high in pairwise(edges))
        return tuple(tuple(names.index(index) for index in group) for group in self.groups)

    @property
    def fingerprint(self) -> str:
        """12 hex digits that differ where any option differs."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load(
    path: str | Path | None, overrides: Mapping[str, str] | None = None, space: str | Path | None = None
) -> Recipe:
    """The recipe in the YAML file `path` (none: all defaults), changed by `overrides`.

    Args:
        path: a YAML file; its keys are the sections above.
        overrides: dotted field -> value as typed, e.g. `{"fit.epochs": "3"}`.
        space: another YAML file, whose section `tune` stands instead of the recipe's.

    Raises:
        UserError: all faults of the recipe at once, each a line.
    """
    tree = _read(Path(path)) if path else {}
    if space:
        tree["tune"] = _read(Path(space)).get("tune")
    tree = {name: section for name, section in tree.items() if section is not None}  # as where it is commented out
    for dotted, text in (overrides or {}).items():
        _set(tree, dotted, text)
    return parse(tree, source=str(path) if path else "the recipe")


def changed(recipe: Recipe, overrides: Mapping[str, Any]) -> Recipe:
    """`recipe` with other values.

    Args:
        recipe: left as it is.
        overrides: dotted field -> value, or its text as typed.

    Raises:
        UserError: all faults at once.
    """
    tree = recipe.model_dump(mode="json")
    for dotted, value in overrides.items():
        _set(tree, dotted, value)
    return parse(tree)


def parse(tree: Mapping[str, Any], source: str = "the recipe") -> Recipe:
    """The recipe held by a tree of plain values.

    Raises:
        UserError: all faults at once.
    """
    try:
        # A section whose every line is commented out reads as nothing.
        return Recipe.model_validate({name: value for name, value in tree.items() if value is not None})
    except ValidationError as error:
        raise UserError.joined([_fault(detail, source) for detail in error.errors()]) from None


def flatten(recipe: Recipe) -> dict[str, Any]:
    """Dotted field -> plain value, for every option: what is logged as params."""
    return dict(_leaves(recipe.model_dump(mode="json")))


def options() -> Iterator[tuple[str, str, Any, str]]:
    """(dotted field, type, default, help) of every option there is, in order."""
    for name, field in Recipe.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            for inner, part in field.annotation.model_fields.items():
                default = part.get_default(call_default_factory=True)
                yield f"{name}.{inner}", _type_name(part.annotation), default, part.description or ""
        else:
            yield name, _type_name(field.annotation), field.default, field.description or ""


def _filled(tree: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` with what is `meant` where it says nothing itself."""
    filled = dict(tree)
    for name, value in meant.items():
        given = filled.get(name)
        if isinstance(value, Mapping) and (given is None or isinstance(given, Mapping)):
            filled[name] = {**value, **(given or {})}
        elif given is None:
            filled[name] = value
    return filled


def _refuse_groups(groups: int | tuple[tuple[int, ...], ...], data: Data) -> None:
    if data.one_label:
        raise ValueError("groups for labels of which a field has exactly one (data.one_label: true)")
    if isinstance(groups, int):
        if groups > len(data.indices):
            raise ValueError(f"{groups} groups for {len(data.indices)} labels")
        return
    named = [index for group in groups for index in group]
    if twice := sorted({index for index in named if named.count(index) > 1}):
        raise ValueError(f"groups that overlap: label {shown(twice)} stands in them more than once")
    if left := sorted(set(data.indices) - set(named)):
        raise ValueError(f"groups that leave out the labels {shown(left)}")
    if unknown := sorted(set(named) - set(data.indices)):
        raise ValueError(f"groups with {shown(unknown)}, which is no label that is learned")


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        beside = sorted(str(file) for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        hint = nearest(str(path), beside) if beside else "Give the path of a YAML file."
        raise UserError("A recipe must be a file.", f"{path}, which does not exist", hint) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UserError("A recipe must be readable YAML.", f"{path}: {reason}", "Mend the file.") from None
    if not isinstance(tree, dict):
        found = "an empty file" if tree is None else f"a {type(tree).__name__}"
        raise UserError("A recipe must be a table of sections.", f"{found} in {path}", "See configs/simulated.yaml.")
    return tree


def _set(tree: dict[str, Any], dotted: str, given: Any) -> None:
    *sections, last = dotted.split(".")
    for section in sections:
        below = tree.setdefault(section, {})
        if not isinstance(below, dict):
            raise UserError("An option must name a field of the recipe.", f"`{dotted}`", f"`{section}` is no section.")
        tree = below
    tree[last] = _typed(given) if isinstance(given, str) else given


def _typed(text: str) -> Any:
    """What a text stands for in YAML; a date is no value of a recipe and stays a text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return text if isinstance(value, date) else value


def _fault(detail: Any, source: str) -> UserError:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = [name for name, *_ in options()] + list(Recipe.model_fields)
        hint = f"{nearest(where, known)} `hpapipe recipe` lists every option."
        return UserError("Every key of a recipe must be an option.", f"`{where}` in {source}", hint)
    if not where:
        received = f"{detail['msg'].removeprefix('Value error, ')} in {source}"
        remedy = "Change one of them; `hpapipe recipe` lists types and ranges."
        return UserError("The options of a recipe must fit one another.", received, remedy)
    # Deeper than an option come the place in its list and the branch of its type, which no user can change by name.
    parts = [str(part) for part in detail["loc"]]
    where = parts[0] if parts[0] == "groups" else ".".join(parts[:2])
    rule = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    given = f"`{given}`" if not isinstance(given, BaseModel | dict) else "this section"
    hint = f"Change `{where}` in {source}; `hpapipe recipe` lists types and ranges."
    return UserError(f"`{where}`: {rule}.", given, hint)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _type_name(annotation: Any) -> str:
    """A type in words, without the checks that are written into it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(inner[0])
    if origin is Literal:
        return ", ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " | ".join(map(_type_name, inner))
    if origin:
        return f"{origin.__name__}[{', '.join(map(_type_name, inner))}]"
    return {NoneType: "None", ...: "..."}.get(annotation) or str(annotation.__name__)
