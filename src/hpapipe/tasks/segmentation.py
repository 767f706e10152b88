"""Where the cell is in an image: what is particular to this task, as one record of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import keras
import numpy as np
import pandas as pd

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
from hpapipe.plots import masks
from hpapipe.scoring import segmentation as scoring
from hpapipe.scoring.cuts import CUTS, RIVALS, Cut, masked, tune_cut
from hpapipe.scoring.intervals import Interval, bootstrap_mean
from hpapipe.tasks.lesson import Lesson
from hpapipe.tasks.paired_masks import by_group
from hpapipe.tasks.segmenter import BATCH, Member, Spec, ask, enlarged, write_version
from hpapipe.training.losses import mask_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_version"]

MODULE = "hpapipe.tasks.segmenter"

EPOCH_CUT = 0.5
"""At which masks are cut after each epoch: no tuning, so epochs compare."""


MOST_SHOWN = 16
"""Groups that a terminal has room for."""


@dataclass(frozen=True)
class Whole:
    """All that is learned: there is one kind of mask."""

    name: str = ""


@dataclass(frozen=True)
class Answers:
    """Probabilities for images whose masks are known, each from a network that never saw the image.

    Args:
        ids: names of the images.
        folds: int `[images]`.
        groups: int `[images]`; images of one pool or animal, which err together.
        names: of the groups, one an image.
        probabilities: float16 `[height, width]` each, at the network's size.
        truth: place among the ids -> mask, bool `[height, width]`, at the image's own size.
    """

    ids: tuple[str, ...]
    folds: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...]
    probabilities: Sequence[np.ndarray]
    truth: Callable[[int], np.ndarray] = field(repr=False)

    def pair(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """(truth bool, probabilities float32) of an image, both `[height, width]` at its own size."""
        mask = self.truth(place)
        return mask, enlarged(self.probabilities[place].astype(np.float32), mask.shape)


@dataclass(frozen=True)
class Scored:
    """The cut that is deployed, and every number that is reported of it.

    Args:
        decision: the cut, and how it was found.
        numbers: to log.
        frames: a row an image: `id, fold, group` and its scores, at the cut that the other groups chose.
    """

    decision: Cut
    numbers: dict[str, float]
    frames: pd.DataFrame

    @property
    def headline(self) -> Interval:
        """What the run is judged by."""
        return Interval(*(self.numbers[f"mean_iou{end}"] for end in ("", "_low", "_high")))

    @property
    def shown(self) -> tuple[pd.DataFrame, str]:
        """(table, title) for a terminal: the groups with the lowest scores."""
        table = masks.iou_per_group_table(list(self.frames["group"]), self.frames["iou"].to_numpy())
        return table.head(MOST_SHOWN), "IoU of each group, the lowest first"


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
    if weights is not None:
        pretrained.load(built, weights)
    if wanted.frozen:
        pretrained.freeze(built)
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


def decision(recipe: Recipe, answers: Answers) -> Cut:
    """The cut that the recipe asks for."""
    wanted = recipe.mask.cut
    fixed = () if wanted == "tuned" else (float(wanted),)
    pairs = ((int(answers.groups[place]), *answers.pair(place)) for place in range(len(answers.ids)))
    found = tune_cut(pairs, CUTS, (*RIVALS, *fixed))
    if not fixed:
        return found
    value = found.rivals[fixed[0]]
    return Cut(
        fixed[0], value, value, np.full(len(found.pools), fixed[0]), found.rivals, found.cuts, found.pools, found.table
    )


def score(recipe: Recipe, answers: Answers, chosen: Cut) -> Scored:
    """How well masks are drawn, image by image and in all, with a 95 % interval over the groups.

    Each group is cut where the others chose, so that no number is better for having been tuned on itself.
    """
    cut_of = dict(zip(chosen.pools.tolist(), chosen.by_pool.tolist(), strict=True))

    def answered() -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        for place, group in enumerate(answers.groups.tolist()):
            truth, probabilities = answers.pair(place)
            yield group, place, truth, masked(probabilities, cut_of[group])

    frames = scoring.frames_table(answered(), recipe.mask.tolerance)
    numbers = scoring.summary(frames) | {"cut": chosen.cut, "mean_iou_untuned": chosen.rivals[EPOCH_CUT]}
    interval = bootstrap_mean(by_group(frames["iou"], answers.groups), recipe.score.bootstrap, recipe.seed)
    numbers |= {"mean_iou_low": interval.low, "mean_iou_high": interval.high}
    own = pd.DataFrame({"id": answers.ids, "fold": answers.folds, "group": answers.names})
    return Scored(chosen, numbers, own.join(frames.drop(columns=["pool", "frame"])))


def conclude(recipe: Recipe, answers: Answers) -> tuple[Scored, dict[str, float]]:
    """(the cut, with its scores; the mean IoU of every rival cut)."""
    chosen = decision(recipe, answers)
    return score(recipe, answers, chosen), {f"mean_iou_by/{cut:g}": value for cut, value in chosen.rivals.items()}


def tables(recipe: Recipe, answers: Answers, scored: Scored) -> dict[str, pd.DataFrame]:
    """Every image's scores: what runs are compared by."""
    return {"predictions": scored.frames}


def figures(
    recipe: Recipe, answers: Answers, scored: Scored, image_of: Callable[[str], np.ndarray]
) -> Iterator[tuple[str, pd.DataFrame, Figure]]:
    """(name, table, figure) of everything that is drawn of the answers.

    Args:
        recipe: its section `score`.
        answers: probabilities and truth.
        scored: the cut taken on them.
        image_of: id -> integers `[height, width]`.
    """
    yield brief_figure(recipe, scored)
    found = scored.decision
    table = masks.iou_against_cut_table(found.cuts, found.table, found.cut)
    yield "iou_against_cut", table, masks.draw_iou_against_cut(table)
    table = masks.areas_table(scored.frames)
    yield "areas", table, masks.draw_areas(table)
    table = masks.outlines_table(scored.frames, recipe.score.worst_fields)
    place = {name: number for number, name in enumerate(answers.ids)}
    shown = {}
    for name in table["id"]:
        truth, probabilities = answers.pair(place[name])
        shown[name] = (image_of(name), truth, masked(probabilities, found.cut))
    yield "best_and_worst_images", table, masks.draw_outlines(table, shown)


def brief_figure(recipe: Recipe, scored: Scored) -> tuple[str, pd.DataFrame, Figure]:
    """(name, table, figure) of the IoU of each group: all that is drawn of a trial."""
    table = masks.iou_per_group_table(list(scored.frames["group"]), scored.frames["iou"].to_numpy())
    return "iou_per_group", table, masks.draw_iou_per_group(table)


def spec(recipe: Recipe, decision: Cut, bits: int, members: Sequence[Member]) -> Spec:
    """What the Version needs beside its weights.

    Args:
        recipe: its sections `data` and `answer`.
        decision: the cut to deploy.
        bits: 8 or 16, of the images.
        members: what each network sees.
    """
    return Spec(bits, recipe.data.max_pixels, decision.cut, recipe.answer.turns, tuple(members))
