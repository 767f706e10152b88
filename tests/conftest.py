"""What many tests share: quiet libraries on one core, and small folders of images in the challenge's layout."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hpapipe.quiet import quiet

# Both before numpy and TensorFlow are first imported: small arrays are slower on several threads than on one.
quiet()
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from PIL import Image  # noqa: E402

from hpapipe.config import Data  # noqa: E402
from hpapipe.imageset.images import ImageSet, labelled  # noqa: E402
from hpapipe.imageset.table import label_facts, read_table  # noqa: E402

settings.register_profile("hpapipe", deadline=None)  # how fast a machine is says nothing about the code
settings.load_profile("hpapipe")


@pytest.fixture
def image_folder(tmp_path: Path) -> Callable[..., ImageSet]:
    """Writes a folder of PNGs and its label table, and returns its labelled set.

    The pixels are random unless `pixels(field, channel)` gives them; `data` is any option of the recipe's section `data`.
    """

    def write(
        targets: Sequence[str] = ("0", "1", "0 1", "0"),
        channels: Sequence[str] = ("red", "green"),
        dtype: type = np.uint8,
        pixels: Callable[[int, int], np.ndarray] | None = None,
        name: str = "images",
        **data: object,
    ) -> ImageSet:
        folder = tmp_path / name
        (folder / "train").mkdir(parents=True)
        chance = np.random.default_rng(0)
        ids = [f"f{number:02d}" for number in range(len(targets))]
        for number, field in enumerate(ids):
            for index, channel in enumerate(channels):
                drawn = chance.integers(0, np.iinfo(dtype).max, (32, 32), dtype, endpoint=True)
                image = pixels(number, index).astype(dtype) if pixels else drawn
                Image.fromarray(image).save(folder / "train" / f"{field}_{channel}.png")
        rows = [f"{field},{target}" for field, target in zip(ids, targets, strict=True)]
        (folder / "train.csv").write_text("\n".join(["Id,Target", *rows]) + "\n")
        options: dict[str, object] = {"folder": str(folder), "channels": channels, "labels": ("a", "b", "c"), "size": 32}
        section = Data.model_validate(options | data)
        return labelled(folder, section, label_facts(read_table(folder, section), folder, section))

    return write


@pytest.fixture
def seeded() -> Iterator[None]:
    """Fixed chance and float32 in Keras before the test, float32 after it."""
    import keras

    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")
