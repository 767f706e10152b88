"""Fields that show the same thing: the split must keep them on one side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_WORDS = 4
"""64-bit words in the 256-bit hash of one channel."""

_CHUNK = 128
"""Rows compared with all others at once: small enough for the cache, large enough for numpy."""


def duplicate_groups(fields: pd.DataFrame, bits: int) -> np.ndarray:
    """The group of each field, int64 `[fields]`, numbered by first appearance; equal numbers are (near-)duplicates.

    Two fields are near-duplicates where their hashes differ in at most `bits` of 256 bits in every channel, and groups
    are what such pairs connect. Every channel must agree, since one alone (a stained nucleus in the middle) can look
    alike in many cells. A channel that is empty in both agrees. An unreadable field, or one without any signal, is a
    group by itself.

    Args:
        fields: `hpapipe.imageset.measure.fields`.
        bits: most bits that may differ in a channel. A correlation `r` of the images' differences gives
            `256 * arccos(r) / pi` bits on average: 0.99 is 12, 0.97 is 20, 0.9 is 37.
    """
    groups = np.arange(len(fields))
    names = fields["hash"].astype(str)
    usable = np.flatnonzero(names.str.strip("0") != "")
    if len(usable) == 0:
        return groups
    data = bytes.fromhex("".join(names.iloc[usable]))
    words = np.frombuffer(data, np.uint64).reshape(len(usable), -1)
    pairs = np.concatenate([np.empty((2, 0), np.int64), *_near_pairs(words, bits)], axis=1)
    first, second = usable[pairs]
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(fields), len(fields)))
    _, found = connected_components(graph, directed=False)
    return pd.factorize(found)[0].astype(np.int64)


def duplicate_table(fields: pd.DataFrame, groups: np.ndarray) -> pd.DataFrame:
    """The fields that have (near-)duplicates, group by group.

    Columns: `group`; `fields` (how many the group has); `id`; `exact` (another one has the very same pixels).
    """
    table = pd.DataFrame({"group": groups, "id": fields["id"].to_numpy(), "pixels": fields["pixels"].to_numpy()})
    table["fields"] = table.groupby("group")["id"].transform("size")
    table["exact"] = table.groupby(["group", "pixels"])["id"].transform("size") > 1
    table = table[table["fields"] > 1].sort_values("group", kind="stable", ignore_index=True)
    return table[["group", "fields", "id", "exact"]]


def _near_pairs(words: np.ndarray, bits: int) -> Iterator[np.ndarray]:
    """Pairs `[2, pairs]` of rows whose hashes differ in at most `bits` bits in each channel, chunk by chunk.

    The first word alone refuses most pairs: a part of a hash never differs in more bits than the whole.
    """
    heads = np.ascontiguousarray(words[:, 0])
    for start in range(0, len(words), _CHUNK):
        rows = heads[start : start + _CHUNK, None]
        near = np.bitwise_count(rows ^ heads[None, start:]) <= bits
        first, second = np.nonzero(near)
        ordered = first < second
        first, second = first[ordered] + start, second[ordered] + start
        for channel in range(0, words.shape[1], _WORDS):
            here = slice(channel, channel + _WORDS)
            apart = np.bitwise_count(words[first, here] ^ words[second, here]).sum(axis=1, dtype=np.int64)
            first, second = first[apart <= bits], second[apart <= bits]
        yield np.stack([first, second])
