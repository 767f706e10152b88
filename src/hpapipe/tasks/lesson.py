"""What a task hands to training: a network, what it is fed, and how it is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Lesson:
    """One network, before its training.

    Args:
        network: as built, not compiled.
        loss: to train it with.
        feed: its training batches, a `keras.utils.PyDataset` that can `begin` any epoch.
        member: what it sees, and the fold that it never saw, as the Version keeps it.
        fields: (trained on, held out), numbers of them.
        validate: measures the network on what is held out: `val_loss`, and any other numbers.
        answer: what the network says of what is held out, in the task's own form.
    """

    network: keras.Model
    loss: keras.losses.Loss
    feed: Any
    member: Any
    fields: tuple[int, int]
    validate: Callable[[], dict[str, float]]
    answer: Callable[[], Any]
