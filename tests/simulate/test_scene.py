"""Scenes: cells do not overlap, and what a structure needs is always there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.simulate.geometry import ANGLES, DIRECTIONS, lookup, nearest_way
from hpapipe.simulate.scene import Needs, scene

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, sisters=st.booleans(), metaphase=st.booleans(), contact=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_scene_holds_what_is_needed(seed: int, sisters: bool, metaphase: bool, contact: bool) -> None:
    """A label of a bridge, a spindle or a junction is never given to a field without one in sight."""
    cells = scene(np.random.default_rng(seed), 32, Needs(sisters=sisters, metaphase=metaphase, contact=contact))
    assert 1 <= len(cells) <= 5
    if sisters:
        (bridge,) = [cell.bridge for cell in cells if cell.bridge is not None]
        assert np.abs(bridge - 0.5).max() < 0.5
        assert 0.04 < np.hypot(*(bridge[1] - bridge[0])) < 0.2
    if metaphase:
        (dividing,) = [cell for cell in cells if cell.mitotic]
        assert len(dividing.poles) == 2
        assert np.abs(dividing.poles - 0.5).max() < 0.5
    if contact:
        seen = [cell.touch * (np.abs(cell.place(np.arange(ANGLES), cell.edge) - 0.5).max(-1) < 0.5) for cell in cells]
        assert np.sum(seen) > 12


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_cells_do_not_lie_on_one_another(seed: int) -> None:
    """Hardly a pixel belongs to two cells, and every nucleus lies inside its cell."""
    cells = scene(np.random.default_rng(seed), 64, Needs())
    owners = np.sum([cell.body > 0.75 for cell in cells], 0)
    assert (owners > 1).mean() < 0.01
    for cell in cells:
        assert (cell.rim < cell.edge).all()


def test_microtubules_start_at_a_pole_and_end_in_their_cell() -> None:
    """Every track of an interphase cell begins near its only pole and ends within the free outline."""
    for cell in scene(np.random.default_rng(1), 32, Needs()):
        for path in cell.tracks:
            assert np.hypot(*(path[0] - cell.poles[0])) < 0.06
            assert np.hypot(*(path[-1] - cell.centre)) <= cell.edge.max() + 1e-9


def test_a_dent_takes_room_from_the_nucleus_where_the_aggresome_lies() -> None:
    """With a dent the rim stays short of the hollow, and is longer on a side of it."""
    for seed in range(6):
        for cell in scene(np.random.default_rng(seed), 32, Needs(dents=True)):
            if cell.mitotic:
                continue
            away = cell.hollow[:2] - cell.centre
            way = nearest_way(float(np.arctan2(away[1], away[0])))
            assert cell.rim[way] < np.hypot(*away)
            assert cell.rim[way] < 0.95 * max(cell.rim[(way + 13) % ANGLES], cell.rim[way - 13])


@pytest.mark.parametrize(("angle", "value"), [(0.0, 0.0), (np.pi, 90.0), (-np.pi / 2, 135.0), (2 * np.pi, 0.0)])
def test_lookup_reads_a_table_at_any_angle(angle: float, value: float) -> None:
    """Angles wrap round, negative ones as well."""
    assert lookup(np.arange(float(ANGLES)), np.array([angle]))[0] == pytest.approx(value, abs=1e-9)


def test_lookup_interpolates_between_directions_and_across_the_seam() -> None:
    """Half-way between the last and the first direction lies their mean."""
    table = np.zeros(ANGLES)
    table[0], table[-1] = 2.0, 4.0
    assert lookup(table, np.array([-DIRECTIONS[1] / 2]))[0] == pytest.approx(3.0)
    assert nearest_way(-float(DIRECTIONS[1])) == ANGLES - 1
