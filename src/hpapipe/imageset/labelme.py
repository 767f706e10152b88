"""Masks from LabelMe's JSON files, one file an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hpapipe.imageset.decode import MAX_PIXELS
from hpapipe.imageset.polygons import OutlineError, fill, points_of, read_json, size_of

_CORNERS = 256
"""Corners of a drawn circle: its area is right to 0.01 %."""


def labelme_mask(
    path: Path, label: str | None = None, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS
) -> np.ndarray:
    """All that is outlined in a file, bool `[height, width]`.

    Polygons, circles (centre and a point of the circle) and rectangles (two corners) are drawn; the file's picture and
    its path are not looked at.

    Args:
        path: the file.
        label: only shapes of this label; none: all.
        size: height and width in px where the file does not state them.
        max_pixels: files that state a larger size are refused.

    Raises:
        OutlineError: the file is missing or cut off, states no size, or holds other kinds of shapes.

    Source: the format, https://github.com/wkentaro/labelme, `labelme/utils/shape.py`.
    """
    tree = read_json(path)
    shapes = tree.get("shapes")
    if not isinstance(shapes, list):
        coco = "It looks like a COCO file: give its path for the masks."
        remedy = coco if "annotations" in tree else "Save it with LabelMe."
        raise OutlineError("A LabelMe file must hold a list of `shapes`.", f"{path.name} without it", remedy)
    height_and_width = size_of(tree, "imageHeight", "imageWidth", max_pixels, path.name) or size
    if height_and_width is None:
        raise OutlineError("A LabelMe file must state `imageHeight`.", f"{path.name} without it", "Save it again.")
    mask = np.zeros(height_and_width, bool)
    for number, shape in enumerate(shapes, 1):
        where = f"shape {number} of {path.name}"
        if not isinstance(shape, dict):
            raise OutlineError("A shape must be a JSON object.", where, "Draw it anew.")
        if label is None or shape.get("label") == label:
            fill(mask, _corners(shape, where))
    return mask


def _corners(shape: dict[str, Any], where: str) -> np.ndarray:
    kind = shape.get("shape_type") or "polygon"  # files before LabelMe 3 do not name it
    points = points_of(shape.get("points"), where)
    if kind == "polygon" and len(points) >= 3:
        return points
    if kind == "circle" and len(points) == 2:
        turns = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
        radius = np.hypot(*(points[1] - points[0]))
        return points[0] + radius * np.column_stack([np.cos(turns), np.sin(turns)])
    if kind == "rectangle" and len(points) == 2:
        (left, top), (right, bottom) = points
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if kind in ("polygon", "circle", "rectangle"):
        needed = {"polygon": "three or more", "circle": "two", "rectangle": "two"}[kind]
        raise OutlineError(f"A {kind} must have {needed} points.", f"{len(points)} in {where}", "Draw it anew.")
    rule = "Shapes must be polygons, circles or rectangles."
    raise OutlineError(rule, f"`{kind}`, {where}", "Draw it as a polygon, or delete it.")
