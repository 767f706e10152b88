"""Pairs decoded once, at training resolution, into memory maps: images of their own integer type, masks of truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hpapipe.imageset.decode import resize
from hpapipe.imageset.images import refuse_other_depth
from hpapipe.imageset.pack import FORMAT, kept, key_of
from hpapipe.imageset.pairs import PairSet
from hpapipe.imageset.upright import upright


@dataclass(frozen=True)
class PairPack:
    """Decoded pairs.

    Args:
        images: memory map, uint8 or uint16 `[pairs, height, width, 1]`, read-only.
        masks: memory map, bool `[pairs, height, width]`, read-only.
        ids: names of the pairs, in the order of `images`.
        key: the pack's name.
        decoded: images that this call decoded; 0 where the pack stood already.
    """

    images: np.ndarray
    masks: np.ndarray
    ids: tuple[str, ...]
    key: str
    decoded: int


def pack_pairs(pairs: PairSet, size: tuple[int, int], workspace: Path) -> PairPack:
    """The pack of `pairs` under `workspace`/packs, made or finished where it is not there yet.

    Two processes may call this at once: the second waits and then finds the work done.

    Args:
        pairs: all with image and mask.
        size: height and width that images (by area-aware interpolation) and masks (`resized_mask`) are brought to, px.
        workspace: folder for packs.

    Raises:
        UserError: an image or a mask cannot be used, images differ in depth, or the disk is full or read-only.
    """

    def image(index: int, dtype: np.dtype | None) -> np.ndarray:
        found = pairs.image(index)
        refuse_other_depth(found, dtype, pairs.ids[index], pairs.ids[0])
        return resize(upright(found, size), size)[..., None]

    def mask(index: int, dtype: np.dtype | None) -> np.ndarray:
        return resized_mask(upright(pairs.mask(index), size), size)

    name = _key(pairs, size)
    folder, about = workspace / "packs" / name, {"size": size}
    images, decoded = kept(folder / "images", len(pairs), image, about)
    masks, _ = kept(folder / "masks", len(pairs), mask, about)
    return PairPack(images, masks, pairs.ids, name, decoded)


def resized_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`mask` at another size: True where half or more of what a pixel is made of is True.

    Args:
        mask: bool `[height, width]`.
        size: height and width in pixels.
    """
    return mask if mask.shape == tuple(size) else resize(mask.astype(np.uint8) * np.uint8(255), size) >= 128


def _key(pairs: PairSet, size: tuple[int, int]) -> str:
    drawn = [asdict(pairs.polarity), pairs.label, pairs.ids, pairs.max_pixels]
    about = [FORMAT, "pairs", str(pairs.folder.resolve()), *size, *drawn]
    files = (pairs.folder / name for both in zip(pairs.image_files, pairs.mask_files, strict=True) for name in both)
    return key_of(about, pairs.folder, files)
