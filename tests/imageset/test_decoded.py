"""Fields of a folder that nobody has checked, in batches, with the faulty ones told apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from hpapipe.imageset.decode import read_field
from hpapipe.imageset.decoded import decoded
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.view import View, fitted

Folder = Callable[..., ImageSet]

SMALL = View("whole", (16, 8), (8, 8))


@pytest.mark.parametrize("view", [None, SMALL, View("corner", (8, 24), (8, 8))], ids=["none", "whole", "corner"])
def test_all_fields_come_in_order(image_folder: Folder, view: View | None) -> None:
    """Two, two and one, brought to the view, or as they are stored where there is none."""
    images = image_folder(("0", "1", "0 1", "0", "1"))
    batches = list(decoded(images, view, 8, 2))
    assert [batch.ids for batch in batches] == [["f00", "f01"], ["f02", "f03"], ["f04"]]
    assert [batch.faults for batch in batches] == [[], [], []]
    found = [field for batch in batches for field in batch.fields]
    for number, field in enumerate(found):
        stored = read_field(images.paths(number))
        np.testing.assert_array_equal(field, fitted(stored, view) if view else stored)


def test_faults_are_told_beside_the_good_ones(image_folder: Folder) -> None:
    """An empty file, another depth and a missing channel: id and reason, in the batch where they belong."""
    images = image_folder(("0",) * 5)
    images.paths(0)[1].write_bytes(b"")
    for path in images.paths(2):
        Image.fromarray(np.full((32, 32), 300, np.uint16)).save(path)
    images.paths(3)[0].unlink()
    first, second = decoded(images, SMALL, 8, 3)
    assert (first.ids, second.ids) == (["f01"], ["f04"])
    assert [name for name, _ in first.faults + second.faults] == ["f00", "f02", "f03"]
    for (_, fault), words in zip(
        first.faults + second.faults,
        ("0 bytes in f00_green.png", "must have 8 bits, as those of training. Received 16 bits for f02", "f03_red.png"),
        strict=True,
    ):
        assert words in str(fault)


def test_a_batch_of_faults_has_no_fields(image_folder: Folder) -> None:
    """It is still told."""
    (batch,) = decoded(image_folder(("0", "1")), SMALL, 16, 8)
    assert (batch.ids, batch.fields) == ([], [])
    assert [name for name, _ in batch.faults] == ["f00", "f01"]


def test_a_field_smaller_than_the_corner_is_a_fault_of_its_own(image_folder: Folder) -> None:
    """The others are answered."""
    images = image_folder(("0", "1", "0"))
    for path in images.paths(1):
        Image.fromarray(np.full((16, 32), 7, np.uint8)).save(path)
    (batch,) = decoded(images, View("corner", (24, 24), (8, 8)), 8, 8)
    assert batch.ids == ["f00", "f02"]
    ((name, fault),) = batch.faults
    assert name == "f01"
    assert "corner of 24×24 pixels. Received 16×32 pixels for f01." in str(fault)
