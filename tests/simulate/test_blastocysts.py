"""A blastocyst over time: its tissue keeps its volume while the cavity swells and bursts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.simulate.blastocysts import Blastocyst, develop, wander

HOURS = np.arange(145) / 6
seeds = st.integers(0, 2**32 - 1)


def _developed(seed: int, cap: float = 0.8, hatched: bool = False) -> Blastocyst:
    return develop(np.random.default_rng(seed), HOURS, np.zeros((len(HOURS), 2)), cap, hatched)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_outline_encloses_the_circle_of_its_radius(seed: int) -> None:
    """A table of distances encloses half the sum of their squares times the step: here pi radius²."""
    cell = _developed(seed)
    edges = cell.edge(slice(None))
    np.testing.assert_allclose((edges**2).sum(-1) * np.pi / 180, np.pi * cell.radius**2)
    np.testing.assert_array_equal(edges[7], cell.edge(7))


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_tissue_keeps_its_volume_seven_parts_of_wall_to_three_of_inner_cells(seed: int) -> None:
    """Whatever the cavity does, shell and inner cell mass hold the same volume in every frame."""
    cell = _developed(seed)
    shell = cell.radius**3 * (1 - (1 - cell.wall) ** 3)
    inner = (cell.radius * cell.mass) ** 3
    np.testing.assert_allclose(shell, shell[0])
    np.testing.assert_allclose(shell / inner, 7 / 3)


@given(seed=seeds, cap=st.floats(0.2, 0.9), hatched=st.booleans())
@settings(max_examples=30, deadline=None)
def test_it_reaches_its_cap_and_no_farther(seed: int, cap: float, hatched: bool) -> None:
    """The cap holds for the zona where there is one, else for the outline."""
    cell = _developed(seed, cap, hatched)
    assert max(cell.edge(slice(None)).max(), cell.zona.max()) == pytest.approx(cap)
    assert bool(cell.zona.any()) is not hatched


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_zona_lies_outside_and_keeps_its_own_volume(seed: int) -> None:
    """It is stretched by what swells in it, and thins."""
    cell = _developed(seed)
    inner, outer = cell.zona.T
    assert (inner >= 1.0399 * cell.radius).all()
    np.testing.assert_allclose(outer**3 - inner**3, outer[0] ** 3 - inner[0] ** 3)


def test_a_collapse_lowers_the_area_within_half_an_hour_and_the_cavity_fills_again() -> None:
    """Before a collapse is seen the area is larger than soon after; some hours later it has grown again."""
    falls, regains = [], []
    for seed in range(20):
        cell = _developed(seed)
        for frame in cell.collapses:
            if frame < len(HOURS) - 30 and not any(frame < other < frame + 30 for other in cell.collapses):
                area = np.pi * cell.radius**2
                low = area[frame : frame + 4].min()
                falls.append(low / area[frame - 1])
                regains.append(area[frame + 29] / low)
    assert len(falls) > 10
    assert max(falls) < 0.98
    assert np.median(falls) < 0.85
    assert np.median(regains) > 1.1


def test_cavities_swell_over_the_day() -> None:
    """But for collapses near the end, the last frame shows a larger blastocyst than the first."""
    grown = [_developed(seed).radius[-1] / _developed(seed).radius[0] for seed in range(20)]
    assert np.mean(np.array(grown) > 1.05) > 0.8
    assert max(grown) < 1.8


def test_a_thick_wall_bulges_and_a_thin_one_is_taut() -> None:
    """The outline's unrest falls as the wall thins; without any oval it would be a circle."""
    cell = _developed(3)
    thick, thin = int(cell.wall.argmax()), int(cell.wall.argmin())
    unrest = [np.abs(np.diff(cell.edge(frame))).sum() / cell.radius[frame] for frame in (thick, thin)]
    assert unrest[0] > 1.3 * unrest[1]


def test_bulges_lie_between_the_borders_of_cells() -> None:
    """Two cells of half the outline each: 1 at their middles, 0 where they meet."""
    cell = _developed(0)
    two = Blastocyst(**{**vars(cell), "borders": np.array([np.pi / 2, 3 * np.pi / 2]), "turn": np.zeros(len(HOURS))})
    bulge = two.bulge(0)
    assert bulge.shape == (180,)
    np.testing.assert_allclose(bulge[[0, 45, 90, 135]], [1, 0, 1, 0], atol=1e-9)
    assert bulge[22] == pytest.approx(1 - (2 * 22 / 90) ** 2)


def test_the_same_seed_gives_the_same_life_and_another_gives_another() -> None:
    """All chance comes from the generator."""
    first, again, other = _developed(5), _developed(5), _developed(6)
    np.testing.assert_array_equal(first.radius, again.radius)
    assert (first.radius != other.radius).any()


@pytest.mark.parametrize("frames", [1, 2, 145])
def test_a_course_is_smooth_and_as_long_as_the_film(frames: int) -> None:
    """Within ten minutes it changes by a small part of its spread."""
    course = wander(np.random.default_rng(0), HOURS[:frames], 4.0)
    assert course.shape == (frames,)
    if frames > 2:
        assert 0.3 < course.std() < 2
        assert np.abs(np.diff(course)).max() < 0.3
