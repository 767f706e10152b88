"""Which field is in which fold: stratified over several labels at once, groups never torn apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_RUNS = 32
"""Most runs of groups of alike amounts: finer ones would not make folds more alike, and cost memory."""


@dataclass(frozen=True)
class Split:
    """The fold of each field.

    Args:
        ids: names of the fields.
        folds: int `[fields]`, 0 to the number of folds less one.
    """

    ids: tuple[str, ...]
    folds: np.ndarray

    def train(self, fold: int) -> np.ndarray:
        """Numbers of the fields that train while `fold` validates."""
        return np.flatnonzero(self.folds != fold)

    def valid(self, fold: int) -> np.ndarray:
        """Numbers of the fields of `fold`."""
        return np.flatnonzero(self.folds == fold)

    @property
    def fingerprint(self) -> str:
        """12 hex digits; equal where the same ids stand in the same folds, in whatever order."""
        lines = sorted(f"{name}\t{fold}" for name, fold in zip(self.ids, self.folds, strict=True))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]

    def table(self) -> pd.DataFrame:
        """Columns `id`, `fold`."""
        return pd.DataFrame({"id": self.ids, "fold": self.folds})


def stratified(ids: tuple[str, ...], truth: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> Split:
    """A split in which each fold has its share of every label, of the rarest first.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD
    2011), with whole groups in the place of single examples.

    Args:
        ids: names of the fields.
        truth: uint8 `[fields, labels]`.
        groups: int `[fields]`; equal numbers stay in one fold.
        folds: number of folds.
        seed: order in which groups of equal claim are placed.
    """
    numbers, group_of_field = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group_of_field, minlength=len(numbers))
    counts = np.zeros((len(numbers), truth.shape[1]))
    np.add.at(counts, group_of_field, truth)
    placed = _place(counts, sizes, folds, np.random.default_rng(seed))
    return Split(tuple(ids), placed[group_of_field])


def grouped(ids: tuple[str, ...], groups: Sequence[str], amounts: np.ndarray, folds: int, seed: int) -> Split:
    """A split of whole groups in which the folds have alike amounts, for fields without labels.

    The groups are ordered by their mean amount, and each run of as many groups as there are folds (twice as many, and
    so on, in large sets) is a label of `stratified`: every fold has its share of each run. Groups of one field each
    give folds at most one field apart.

    Args:
        ids: names of the fields.
        groups: one text a field; equal ones stay in one fold.
        amounts: float `[fields]`, such as the area share of a mask.
        folds: number of folds.
        seed: order in which groups of equal claim are placed.
    """
    names, group_of_field = np.unique(np.asarray(groups), return_inverse=True)
    means = np.bincount(group_of_field, amounts, len(names)) / np.bincount(group_of_field, minlength=len(names))
    length = folds * -(-len(names) // (folds * _RUNS))
    runs = np.argsort(np.argsort(means, kind="stable"), kind="stable") // length
    truth = np.eye(int(runs.max()) + 1, dtype=np.uint8)[runs[group_of_field]]
    return stratified(ids, truth, group_of_field, folds, seed)


def _place(counts: np.ndarray, sizes: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each group, int `[groups]`, from label counts `[groups, labels]` and sizes `[groups]`."""
    placed = np.full(len(sizes), -1)
    wanted = np.repeat(counts.sum(0)[None] / folds, folds, axis=0)
    room = np.full(folds, sizes.sum() / folds)
    lacks = np.ones((folds, counts.shape[1]), bool)
    # Large groups first: a small one can still even out what a large one tilted.
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]

    def put(group: int, claims: np.ndarray) -> None:
        held = counts[group] > 0
        # Of equal claims, the fold that lacks most of the group's labels: rare ones pull common ones along with them.
        fold = np.lexsort((rng.random(folds), room, lacks[:, held].sum(1), claims))[-1]
        placed[group] = fold
        lacks[fold] &= ~held
        wanted[fold] -= counts[group]
        room[fold] -= sizes[group]

    left = counts.sum(0)
    while (left > 0).any():
        label = int(np.argmin(np.where(left > 0, left, np.inf)))
        for group in order[(placed[order] < 0) & (counts[order, label] > 0)]:
            put(group, wanted[:, label])
            left -= counts[group]
    for group in order[placed[order] < 0]:
        put(group, room)
    return placed
