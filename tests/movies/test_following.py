"""Drawn cells that grow, touch, shed bubbles and vanish are followed by their numbers."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterable

import numpy as np
import pytest

from hpapipe.movies.cell_count import SURE, TURN, Count
from hpapipe.movies.following import BUBBLE, Follower, Found

SIDE = 80
EMPTY = np.zeros((SIDE, SIDE), bool)


def disc(row: float, column: float, radius: float) -> np.ndarray:
    down, across = np.mgrid[:SIDE, :SIDE]
    return np.hypot(down - row, across - column) <= radius


def followed(masks: Iterable[np.ndarray], **options: object) -> list[Found]:
    follower = Follower(**options)  # type: ignore[arg-type]
    return [follower.step(mask) for mask in masks]


def areas(found: Iterable[Found]) -> list[list[int]]:
    return [[cell.area_px for cell in each.cells] for each in found]


def test_a_cell_that_grows_has_its_area_place_and_number() -> None:
    masks = [disc(35, 42, radius) for radius in (10, 12, 14)]
    found = followed(masks)
    assert areas(found) == [[int(mask.sum())] for mask in masks]
    (cell,) = found[-1].cells
    assert (cell.number, cell.row, cell.column, cell.touches_rim, cell.bubble_px) == (1, 35, 42, False, 0)
    assert set(np.unique(found[-1].labels)) == {0, 1}
    assert found[-1].labels.dtype == np.uint8


def test_an_empty_pool_has_no_cell_and_says_so() -> None:
    (found,) = followed([EMPTY])
    assert found.is_empty
    assert found.cells[0].area_px == 0
    assert np.isnan(found.cells[0].row)
    assert not found.labels.any()


def test_a_cell_that_is_missing_for_a_while_keeps_its_number() -> None:
    cell = disc(30, 30, 9) | disc(52, 52, 12)
    found = followed([cell, EMPTY, EMPTY, cell])
    assert areas(found) == [[253, 441], [0, 0], [0, 0], [253, 441]]


def test_two_cells_are_numbered_from_left_to_right_and_keep_their_numbers() -> None:
    """Though the right one is larger first, and the left one later."""
    masks = [disc(40, 22, 8 + step) | disc(40, 58, 16 - step) for step in range(9)]
    found = followed(masks)
    assert areas(found) == [
        [int(disc(40, 22, 8 + step).sum()), int(disc(40, 58, 16 - step).sum())] for step in range(9)
    ]


def test_two_cells_that_move_past_one_another_keep_their_numbers() -> None:
    masks = [disc(20 + 4 * step, 26, 10) | disc(60 - 4 * step, 54, 11) for step in range(11)]
    assert {tuple(each) for each in areas(followed(masks))} == {(317, 377)}


def test_cells_that_grow_together_are_cut_where_they_meet() -> None:
    masks = [disc(40, 24, radius) | disc(40, 56, radius) for radius in (12, 14, 15, 16, 17, 18)]
    for mask, pair in zip(masks, areas(followed(masks)), strict=True):
        assert sum(pair) == mask.sum()
        assert pair[0] == pytest.approx(pair[1], rel=0.06)


def test_cells_that_become_one_blob_without_a_neck_are_cut_where_they_were() -> None:
    bar = EMPTY.copy()
    bar[28:53, 12:69] = True
    assert areas(followed([disc(40, 25, 12) | disc(40, 55, 12), bar]))[1] == [29 * 25, 28 * 25]


def test_a_bubble_that_buds_and_leaves_is_kept_apart() -> None:
    """It grows on the rim, then drifts away; the cell's area stays, and nobody takes it for a second cell."""
    cell = disc(40, 30, 16)
    way = [(0.0, 0.0), (3, 45), (5, 49), (6, 51), (6, 54), (6, 58), (6, 63), (6, 70)]
    masks = [cell | disc(40, column, radius) if radius else cell for radius, column in way]
    found = followed(masks)
    assert [each.cells[0].area_px for each in found[3:]] == pytest.approx([int(cell.sum())] * 5, rel=0.02)
    assert [each.cells[0].bubble_px for each in found[4:]] == pytest.approx([113] * 4, rel=0.05)
    assert {len(each.cells) for each in found} == {1}
    assert found[-1].labels[40, 70] == BUBBLE


def test_joined_bubbles_count_as_the_cell() -> None:
    cell, bubble = disc(40, 30, 16), disc(40, 54, 6)
    both = followed([cell, cell | bubble], bubbles="joined")[1]
    assert both.cells[0].area_px == cell.sum() + bubble.sum()
    assert both.cells[0].bubble_px == bubble.sum()
    assert set(np.unique(both.labels)) == {0, 1}


def test_bubbles_belong_to_the_cell_that_they_are_next_to() -> None:
    cells = disc(40, 20, 12) | disc(40, 58, 12)
    found = followed([cells, cells | disc(40, 75, 4)])
    assert [cell.bubble_px for cell in found[1].cells] == [0, 49]


