"""Masks to pieces: specks, holes, and lobes that a neck joins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.movies.lobes import by_seeds, lobes
from hpapipe.movies.objects import OBJECTS, pieces

SIDE = 80


def disc(row: float, column: float, radius: float, side: int = SIDE) -> np.ndarray:
    down, across = np.mgrid[:side, :side]
    return np.hypot(down - row, across - column) <= radius


def test_specks_are_left_out_by_their_share_of_the_patch() -> None:
    mask = disc(40, 40, 20)
    mask[2:5, 2:6] = True  # 12 of 6,400 pixels: 0.19 %
    assert [piece.area for piece in pieces(mask, min_area=0.0018)[1]] == [disc(40, 40, 20).sum(), 12]
    assert len(pieces(mask, min_area=0.002)[1]) == 1


def test_an_empty_mask_has_no_pieces() -> None:
    numbers, found = pieces(np.zeros((SIDE, SIDE), bool))
    assert (numbers.max(), found) == (0, [])


def test_a_full_mask_is_one_piece() -> None:
    (piece,) = pieces(np.ones((SIDE, SIDE), bool))[1]
    assert (piece.area, piece.row, piece.column) == (SIDE * SIDE, 39.5, 39.5)


def test_a_piece_knows_its_area_place_and_inner_radius() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:12, 10:17] = True
    (piece,) = pieces(mask)[1]
    assert (piece.number, piece.body, piece.area, piece.row, piece.column, piece.radius) == (1, 1, 49, 8, 13, 4)
    assert piece.is_round


def test_a_rod_is_not_round() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[40:45, 10:70] = True
    assert not pieces(mask)[1][0].is_round


@pytest.mark.parametrize(("holes", "filled"), [("fill", 2), ("keep", 0), (0.05, 1), (0.5, 2), (0.001, 0)])
def test_holes_are_filled_as_asked(holes: str | float, filled: int) -> None:
    """One hole is 1 % of its object, the other 10 %; a share fills those below it."""
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True  # 1,600 pixels with its holes
    mask[12:16, 12:16] = False  # 16
    mask[30:42, 30:43] = False  # 156
    area = 1600 - 16 * (filled < 1) - 156 * (filled < 2)
    assert sum(piece.area for piece in pieces(mask, holes=holes)[1]) == area


def test_a_bay_that_is_open_is_no_hole() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    mask[10:30, 28:32] = False
    assert pieces(mask)[1][0].area == 1600 - 80


def test_two_discs_that_touch_are_two_lobes_cut_at_the_neck() -> None:
    """The cut of discs of radius 15 and 9 whose outlines cross lies in the crossing."""
    parts = lobes(disc(40, 25, 15) | disc(40, 47, 9))
    assert parts.max() == 2
    assert parts[40, 25] != parts[40, 47]
    whole = disc(40, 25, 15).sum()
    assert abs(int((parts == parts[40, 25]).sum()) - int(whole)) < 0.02 * whole


@pytest.mark.parametrize("radius", [2.5, 4, 6, 9])
def test_a_bulge_of_any_size_is_found(radius: float) -> None:
    """A bubble hangs on by a neck of a third of its width."""
    cell, bubble = disc(40, 30, 18), disc(40, 30 + 18 + 0.94 * radius, radius)
    parts = lobes(cell | bubble)
    assert parts.max() == 2
    assert (parts == parts[40, 30]).sum() == pytest.approx(cell.sum(), rel=0.02)


def test_an_ellipse_and_a_wavy_outline_are_one_lobe() -> None:
    down, across = np.mgrid[:SIDE, :SIDE] - 40.0
    assert lobes((down / 30) ** 2 + (across / 15) ** 2 <= 1).max() == 1
    angle = np.arctan2(down, across)
    assert lobes(np.hypot(down, across) <= 25 * (1 + 0.05 * np.cos(9 * angle))).max() == 1


def test_small_lobes_stay_with_the_rest() -> None:
    both = disc(40, 30, 18) | disc(40, 52, 4)
    assert lobes(both, least=30).max() == 2
    assert lobes(both, least=70).max() == 1


def test_seeds_cut_through_the_corners_of_the_neck() -> None:
    """Discs of 15 and 9 have each grown by a pixel: what only one of them covers is its own."""
    one, other = disc(40, 25, 16), disc(40, 47, 10)
    parts = by_seeds(one | other, [disc(40, 25, 15), disc(40, 47, 9)])
    assert (parts[one & ~other] == 1).all()
    assert (parts[other & ~one] == 2).all()
    assert (parts == 0).sum() == SIDE * SIDE - (one | other).sum()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.8))
def test_pieces_part_the_mask_and_nothing_else(seed: int, share: float) -> None:
    """Whatever the mask, its pixels are those of its pieces, each in one, when nothing is filled or left out."""
    mask = np.random.default_rng(seed).random((12, 14)) < share
    numbers, found = pieces(mask, min_area=0, holes="keep")
    assert ((numbers > 0) == mask).all()
    assert [piece.area for piece in found] == np.bincount(numbers.ravel(), minlength=len(found) + 1)[1:].tolist()


def test_the_rules_rank_by_area_or_by_distance_from_the_middle() -> None:
    _, found = pieces(disc(20, 20, 12) | disc(44, 44, 6))
    first = {name: min(found, key=lambda piece: rule.rank(piece, (39.5, 39.5))).area for name, rule in OBJECTS.items()}
    large, near = int(disc(20, 20, 12).sum()), int(disc(44, 44, 6).sum())
    assert first == {"largest": large, "nearest": near, "all": large}
