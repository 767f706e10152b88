"""Masks cut, scored, told and drawn: what becomes of a segmenter's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.plots import masks
from hpapipe.scoring import segmentation as scoring
from hpapipe.scoring.cuts import CUTS, RIVALS, Cut, masked, tune_cut
from hpapipe.scoring.intervals import Interval, bootstrap_mean
from hpapipe.tasks.paired_masks import by_group
from hpapipe.tasks.segmenter import enlarged

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCH_CUT = 0.5
"""At which masks are cut after each epoch: no tuning, so epochs compare."""


MOST_SHOWN = 16
"""Groups that a terminal has room for."""


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
