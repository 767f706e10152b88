"""How much faster a pack feeds than decoding each image each time: `python benchmarks/feeding.py FOLDER`.

One Feed gives the same batches, augmentation included, twice in one process: from the pack's memory map, and from an
array that decodes what is asked of it. FOLDER holds images of the challenge's layout. Prints fields a second and the
ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from hpapipe import config
from hpapipe.imageset.decode import read_field
from hpapipe.imageset.images import ImageSet, unlabelled
from hpapipe.imageset.pack import pack
from hpapipe.quiet import import_quietly, quiet


class Decoding:
    """Looks like a pack's array, and decodes the fields that are taken out of it."""

    def __init__(self, images: ImageSet) -> None:
        self.images = images
        self.shape = (len(images), *images.data.size, len(images.data.channels))

    def __getitem__(self, fields: np.ndarray) -> np.ndarray:
        return np.stack([read_field(self.images.paths(int(field)), self.images.data.size) for field in fields])


def fields_a_second(array: Any, recipe: config.Feed, seconds: float) -> float:
    """The rate at which a Feed over `array` gives fields, over at least `seconds`."""
    from hpapipe.imageset.feed import Feed

    count = array.shape[0]
    feed = Feed(array, np.ones((count, 2), np.uint8), np.arange(count), recipe, seed=0)
    given, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for batch in range(len(feed)):
            given += len(feed[batch][0])
        feed.on_epoch_end()
    return given / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--channels", default="red,green,blue")
    parser.add_argument("--size", default="128")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    recipe = config.load(None, {"data.channels": given.channels, "data.size": given.size})
    images = unlabelled(given.folder, recipe.data)
    with tempfile.TemporaryDirectory() as place:
        packed = pack(images, Path(place))
        some = np.arange(min(8, len(images)))
        assert np.array_equal(packed.images[some], Decoding(images)[some]), "both must feed the same"
        slow = fields_a_second(Decoding(images), recipe.feed, given.seconds)
        fast = fields_a_second(packed.images, recipe.feed, given.seconds)
    print(f"{len(images)} fields, {len(recipe.data.channels)} channels, at {given.size} px")
    print(f"decode each time {slow:12,.0f} fields/s")
    print(f"from the pack    {fast:12,.0f} fields/s")
    print(f"ratio            {fast / slow:12,.0f}")


if __name__ == "__main__":
    main()
