"""Fields that show the same thing are found, others are left apart."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hpapipe.imageset.duplicates import duplicate_groups, duplicate_table
from hpapipe.imageset.measure import image_hash

BITS = 16


def about(hashes: Sequence[str], pixels: Sequence[str] | None = None) -> pd.DataFrame:
    """A table of fields with these hashes."""
    ids = [f"f{number}" for number in range(len(hashes))]
    return pd.DataFrame({"id": ids, "hash": list(hashes), "pixels": list(pixels or ids)})


def flipped(code: str, bits: Iterable[int]) -> str:
    """The hash with these bits changed."""
    return f"{int(code, 16) ^ sum(1 << int(bit) for bit in bits):0{len(code)}x}"


def drawn(seed: int, channels: int = 1) -> str:
    return np.random.default_rng(seed).bytes(32 * channels).hex()


def field(seed: int, size: int = 128) -> np.ndarray:
    """Cells in the dark: soft spots on a black ground with a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = np.abs(rng.normal(0, 1, (size, size)))
    for top, left, width, light in rng.uniform((0, 0, 3, 30), (size, size, 12, 150), (8, 4)):
        image += light * np.exp(-((y - top) ** 2 + (x - left) ** 2) / (2 * width**2))
    return np.clip(image, 0, 255).astype(np.uint8)


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(7).normal(0, 2, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image * 1.02 + 2), 0, 255).astype(np.uint8)


def compressed(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=80)
    return np.asarray(Image.open(buffer))


def halved(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BOX))


def in_16_bits(image: np.ndarray) -> np.ndarray:
    return image.astype(np.uint16) * 16


@pytest.mark.parametrize("change", [noisy, brighter, compressed, halved, in_16_bits])
def test_changed_copies_are_found_and_nothing_else(change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Of 40 fields the changed copies of 10 join their originals; no two fields join."""
    images = [field(seed) for seed in range(40)]
    hashes = [image_hash(image) for image in [*images, *(change(image) for image in images[:10])]]
    assert list(duplicate_groups(about(hashes), BITS)) == [*range(40), *range(10)]


def test_dark_noise_does_not_collapse() -> None:
    """Nearly empty images of noise are no duplicates of each other."""
    rng = np.random.default_rng(0)
    hashes = [image_hash(rng.poisson(0.2, (64, 64)).astype(np.uint8)) for _ in range(30)]
    assert len(set(duplicate_groups(about(hashes), BITS))) == 30


def test_one_spot_in_the_middle_needs_the_other_channels() -> None:
    """Stained nuclei look alike; the channel beside them keeps the cells apart."""
    nucleus = image_hash(field(0))
    cells = [nucleus + image_hash(field(seed)) for seed in range(10)]
    assert len(set(duplicate_groups(about([nucleus] * 10), BITS))) == 1
    assert len(set(duplicate_groups(about(cells), BITS))) == 10


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), bits=st.integers(0, 24), data=st.data())
def test_the_limit_is_inclusive_in_every_channel(seed: int, bits: int, data: st.DataObject) -> None:
    """As many changed bits as allowed join two fields of two channels; one more in either channel parts them."""
    code = drawn(seed, channels=2)
    places = st.lists(st.integers(0, 255), min_size=bits + 1, max_size=bits + 1, unique=True)
    left, right = data.draw(places), [256 + place for place in data.draw(places)]
    near = flipped(code, left[:bits] + right[:bits])
    assert list(duplicate_groups(about([code, near]), bits)) == [0, 0]
    for far in (flipped(code, left), flipped(code, right)):
        assert list(duplicate_groups(about([code, far]), bits)) == [0, 1]


def test_groups_are_what_pairs_connect() -> None:
    """a is near b and b near c: one group, although a and c are further apart."""
    first = drawn(1)
    second, third = flipped(first, range(10)), flipped(first, range(20))
    assert list(duplicate_groups(about([first, drawn(2), second, third]), 10)) == [0, 1, 0, 0]
    assert list(duplicate_groups(about([first, drawn(2), third]), 10)) == [0, 1, 2]


def test_many_rows_agree_with_all_pairs_by_hand() -> None:
    """Several chunks of rows give the groups that a plain double loop gives."""
    rng = np.random.default_rng(3)
    codes = [drawn(int(seed)) for seed in rng.integers(0, 150, 300)]
    codes = [flipped(code, rng.choice(256, rng.integers(0, 8), replace=False)) for code in codes]
    numbers = [int(code, 16) for code in codes]
    expected = np.arange(300)
    for first in range(300):
        for second in range(first):
            if (numbers[first] ^ numbers[second]).bit_count() <= 8:
                expected[expected == expected[first]] = expected[second]
    groups = duplicate_groups(about(codes), 8)
    np.testing.assert_array_equal(groups, pd.factorize(expected)[0])
    assert groups.max() < 299


def test_unreadable_and_empty_fields_stand_alone() -> None:
    """Nothing is known of them, so nothing joins them; an empty channel beside a full one agrees."""
    zeros = "0" * 64
    hashes = ["", "", zeros * 2, zeros * 2, zeros + drawn(1), zeros + drawn(1), drawn(2) + drawn(1)]
    assert list(duplicate_groups(about([code or "" for code in hashes]), BITS)) == [0, 1, 2, 3, 4, 4, 5]


@pytest.mark.parametrize("hashes", [[], ["", ""], [drawn(1)]])
def test_few_fields(hashes: list[str]) -> None:
    """None, none readable, one."""
    groups = duplicate_groups(about(hashes), BITS)
    assert list(groups) == list(range(len(hashes)))
    assert groups.dtype == np.int64


def test_duplicate_table_lists_groups_of_two_and_more() -> None:
    """Each group with its size, its ids, and whether pixels are the very same."""
    fields = about([""] * 5, pixels=["p", "q", "p", "r", "s"])
    table = duplicate_table(fields, np.array([0, 1, 0, 0, 2]))
    assert table.to_dict("list") == {
        "group": [0, 0, 0],
        "fields": [3, 3, 3],
        "id": ["f0", "f2", "f3"],
        "exact": [True, True, False],
    }
