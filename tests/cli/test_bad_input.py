"""Faulty images and label tables: exit code 2, a line a fault, no traceback, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from hpapipe.tracking.runs import Run, read_table

GREY = np.arange(1024, dtype=np.uint8).reshape(32, 32)

Spoil = Callable[[Path], Any]


@pytest.fixture
def refused(recipe: Path, contents: Callable[[], dict[str, bytes]], hpapipe: Any) -> Callable[..., list[str]]:
    """Checks that `check` and `train` refuse a folder and leave it as it is; returns what `train` says on stderr."""

    def refuse(*words: object) -> list[str]:
        before = contents()
        checked = hpapipe("check", "--config", recipe, *words)
        trained = hpapipe("train", "--config", recipe, *words)
        assert (checked.code, trained.code) == (2, 2)
        assert "Traceback" not in checked.err + trained.err
        assert contents() == before
        assert MlflowClient().search_registered_models() == []
        assert not Path("workspace", "packs").exists()
        lines = trained.err.splitlines()
        found = checked.err + checked.out
        for line in lines[1:] or lines:
            assert line in found
        return lines

    return refuse


def saved(image: np.ndarray, mode: str | None = None) -> Spoil:
    def save(file: Path) -> None:
        picture = Image.fromarray(image)
        (picture.convert(mode) if mode else picture).save(file)

    return save


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(Path.unlink, "no file for green, such as train/f03_green.png", id="missing"),
        pytest.param(cut, "An image must be readable to its end.", id="truncated"),
        pytest.param(lambda file: file.write_bytes(b""), "0 bytes in f03_green.png", id="zero bytes"),
        pytest.param(lambda file: file.write_text("hello"), "no known image format in f03_green.png", id="no image"),
        pytest.param(saved(np.pad(GREY, 4)), "The channels of a field must have one size", id="another size"),
        pytest.param(saved(np.dstack([GREY] * 3)), "mode RGB in f03_green.png. Save each channel", id="RGB"),
        pytest.param(saved(GREY, "1"), "mode 1 in f03_green.png. Save each channel", id="1 bit"),
        pytest.param(saved(GREY.astype(np.uint16) * 99), "one bit depth, here 8 bits", id="16 bits among 8"),
        pytest.param(
            saved(np.tile(GREY, (2, 4))), "128×64 pixels in f03_green.png. Raise `data.max_pixels`", id="giant"
        ),
        pytest.param(saved(np.full((32, 32), 7, np.uint8)), "Every channel must hold a signal.", id="no signal"),
        pytest.param(saved(np.where(GREY < 99, GREY, 255)), "pixels may be saturated", id="saturated"),
    ],
)
def test_a_spoilt_image(folder: Path, refused: Callable[..., list[str]], spoil: Spoil, words: str) -> None:
    """The field and its file are named, with what is wrong and what to do."""
    spoil(folder / "train" / "f03_green.png")
    first, *lines = refused("--data.max_pixels", "2000")
    assert first.startswith(f"All critical checks must pass. Received failures in {folder}.")
    assert "--checks.on_failure continue" in first
    (line,) = [line for line in lines if words in line]
    assert "critical: " in line
    assert "f03 (" in line


def table(change: Callable[[str], str | bytes]) -> Spoil:
    def write(file: Path) -> None:
        changed = change(file.read_text())
        file.write_bytes(changed.encode() if isinstance(changed, str) else changed)

    return write


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(
            table(lambda text: text + "../x,1\n/etc/passwd,0\n"),
            "An id must name a file inside the image folder: not empty, relative, without `..`. Received ../x, /etc",
            id="ids outside",
        ),
        pytest.param(table(lambda text: ""), "The label table must be readable CSV.", id="empty file"),
        pytest.param(table(lambda text: "Id,Target\n"), "The label table must name at least one field.", id="no rows"),
        pytest.param(table(lambda text: text.replace("Id", "Name")), "a column `Id`. Received Name", id="column"),
        pytest.param(table(lambda text: text.encode("utf-16")), "Save it as comma-separated UTF-8 text.", id="UTF-16"),
        pytest.param(Path.unlink, "The folder must hold its label table. Received no train.csv", id="missing"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read(folder: Path, refused: Callable[..., list[str]], spoil: Spoil, words: str) -> None:
    """One line, before anything else is done."""
    spoil(folder / "train.csv")
    (line,) = refused()
    assert words in line


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda text: text + "f03,1\n", "f03 (row 5, target 0 1)", id="duplicated id"),
        pytest.param(lambda text: text.replace("f02,2", "f02,31"), "f02 (row 4, target 31)", id="unknown index"),
        pytest.param(lambda text: text.replace("f02,2", "f02,-1"), "f02 (row 4, target -1)", id="negative index"),
        pytest.param(lambda text: text.replace("f02,2", "f02,Golgi"), "f02 (row 4, target Golgi)", id="word"),
        pytest.param(lambda text: text.replace("f02,2", "f02,"), "f02 (row 4)", id="no index"),
    ],
)
def test_a_faulty_row(folder: Path, refused: Callable[..., list[str]], spoil: Callable[[str], str], words: str) -> None:
    """The row is named by its line in the file."""
    table(spoil)(folder / "train.csv")
    lines = refused()
    assert [line for line in lines if "label_table, critical: " in line and words in line]


def test_all_faults_are_told_at_once(folder: Path, refused: Callable[..., list[str]]) -> None:
    """A line for each rule that is broken, in the table and in the images."""
    table(lambda text: text.replace("f00,0", "f00,31") + "f01,1\n")(folder / "train.csv")
    (folder / "train" / "f04_red.png").write_bytes(b"")
    (folder / "train" / "f05_red.png").unlink()
    critical = [line.split(" Broken")[0] for line in refused() if "critical: " in line]
    assert critical == [
        "label_table, critical: Every field must stand in one row only.",
        "label_table, critical: `Target` must hold indices 0 to 2, separated by spaces.",
        "label_table, critical: Every channel of a field must have its file.",
        "images, critical: Every image file must be readable.",
    ]


def test_nothing_is_left_to_train_on(folder: Path, refused: Callable[..., list[str]]) -> None:
    """`continue` cannot go on without a single good field."""
    for file in (folder / "train").iterdir():
        file.write_bytes(b"")
    assert refused("--checks.on_failure", "continue")[0].startswith("All critical checks must pass.")


def test_faulty_fields_are_left_out_where_the_recipe_says_so(folder: Path, recipe: Path, hpapipe: Any) -> None:
    """Training goes on without them, says so, and the run lists them; BOM, line ends and blanks are no faults."""
    (folder / "train" / "f03_green.png").write_bytes(b"")
    rows = (folder / "train.csv").read_text().replace("f01,1", "f01,9").replace(",", " , ").replace("\n", " \r\n")
    (folder / "train.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    ended = hpapipe("train", "--config", recipe, "--checks.on_failure", "continue")
    assert (ended.code, ended.err) == (0, "")
    assert "Left out 2 faulty fields; checks/ in the run lists them" in ended.out
    assert "Data: 10 fields" in ended.out
    run = Run(ended.out.split()[-3])
    kept = read_table(run, "split")
    assert sorted(kept["id"]) == [f"f{number:02d}" for number in range(12) if number not in (1, 3)]
    listed = {name for suite in ("label_table", "images") for name in read_table(run, f"checks/{suite}")["ids"]}
    assert {"f01", "f03"} <= listed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "The sample submission must exist. Received sample.csv. Give", id="missing"),
        pytest.param("", "The sample submission must be readable CSV.", id="empty file"),
        pytest.param("Id\nf00\n", "must have a column `Predicted`. Received Id in sample.csv.", id="column"),
        pytest.param("Id,Predicted\n", "must name at least one id. Received no rows in sample.csv.", id="no rows"),
        pytest.param("Id,Predicted\nf00,0\nf00,0\n", "Received `f00` twice in sample.csv.", id="id twice"),
    ],
)
def test_a_faulty_sample(folder: Path, recipe: Path, hpapipe: Any, text: str | None, words: str) -> None:
    """One line, before a Version is looked for and before anything is written."""
    if text is not None:
        Path("sample.csv").write_text(text)
    ended = hpapipe("predict", folder / "train", "--config", recipe, "--sample", "sample.csv")
    assert (ended.code, len(ended.err.splitlines()), ended.out) == (2, 1, "")
    assert words in ended.err
    assert not Path("predictions").exists()
