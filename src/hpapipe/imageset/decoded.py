"""Fields decoded ahead of whoever asks for them, with the faulty ones told apart."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np

from hpapipe.imageset.decode import ImageError, read_field
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.view import View, fitted

T = TypeVar("T")
R = TypeVar("R")


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


def ahead(work: Callable[[T], R], items: Iterable[T], window: int, threads: int | None = None) -> Iterator[tuple[T, R]]:
    """Every item with `work(item)`, in the order of `items`, while threads work on those that follow.

    Args:
        work: raises nothing but what shall end it all; libraries that decode images let other threads run meanwhile.
        items: are taken one by one, so that there may be any number.
        window: items that are begun before they are asked for, at most.
        threads: at work; none: one a core.
    """
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        begun: deque[tuple[T, Future[R]]] = deque()
        rest = iter(items)
        try:
            while True:
                begun.extend((item, pool.submit(work, item)) for item in islice(rest, window + 1 - len(begun)))
                if not begun:
                    return
                item, future = begun.popleft()
                yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def as_seen(image: np.ndarray, view: View | None, bits: int, name: str) -> np.ndarray:
    """A field as a Version wants it, integers `[height, width, channels]`.

    Args:
        image: as it is stored.
        view: that it is brought to; none: it stays as it is stored.
        bits: 8 or 16, that it must have.
        name: of the field, for messages.

    Raises:
        ImageError: another depth, or too small for a corner.
    """
    if (found := 8 * image.dtype.itemsize) != bits:
        rule = f"Images must have {bits} bits, as those of training."
        raise ImageError(rule, f"{found} bits for {name}", "Convert them as for training.")
    return fitted(image, view, name) if view else image


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
            return as_seen(read_field(images.paths(field), images.data.max_pixels), view, bits, images.ids[field])
        except ImageError as fault:
            return fault

    found = ahead(read, range(len(images)), window=2 * size)
    while batch := [(images.ids[field], image) for field, image in islice(found, size)]:
        good = [(name, image) for name, image in batch if not isinstance(image, ImageError)]
        faults = [(name, image) for name, image in batch if isinstance(image, ImageError)]
        yield Batch([name for name, _ in good], [image for _, image in good], faults)
