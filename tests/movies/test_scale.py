"""µm a pixel and seconds between frames: every source, in every unit, and what is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from hpapipe.movies.reading import open_movie

FILM = np.zeros((5, 8, 9), np.uint8)
Scale = tuple[float | None, float | None]


def near(found: Scale, expected: Scale) -> bool:
    return all(one is other is None or one == pytest.approx(other) for one, other in zip(found, expected, strict=True))


def scale_of(path: Path, metadata: dict[str, Any] | None, **options: Any) -> Scale:
    tifffile.imwrite(path, FILM, photometric="minisblack", metadata=metadata, **options)
    movie = open_movie(path)
    return movie.pixel_um, movie.interval_s


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"PhysicalSizeX": 1.5, "TimeIncrement": 300}, (1.5, 300)),
        (
            {"PhysicalSizeX": 650, "PhysicalSizeXUnit": "nm", "TimeIncrement": 5, "TimeIncrementUnit": "min"},
            (0.65, 300),
        ),
        (
            {"PhysicalSizeX": 0.002, "PhysicalSizeXUnit": "mm", "TimeIncrement": 0.5, "TimeIncrementUnit": "h"},
            (2, 1800),
        ),
        ({"PhysicalSizeX": 2, "PhysicalSizeY": 2.01, "TimeIncrement": 500, "TimeIncrementUnit": "ms"}, (2, 0.5)),
        ({"PhysicalSizeX": 2, "PhysicalSizeY": 3}, (None, None)),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "pixel", "TimeIncrement": 0}, (None, None)),
        ({"PhysicalSizeX": 0}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_ome(tmp_path: Path, said: dict[str, Any], expected: Scale) -> None:
    """Physical sizes are in µm and times in seconds where no unit is given; pixels must be square."""
    found = scale_of(tmp_path / "a.ome.tif", {"axes": "TYX", **said})
    assert near(found, expected)


@pytest.mark.parametrize(
    ("taken", "unit", "interval"),
    [
        ([0, 10, 20, 31, 40], "s", 10),
        ([0, 5, 10, 15, 500], "min", 300),
        ([7, 7, 7, 7, 7], "s", None),
        ([0, 1, 2, 3, 4], "reference frame", None),
    ],
)
def test_ome_times_of_each_plane(tmp_path: Path, taken: list[float], unit: str, interval: float | None) -> None:
    """The median of the steps: one late frame does not count."""
    planes = {"DeltaT": taken, "DeltaTUnit": [unit] * 5}
    assert near(scale_of(tmp_path / "a.ome.tif", {"axes": "TYX", "Plane": planes}), (None, interval))


def test_each_channel_has_its_times(tmp_path: Path) -> None:
    """Those of the other channel, and the step from one to the other, are not mixed in."""
    planes = {"DeltaT": [0, 1, 10, 13, 20, 25], "DeltaTUnit": ["s"] * 6}
    film = np.zeros((3, 2, 8, 9), np.uint8)
    tifffile.imwrite(tmp_path / "a.ome.tif", film, metadata={"axes": "TCYX", "Plane": planes})
    intervals = [open_movie(tmp_path / "a.ome.tif", channel=channel).interval_s for channel in range(2)]
    assert intervals == [pytest.approx(10), pytest.approx(12)]


@pytest.mark.parametrize(
    ("said", "per_unit", "expected"),
    [
        ({"unit": "um", "finterval": 300.0}, 2, (0.5, 300)),
        ({"unit": "micron", "finterval": 5.0, "tunit": "min"}, 1 / 1.5, (1.5, 300)),
        ({"unit": r"\u00B5m"}, 4, (0.25, None)),
        ({"unit": "mm"}, 1000, (1, None)),
        ({"unit": "cm"}, 5000, (2, None)),
        ({"unit": "inch"}, 72, (None, None)),
        ({"unit": "pixel", "finterval": 0}, 1, (None, None)),
        ({"fps": 7.0}, 1, (None, None)),
    ],
)
def test_imagej(tmp_path: Path, said: dict[str, Any], per_unit: float, expected: Scale) -> None:
    """Its unit and its interval; how fast it plays is not believed, nor 72 dots an inch."""
    resolution = (per_unit, per_unit)
    found = scale_of(tmp_path / "a.tif", {"axes": "TYX", **said}, imagej=True, resolution=resolution)
    assert near(found, expected)


@pytest.mark.parametrize(
    ("unit", "per_unit", "pixel_um"),
    [
        (3, (10000, 10000), 1),
        (3, (6666.667, 6666.667), 1.5),
        (2, (25400, 25400), 1),
        (2, (72, 72), None),
        (2, (300, 300), None),
        (2, (2400, 2400), None),
        (3, (118.11, 118.11), None),
        (3, (2e6, 2e6), None),
        (3, (10000, 5000), None),
        (1, (1, 1), None),
    ],
)
def test_tags_alone(tmp_path: Path, unit: int, per_unit: tuple[float, float], pixel_um: float | None) -> None:
    """Of a microscope, between 0.01 and 10 µm; the resolutions of printers and screens say nothing."""
    found = scale_of(tmp_path / "a.tif", None, resolution=per_unit, resolutionunit=unit)
    assert near(found, (pixel_um, None))


def test_no_tags_no_scale(tmp_path: Path) -> None:
    """And zero dots a unit are none."""
    assert scale_of(tmp_path / "a.tif", None) == (None, None)
    assert scale_of(tmp_path / "b.tif", None, resolution=((0, 1), (0, 1)), resolutionunit=3) == (None, None)
