"""Fields decoded in batches, with the faulty ones told apart: for answers to folders that nobody has checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hpapipe.imageset.decode import ImageError, read_field
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.view import View, fitted


@dataclass(frozen=True)
class Batch:
    """Some fields of a set.

    Args:
        ids: of those that could be read.
        fields: their images, integers, each `[height, width, channels]`.
        faults: id and fault of those that could not.
    """

    ids: list[str]
    fields: list[np.ndarray]
    faults: list[tuple[str, ImageError]]


def decoded(images: ImageSet, view: View | None, bits: int, size: int) -> Iterator[Batch]:
    """All fields of `images`, in order.

    Args:
        images: the set.
        view: that the fields are brought to; none: they stay as they are stored.
        bits: 8 or 16, that the images must have.
        size: fields in a batch.
    """

    def read(field: int) -> np.ndarray | ImageError:
        try:
            image = read_field(images.paths(field), images.data.max_pixels)
            if (found := 8 * image.dtype.itemsize) != bits:
                rule = f"Images must have {bits} bits, as those of training."
                return ImageError(rule, f"{found} bits for {images.ids[field]}", "Convert them as for training.")
            return fitted(image, view, images.ids[field]) if view else image
        except ImageError as fault:
            return fault

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        for start in range(0, len(images), size):
            batch = range(start, min(start + size, len(images)))
            found = list(zip((images.ids[field] for field in batch), workers.map(read, batch), strict=True))
            good = [(name, image) for name, image in found if not isinstance(image, ImageError)]
            faults = [(name, image) for name, image in found if isinstance(image, ImageError)]
            yield Batch([name for name, _ in good], [image for _, image in good], faults)
