"""The task of segmentation: answers gathered, cut, scored, compared and drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpapipe import config
from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.tasks import segmentation as task
from hpapipe.tasks.paired_masks import compared
from hpapipe.tasks.segmentation import Answers
from hpapipe.tasks.tasks import TASKS, task_of

RECIPE = config.parse({"task": "segmentation", "score": {"bootstrap": 200, "worst_fields": 2}})
TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)


def answered(*levels: tuple[float, float, float], groups: tuple[int, ...] = ()) -> Answers:
    """An image each, of 2×4 pixels: probabilities of its true half, of the column beside it, and of the last one."""
    images = [np.tile(np.array([true, true, beside, rest], np.float16), (2, 1)) for true, beside, rest in levels]
    own = np.array(groups or range(len(levels)))
    names = tuple(f"r1c{group + 1}" for group in own)
    ids = tuple(f"{name}_f{place:04d}" for place, name in enumerate(names))
    return Answers(ids, np.zeros(len(levels), int), own, names, images, lambda place: TRUTH)


def test_each_task_has_every_function_that_the_others_have() -> None:
    """The table in tasks.py names them."""
    words = [
        "MODULE",
        "check",
        "parts_of",
        "key",
        "lesson",
        "gathered",
        "conclude",
    ]
    words += ["tables", "figures", "brief_figure", "spec", "write_version"]
    assert [(name, word) for name, each in TASKS.items() for word in words if not hasattr(each, word)] == []
    assert task_of(Recipe()) is TASKS["classification"]
    assert task_of(RECIPE) is task


def test_the_cut_with_the_highest_mean_iou_is_deployed() -> None:
    """Between 0.585 and 0.71 all masks are right; of equal cuts the one nearest to the middle."""
    chosen = task.decision(RECIPE, answered((0.9, 0.585, 0.1), (0.71, 0.2, 0.1)))
    assert chosen.cut == 0.59
    assert chosen.iou == 1
    assert chosen.rivals == {0.5: pytest.approx((4 / 6 + 1) / 2), 0.8: pytest.approx(0.5)}


def test_a_group_is_cut_where_the_others_chose() -> None:
    """The first group's own best cut is above 0.9, that of the others is 0.5, at which the first is cut."""
    answers = answered((0.95, 0.9, 0.1), (0.6, 0.4, 0.1), (0.6, 0.4, 0.1))
    scored, rivals = task.conclude(RECIPE, answers)
    assert scored.decision.by_pool[0] == 0.5
    assert scored.frames["iou"].tolist() == [pytest.approx(4 / 6), 1, 1]
    assert scored.numbers["mean_iou"] == pytest.approx((4 / 6 + 2) / 3)
    assert rivals["mean_iou_by/0.8"] == pytest.approx((4 / 6) / 3)
    assert scored.frames["group"].tolist() == ["r1c1", "r1c2", "r1c3"]


def test_a_cut_that_is_given_is_taken() -> None:
    fixed = config.changed(RECIPE, {"mask.cut": 0.93})
    scored, _ = task.conclude(fixed, answered((0.95, 0.9, 0.1), (0.96, 0.9, 0.1)))
    assert scored.decision.cut == 0.93
    assert scored.frames["iou"].tolist() == [1, 1]


def test_groups_count_alike_however_many_images_they_have() -> None:
    """Two groups: one of three images without a fault, one of a single image that covers twice what it should."""
    right, wide = (0.9, 0.1, 0.1), (0.9, 0.9, 0.9)
    scored = task.score(
        RECIPE, answers := answered(right, right, right, wide, groups=(0, 0, 0, 1)), task.decision(RECIPE, answers)
    )
    assert scored.numbers["mean_iou"] == pytest.approx(0.75)
    assert scored.headline.value == scored.numbers["mean_iou"]
    assert scored.headline.low <= 0.75 <= scored.headline.high
    assert scored.numbers["worst_area_error"] == pytest.approx(100)


def test_answers_stand_in_the_order_of_the_networks() -> None:
    """Each network's images are those of its fold."""

    class Images:
        ids, groups = ("a", "b", "c", "d"), ("a", "b", "c", "d")

        def mask(self, place: int) -> np.ndarray:
            return np.full((1, 1), place == 2)

    class Halves:
        folds = np.array([1, 0, 1, 0])

        def valid(self, fold: int) -> np.ndarray:
            return np.flatnonzero(self.folds == fold)

    trained = [
        (task.Member((1, 1), fold), [np.full((1, 1), value, np.float16) for value in values])
        for fold, values in ((0, (0.1, 0.3)), (1, (0.0, 0.2)))
    ]
    found = task.gathered(RECIPE, Images(), np.arange(4), Halves(), trained)  # type: ignore[arg-type]
    assert found.ids == ("b", "d", "a", "c")
    assert found.folds.tolist() == [0, 0, 1, 1]
    assert [float(each[0, 0]) for each in found.probabilities] == [
        pytest.approx(x, abs=1e-3) for x in (0.1, 0.3, 0, 0.2)
    ]
    assert [bool(found.truth(place)[0, 0]) for place in range(4)] == [False, False, False, True]


def test_a_run_is_compared_group_by_group() -> None:
    """The second gains 0.2 in one pool and loses 0.1 in the other."""
    first = pd.DataFrame({"id": list("abc"), "group": ["p", "p", "q"], "iou": [0.5, 0.7, 0.9]})
    second = first.assign(iou=[0.8, 0.8, 0.8])
    comparison, rows = compared(RECIPE, first, second)
    assert comparison.gain == pytest.approx(0.05)
    assert rows["what"].tolist() == ["IoU p", "IoU q"]
    assert rows["gain"].tolist() == [pytest.approx(0.2), pytest.approx(-0.1)]
    assert comparison.low <= 0.05 <= comparison.high


def test_all_figures_are_drawn_with_their_tables() -> None:
    answers = answered((0.9, 0.3, 0.1), (0.71, 0.2, 0.1), (0.9, 0.9, 0.1))
    scored, _ = task.conclude(RECIPE, answers)
    drawn = {name: table for name, table, _ in task.figures(RECIPE, answers, scored, lambda name: np.eye(2, 4))}
    assert list(drawn) == ["iou_per_group", "iou_against_cut", "areas", "best_and_worst_images"]
    assert drawn["iou_per_group"]["group"].tolist()[0] == "r1c3"
    assert drawn["areas"]["area"].tolist() == [4, 4, 6]
    assert drawn["best_and_worst_images"]["id"].tolist()[0] == "r1c3_f0002"
    assert len(drawn["best_and_worst_images"]) == 3


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"model.name": "unett"}, "`model.name` must be an architecture. Received `unett`. Did you mean `unet`?"),
        ({"model.options": {"wdth": 4}}, "Did you mean `width`"),
    ],
)
def test_a_network_that_cannot_be_built_is_refused(overrides: dict[str, object], line: str) -> None:
    with pytest.raises(UserError) as fault:
        task.check(config.changed(RECIPE, overrides))
    assert line in str(fault.value)
