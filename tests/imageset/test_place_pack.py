"""A pack as a place: its rows, named as they were packed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.pack import Pack, pack
from kept_images import opened, refusal


@pytest.fixture
def packed(image_folder: Callable[..., ImageSet], tmp_path: Path) -> tuple[Pack, Path, Data]:
    """Ten fields of 16 bits, packed at 16×24, and the pack's folder."""
    images = image_folder(("0",) * 10, dtype=np.uint16, size=(16, 24))
    made = pack(images, tmp_path)
    return made, tmp_path / "packs" / made.key, images.data


def test_rows_come_as_they_were_packed(packed: tuple[Pack, Path, Data]) -> None:
    """Under their ids, each with a hash of its own that another opening gives again."""
    made, folder, data = packed
    digests = []
    for _ in range(2):
        with opened(folder, data) as place:
            fields = list(place.fields())
            assert place.in_order is False
            assert [stored.id for stored in fields] == list(made.ids)
            assert {sum(stored.sizes) for stored in fields} == {16 * 24 * 2 * 2}
            read = [place.read(stored) for stored in reversed(fields)]
        for image, expected in zip([image for image, _ in read][::-1], made.images, strict=True):
            assert image.dtype == np.uint16
            np.testing.assert_array_equal(image, expected)
        digests.append([digest for _, digest in read])
    assert digests[0] == digests[1]
    assert len(set(digests[0])) == 10
    assert {len(digest) for digest in digests[0]} == {16}


def test_an_old_pack_names_its_fields_by_their_rows(packed: tuple[Pack, Path, Data]) -> None:
    """It did not keep their ids; it says so."""
    made, folder, data = packed
    plan = json.loads((folder / "plan.json").read_text())
    del plan["ids"], plan["key"]
    (folder / "plan.json").write_text(json.dumps(plan))
    with opened(folder, data) as place:
        fields = list(place.fields())
        assert [stored.id for stored in fields] == [str(row) for row in range(10)]
        assert place.notes == [f"The pack {folder} is older than the ids of its fields: they are named by their rows."]
        np.testing.assert_array_equal(place.read(fields[3])[0], made.images[3])


def test_other_channels_are_refused(packed: tuple[Pack, Path, Data]) -> None:
    """Also the same in another order."""
    _, folder, data = packed
    told = refusal(folder, data.model_copy(update={"channels": ("green", "red")}))
    assert told.startswith(
        f"The channels of a pack must be green, red, in this order. Received red, green in {folder}."
    )


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("done", b"\1\0", "A pack must be finished. Received 1 of 2 chunks left to do in"),
        ("plan.json", b"{}", "A pack must be whole. Received an array (10, 16, 24, 2) beside another plan in"),
        ("plan.json", b"{", "A pack must be readable. Received “Expecting"),
        ("images.npy", b"", "A pack must be readable. Received “"),
    ],
)
def test_a_spoiled_pack_is_told(packed: tuple[Pack, Path, Data], file: str, content: bytes, told: str) -> None:
    """In one line, before a row is read."""
    _, folder, data = packed
    (folder / file).unlink()  # the fixture has the old one mapped
    (folder / file).write_bytes(content)
    assert told in refusal(folder, data)


def test_a_change_of_the_pack_is_told(packed: tuple[Pack, Path, Data]) -> None:
    """Its rows would be others."""
    _, folder, data = packed
    with opened(folder, data) as place:
        first = next(iter(place.fields()))
        with (folder / "images.npy").open("ab") as file:
            file.write(b"x")
        with pytest.raises(ImageError, match="changed since it was listed"):
            place.read(first)


def test_ids_that_lead_out_of_a_folder_are_refused(packed: tuple[Pack, Path, Data]) -> None:
    """A pack may come from somebody else, and answers may be files named by its ids."""
    _, folder, data = packed
    plan = json.loads((folder / "plan.json").read_text())
    plan["ids"][3] = "../../x"
    (folder / "plan.json").write_text(json.dumps(plan))
    with opened(folder, data) as place, pytest.raises(UserError, match=r"without `\.\.`\. Received \.\./\.\./x in"):
        list(place.fields())
