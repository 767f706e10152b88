"""Masks that are images: two values or not, and which of them is the cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.masks import Drawing, Polarity, drawing, polarity_of, read_drawing
from pairs_on_disk import disc, save, white_on_black

CELL = disc(6)


def drawn(low: int, high: int, mask: np.ndarray = CELL, dtype: type = np.uint8) -> Drawing:
    return drawing(np.where(mask, dtype(high), dtype(low)), "a.png")


@given(st.integers(0, 65535), st.integers(0, 65535))
def test_any_two_values_are_a_mask(ground: int, cell: int) -> None:
    """Whichever they are, the rim is ground; alone, a mask is drawn as its set is."""
    found = drawn(ground, cell, dtype=np.uint16)
    if ground == cell:
        assert (found.values, found.light_rim) == (1, None)
        return
    polarity = polarity_of([found])
    assert (found.values, found.cut, polarity.dark) == (2, (ground + cell) / 2, ground > cell)
    np.testing.assert_array_equal(found.mask(polarity), CELL)
    assert not found.inverted(polarity)


def test_the_set_decides_and_the_odd_one_is_inverted() -> None:
    """Two black cells on white against one white on black: the last one is told, and read like the others."""
    masks = [drawn(255, 0), drawn(1, 0), drawn(0, 255)]
    polarity = polarity_of(masks)
    assert polarity == Polarity(dark=True, cut=127.5)
    assert [mask.inverted(polarity) for mask in masks] == [False, False, True]
    np.testing.assert_array_equal(masks[2].mask(polarity), ~CELL)


def test_as_many_either_way_are_light_cells() -> None:
    """The commoner habit wins a tie."""
    assert not polarity_of([drawn(0, 255), drawn(255, 0)]).dark


def test_a_cell_at_the_rim_is_a_cell() -> None:
    """Ground is what most of the rim is, not all of it; where both have half, the rim has no say."""
    corner = disc(12, place=(0, 0))
    assert polarity_of([drawn(0, 255, corner)]) == Polarity(False, 127.5)
    half = np.zeros((20, 30), bool)
    half[:, :15] = True
    assert drawn(0, 255, half).light_rim is None
    assert not drawn(0, 255, half).inverted(Polarity(dark=True))


@pytest.mark.parametrize(
    ("others", "value", "share"), [((255, 0), 255, 0), ((255, 0), 0, 1), ((0, 1), 0, 0), ((0, 1), 1, 1), (None, 255, 0)]
)
def test_one_value_is_ground_or_cell_as_in_the_set(others: tuple[int, int] | None, value: int, share: int) -> None:
    """White is empty where cells are black; 1 is full where cells are 1; alone it is empty."""
    plain = drawn(value, value)
    polarity = polarity_of([plain, *([drawn(*others)] if others else [])])
    assert (plain.values, plain.mask(polarity).mean()) == (1, share)


def test_an_antialiased_drawing_is_cut_half_way() -> None:
    """Greys along the outline do not count, and its area is that of the shape that was drawn."""
    large = Image.new("L", (800, 640), 255)
    ImageDraw.Draw(large).ellipse([200, 200, 519, 519], fill=0)
    grey = np.asarray(large.resize((100, 80), Image.Resampling.BOX))
    found = drawing(grey, "a.png")
    assert len(np.unique(grey)) > 8
    assert (found.values, found.cut, found.light_rim) == (2, 127.5, True)
    assert found.mask(Polarity(dark=True)).sum() == pytest.approx(np.pi * 20**2, rel=0.01)


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_jpeg_is_cut_half_way(tmp_path: Path, quality: int) -> None:
    """What strays around black and white is black and white, whatever the quality."""
    mask = disc(30, (96, 128), (48, 64))
    path = save(tmp_path / "a.jpg", white_on_black(mask), quality=quality)
    found = read_drawing(path)
    assert len(np.unique(found.grey)) > 10
    assert found.values == 2
    assert (found.mask(Polarity()) != mask).mean() < 0.002


def test_an_empty_jpeg_has_one_value(tmp_path: Path) -> None:
    """A few stray levels are no cell."""
    grey = np.zeros((32, 32), np.uint8)
    grey[8:16, 8:16] = 6
    assert drawing(grey, "a.JPG").values == 1
    assert drawing(grey, "a.png").values == 2


@pytest.mark.parametrize("levels", [(0, 128, 255), (0, 1, 2), (0, 1, 255), (0, 1, 10)])
def test_three_values_are_no_mask(levels: tuple[int, int, int]) -> None:
    """A bubble drawn in a value of its own is refused with the values that were found."""
    grey = np.full((80, 100), levels[0], np.uint8)
    grey[disc(25, (80, 100), (40, 50))] = levels[2]
    grey[disc(6, (80, 100), (40, 80))] = levels[1]
    found = drawing(grey, "a.png")
    assert found.values == 3
    assert found.light_rim is None
    words = r"must have two values\. Received 3 \(" + ", ".join(map(str, levels)) + r"\) in a\.png\. Draw"
    with pytest.raises(ImageError, match=words):
        found.mask(Polarity())


@pytest.mark.parametrize("kind", ["noise", "ramp", "photograph"])
def test_many_grey_values_are_no_mask(kind: str) -> None:
    """A picture in the place of a mask, be it noise, a ramp, or a blurred disc on noise."""
    noise = np.random.default_rng(0).integers(0, 60, (60, 60))
    ramp = np.broadcast_to(np.arange(60) * 4, (60, 60))
    grey = {"noise": noise, "ramp": ramp, "photograph": noise + 150 * disc(20, (60, 60), (30, 30))}[kind]
    assert drawing(grey.astype(np.uint8), "a.png").values > 50
    assert drawing(grey.astype(np.uint8), "a.jpg").values > 2


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGB", "RGBA"])
def test_every_way_to_save_two_colours_is_read(tmp_path: Path, mode: str) -> None:
    """Bilevel, with a palette, in colour: two values, light where it was light."""
    path = tmp_path / "a.png"
    Image.fromarray(white_on_black(CELL)).convert(mode).save(path)
    np.testing.assert_array_equal(read_drawing(path).mask(Polarity()), CELL)


@pytest.mark.parametrize("ink", [0, 255])
def test_a_drawing_on_an_empty_layer_is_its_opacity(tmp_path: Path, ink: int) -> None:
    """Black or white strokes on nothing: what is opaque was drawn."""
    layer = np.full((20, 30, 4), ink, np.uint8)
    layer[..., 3] = white_on_black(CELL)
    np.testing.assert_array_equal(read_drawing(save(tmp_path / "a.png", layer)).mask(Polarity()), CELL)


def test_colours_that_are_seen_go_before_opacity(tmp_path: Path) -> None:
    """One see-through corner does not turn a drawing of two colours into a drawing of a corner."""
    layer = np.repeat(white_on_black(CELL)[..., None], 4, axis=2)
    layer[..., 3] = 255
    layer[0, 0, 3] = 0
    np.testing.assert_array_equal(read_drawing(save(tmp_path / "a.png", layer)).mask(Polarity()), CELL)
