"""Simulated sets: labels that can all be learned, the challenge's layout, and a folder that is whole or not there."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hpapipe.errors import UserError
from hpapipe.labels import STRUCTURES, parse_target
from hpapipe.simulate import dataset
from hpapipe.simulate.cells import CHANNELS, draw_field


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@given(fields=st.integers(280, 1500), seed=st.integers(0, 2**40))
@settings(max_examples=15, deadline=None)
def test_every_structure_shows_in_three_percent_of_fields_or_more(fields: int, seed: int) -> None:
    """The floor holds for every number of fields from 280 on, whatever the seed."""
    counts = Counter(structure for target in dataset.draw_labels(fields, seed) for structure in target)
    assert min(counts[structure] for structure in range(28)) >= int(0.03 * fields)


@given(fields=st.integers(1, 300), seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_labels_are_one_to_three_different_structures_in_rising_order(fields: int, seed: int) -> None:
    """The same holds for very few fields."""
    labels = dataset.draw_labels(fields, seed)
    assert len(labels) == fields
    assert all(1 <= len(target) <= 3 and list(target) == sorted(set(target)) for target in labels)
    assert all(0 <= structure < 28 for target in labels for structure in target)


def test_labels_have_a_long_tail_and_the_shares_that_were_asked_for() -> None:
    """2,000 fields: half with one label, the commonest structure at least twice as frequent as the rarest."""
    labels = dataset.draw_labels(2000, 0)
    counts = Counter(structure for target in labels for structure in target)
    assert Counter(map(len, labels)) == {1: 1000, 2: 800, 3: 200}
    assert counts.most_common(1)[0][0] == STRUCTURES.index("Nucleoplasm")
    assert max(counts.values()) > 2 * min(counts.values())
    assert min(counts.values()) >= 0.035 * 2000


def test_labels_depend_on_the_seed_alone() -> None:
    """Same seed, same labels; another seed, others."""
    assert dataset.draw_labels(50, 1) == dataset.draw_labels(50, 1)
    assert dataset.draw_labels(50, 1) != dataset.draw_labels(50, 2)


def test_a_set_has_the_layout_of_the_challenge(tmp_path: Path) -> None:
    """Four grey PNGs a field, a label table, and nothing left over."""
    folder = tmp_path / "set"
    dataset.write(folder, 3, 32, 5)
    with open(folder / "train.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["Id"] for row in rows] == ["cell-000000", "cell-000001", "cell-000002"]
    assert [parse_target(row["Target"]) for row in rows] == dataset.draw_labels(3, 5)
    assert sorted(path.name for path in folder.iterdir()) == ["simulation.json", "train", "train.csv"]
    assert len(list((folder / "train").iterdir())) == 12
    field = draw_field(parse_target(rows[2]["Target"]), 32, np.random.default_rng([5, 2]))
    for index, channel in enumerate(CHANNELS):
        with Image.open(folder / "train" / f"cell-000002_{channel}.png") as image:
            assert (image.mode, image.size) == ("L", (32, 32))
            np.testing.assert_array_equal(np.asarray(image), field[..., index])
    assert not (tmp_path / "set.part").exists()


def test_processes_and_none_draw_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two spawned workers and this process agree on every file."""
    monkeypatch.setattr(dataset, "_WORTH_PROCESSES", 1000)
    dataset.write(tmp_path / "here", 6, 32, 7)
    monkeypatch.setattr(dataset, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(dataset, "_CHUNK", 3)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    dataset.write(tmp_path / "two", 6, 32, 7)
    assert _digests(tmp_path / "here") == _digests(tmp_path / "two")


def test_a_folder_that_exists_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UserError, match="which exists already"):
        dataset.write(tmp_path, 1, 32, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_an_interrupted_set_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill only the part is there; the next call draws what is missing, and the bytes are those of one call."""
    drawn: list[int] = []
    draw_one = dataset._draw_one

    def killed_at_the_third(job: tuple[Path, int, tuple[int, ...], int, int]) -> None:
        if job[1] == 2:
            raise KeyboardInterrupt
        draw_one(job)

    monkeypatch.setattr(dataset, "_draw_one", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        dataset.write(tmp_path / "set", 4, 32, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["set.part"]

    def counted(structures: tuple[int, ...], size: int, rng: np.random.Generator) -> np.ndarray:
        drawn.append(size)
        return draw_field(structures, size, rng)

    monkeypatch.setattr(dataset, "_draw_one", draw_one)
    monkeypatch.setattr(dataset, "draw_field", counted)
    dataset.write(tmp_path / "set", 4, 32, 0)
    assert len(drawn) == 2
    dataset.write(tmp_path / "other", 4, 32, 0)
    assert _digests(tmp_path / "set") == _digests(tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "set"]


def test_a_part_with_other_settings_is_started_anew(tmp_path: Path) -> None:
    """Fields of another seed never slip into a set."""
    stale = tmp_path / "set.part" / "train"
    stale.mkdir(parents=True)
    (stale / "cell-000099_red.png").write_bytes(b"stale")
    (stale.parent / "simulation.json").write_text(
        json.dumps({"format": dataset.FORMAT, "fields": 9, "size": 32, "seed": 1})
    )
    dataset.write(tmp_path / "set", 1, 32, 0)
    assert len(list((tmp_path / "set" / "train").iterdir())) == 4


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    """A file where a folder is needed stands for a full disk or a read-only one."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Free some room") as caught:
        dataset.write(tmp_path / "file" / "set", 1, 32, 0)
    assert len(caught.value.lines) == 1


def test_a_full_disk_leaves_no_half_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder itself appears only when all of it is there."""

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left on device"):
        dataset.write(tmp_path / "set", 1, 32, 0)
    assert not (tmp_path / "set").exists()


def test_a_set_that_another_process_finished_meanwhile_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that want the same set both end well."""
    folder = tmp_path / "set"

    def overtaken(part: Path, labels: list[tuple[int, ...]], size: int, seed: int) -> None:
        part.rename(folder)

    monkeypatch.setattr(dataset, "_draw_all", overtaken)
    dataset.write(folder, 1, 32, 0)
    assert dataset.matches(folder, 1, 32, 0)


def test_matches_tells_whether_a_folder_holds_these_settings(tmp_path: Path) -> None:
    """Every setting counts, and so does the format; no folder or a broken file matches nothing."""
    folder = tmp_path / "set"
    assert not dataset.matches(folder, 1, 32, 0)
    dataset.write(folder, 1, 32, 0)
    assert dataset.matches(folder, 1, 32, 0)
    assert not any(dataset.matches(folder, *other) for other in [(2, 32, 0), (1, 33, 0), (1, 32, 1)])
    (folder / "simulation.json").write_text("{")
    assert not dataset.matches(folder, 1, 32, 0)
