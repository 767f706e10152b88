"""Masks from one COCO JSON file: polygons and run lengths, all annotations of an image joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from hpapipe.errors import UserError, nearest, shown
from hpapipe.imageset.decode import MAX_PIXELS
from hpapipe.imageset.polygons import OutlineError, fill, points_of, read_json, size_of
from hpapipe.imageset.table import is_safe


@dataclass(frozen=True)
class CocoImage:
    """What a COCO file says of one image.

    Args:
        file: name of the image.
        height, width: px.
        outlines: the `segmentation` of each annotation, as it stands in the file.
        source: name of the file, for messages.
    """

    file: str
    height: int
    width: int
    outlines: tuple[Any, ...]
    source: str

    def mask(self) -> np.ndarray:
        """All that is annotated, crowds too, bool `[height, width]`.

        Raises:
            OutlineError: an annotation is neither polygons nor run lengths, or of another size.
        """
        mask = np.zeros((self.height, self.width), bool)
        where = f"an annotation of {self.file} in {self.source}"
        for outline in self.outlines:
            if isinstance(outline, dict):
                mask |= self._runs(outline, where)
                continue
            for polygon in outline if isinstance(outline, list) else [outline]:
                fill(mask, _corners(polygon, where))
        return mask

    def _runs(self, outline: dict[str, Any], where: str) -> np.ndarray:
        counts = outline.get("counts")
        lengths = unpacked(counts, where) if isinstance(counts, str) else counts
        size = self.height, self.width
        if outline.get("size") != [*size]:
            rule = f"Run lengths must be of the image's size, here [{self.height}, {self.width}]."
            raise OutlineError(rule, f"{outline.get('size')} in {where}", "Export it again.")
        if not isinstance(lengths, list) or not all(_is_length(length) for length in lengths):
            received = f"{counts!r:.40} in {where}"
            raise OutlineError("Run lengths must be whole numbers of 0 or more.", received, "Export it again.")
        if sum(lengths) != self.height * self.width:
            rule = f"Run lengths must add up to the image's {self.height * self.width:,} pixels."
            raise OutlineError(rule, f"{sum(lengths):,} in {where}", "Export it again.")
        values = np.arange(len(lengths)) % 2 == 1
        return np.repeat(values, lengths).reshape(size, order="F")  # runs go down the columns


def read_coco(path: Path, label: str | None = None, max_pixels: int = MAX_PIXELS) -> list[CocoImage]:
    """The images of a COCO file with their annotations; an image without any has an empty mask.

    Args:
        path: the file.
        label: only annotations of the category of this name; none: all.
        max_pixels: larger images are refused.

    Raises:
        UserError: the file is missing, cut off or no COCO file, names an image outside of its folder, or an annotation
            belongs to no image of the file.

    Source: the format, https://cocodataset.org/#format-data.
    """
    tree = read_json(path)
    images, annotations = _entries(tree, "images", path), _entries(tree, "annotations", path)
    wanted = _category(tree, label, path) if label is not None else None
    outlines: dict[Any, list[Any]] = {_key(image): [] for image in images}
    if len(outlines) < len(images):
        received = f"{len(images)} images with {len(outlines)} different in {path.name}"
        raise OutlineError("Each image of a COCO file must have its own `id`.", received, "Export it again.")
    lost = [str(_key(each, "image_id")) for each in annotations if _key(each, "image_id") not in outlines]
    if lost:
        rule = "Every annotation must belong to an image of its file."
        raise OutlineError(rule, f"image_id {shown(lost)} in {path.name}", "Export it again.")
    for each in annotations:
        if wanted is None or _key(each, "category_id") in wanted:
            outlines[_key(each, "image_id")].append(each.get("segmentation"))
    names = [_name(image, path) for image in images]
    sizes = [_size(image, name, path, max_pixels) for image, name in zip(images, names, strict=True)]
    return [
        CocoImage(name, *size, tuple(outlines[_key(image)]), path.name)
        for image, name, size in zip(images, names, sizes, strict=True)
    ]


def unpacked(text: str, where: str = "run lengths") -> list[int]:
    """The run lengths in COCO's compressed text: 6 bits a character from `0` on, 5 of them data, little end first, and
    from the fourth on the difference to the length two before.

    Args:
        text: the value of `counts`.
        where: it stands, for messages.

    Raises:
        OutlineError: it holds other characters, or ends within a number.

    Source: `rleFrString` in cocoapi/common/maskApi.c (Dollár and Lin, 2015).
    """
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise OutlineError("Compressed run lengths must be COCO's.", f"{text!r:.40} in {where}", "Export it again.")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:  # the sign
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise OutlineError("Compressed run lengths must be whole.", f"{text!r:.40} in {where}", "Export it again.")
    return lengths


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _entries(tree: dict[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    entries = tree.get(name)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        received = f"{path.name} without it"
        raise OutlineError(f"A COCO file must hold a list of `{name}`.", received, "Export it again as COCO.")
    return entries


def _key(entry: dict[str, Any], name: str = "id") -> Any:
    """A number or a text by which entries name one another; anything else would not do as a key."""
    value = entry.get(name)
    return value if isinstance(value, int | str) else None


def _name(image: dict[str, Any], path: Path) -> str:
    name = image.get("file_name")
    if not isinstance(name, str) or not is_safe(name):
        rule = "`file_name` must name a file inside the image folder: not empty, relative, without `..`."
        raise UserError(rule, f"{name!r} in {path.name}", "Change it in the file, or export it again.")
    return PureWindowsPath(name).name  # takes both kinds of slash


def _size(image: dict[str, Any], name: str, path: Path, max_pixels: int) -> tuple[int, int]:
    size = size_of(image, "height", "width", max_pixels, f"{name} in {path.name}")
    if size is None:
        received = f"{name} in {path.name} without them"
        raise OutlineError("A COCO file must state `height` and `width`.", received, "Export it again.")
    return size


def _category(tree: dict[str, Any], label: str, path: Path) -> list[Any]:
    categories = _entries(tree, "categories", path)
    names: Sequence[str] = [str(category.get("name")) for category in categories]
    if label not in names:
        raise UserError("The label must be a category of the COCO file.", f"`{label}`", nearest(label, names))
    return [_key(category) for category, name in zip(categories, names, strict=True) if name == label]


def _corners(polygon: Any, where: str) -> np.ndarray:
    flat = polygon if isinstance(polygon, list) and len(polygon) % 2 == 0 else None
    pairs = [list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)] if flat is not None else polygon
    corners = points_of(pairs, where)
    if len(corners) < 3:
        raise OutlineError("A polygon must have three or more points.", f"{len(corners)} in {where}", "Draw it anew.")
    return corners
