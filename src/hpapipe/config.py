"""Recipes: one frozen, typed tree that holds every option of an experiment, with its default, range and help.

A recipe is read from YAML and changed by dotted overrides (`fit.epochs=3`). Unknown keys are refused. This is the one
place where an option exists: the command line, MLproject and the logged params all read it from here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from hpapipe.errors import UserError, nearest
from hpapipe.labels import STRUCTURES, LabelSet


def _words(value: object) -> object:
    """`"red,green"`, as typed on a command line, is the list of its words."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _height_and_width(value: object) -> object:
    return (value, value) if isinstance(value, int) else _words(value)


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Size = Annotated[tuple[int, int], BeforeValidator(_height_and_width)]


class Section(BaseModel):
    """A part of a recipe: frozen, typed, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), coerce_numbers_to_str=True)


class Data(Section):
    folder: str | None = Field(None, description="folder of images and label table; none: simulated cells are drawn")
    table: str = Field("train.csv", description="label table inside the folder")
    id_column: str = Field("Id", description="column of the table that names a field")
    target_column: str = Field("Target", description="column of the table with label indices, separated by spaces")
    group_column: str | None = Field(
        None, description="column whose equal values stay on one side of the split (specimen, plate, antibody)"
    )
    files: str = Field(
        "train/{id}_{channel}.png", description="file of one channel, inside the folder, with {id} and {channel}"
    )
    channels: Words = Field(
        ("red", "green", "blue", "yellow"),
        min_length=1,
        description="channels to read, in the order the model sees them",
    )
    labels: Words = Field(STRUCTURES, min_length=2, description="names of the labels, in the order of their indices")
    one_label: bool = Field(False, description="each image has exactly one label (softmax), not several (sigmoid)")
    size: Size = Field(
        (128, 128), description="height and width in pixels to train and predict at; one number for both"
    )
    max_pixels: int = Field(64_000_000, ge=1, description="images with more pixels than this are refused undecoded")

    @field_validator("files")
    @classmethod
    def _both_names(cls, value: str) -> str:
        if "{id}" not in value or "{channel}" not in value:
            raise ValueError("the pattern must hold {id} and {channel}")
        return value

    @field_validator("channels", "labels")
    @classmethod
    def _no_name_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("no name may stand twice")
        return value

    @field_validator("size")
    @classmethod
    def _large_enough(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 8:
            raise ValueError("height and width must be 8 or more")
        return value

    @property
    def label_set(self) -> LabelSet:
        return LabelSet(self.labels, self.one_label)


class Simulate(Section):
    fields: int = Field(2000, ge=1, description="fields to draw")
    size: int = Field(128, ge=32, le=2048, description="height and width of a drawn field in pixels")
    seed: int = Field(0, ge=0, description="same seed, same bytes")


class Checks(Section):
    on_failure: Literal["stop", "continue"] = Field(
        "stop", description="stop before training, or leave out the faulty fields and go on"
    )
    suites: str | None = Field(
        None, description="folder of Great Expectations suites; none: the project's data_checks/"
    )
    max_saturated: float = Field(0.2, ge=0, le=1, description="largest share of saturated pixels an image may have")
    allow_empty_channels: bool = Field(False, description="images without any signal are accepted")
    near_duplicate_bits: int = Field(
        16,
        ge=0,
        le=32,
        description="fields whose hashes differ in at most so many of 256 bits in every channel are near-duplicates "
        "(16: correlation 0.98)",
    )


class Split(Section):
    folds: int = Field(5, ge=2, description="equal parts that the set is split into")
    validate_on: int | Literal["each"] = Field(
        0, description="the fold that validates; `each`: cross-validation, one model a fold, averaged in the Version"
    )
    seed: int = Field(0, ge=0, description="same seed and data, same split")

    @model_validator(mode="after")
    def _fold_exists(self) -> Split:
        if self.validate_on != "each" and not 0 <= self.validate_on < self.folds:
            raise ValueError(f"validate_on must be `each` or a fold from 0 to {self.folds - 1}, not {self.validate_on}")
        return self

    @property
    def runs(self) -> tuple[int, ...]:
        """The folds that are validated on, one trained model each."""
        return tuple(range(self.folds)) if self.validate_on == "each" else (self.validate_on,)


class Feed(Section):
    batch_size: int = Field(32, ge=1, description="fields in a training step")
    draw: Literal["shuffled", "balanced"] = Field(
        "balanced", description="each field once an epoch, or fields with rare labels more often, with replacement"
    )
    balance: float = Field(0.5, ge=0, le=1, description="0 draws all fields alike, 1 all labels alike (draw: balanced)")
    flips: bool = Field(True, description="mirror fields at random while training")
    turns: bool = Field(True, description="turn fields by 0, 90, 180 or 270 degrees at random while training")


class Model(Section):
    name: str = Field("residual", description="an architecture of hpapipe.models.ARCHITECTURES")
    options: dict[str, Any] = Field(default_factory=dict, description="options of that architecture, by their names")
    scaling: Literal["standard", "range"] = Field(
        "standard",
        description="channels scaled to mean 0 and spread 1 of the training part, or by the integer range to 0..1",
    )
    weights: str | None = Field(
        None,
        description="weights to begin with: imagenet, a .keras, .weights.h5 or .h5 file, or another Version as "
        "models:/NAME@ALIAS or models:/NAME/NUMBER; none: by chance",
    )
    frozen: bool = Field(False, description="the weights begun with stay, and only what follows the body is trained")

    @model_validator(mode="after")
    def _frozen_has_weights(self) -> Model:
        if self.frozen and self.weights is None:
            raise ValueError("frozen needs weights: a body by chance would stay as it is")
        return self


class Fit(Section):
    epochs: int = Field(30, ge=1, description="most passes over the training part")
    loss: Literal["crossentropy", "focal"] = Field("crossentropy", description="binary or, for one label, categorical")
    focal_gamma: float = Field(2.0, ge=0, description="how far the focal loss turns to hard examples")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the truth spread over all labels")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adamw", description="optimizer")
    learning_rate: float = Field(2e-3, gt=0, description="highest learning rate")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="course of the learning rate over the epochs")
    warmup: float = Field(
        0.05, ge=0, lt=1, description="share of all steps over which the rate rises from zero (cosine)"
    )
    weight_decay: float = Field(1e-3, ge=0, description="decay of the weights (adamw)")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum (sgd)")
    averaged_weights: float = Field(
        0.99, ge=0, lt=1, description="momentum of the moving average of weights that is scored and kept; 0: none"
    )
    patience: int = Field(
        10, ge=0, description="epochs without a lower validation loss before training stops; 0: never"
    )
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "auto", description="auto: mixed_float16 where a GPU is, else float32"
    )


class Thresholds(Section):
    method: Literal["crossfit", "maximum", "constant", "ratio"] = Field(
        "crossfit",
        description="cross-fitted F1 maximum, uncross-fitted maximum, one constant, or matching each label's share",
    )
    constant: float = Field(0.3, gt=0, lt=1, description="the constant rival, and the value that rare labels shrink to")
    shrink: float = Field(
        10.0, ge=0, description="positives at which a tuned threshold counts half against the constant"
    )
    always_name_one: bool = Field(True, description="the most likely label is named even below its threshold")


class Score(Section):
    bootstrap: int = Field(1000, ge=100, description="resamples behind the intervals")
    worst_fields: int = Field(8, ge=1, le=32, description="best and worst fields to show with truth and answer")


class Promote(Section):
    confidence: float = Field(0.95, gt=0.5, lt=1, description="how surely the macro F1 must be higher")
    min_gain: float = Field(0.0, ge=0, description="gain in macro F1 that counts as better")


class Recipe(Section):
    """Everything that an experiment consists of."""

    experiment: str = Field("simulated", pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]*$", description="MLflow experiment")
    task: Literal["classification"] = Field("classification", description="what is learned")
    register_as: str = Field(
        "hpa-cells", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="registered model's name"
    )
    workspace: str = Field("workspace", description="folder for packs, simulated cells and unfinished runs")
    seed: int = Field(0, ge=0, description="seed of weights, drawing and augmentation")
    data: Data = Data()
    simulate: Simulate = Simulate()
    checks: Checks = Checks()
    split: Split = Split()
    feed: Feed = Feed()
    model: Model = Model()
    fit: Fit = Fit()
    thresholds: Thresholds = Thresholds()
    score: Score = Score()
    promote: Promote = Promote()

    @property
    def fingerprint(self) -> str:
        """12 hex digits that differ where any option differs."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load(path: str | Path | None, overrides: Mapping[str, str] | None = None) -> Recipe:
    """The recipe in the YAML file `path` (none: all defaults), changed by `overrides`.

    Args:
        path: a YAML file; its keys are the sections above.
        overrides: dotted field -> value as typed, e.g. `{"fit.epochs": "3"}`.

    Raises:
        UserError: all faults of the recipe at once, each a line.
    """
    tree = _read(Path(path)) if path else {}
    for dotted, text in (overrides or {}).items():
        _set(tree, dotted, text)
    return parse(tree, source=str(path) if path else "the recipe")


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


def _set(tree: dict[str, Any], dotted: str, text: str) -> None:
    *sections, last = dotted.split(".")
    for section in sections:
        below = tree.setdefault(section, {})
        if not isinstance(below, dict):
            raise UserError("An option must name a field of the recipe.", f"`{dotted}`", f"`{section}` is no section.")
        tree = below
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = text
    tree[last] = text if isinstance(value, date) else value


def _fault(detail: Any, source: str) -> UserError:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = [name for name, *_ in options()] + list(Recipe.model_fields)
        hint = f"{nearest(where, known)} `hpapipe recipe` lists every option."
        return UserError("Every key of a recipe must be an option.", f"`{where}` in {source}", hint)
    # Deeper than an option come the place in its list and the branch of its type, which no user can change by name.
    where = ".".join(str(part) for part in detail["loc"][:2])
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
    plain = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for noise in ("typing.", "Literal"):
        plain = plain.replace(noise, "")
    return plain.strip("[]") if plain.startswith("[") else plain
