"""A folder of new images, answered by a Version: around images that cannot be used, and without hpapipe."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hpapipe.imageset.decode import resize

# Answers in a process that knows nothing of the project: an array, and a table of paths.
ALONE = """
import importlib.util, json, pathlib, sys
here = importlib.util.find_spec("hpapipe")
assert here is None or here.origin is None  # an editable install leaves a folder of suites, but no code
import mlflow, numpy, pandas
uri, images, folder = sys.argv[1:]
mlflow.set_tracking_uri(uri)
model = mlflow.pyfunc.load_model("models:/small@champion")
array = model.predict(numpy.load(images))
names = sorted({file.rsplit("_", 1)[0] for file in __import__("os").listdir(folder)})
paths = pandas.DataFrame({c: [pathlib.Path(folder, f"{name}_{c}.png") for name in names] for c in ("red", "green")})
table = model.predict(paths)
print(json.dumps([array.to_dict("list"), table.to_dict("list")]))
"""


def spoil(images: Path) -> None:
    """f00 to f03 cannot be used: zero bytes, cut off, a channel missing, 16 bits."""
    (images / "f00_red.png").write_bytes(b"")
    whole = (images / "f01_green.png").read_bytes()
    (images / "f01_green.png").write_bytes(whole[: len(whole) // 2])
    (images / "f02_green.png").unlink()
    for channel in ("red", "green"):
        Image.fromarray(np.full((32, 32), 300, np.uint16)).save(images / f"f03_{channel}.png")


def test_images_that_cannot_be_used_are_listed_and_the_rest_is_answered(images: Path, predict: Any) -> None:
    """Exit code 3; each faulty field with its reason, all others with the answer that they have without them."""
    predict()
    before = pd.read_csv("answers/predictions.csv", dtype=str).set_index("id")
    spoil(images)
    ended = predict("--again")
    assert (ended.code, ended.err) == (3, "")
    assert "answered 2 fields" in ended.out
    assert "4 fields could not be read; answers/unreadable.csv says why" in ended.out
    answered = pd.read_csv("answers/predictions.csv", dtype=str).set_index("id")
    pd.testing.assert_frame_equal(answered, before.loc[["f04", "f05"]])
    assert "submission.csv has an empty Predicted for 4 of them" in ended.out
    submitted = Path("answers/submission.csv").read_text().splitlines()
    assert submitted[:5] == ["Id,Predicted", "f00,", "f01,", "f02,", "f03,"]
    assert submitted[5:] == [f"{name},{answered.loc[name, 'Predicted']}" for name in ("f04", "f05")]
    faults = pd.read_csv("answers/unreadable.csv").set_index("id")["fault"]
    assert list(faults.index) == ["f00", "f01", "f02", "f03"]
    for name, words in {
        "f00": "0 bytes in f00_red.png",
        "f01": "An image must be readable to its end.",
        "f02": "none at f02_green.png",
        "f03": "Images must have 8 bits, as those of training. Received 16 bits for f03.",
    }.items():
        assert words in faults[name]


def test_the_submission_has_the_ids_of_the_sample_in_its_order(images: Path, predict: Any) -> None:
    """Fields that the sample lacks are answered, but not submitted; those that cannot be read have no prediction."""
    spoil(images)
    Path("sample.csv").write_bytes(b"\xef\xbb\xbfId,Predicted\r\nf05,0\r\nf02, 0\r\nf04,0\r\n")
    ended = predict("--sample", "sample.csv")
    assert (ended.code, ended.err) == (3, "")
    assert "3 fields of the folder are not in sample.csv, so submission.csv leaves them out" in ended.out
    assert "submission.csv has an empty Predicted for 1 of them" in ended.out
    answered = pd.read_csv("answers/predictions.csv", dtype=str).set_index("id")["Predicted"]
    assert list(answered.index) == ["f04", "f05"]
    submitted = Path("answers/submission.csv").read_text()
    assert submitted == f"Id,Predicted\nf05,{answered['f05']}\nf02,\nf04,{answered['f04']}\n"


def test_a_sample_with_the_ids_of_the_folder_leaves_nothing_to_tell(predict: Any) -> None:
    """The same submission as without a sample, in the sample's order."""
    predict()
    before = Path("answers/submission.csv").read_text().splitlines()
    Path("sample.csv").write_text("Id,Predicted\n" + "".join(f"f{number:02d},0\n" for number in range(5, -1, -1)))
    ended = predict("--sample", "sample.csv")
    assert (ended.code, len(ended.out.splitlines())) == (0, 4)
    assert ended.out.startswith("6 fields had been answered before")
    assert Path("answers/submission.csv").read_text().splitlines() == [before[0], *before[:0:-1]]


def test_ids_of_the_sample_without_images_are_told_before_any_work(predict: Any) -> None:
    """One line with five of them and how many more; nothing is written."""
    Path("sample.csv").write_text("Id,Predicted\nf00,0\n" + "".join(f"g{number},0\n" for number in range(7)))
    ended = predict("--sample", "sample.csv")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith(
        "Every id of the sample submission must have images in the folder. "
        "Received none of g0, g1, g2, g3, g4 and 2 more in "
    )
    assert not Path("answers").exists()


def test_where_no_image_can_be_used(images: Path, predict: Any) -> None:
    """One line with the first reason, exit code 2; of the tables only the one with the reasons."""
    for number in range(6):
        for channel in ("red", "green"):
            Image.fromarray(np.full((32, 32), 300, np.uint16)).save(images / f"f{number:02d}_{channel}.png")
    ended = predict()
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("At least one field must be readable. Received none of 6 in ")
    assert "Images must have 8 bits" in ended.err
    assert [file.name for file in Path("answers").glob("*.csv")] == ["unreadable.csv"]
    assert len(pd.read_csv("answers/unreadable.csv")) == 6


