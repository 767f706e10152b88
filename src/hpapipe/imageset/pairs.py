"""A folder of images and the masks that were drawn for them: the noun that segmentation works on."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from hpapipe.errors import UserError, shown
from hpapipe.imageset.coco import CocoImage, read_coco
from hpapipe.imageset.decode import MAX_PIXELS, ImageError, read_grey
from hpapipe.imageset.labelme import labelme_mask
from hpapipe.imageset.masks import Drawing, Polarity, polarity_of, read_drawing
from hpapipe.imageset.table import is_safe
from hpapipe.ordering import natural
from hpapipe.progress import track

KINDS = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
GROUP = r"^(.+)_f\d+$"
"""The group in an id such as r1c1_f0001, as `hpapipe movie frames` names them: the pool r1c1."""

_MASK = "_mask"


@dataclass(frozen=True)
class PairSet:
    """Images of one folder and their masks; an id may lack one of the two.

    Args:
        folder: what files are relative to.
        ids: names without suffix, in natural order.
        image_files, mask_files: with `/`; empty where there is none.
        groups: what must stay on one side of a split, one text an id.
        polarity: how mask images are drawn.
        label: what is taken of LabelMe files; none: all.
        coco: id -> what the COCO file says of it; empty where masks stand in files of their own.
        max_pixels: larger images and masks are refused.
    """

    folder: Path
    ids: tuple[str, ...]
    image_files: tuple[str, ...]
    mask_files: tuple[str, ...]
    groups: tuple[str, ...]
    polarity: Polarity = field(default_factory=Polarity)
    label: str | None = None
    coco: Mapping[str, CocoImage] = field(default_factory=dict)
    max_pixels: int = MAX_PIXELS

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, indices: Sequence[int] | np.ndarray) -> PairSet:
        """The set of these pairs alone, in this order."""
        columns = self.ids, self.image_files, self.mask_files, self.groups
        ids, images, masks, groups = (tuple(column[index] for index in indices) for column in columns)
        return replace(self, ids=ids, image_files=images, mask_files=masks, groups=groups)

    def image(self, index: int) -> np.ndarray:
        """The image of pair number `index`, uint8 or uint16 `[height, width]`; colour becomes its luma.

        Raises:
            ImageError: it has none, or its file cannot be used.
        """
        return read_grey(self._path(index, self.image_files, "Every mask must have an image."), self.max_pixels)

    def mask(self, index: int) -> np.ndarray:
        """The mask of pair number `index`, True in the cell, bool `[height, width]`.

        Raises:
            ImageError: it has none, its file cannot be used, or an image has more than two values.
        """
        drawn = self.drawing(index)
        if drawn is not None:
            return drawn.mask(self.polarity)
        if self.ids[index] in self.coco:
            return self.coco[self.ids[index]].mask()
        path = self.folder / self.mask_files[index]
        size = self.image(index).shape if self.image_files[index] else None
        return labelme_mask(path, self.label, size, self.max_pixels)

    def drawing(self, index: int) -> Drawing | None:
        """The mask of pair number `index` as it was drawn; none where it is kept as outlines.

        Raises:
            ImageError: it has none, or its file cannot be used.
        """
        path = self._path(index, self.mask_files, "Every image must have a mask.")
        return None if _is_json(path) else read_drawing(path, self.max_pixels)

    def _path(self, index: int, files: tuple[str, ...], rule: str) -> Path:
        if not files[index]:
            raise ImageError(rule, f"none for {self.ids[index]}", "Add it, or take the other out of the set.")
        return self.folder / files[index]


def find_pairs(
    folder: Path,
    images: str = "images",
    masks: str = "masks",
    *,
    label: str | None = None,
    group: str = GROUP,
    max_pixels: int = MAX_PIXELS,
) -> PairSet:
    """The images of a folder and their masks, with the polarity of masks that are images.

    A mask of NAME is an image NAME or NAME_mask, or a LabelMe file NAME.json there or beside the image, or what one
    COCO file says of NAME.

    Args:
        folder: of the set.
        images: folder in it with PNG, TIFF or JPEG images.
        masks: folder in it with masks, or a COCO file.
        label: only outlines of this label or category; none: all.
        group: regular expression; its first group, found in an id, is what stays on one side of a split. An id without
            it is a group by itself.
        max_pixels: larger images and masks are refused.

    Raises:
        UserError: no such folder, no images, no masks, two files for one image or mask, no regular expression with a
            group, or a COCO file that cannot be used.
    """
    pattern = _compiled(group)
    for name in (images, masks):
        if not is_safe(name):
            raise UserError("Images and masks must lie inside the set's folder.", f"{name}", "Move them there.")
    pictures = _images(folder, images, masks)
    coco: dict[str, CocoImage] = {}
    if _is_json(folder / masks):
        coco = _by_stem(read_coco(folder / masks, label, max_pixels))
        drawn = dict.fromkeys(coco, masks)
    else:
        drawn = _masks(folder, images, masks, pictures.keys())
    ids = tuple(sorted(pictures.keys() | drawn.keys(), key=natural))
    files = tuple(pictures.get(name, "") for name in ids), tuple(drawn.get(name, "") for name in ids)
    groups = tuple(_group(pattern, name) for name in ids)
    found = PairSet(folder, ids, *files, groups, Polarity(), label, coco, max_pixels)
    return replace(found, polarity=_polarity(found))


def _images(folder: Path, images: str, masks: str) -> dict[str, str]:
    """Id -> file of each image."""
    place = folder / images
    if not place.is_dir():
        received = f"{place}, which does not exist"
        raise UserError("Images must lie in a folder.", received, "Put them there, or name their folder.")
    together = (folder / masks).is_dir() and (folder / masks).samefile(place)
    files = sorted(place.iterdir())
    found = [file for file in files if _is_image(file) and not (together and file.stem.endswith(_MASK))]
    if not found:
        received = f"{shown([file.name for file in files], 3) or 'no files'} in {place}"
        raise UserError("The folder must hold images.", received, "Add PNG, TIFF or JPEG images.")
    return _one_each([(file.stem, file) for file in found], folder, "image")


def _masks(folder: Path, images: str, masks: str, ids: Collection[str]) -> dict[str, str]:
    """Id -> file of each mask: images and LabelMe files among the masks, LabelMe files beside the images."""
    place, beside = folder / masks, folder / images
    found = [file for file in beside.iterdir() if _is_json(file) and file.stem in ids]
    if place.is_dir() and place.samefile(beside):
        found += [file for file in place.iterdir() if _is_image(file) and file.stem.endswith(_MASK)]
    elif place.is_dir():
        found += [file for file in place.iterdir() if _is_image(file) or _is_json(file)]
    if not found:
        received = f"none in {place}" if place.is_dir() else f"{place}, which does not exist"
        remedy = "Add masks as images or LabelMe files, or name their folder or COCO file."
        raise UserError("A set must have masks.", received, remedy)
    named = [(name if (name := file.stem) in ids else name.removesuffix(_MASK), file) for file in sorted(found)]
    return _one_each(named, folder, "mask")


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in KINDS and not file.name.startswith(".")  # macOS hides a ._NAME.png beside NAME.png


def _is_json(file: Path) -> bool:
    return file.suffix.lower() == ".json" and not file.name.startswith(".")


def _by_stem(entries: list[CocoImage]) -> dict[str, CocoImage]:
    names = [Path(entry.file).stem for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        received = f"several for {shown(twice)} in {entries[0].source}"
        raise UserError("A COCO file must name each image once.", received, "Delete all but one of them.")
    return dict(zip(names, entries, strict=True))


def _one_each(named: Iterable[tuple[str, Path]], folder: Path, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = []
    for name, file in named:
        relative = file.relative_to(folder).as_posix()
        if name in found:
            twice.append(f"{found[name]} and {relative}")
        found[name] = relative
    if twice:
        raise UserError(f"Each pair must have one {what} file.", shown(twice), "Delete or rename one of them.")
    return found


def _polarity(pairs: PairSet) -> Polarity:
    """That of the mask images; faulty ones have no say."""

    def read(index: int) -> Drawing | None:
        try:
            drawn = pairs.drawing(index) if pairs.mask_files[index] else None
            return replace(drawn, grey=np.empty(0)) if drawn else None  # all pixels together may not fit in memory
        except ImageError:
            return None

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        drawings = list(track(workers.map(read, range(len(pairs))), "Reading masks", len(pairs)))
    return polarity_of(each for each in drawings if each is not None)


def _compiled(group: str) -> re.Pattern[str]:
    remedy = r"Put brackets around what names the group, as in ^(.+)_f\d+$."
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise UserError("`group` must be a regular expression.", f"“{error}” for {group}", remedy) from None
    if not pattern.groups:
        raise UserError("`group` must have a group in brackets.", group, remedy)
    return pattern


def _group(pattern: re.Pattern[str], name: str) -> str:
    match = pattern.search(name)
    return (match[1] if match else None) or name