def test_a_lobe_that_a_cell_has_from_the_start_is_part_of_it() -> None:
    """Bubbles come late. So does this lobe where it shows a neck again after some frames without."""
    whole, smooth = disc(40, 30, 16) | disc(40, 50, 6), disc(40, 34, 19)
    found = followed([whole, whole, smooth, whole])
    assert [each.cells[0].area_px for each in found] == [int(mask.sum()) for mask in (whole, whole, smooth, whole)]


def test_dirt_that_lies_there_from_the_start_is_nothing() -> None:
    cell, dirt = disc(40, 30, 16), disc(40, 70, 3)
    found = followed([cell | dirt, cell | dirt, disc(40, 34, 16) | dirt])
    assert [(each.cells[0].area_px, each.cells[0].bubble_px) for each in found] == [(797, 0)] * 3
    assert found[-1].labels[40, 70] == 0


def test_a_second_cell_is_not_lost_nor_won_by_single_frames() -> None:
    """A doubtful frame changes nothing, neither for one cell nor for two."""
    one, two = disc(40, 24, 12), disc(40, 24, 12) | disc(40, 57, 11)
    assert [len(each.cells) for each in followed([one, one, two, one, one])] == [1] * 5
    assert [len(each.cells) for each in followed([two, two, one, two, two])] == [2] * 5


def test_a_second_cell_that_shows_in_time_is_believed() -> None:
    one, two = disc(40, 24, 12), disc(40, 24, 12) | disc(40, 57, 11)
    found = followed([one] + [two] * 9)
    assert areas(found[-1:]) == [[441, 377]]


def test_a_false_second_cell_of_the_first_frames_is_given_up() -> None:
    one, two = disc(40, 57, 12), disc(40, 24, 10) | disc(40, 57, 12)
    found = followed([two] + [one] * 9)
    assert areas(found[-1:]) == [[441]]
    assert set(np.unique(found[-1].labels)) == {0, 1}


def test_the_number_of_cells_can_be_given() -> None:
    mask = disc(40, 24, 12) | disc(40, 57, 11)
    assert areas(followed([mask], cells=1)) == [[441]]
    assert areas(followed([disc(40, 24, 12)], cells=2)) == [[441, 0]]


def test_nearest_stays_with_its_cell_where_largest_leaps() -> None:
    """A larger object comes into view beside the cell in the middle."""
    cell, other = disc(40, 40, 9), disc(12, 66, 11)
    assert areas(followed([cell, cell | other], rule="nearest", cells=1)) == [[253], [253]]
    assert areas(followed([cell, cell | other], rule="largest", cells=1)) == [[253], [377]]


def test_nearest_starts_at_the_middle_and_does_not_take_a_speck_for_its_cell() -> None:
    cell, other = disc(40, 38, 9), disc(12, 66, 11)
    found = followed([cell | other, other, disc(60, 60, 3), cell], rule="nearest", cells=1)
    assert areas(found) == [[253], [0], [0], [253]]


def test_all_counts_every_object_but_bubbles() -> None:
    cell, other, bubble = disc(40, 30, 14), disc(12, 66, 5), disc(40, 51, 5)
    found = followed([cell | other, cell | other | bubble], rule="all", cells=1)
    whole = int((cell | other).sum())
    assert areas(found) == [[whole], [whole]]
    assert found[1].cells[0].bubble_px == bubble.sum()


@pytest.mark.parametrize(("place", "touches"), [((40, 10), True), ((40, 11), False), ((40, 66), True)])
def test_a_cell_at_the_patchs_border_or_the_wall_is_told(place: tuple[int, int], touches: bool) -> None:
    """The wall is at column 77 here."""
    inside = np.zeros((SIDE, SIDE), bool)
    inside[:, :77] = True
    (found,) = followed([disc(*place, 10)], inside=inside)
    assert found.cells[0].touches_rim is touches


def test_a_cell_that_the_frame_cuts_off_is_told_in_that_frame_alone() -> None:
    """The stage moves, so that the frame ends at column 36 of the second patch, within the cell."""
    follower, mask = Follower(), disc(40, 40, 10)
    known = np.zeros(mask.shape, bool)
    known[:, :36] = True
    found = [follower.step(mask), follower.step(mask & known, known), follower.step(mask)]
    assert [each.cells[0].touches_rim for each in found] == [False, True, False]


def test_memory_does_not_grow_with_the_movie() -> None:
    follower = Follower()
    mask = disc(40, 30, 16) | disc(40, 54, 6)
    tracemalloc.start()
    try:
        for _ in range(5):
            follower.step(mask)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(40):
            follower.step(mask)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 10 * mask.size  # of 40 frames
    finally:
        tracemalloc.stop()


def test_evidence_turns_the_verdict_and_two_cells_stay_once_sure() -> None:
    count = Count("auto")
    assert [count.weigh(False), count.cells] == [False, 1]
    assert [count.weigh(True) for _ in range(2 * TURN)] == [False] * (2 * TURN - 1) + [True]
    assert count.cells == 2
    for _ in range(SURE):
        count.weigh(True)
    assert not any(count.weigh(False) for _ in range(10 * SURE))


def test_a_given_number_of_cells_is_not_weighed() -> None:
    for cells in (1, 2):
        count = Count(cells)  # type: ignore[arg-type]
        assert not any(count.weigh(two) for two in [True, False] * SURE)
        assert count.cells == cells