def test_images_of_another_size_are_brought_to_the_versions(images: Path, predict: Any) -> None:
    """Twice as large, they get the answers of the same images resized beforehand."""
    doubled = {file: np.asarray(Image.open(file)).repeat(2, 0).repeat(2, 1) for file in images.iterdir()}
    answers = []
    for prepare in (lambda pixels: pixels, lambda pixels: resize(pixels, (32, 32))):
        for file, pixels in doubled.items():
            Image.fromarray(prepare(pixels)).save(file)
        assert predict("--again").code == 0
        answers.append(pd.read_csv("answers/predictions.csv"))
    pd.testing.assert_frame_equal(*answers)


def test_parquet(predict: Any) -> None:
    """The same table, with types; the challenge's file stays a CSV."""
    predict()
    assert predict("--parquet").code == 0
    written = pd.read_parquet("answers/predictions.parquet")
    assert [str(kind) for kind in written[["a", "b", "c"]].dtypes] == ["float32"] * 3
    in_words = pd.read_csv("answers/predictions.csv", dtype={"Predicted": str})
    np.testing.assert_allclose(written[["a", "b", "c"]], in_words[["a", "b", "c"]], atol=1e-6)
    assert list(written["names"]) == list(in_words["names"])
    assert (Path("answers") / "submission.csv").exists()


def test_other_file_names(images: Path, predict: Any) -> None:
    """`data.files` names images that are not named as those of training."""
    for file in list(images.iterdir()):
        name, channel = file.stem.split("_")
        file.rename(images / f"{channel}-{name}.png")
    refused = predict()
    assert (refused.code, len(refused.err.splitlines())) == (2, 1)
    assert "There must be images named {id}_{channel}.png" in refused.err
    assert predict("--data.files", "{channel}-{id}.png").code == 0
    assert len(pd.read_csv("answers/predictions.csv")) == 6


def test_a_folder_without_images_or_no_folder(images: Path, predict: Any) -> None:
    """One line each."""
    for file in images.iterdir():
        file.unlink()
    ended = predict()
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "Received no files in" in ended.err
    images.rmdir()
    assert predict().err.startswith(
        "Images must lie in a folder, a zip or tar archive, or be named by a CSV or Parquet table. Received "
    )


def test_a_folder_that_cannot_be_written(images: Path, predict: Any) -> None:
    """A path below a regular file is refused before any image is read."""
    Path("file").write_text("kept")
    ended = predict("--out", "file/answers")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("The folder for the answers must be writable. Received “Not a directory”")
    assert "--out" in ended.err
    assert Path("file").read_text() == "kept"


def test_a_full_disk_leaves_no_half_written_table(predict: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of an earlier call stay whole, and the next call finds what it needs."""
    assert predict().code == 0
    before = {file.name: file.read_bytes() for file in Path("answers").glob("*.csv")}
    written = pd.DataFrame.to_csv

    def full(self: pd.DataFrame, file: Any, **options: object) -> None:
        file.write("id,Pre")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    ended = predict()
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "“No space left on device” at answers/unreadable.csv" in ended.err
    monkeypatch.setattr(pd.DataFrame, "to_csv", written)
    assert {file.name: file.read_bytes() for file in Path("answers").glob("*.csv")} == before
    assert not list(Path("answers").glob("*.part"))
    assert predict().code == 0


def test_without_a_champion(trained: Any, hpapipe: Any) -> None:
    """One line that says what to run first; a number needs no champion."""
    words = ("predict", trained.images / "train", "--config", trained.recipe)
    ended = hpapipe(*words)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert ended.err.startswith("There must be a Version to answer. Received none of `small` as champion;")
    assert "hpapipe promote" in ended.err
    assert hpapipe(*words, "--which", "1").code == 0


@pytest.mark.whole
def test_a_version_answers_alone(champion: Any, images: Path, predict: Any) -> None:
    """In a fresh process without hpapipe, for arrays and for paths, with the probabilities of this process."""
    predict()
    here = pd.read_csv("answers/predictions.csv", dtype={"Predicted": str})
    arrays = [
        np.stack([np.asarray(Image.open(images / f"f{number:02d}_{channel}.png")) for channel in ("red", "green")], -1)
        for number in range(6)
    ]
    np.save("images.npy", np.stack(arrays))
    elsewhere = champion.place / "elsewhere"
    elsewhere.mkdir()
    store = f"sqlite:///{champion.place / 'mlflow.db'}"
    # -I leaves out PYTHONPATH and the folder at hand; -S and an own path leave out an installed hpapipe.
    paths = [path for path in sys.path if "site-packages" in path]
    code = f"import sys; sys.path += {paths!r}\n{ALONE}"
    words = [sys.executable, "-I", "-S", "-c", code, store, str(champion.place / "images.npy"), str(images)]
    told = subprocess.run(words, cwd=elsewhere, capture_output=True, text=True, timeout=120)
    assert told.returncode == 0, told.stderr
    for answer in json.loads(told.stdout.splitlines()[-1]):
        assert answer["Predicted"] == list(here["Predicted"])
        assert answer["names"] == list(here["names"])
        for label in "abc":
            np.testing.assert_allclose(answer[label], here[label], atol=1e-6)
