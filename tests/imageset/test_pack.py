"""The pack: what it holds, when it is made anew, and that no kill, fault or neighbour spoils it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset import images as reading
from hpapipe.imageset import pack as module
from hpapipe.imageset.decode import ImageError, read_field
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.pack import key, pack

Folder = Callable[..., ImageSet]
TEN = ("0",) * 10


def decoded_one_by_one(images: ImageSet) -> np.ndarray:
    return np.stack([images.read(field) for field in range(len(images))])


def resized(images: ImageSet, **data: object) -> ImageSet:
    """The same files under another recipe."""
    return replace(images, data=Data.model_validate(images.data.model_dump() | data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [32, (16, 24)])
def test_holds_every_field_at_the_asked_size(image_folder: Folder, tmp_path: Path, dtype: type, size: object) -> None:
    """In the images' own integer type, in the order of the set, exactly as decoded one by one."""
    images = image_folder(TEN, channels=("red", "green", "blue"), dtype=dtype, size=size)
    packed = pack(images, tmp_path)
    assert packed.images.shape == (10, *images.data.size, 3)
    assert packed.images.dtype == dtype
    assert packed.ids == images.ids
    assert packed.key == key(images)
    np.testing.assert_array_equal(packed.images, decoded_one_by_one(images))


def test_a_pack_says_what_is_in_it(image_folder: Folder, tmp_path: Path) -> None:
    """Beside its array: its own name, and the names of its channels and fields."""
    packed = pack(image_folder(TEN), tmp_path)
    plan = json.loads((tmp_path / "packs" / packed.key / "plan.json").read_text())
    assert plan["key"] == packed.key
    assert plan["ids"] == list(packed.ids)
    assert plan["channels"] == ["red", "green"]


def test_a_pack_is_read_only(image_folder: Folder, tmp_path: Path) -> None:
    """No training may write into what the next one reads."""
    packed = pack(image_folder(), tmp_path)
    with pytest.raises(ValueError, match="read-only"):
        packed.images[0] = 0


def test_the_second_call_decodes_nothing(image_folder: Folder, tmp_path: Path, reads: list[str]) -> None:
    """Decoded once, used for ever."""
    images = image_folder(TEN)
    first = pack(images, tmp_path)
    assert (first.decoded, len(set(reads))) == (10, 10)
    reads.clear()
    second = pack(images, tmp_path)
    assert (second.decoded, reads) == (0, [])
    np.testing.assert_array_equal(second.images, first.images)


def test_key_changes_with_what_went_in(image_folder: Folder, tmp_path: Path) -> None:
    """Size, channels, their order, the fields, their order, a file's content and its time: each another pack."""
    images = image_folder(channels=("red", "green"))
    keys = [
        key(images),
        key(resized(images, size=16)),
        key(resized(images, channels=("red",))),
        key(resized(images, channels=("green", "red"))),
        key(images.take([0, 1, 2])),
        key(images.take([1, 0, 2, 3])),
    ]
    file = images.paths(0)[0]
    facts = file.stat()
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    keys.append(key(images))
    file.write_bytes(file.read_bytes() + b"x")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    keys.append(key(images))
    assert len(set(keys)) == len(keys)
    assert keys[-1] == key(images)


def test_key_does_not_change_with_the_labels(image_folder: Folder) -> None:
    """Pixels are packed, not truth."""
    images = image_folder()
    assert key(images) == key(replace(images, truth=1 - images.truth))


def test_changed_images_are_packed_anew(image_folder: Folder, tmp_path: Path) -> None:
    """Never yesterday's pixels under today's name."""
    images = image_folder(TEN)
    pack(images, tmp_path)
    Image.fromarray(np.full((32, 32), 9, np.uint8)).save(images.paths(3)[0])
    packed = pack(images, tmp_path)
    assert packed.decoded == 10
    assert (packed.images[3, ..., 0] == 9).all()


def test_a_missing_file_is_named(image_folder: Folder, tmp_path: Path) -> None:
    """Before anything is written."""
    images = image_folder()
    images.paths(2)[1].unlink()
    with pytest.raises(ImageError, match=r"must have its file.*f02_green\.png"):
        pack(images, tmp_path)


def test_a_workspace_that_cannot_be_written_is_told(image_folder: Folder, tmp_path: Path) -> None:
    """Under a file there are no folders, whoever asks."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"pack must be written\. Received “Not a directory” at .*--workspace"):
        pack(image_folder(), tmp_path / "file" / "workspace")


def test_a_full_disk_is_told_and_leaves_no_half_pack(
    image_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All space is taken before the first field; once there is some, the whole set is packed."""
    images = image_folder(TEN)

    def full(*words: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "posix_fallocate", full, raising=False)
        with pytest.raises(UserError, match=r"No space left on device.*Free space"):
            pack(images, tmp_path)
    packed = pack(images, tmp_path)
    assert packed.decoded == 10
    np.testing.assert_array_equal(packed.images, decoded_one_by_one(images))


def test_systems_without_fallocate_take_the_space_too(
    image_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS and Windows: zeros are written, no more and no fewer than the array has bytes."""
    images = image_folder(TEN)
    monkeypatch.delattr(module.os, "posix_fallocate", raising=False)
    packed = pack(images, tmp_path)
    np.testing.assert_array_equal(packed.images, decoded_one_by_one(images))
    (array,) = tmp_path.glob("packs/*/images.npy")
    assert array.stat().st_size == packed.images.offset + packed.images.nbytes  # type: ignore[attr-defined]


def test_a_broken_image_stops_and_is_named_until_it_is_mended(
    image_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated mid-way: told both times, packed once it is whole."""
    monkeypatch.setattr(module, "CHUNK", 2)
    images = image_folder(TEN)
    file = images.paths(5)[1]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        with pytest.raises(ImageError, match=r"f05_green\.png"):
            pack(images, tmp_path)
    file.write_bytes(whole)
    np.testing.assert_array_equal(pack(images, tmp_path).images, decoded_one_by_one(images))


def test_after_a_passing_fault_only_the_rest_is_decoded(
    image_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server that was away for a moment costs the chunk at hand."""
    monkeypatch.setattr(module, "CHUNK", 2)
    images = image_folder(TEN)

    def away(paths: Sequence[Path], *rest: object) -> np.ndarray:
        if paths[0].name.startswith("f05"):
            raise ImageError("An image must be readable to its end.", "nothing", "Try again.")
        return read_field(paths, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(reading, "read_field", away)
        with pytest.raises(ImageError, match="Try again"):
            pack(images, tmp_path)
    packed = pack(images, tmp_path)
    assert packed.decoded == 6
    np.testing.assert_array_equal(packed.images, decoded_one_by_one(images))


def test_one_bit_depth_for_all_fields(image_folder: Folder, tmp_path: Path) -> None:
    """A 16-bit field among 8-bit ones is named beside the first."""
    images = image_folder(TEN)
    for file in images.paths(4):
        Image.fromarray(np.zeros((32, 32), np.uint16)).save(file)
    with pytest.raises(ImageError, match=r"one bit depth\. Received uint16 for f04 beside uint8 for f00"):
        pack(images, tmp_path)
