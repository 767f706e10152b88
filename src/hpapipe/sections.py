"""The sections of a recipe: every option with its type, default, range and help."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from hpapipe.errors import nearest
from hpapipe.labels import STRUCTURES, LabelSet


def _words(value: object) -> object:
    """`"red,green"`, as typed on a command line, is the list of its words."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _height_and_width(value: object) -> object:
    return (value, value) if isinstance(value, int) else _words(value)


def _listed(value: object) -> object:
    """One number, or `"8,16"` as typed on a command line, is a list of numbers."""
    return [value] if isinstance(value, int) else _words(value)


def _ranges(value: object) -> object:
    """`[["0..13"], [14, 15]]` with its ranges, both ends included, written out."""
    if isinstance(value, int):
        if value < 2:
            raise ValueError("groups must be 2 or more, or none")
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(group, list | tuple) for group in value):
        raise ValueError("groups must be a number, or lists of label indices such as [[0..13], [14..27]]")
    if not all(value):
        raise ValueError("groups must hold a label each, and one of them is empty")
    return [[index for entry in group for index in _range(entry)] for group in value]


def _range(entry: object) -> list[int]:
    found = re.fullmatch(r"\s*(\d{1,4})(?:\s*\.\.\s*(\d{1,4}))?\s*", str(entry))
    if not found or int(found[2] or found[1]) < int(found[1]):
        raise ValueError(f"groups must hold label indices, or ranges of them such as 0..13, not {entry}")
    return list(range(int(found[1]), int(found[2] or found[1]) + 1))


def _number_or_fastest(value: object) -> object:
    if value == "fastest" or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError("batch_size must be a whole number of 1 or more, or `fastest`")


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Size = Annotated[tuple[int, int], BeforeValidator(_height_and_width)]
Numbers = Annotated[tuple[Annotated[int, Field(ge=1)], ...], BeforeValidator(_listed)]
Groups = Annotated[int | tuple[tuple[int, ...], ...], BeforeValidator(_ranges)]
Mix = tuple[Annotated[Words, Field(min_length=1)], ...]


class Section(BaseModel):
    """A part of a recipe: frozen, typed, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), coerce_numbers_to_str=True)


class Data(Section):
    folder: str | None = Field(None, description="folder of images and label table; none: simulated cells are drawn")
    table: str = Field("train.csv", description="label table inside the folder")
    licence: str = Field("", description="licence of the data, for reports and those who get the model")
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
    cut: Literal["whole", "corner", "crops"] = Field(
        "whole",
        description="what a network sees: the whole field brought to `size`, its top-left corner of `size` pixels, or "
        "crops of `size` pixels from the field brought to `field_size`",
    )
    field_size: Size = Field((256, 256), description="height and width in pixels that crops are cut from (cut: crops)")
    learn: Words = Field((), description="labels to learn, by name; none: all")
    max_pixels: int = Field(64_000_000, ge=1, description="images with more pixels than this are refused undecoded")

    @field_validator("files")
    @classmethod
    def _both_names(cls, value: str) -> str:
        if "{id}" not in value or "{channel}" not in value:
            raise ValueError("the pattern must hold {id} and {channel}")
        return value

    @field_validator("channels", "labels", "learn")
    @classmethod
    def _no_name_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("no name may stand twice")
        return value

    @field_validator("size", "field_size")
    @classmethod
    def _large_enough(cls, value: tuple[int, int]) -> tuple[int, int]:
        if min(value) < 8:
            raise ValueError("height and width must be 8 or more")
        return value

    @model_validator(mode="after")
    def _can_be_cut(self) -> Data:
        if self.cut == "crops" and any(side > whole for side, whole in zip(self.size, self.field_size, strict=True)):
            raise ValueError(f"crops of size {self.size} must fit into field_size {self.field_size}")
        return self

    @model_validator(mode="after")
    def _learnt_labels_exist(self) -> Data:
        unknown = [name for name in self.learn if name not in self.labels]
        if unknown:
            hint = nearest(unknown[0], self.labels).rstrip(".")
            raise ValueError(f"learn must name labels, not {unknown[0]} ({hint})")
        if self.learn and self.one_label:
            raise ValueError("learn needs labels that may be several (one_label: false)")
        return self

    @property
    def label_set(self) -> LabelSet:
        """The labels that are learned."""
        return LabelSet(self.learn or self.labels, self.one_label)

    @property
    def indices(self) -> tuple[int, ...]:
        """Of the labels that are learned: their places in the label table."""
        return tuple(self.labels.index(name) for name in self.label_set.names)


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


Strategy = Literal["packed", "original", "vitoly", "haltuf", "modified", "modified_loaded"]

_CORNER: dict[str, dict[str, Any]] = {
    "data": {"cut": "corner"},
    "model": {"scaling": "batch"},
    "feed": {"source": "files", "draw": "in_order", "flips": False, "turns": False},
}
_MIXED: dict[str, dict[str, Any]] = {
    "model": {"scaling": "range", "mix": [["red", "yellow"], ["green", "yellow"], ["blue"]]},
    "feed": {"source": "files", "draw": "replacement", "flips": True, "turns": True},
}
STRATEGIES: dict[str, dict[str, dict[str, Any]]] = {
    "packed": {},
    "original": _CORNER,
    "haltuf": {**_CORNER, "feed": {**_CORNER["feed"], "source": "cached"}},
    "vitoly": _MIXED,
    "modified": {**_MIXED, "feed": {**_MIXED["feed"], "source": "cached"}},
    "modified_loaded": {**_MIXED, "feed": {**_MIXED["feed"], "source": "loaded"}},
}
"""Name of a way to feed -> the options that it stands for; a recipe's own options come before these.

