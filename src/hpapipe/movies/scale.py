"""µm a pixel and seconds between frames, from what microscopes and Fiji write into TIFF files."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from xml.etree import ElementTree

from tifffile import TiffFile

from hpapipe.movies.movie import NO_SCALE

MICROMETRES: Mapping[str, float] = {
    "m": 1e6,
    "meter": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "µm": 1,
    "μm": 1,  # a Greek letter; the one above is the micro sign
    "um": 1,
    "micron": 1,
    "microns": 1,
    "micrometer": 1,
    "nm": 1e-3,
    "pm": 1e-6,
    "å": 1e-4,
    "in": 25400,
    "inch": 25400,
}
SECONDS: Mapping[str, float] = {
    "ns": 1e-9,
    "µs": 1e-6,
    "μs": 1e-6,
    "us": 1e-6,
    "ms": 1e-3,
    "msec": 1e-3,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
}

PRINTED = ("in", "inch", "cm")
PLAUSIBLE_UM = (0.01, 10.0)
"""Sizes in a printer's units are believed between these: 72 to 2400 dpi, which programs set by default, are 353 to 10.6
µm a pixel and say nothing of a microscope."""

SQUARE = 0.01
"""Sides of a pixel that differ by a larger share are no square: one number could not say its area."""


def scale(tif: TiffFile, channel: int = 0) -> tuple[float | None, float | None]:
    """µm a pixel and seconds between frames, each none where it is not known.

    OME-XML is believed before ImageJ's description, and that before plain resolution tags in cm or inches.
    """
    sources = [_of_ome(tif, channel), _of_imagej(tif), (_of_tags(tif), None)]
    pixel_um = next((pixel for pixel, _ in sources if pixel is not None), None)
    return pixel_um, next((interval for _, interval in sources if interval is not None), None)


def ome_pixels(tif: TiffFile) -> ElementTree.Element | None:
    """The `Pixels` of the first image in a file's OME-XML."""
    try:
        return ElementTree.fromstring(tif.ome_metadata or "").find(".//{*}Pixels")
    except ElementTree.ParseError:
        return None


def _of_ome(tif: TiffFile, channel: int) -> tuple[float | None, float | None]:
    """Source: OME-XML schema 2016-06."""
    pixels = ome_pixels(tif)
    if pixels is None:
        return NO_SCALE
    sides = [
        _measure(pixels.get(f"PhysicalSize{side}"), pixels.get(f"PhysicalSize{side}Unit", "µm"), MICROMETRES)
        for side in "XY"
    ]
    interval = _measure(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), SECONDS)
    return _square(*sides), interval or _of_planes(pixels, channel)


def _of_planes(pixels: ElementTree.Element, channel: int) -> float | None:
    """The median of the times between one channel's frames, where each frame has its own."""
    times = {}
    for plane in pixels.iterfind("{*}Plane"):
        if int(plane.get("TheC", 0)) == channel and int(plane.get("TheZ", 0)) == 0:
            taken = _number(plane.get("DeltaT"))
            if taken is not None:
                unit = SECONDS.get(plane.get("DeltaTUnit", "s").lower(), math.nan)
                times[int(plane.get("TheT", 0))] = taken * unit
    steps = [times[frame + 1] - times[frame] for frame in times if frame + 1 in times]
    return _positive(statistics.median(steps)) if steps else None


def _of_imagej(tif: TiffFile) -> tuple[float | None, float | None]:
    """Source: ImageJ, ij/io/FileSaver.java and TiffDecoder.java."""
    facts = tif.imagej_metadata
    if facts is None:
        return NO_SCALE
    unit = str(facts.get("unit", "")).replace("\\u00B5", "µ")
    return _of_resolution(tif, unit), _measure(facts.get("finterval"), str(facts.get("tunit", "s")), SECONDS)


def _of_tags(tif: TiffFile) -> float | None:
    """Source: TIFF 6.0, 1992, `ResolutionUnit`."""
    return _of_resolution(tif, {2: "inch", 3: "cm"}.get(tif.pages.first.tags.valueof("ResolutionUnit", 0), ""))


def _of_resolution(tif: TiffFile, unit: str) -> float | None:
    """µm a pixel by the tags that hold pixels a `unit`."""
    pixel = _square(*(_measure(_per_unit(tif, side), unit, MICROMETRES) for side in "XY"))
    if pixel is not None and unit in PRINTED and not PLAUSIBLE_UM[0] <= pixel <= PLAUSIBLE_UM[1]:
        return None
    return pixel


def _per_unit(tif: TiffFile, side: str) -> float | None:
    """The length of a pixel's side in the file's unit."""
    value = tif.pages.first.tags.valueof(f"{side}Resolution")
    if not isinstance(value, tuple) or not all(value):
        return None
    return value[1] / value[0]


def _measure(value: object, unit: str, units: Mapping[str, float]) -> float | None:
    """A positive value in the units' base, or none where value or unit makes no sense."""
    number = _number(value)
    return None if number is None else _positive(number * units.get(unit.strip().lower(), math.nan))


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _positive(value: float) -> float | None:
    return value if 0 < value < math.inf else None


def _square(across: float | None, down: float | None) -> float | None:
    """The side of a square pixel; where only one side is known the other is taken to be the same."""
    if across is None or down is None:
        return across if down is None else down
    return across if abs(across - down) <= SQUARE * across else None
