"""Simulated fields of cells: every structure by its pattern in green, and the three reference channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpapipe.labels import STRUCTURES
from hpapipe.simulate import filaments, ink, membranes, nuclear, optics, vesicles
from hpapipe.simulate.geometry import Cell
from hpapipe.simulate.ink import POINT
from hpapipe.simulate.nuclear import Pattern
from hpapipe.simulate.scene import Needs, scene

CHANNELS: tuple[str, ...] = ("red", "green", "blue", "yellow")
"""Microtubules, the protein, the nucleus and the endoplasmic reticulum, in the order of a field's last axis."""

PATTERNS: dict[str, Pattern] = {
    "Nucleoplasm": nuclear.nucleoplasm,
    "Nuclear membrane": nuclear.nuclear_membrane,
    "Nucleoli": nuclear.nucleoli,
    "Nucleoli fibrillar center": nuclear.fibrillar_centers,
    "Nuclear speckles": nuclear.speckles,
    "Nuclear bodies": nuclear.nuclear_bodies,
    "Endoplasmic reticulum": membranes.endoplasmic_reticulum,
    "Golgi apparatus": membranes.golgi_apparatus,
    "Peroxisomes": vesicles.peroxisomes,
    "Endosomes": vesicles.endosomes,
    "Lysosomes": vesicles.lysosomes,
    "Intermediate filaments": filaments.intermediate_filaments,
    "Actin filaments": filaments.actin_filaments,
    "Focal adhesion sites": filaments.focal_adhesions,
    "Microtubules": filaments.microtubules,
    "Microtubule ends": filaments.microtubule_ends,
    "Cytokinetic bridge": filaments.cytokinetic_bridge,
    "Mitotic spindle": filaments.mitotic_spindle,
    "Microtubule organizing center": filaments.microtubule_organizing_center,
    "Centrosome": filaments.centrosome,
    "Lipid droplets": vesicles.lipid_droplets,
    "Plasma membrane": membranes.plasma_membrane,
    "Cell junctions": membranes.cell_junctions,
    "Mitochondria": membranes.mitochondria,
    "Aggresome": vesicles.aggresome,
    "Cytosol": membranes.cytosol,
    "Cytoplasmic bodies": vesicles.cytoplasmic_bodies,
    "Rods & rings": vesicles.rods_and_rings,
}
"""Structure -> the light that it sends from one cell."""


def draw_field(structures: Sequence[int], size: int, rng: np.random.Generator) -> np.ndarray:
    """A field of several cells, uint8 `[size, size, 4]`, channels in the order of `CHANNELS`.

    Green is the sum of the patterns of `structures`; red, blue and yellow show the same cells whatever they are.

    Args:
        structures: indices into `hpapipe.labels.STRUCTURES`; none gives a green channel of background alone.
        size: side of the field in pixels, 32 or more. Everything but noise scales with it.
        rng: every choice is drawn from it, so that the same generator state gives the same bytes.
    """
    names = [STRUCTURES[index] for index in structures]
    needs = Needs(
        sisters="Cytokinetic bridge" in names,
        metaphase="Mitotic spindle" in names,
        contact="Cell junctions" in names,
        dents="Aggresome" in names,
    )
    cells = scene(rng, size, needs)
    lights = (_red(cells, rng), _green(cells, names, rng), _blue(cells, rng), _yellow(cells, rng))
    return np.stack([optics.expose(light.astype(np.float32), rng) for light in lights], -1)


def _green(cells: list[Cell], names: list[str], rng: np.random.Generator) -> np.ndarray:
    """Cells express unequally; of several structures the first is the brightest."""
    haze = rng.uniform(0.0, 0.05)
    total = haze * np.sum([cell.body for cell in cells], 0)
    strengths = [1.0 if rank == 0 else rng.uniform(0.7, 1.0) for rank in range(len(names))]
    for cell in cells:
        expression = rng.uniform(0.65, 1.1)
        for name, strength in zip(names, strengths, strict=True):
            total = total + expression * strength * PATTERNS[name](cell, rng)
    return total


def _red(cells: list[Cell], rng: np.random.Generator) -> np.ndarray:
    total = np.sum([rng.uniform(0.75, 1.15) * filaments.microtubules(cell, rng) for cell in cells], 0)
    for cell in cells:
        if cell.bridge is not None:
            total = total + ink.lines(cell.size, [cell.bridge], 1.6 * POINT, np.array([0.7]), True)
    return total


def _blue(cells: list[Cell], rng: np.random.Generator) -> np.ndarray:
    """DNA: grainy, thinner in nucleoli; condensed and bright in a metaphase plate."""
    grain = ink.texture(cells[0].size, rng, 2.5 * POINT)
    total = np.zeros_like(grain)
    for cell in cells:
        level = rng.uniform(0.45, 0.75)
        dna = 0.95 if cell.mitotic else level * (1 - 0.4 * cell.nucleolar)
        total = total + dna * (1 + 0.12 * grain) * cell.nucleus
    return total


def _yellow(cells: list[Cell], rng: np.random.Generator) -> np.ndarray:
    return np.sum([rng.uniform(0.6, 0.95) * membranes.endoplasmic_reticulum(cell, rng) for cell in cells], 0)
