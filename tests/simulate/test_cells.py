"""Fields: what each structure's green light looks like, and that the reference channels fit the cells."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy import ndimage

from hpapipe.labels import STRUCTURES
from hpapipe.simulate.cells import CHANNELS, PATTERNS, draw_field
from hpapipe.simulate.geometry import Cell
from hpapipe.simulate.scene import Needs, scene

SIZE = 128
PLAIN = Needs()


def _cells(seed: int, needs: Needs = PLAIN) -> list[Cell]:
    return scene(np.random.default_rng(seed), SIZE, needs)


def _light(name: str, seeds: range = range(6), needs: Needs = PLAIN) -> list[tuple[Cell, np.ndarray]]:
    """Interphase cells whose nucleus lies well inside the field, each with the light of one structure."""
    pairs = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        pairs += [
            (cell, PATTERNS[name](cell, rng)) for cell in _cells(seed, needs) if _inside(cell) and not cell.mitotic
        ]
    assert pairs
    return pairs


def _inside(cell: Cell) -> bool:
    return bool(np.abs(cell.centre - 0.5).max() < 0.3)


def _mean(light: np.ndarray, where: np.ndarray) -> float:
    return float((light * where).sum() / where.sum())


def test_every_structure_has_a_pattern_and_a_docstring_in_the_order_of_the_labels() -> None:
    """The dictionary is the table of the 28 structures."""
    assert tuple(PATTERNS) == STRUCTURES
    assert all(inspect.getdoc(pattern) for pattern in PATTERNS.values())


@pytest.mark.parametrize("size", [32, 100, 128])
def test_a_field_has_four_channels_of_8_bits(size: int) -> None:
    """Shape and type hold at sizes that divide the canvas and at one that does not."""
    field = draw_field((0, 25), size, np.random.default_rng(0))
    assert field.shape == (size, size, len(CHANNELS))
    assert field.dtype == np.uint8
    assert all(field[..., channel].std() > 3 for channel in range(4))


def test_the_same_generator_state_gives_the_same_bytes_and_another_gives_others() -> None:
    """All chance comes from the generator."""
    first, again, other = (draw_field((7,), 64, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("structure", range(28), ids=lambda index: STRUCTURES[index])
def test_every_structure_adds_light_to_green_that_stands_out_of_the_noise(structure: int) -> None:
    """The brightest pixels of a field with the structure are far above those of an empty one."""
    seen = [
        np.sort(draw_field((structure,), SIZE, np.random.default_rng(seed))[..., 1], None)[-12] for seed in range(4)
    ]
    empty = [np.sort(draw_field((), SIZE, np.random.default_rng(seed))[..., 1], None)[-12] for seed in range(4)]
    assert np.mean(seen) > np.mean(empty) + 40


@pytest.mark.parametrize("structure", range(28), ids=lambda index: STRUCTURES[index])
def test_patterns_stay_between_dark_and_about_full_light(structure: int) -> None:
    """No structure is told by a level of light that others never reach."""
    for _, light in _light(STRUCTURES[structure], range(3)):
        assert light.min() >= 0
        assert light.max() < 1.9


@pytest.mark.parametrize(
    "name",
    ["Nucleoplasm", "Nuclear membrane", "Nucleoli", "Nucleoli fibrillar center", "Nuclear speckles", "Nuclear bodies"],
)
def test_nuclear_structures_shine_in_the_nucleus(name: str) -> None:
    """At least nine tenths of their light comes from the nucleus and its rim."""
    for cell, light in _light(name):
        near = cell.nucleus_depth > -2 / SIZE
        assert light[near].sum() > 0.9 * light.sum()


@pytest.mark.parametrize(
    "name",
    [
        *("Endoplasmic reticulum", "Golgi apparatus", "Peroxisomes", "Endosomes", "Lysosomes", "Lipid droplets"),
        *("Mitochondria", "Aggresome", "Cytosol", "Cytoplasmic bodies", "Rods & rings", "Intermediate filaments"),
    ],
)
def test_cytoplasmic_structures_shine_outside_the_nucleus(name: str) -> None:
    """The cytoplasm is brighter than the nucleus, and nothing lies outside the cell."""
    for cell, light in _light(name):
        assert _mean(light, cell.cytoplasm) > 1.5 * _mean(light, cell.nucleus)
        assert light[cell.depth < -1.5 / SIZE].sum() < 0.02 * light.sum()


def test_nucleoplasm_spares_the_nucleoli_that_nucleoli_fill() -> None:
    """One is dark where the other is bright."""
    for (cell, plasm), (_, bodies) in zip(_light("Nucleoplasm"), _light("Nucleoli"), strict=True):
        inside, outside = cell.nucleolar > 0.9, (cell.nucleolar < 0.1) & (cell.nucleus > 0.9)
        assert plasm[inside].mean() < 0.5 * plasm[outside].mean()
        assert bodies[inside].mean() > 4 * bodies[outside].mean()


@pytest.mark.parametrize("name", ["Plasma membrane", "Focal adhesion sites"])
def test_structures_of_the_edge_shine_there(name: str) -> None:
    """The outer 5 pixels are brighter than the rest of the cell."""
    for cell, light in _light(name):
        assert _mean(light, (cell.depth > 0) & (cell.depth < 5 / SIZE)) > 2 * _mean(light, cell.depth > 8 / SIZE)


def test_cell_junctions_shine_only_where_two_cells_touch() -> None:
    """The outline is bright at contacts and dark elsewhere."""
    for cell, light in _light("Cell junctions", needs=Needs(contact=True)):
        edge = (cell.depth > 0) & (cell.depth < 2 / SIZE)
        touching, free = edge & (cell.around(cell.touch) > 0.9), edge & (cell.around(cell.touch) < 0.01)
        if touching.sum() > 20 and free.sum() > 20:
            assert light[touching].mean() > 3 * light[free].mean()


@pytest.mark.parametrize("name", ["Centrosome", "Microtubule organizing center"])
def test_the_brightest_light_of_the_centre_lies_where_microtubules_start(name: str) -> None:
    """The peak is within 5 pixels of the pole."""
    for cell, light in _light(name):
        row, column = np.unravel_index(light.argmax(), light.shape)
        assert np.hypot(column + 0.5 - cell.poles[0, 0] * SIZE, row + 0.5 - cell.poles[0, 1] * SIZE) < 5


@pytest.mark.parametrize(
    ("many", "few"),
    [("Peroxisomes", "Endosomes"), ("Endosomes", "Cytoplasmic bodies"), ("Nuclear speckles", "Nuclear bodies")],
)
def test_dots_differ_in_number(many: str, few: str) -> None:
    """Separate bright spots in a cell, counted."""

    def spots(name: str) -> float:
        return float(np.mean([ndimage.label(light > 0.45)[1] for _, light in _light(name)]))

    assert spots(many) > 1.5 * spots(few)


def test_microtubules_run_where_the_red_channel_shows_them() -> None:
    """Green and red are alike in a field of microtubules, and not in one of nuclei."""

    def likeness(structure: int) -> float:
        fields = [draw_field((structure,), SIZE, np.random.default_rng(seed)) for seed in range(4)]
        return float(np.mean([np.corrcoef(field[..., 0].ravel(), field[..., 1].ravel())[0, 1] for field in fields]))

    assert likeness(STRUCTURES.index("Microtubules")) > 0.7
    assert likeness(STRUCTURES.index("Nucleoplasm")) < 0.5


def test_the_reticulum_follows_the_yellow_channel() -> None:
    """Green and yellow are alike in a field of endoplasmic reticulum."""
    field = draw_field((STRUCTURES.index("Endoplasmic reticulum"),), SIZE, np.random.default_rng(0))
    assert np.corrcoef(field[..., 3].ravel(), field[..., 1].ravel())[0, 1] > 0.7


def test_blue_shows_the_nuclei_of_the_scene() -> None:
    """Blue is bright in nuclei and dark elsewhere."""
    for seed in range(4):
        cells = _cells(seed)
        nuclei = np.sum([cell.nucleus for cell in cells], 0)
        blue = draw_field((), SIZE, np.random.default_rng(seed))[..., 2]
        assert blue[nuclei > 0.9].mean() > 4 * blue[nuclei < 0.1].mean()
