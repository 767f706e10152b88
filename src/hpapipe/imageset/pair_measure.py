"""Each pair measured into a row, so that checks can judge it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.measure import pixel_digest
from hpapipe.imageset.pairs import PairSet
from hpapipe.progress import track

_UNKNOWN: dict[str, object] = {
    "height": np.nan,
    "width": np.nan,
    "bits": np.nan,
    "mask_height": np.nan,
    "mask_width": np.nan,
    "values": np.nan,
    "area_share": np.nan,
    "inverted": False,
    "empty": False,
    "fault": "",
    "pixels": "",
    "mask_pixels": "",
}


def measure_pairs(pairs: PairSet) -> pd.DataFrame:
    """One row a pair, in the set's order; what cannot be measured is NaN or empty.

    Columns:
        id, image_file, mask_file: name, and paths relative to the set's folder; empty where there is none.
        height, width, mask_height, mask_width: pixels.  bits: of the image, 8 or 16.
        values: distinct values of the mask; those of an antialiased outline do not count. 1 where all is one value.
        area_share: share of the mask's pixels that are in the cell, 0 to 1.
        inverted: the mask is drawn the other way than most of the set's, judged by its rim.
        empty: nothing is in the cell.
        fault: why a file cannot be read.
        pixels, mask_pixels: hex digests of the image's and the mask's decoded pixels, with shape and type.
        same_size: image and mask have one size, or one of them is unknown.
        copies: images of the set with these very pixels, this one included.
    """
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        work = workers.map(lambda index: _measure(pairs, index), range(len(pairs)))
        rows = list(track(work, "measuring pairs", len(pairs)))
    files = {"id": pairs.ids, "image_file": pairs.image_files, "mask_file": pairs.mask_files}
    table = pd.concat([pd.DataFrame(files, dtype=str), pd.DataFrame(rows, columns=[*_UNKNOWN])], axis=1)
    tall, wide = ((table[f"mask_{side}"] - table[side]).fillna(0) == 0 for side in ("height", "width"))
    table["same_size"] = tall & wide
    counts = table.groupby("pixels")["pixels"].transform("size")
    table["copies"] = counts.where(table["pixels"] != "", 1).astype("int64")
    return table


def _measure(pairs: PairSet, index: int) -> dict[str, object]:
    row, faults = dict(_UNKNOWN), []
    for has, facts in ((pairs.image_files[index], _image_facts), (pairs.mask_files[index], _mask_facts)):
        try:
            row |= facts(pairs, index) if has else {}
        except ImageError as fault:
            faults.append(str(fault))
    return row | {"fault": " ".join(faults)}


def _image_facts(pairs: PairSet, index: int) -> dict[str, object]:
    image = pairs.image(index)
    height, width = map(float, image.shape)
    return {"height": height, "width": width, "bits": 8.0 * image.dtype.itemsize, "pixels": pixel_digest(image)}


def _mask_facts(pairs: PairSet, index: int) -> dict[str, object]:
    drawn = pairs.drawing(index)
    if drawn is not None and drawn.values > 2:
        height, width = map(float, drawn.grey.shape)
        return {"mask_height": height, "mask_width": width, "values": float(drawn.values)}
    mask = drawn.mask(pairs.polarity) if drawn else pairs.mask(index)
    height, width = map(float, mask.shape)
    return {
        "mask_height": height,
        "mask_width": width,
        "values": float(drawn.values if drawn else len(np.unique(mask))),
        "area_share": float(mask.mean()),
        "inverted": drawn is not None and drawn.inverted(pairs.polarity),
        "empty": not mask.any(),
        "mask_pixels": pixel_digest(mask),
    }
