"""Where the cell is in an image: what is particular to this task, as one record of functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.imageset.pair_feed import PairFeed
from hpapipe.imageset.pair_pack import PairPack
from hpapipe.imageset.pairs import PairSet
from hpapipe.imageset.pairs_augment import Ranges
from hpapipe.imageset.split import Split
from hpapipe.models import weights as pretrained
from hpapipe.models.build import build, check_options, scaling_of
from hpapipe.models.segmenters import SEGMENTERS
from hpapipe.scoring import segmentation as scoring
from hpapipe.scoring.cuts import Cut
from hpapipe.tasks.lesson import Lesson
from hpapipe.tasks.segmented import (
    EPOCH_CUT,
    Answers,
    Scored,
    brief_figure,
    conclude,
    decision,
    figures,
    score,
    tables,
)
from hpapipe.tasks.segmenter import BATCH, Member, Spec, ask, read_version, seen_by, write_version
from hpapipe.training.losses import mask_loss

__all__ = [
    "Answers",
    "Scored",
    "brief_figure",
    "conclude",
    "decision",
    "figures",
    "read_version",
    "score",
    "seen_by",
    "tables",
    "write_version",
]

MODULE = "hpapipe.tasks.segmenter"


@dataclass(frozen=True)
class Whole:
    """All that is learned: there is one kind of mask."""

    name: str = ""


def check(recipe: Recipe) -> None:
    """Refuse an architecture or options that no network can be built with.

    Raises:
        UserError: naming the nearest that exists.
    """
    check_options(recipe.model.name, recipe.model.options, SEGMENTERS)


def parts_of(recipe: Recipe) -> tuple[Whole, ...]:
    """One network answers all."""
    return (Whole(),)


def key(recipe: Recipe) -> str:
    """Names what is learned in tags."""
    return "mask of one kind"


def network(
    recipe: Recipe, images: np.ndarray, train: np.ndarray, weights: str | keras.Model | None = None
) -> keras.Model:
    """A network for these images, before its training; the same recipe and seed give the same weights.

    Args:
        recipe: its sections `model` and `data`.
        images: integers `[images, height, width, 1]`.
        train: numbers of the images that scaling is measured on.
        weights: that it begins with, as `models.weights.load` takes them; none: by chance.

    Raises:
        UserError: options or a size that do not fit the architecture, or weights that do not fit the network.
    """
    wanted = recipe.model
    scaling = scaling_of(images, train, wanted.scaling)
    built = build(wanted.name, wanted.options, (*recipe.data.size, 1), 1, False, scaling, SEGMENTERS)
    pretrained.begin(built, weights, wanted.frozen)
    return built


def lesson(
    recipe: Recipe,
    part: Whole,
    source: PairPack,
    images: PairSet,
    split: Split,
    fold: int,
    seed: int,
    weights: str | keras.Model | None = None,
) -> Lesson:
    """A network, and what it is trained with and tested on while `fold` is held out.

    Args:
        recipe: of the experiment.
        part: all that is learned.
        source: images and masks at the size of training.
        images: the set.
        split: its folds.
        fold: that validates.
        seed: of drawing and augmentation.
        weights: as `network` takes them.
    """
    train, held_out = split.train(fold), split.valid(fold)
    built = network(recipe, source.images, train, weights)
    feed = PairFeed(source.images, source.masks, train, recipe.feed, seed, ranges=ranges(recipe.warp))
    loss = mask_loss(recipe.fit)

    def validate() -> dict[str, float]:
        return epoch_numbers(loss, source.masks[held_out], ask(built, source.images[held_out], turns=False)[0])

    def answer() -> list[np.ndarray]:
        asked = (
            ask(built, source.images[held_out[start : start + BATCH]], recipe.answer.turns).mean(axis=0)
            for start in range(0, len(held_out), BATCH)
        )
        return [each.astype(np.float16) for batch in asked for each in batch]

    member = Member(recipe.data.size, fold)
    return Lesson(built, loss, feed, member, (len(train), len(held_out)), validate, answer)


def ranges(warp: config.Warp) -> Ranges:
    """How far a recipe warps pairs."""
    return Ranges(**warp.model_dump())


def epoch_numbers(loss: keras.losses.Loss, truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """What is logged after each epoch, at the size of training and a fixed cut.

    Args:
        loss: of training.
        truth: bool `[images, height, width]`.
        probabilities: float32 `[images, height, width]`.
    """
    losses = []
    for start in range(0, len(truth), BATCH):
        part = slice(start, start + BATCH)
        value = loss(truth[part][..., None].astype(np.float32), probabilities[part][..., None])
        losses.append(float(keras.ops.convert_to_numpy(value)) * len(truth[part]))
    answered = probabilities >= EPOCH_CUT
    overlaps = [(scoring.iou(true, mask), scoring.dice(true, mask)) for true, mask in zip(truth, answered, strict=True)]
    mean_iou, mean_dice = np.mean(overlaps, axis=0).tolist()
    return {"val_loss": sum(losses) / len(truth), "mean_iou": mean_iou, "mean_dice": mean_dice}


def shown(source: PairPack, images: PairSet, field: int) -> np.ndarray:
    """An image as figures show it: at its own size, integers `[height, width]`."""
    return images.image(field)


def gathered(
    recipe: Recipe,
    images: PairSet,
    together: np.ndarray,
    split: Split,
    trained: Sequence[tuple[Member, Sequence[np.ndarray]]],
) -> Answers:
    """What networks answered for the images that they never saw.

    Args:
        recipe: its section `split`.
        images: the set.
        together: int `[images]`, what must stay together.
        split: of the set.
        trained: each network's member, and its probabilities for its fold.
    """
    held_out = np.concatenate([split.valid(member.fold) for member, _ in trained])
    return Answers(
        ids=tuple(images.ids[place] for place in held_out),
        folds=split.folds[held_out],
        groups=together[held_out],
        names=tuple(images.groups[place] for place in held_out),
        probabilities=[each for _, answered in trained for each in answered],
        truth=lambda place: images.mask(int(held_out[place])),
    )


def spec(recipe: Recipe, decision: Cut, bits: int, members: Sequence[Member]) -> Spec:
    """What the Version needs beside its weights.

    Args:
        recipe: its sections `data` and `answer`.
        decision: the cut to deploy.
        bits: 8 or 16, of the images.
        members: what each network sees.
    """
    return Spec(bits, recipe.data.max_pixels, decision.cut, recipe.answer.turns, tuple(members))