The ways that were compared in the project on the Human Protein Atlas challenge, 2018, that hpapipe repeats.
"""


class Feed(Section):
    strategy: Strategy = Field(
        "packed",
        description="a way to feed by its name: sets the options below, as far as they are not given themselves",
    )
    batch_size: Annotated[int | Literal["fastest"], BeforeValidator(_number_or_fastest)] = Field(
        32, description="fields in a training step; fastest: what `hpapipe speed` found for this network and feed"
    )
    source: Literal["packed", "files", "cached", "loaded"] = Field(
        "packed",
        description="images come from a memory map decoded once, from their files each time, from memory after their "
        "first reading, or from memory filled before training",
    )
    draw: Literal["in_order", "shuffled", "replacement", "balanced"] = Field(
        "balanced",
        description="each field once in order or shuffled, any field by chance with replacement, or likewise with rare "
        "labels more often",
    )
    epoch_fields: int | None = Field(
        None, ge=1, description="fields drawn in an epoch (replacement, balanced); none: as many as there are"
    )
    balance: float = Field(0.5, ge=0, le=1, description="0 draws all fields alike, 1 all labels alike (draw: balanced)")
    flips: bool = Field(True, description="mirror fields at random while training")
    turns: bool = Field(True, description="turn fields by 0, 90, 180 or 270 degrees at random while training")


class Model(Section):
    name: str = Field("residual", description="an architecture of hpapipe.models.ARCHITECTURES")
    options: dict[str, Any] = Field(default_factory=dict, description="options of that architecture, by their names")
    scaling: Literal["standard", "range", "batch"] = Field(
        "standard",
        description="channels scaled to mean 0 and spread 1 of the training part, by the integer range to 0..1, or by "
        "the maximum of each batch, less its mean",
    )
    mix: Mix = Field(
        (), description="what the network sees, each input the mean of some channels; none: the channels as they are"
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
    loss: Literal["crossentropy", "focal", "dice", "crossentropy_dice"] = Field(
        "crossentropy",
        description="classification: crossentropy or focal, binary or, for one label, categorical; segmentation: "
        "crossentropy of pixels, dice of regions, or their sum",
    )
    focal_gamma: float = Field(2.0, ge=0, description="how far the focal loss turns to hard examples")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the truth spread over all labels")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field("adamw", description="optimizer")
    learning_rate: float = Field(2e-3, gt=0, description="highest learning rate")
    schedule: Literal["cosine", "constant", "inverse"] = Field(
        "cosine", description="course of the learning rate over the epochs"
    )
    warmup: float = Field(
        0.05, ge=0, lt=1, description="share of all steps over which the rate rises from zero (cosine)"
    )
    weight_decay: float = Field(1e-3, ge=0, description="decay of the weights (adamw)")
    decay: float = Field(0.0, ge=0, description="the rate is divided by 1 + decay · step (schedule: inverse)")
    momentum: float = Field(0.9, ge=0, lt=1, description="Nesterov momentum (sgd)")
    beta_1: float = Field(0.9, ge=0, lt=1, description="memory of the mean gradient (adam, adamw)")
    beta_2: float = Field(0.999, ge=0, lt=1, description="memory of the mean squared gradient (adam, adamw)")
    epsilon: float = Field(1e-7, gt=0, description="added to the root of the latter (adam, adamw)")
    averaged_weights: float = Field(
        0.99, ge=0, lt=1, description="momentum of the moving average of weights that is scored and kept; 0: none"
    )
    patience: int = Field(10, ge=0, description="epochs without a lower loss before training stops; 0: never")
    patience_on: Literal["val_loss", "loss"] = Field(
        "val_loss", description="the loss that patience waits for: of the validation part, or of training"
    )
    target_loss: float | None = Field(None, description="training loss at which training stops; none: never")
    precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "auto", description="auto: mixed_float16 where a GPU is, else float32"
    )
    weights_every: int = Field(
        0, ge=0, description="epochs between two logged histograms of the weights; 0: start and end alone"
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
    weight_bound: float = Field(1.0, gt=0, description="absolute value beyond which a weight counts as run away")
    worst_fields: int = Field(8, ge=1, le=32, description="best and worst fields to show with truth and answer")


class Answer(Section):
    turns: bool = Field(False, description="average the answers for the eight ways to turn and mirror a field")
    crops: int = Field(3, ge=1, le=8, description="crops a side of the grid that is answered (data.cut: crops)")
    join: Literal["mean", "maximum"] = Field("mean", description="how the answers for the crops of a field are joined")


class Promote(Section):
    confidence: float = Field(0.95, gt=0.5, lt=1, description="how surely the macro F1 must be higher")
    min_gain: float = Field(0.0, ge=0, description="gain in macro F1 that counts as better")
