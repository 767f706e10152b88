"""Places: the same images give the same answers wherever they are kept, and what is no place is told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hpapipe.config import Data
from hpapipe.imageset.places import open_place
from kept_images import DATA, answers, draw, opened, refusal, rows_of, tabled, tarred, zipped
from web_site import Site


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields, one of them with a blank and letters beyond ASCII in its name."""
    return draw(tmp_path / "images", ("b", "a ü", "c"))


@pytest.fixture
def site(images: Path) -> Iterator[Site]:
    """`images` in the web."""
    served = Site(images)
    yield served
    served.close()


def in_memory(folder: Path, address: str) -> str:
    """`folder` in fsspec's memory."""
    files = fsspec.filesystem("memory")
    for path in folder.iterdir():
        files.pipe_file(f"{address}/{path.name}", path.read_bytes())
    return address


def test_every_kind_gives_the_same_fields(images: Path, tmp_path: Path, site: Site) -> None:
    """Ids, pixels and hashes, with the pixels that Pillow reads."""
    pd.DataFrame(rows_of(images, "images/"), columns=["Id", "red", "green"]).to_parquet(tmp_path / "table.parquet")
    given = {
        "file": f"file://{images}",
        "zip": zipped(images, tmp_path / "a.zip"),
        "tar": tarred(images, tmp_path / "a.tar"),
        "tar.gz": tarred(images, tmp_path / "a.tar.gz"),
        "tar.bz2": tarred(images, tmp_path / "a.tar.bz2"),
        "tgz of xz": tarred(images, tmp_path / "a.tar.xz").rename(tmp_path / "b.tgz"),
        "http": site.address,
        "memory": in_memory(images, "memory://every/kind"),
        "paths": tabled(tmp_path / "paths.csv", rows_of(images, "images/")),
        "whole paths": tabled(tmp_path / "whole.csv", rows_of(images, f"{images}/")),
        "addresses": tabled(tmp_path / "web.csv", rows_of(images, f"{site.address}/")),
        "parquet": tmp_path / "table.parquet",
    }
    expected = answers(images)
    assert list(expected) == ["a ü", "b", "c"]
    for name, (pixels, digest) in expected.items():  # type: ignore[misc]
        channels = [np.asarray(Image.open(images / f"{name}_{channel}.png")) for channel in DATA.channels]
        assert pixels == np.stack(channels, -1).tolist()
        assert len(bytes.fromhex(digest)) == 16
    assert {kind: answers(place) == expected for kind, place in given.items()} == dict.fromkeys(given, True)


def test_a_channel_that_no_field_has_is_refused(images: Path, tmp_path: Path, site: Site) -> None:
    """With those that were found, by every kind."""
    data = Data(channels=("red", "blue", "green"))
    places = (
        images,
        zipped(images, tmp_path / "a.zip"),
        tarred(images, tmp_path / "a.tar"),
        tarred(images, tmp_path / "a.tar.gz"),
        site.address,
    )
    for given in places:
        told = refusal(given, data)
        assert told.startswith(
            "There must be images named {id}_{channel}.png for the channels red, blue, green. "
            f"Received red, green but no blue in {given}."
        )
    told = refusal(tabled(tmp_path / "a.csv", rows_of(images, "")), data)
    assert told.startswith("The table of images must have one column `blue`. Received id, red, green in ")


def test_no_image_of_that_name(tmp_path: Path) -> None:
    """What lies there instead is named, by every kind."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.jpg").touch()
    site = Site(tmp_path / "other")
    assert "Received x.jpg and 0 other files in" in refusal(tmp_path / "other")
    assert "Received x.jpg and 0 other files in" in refusal(site.address)
    assert "Received files such as new/x.jpg in" in refusal(zipped(tmp_path / "other", tmp_path / "a.zip"))
    assert "Received files such as new/x.jpg in" in refusal(tarred(tmp_path / "other", tmp_path / "a.tar"))
    site.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "nowhere",
            "Images must lie in a folder, a zip or tar archive, or be named by a CSV or Parquet table. Received",
        ),
        ("notes.txt", "Its name must end with one of .csv, .parquet, .zip, .tar"),
        (
            "a.zip",
            "A zip archive must be readable to its end. Received “no end of a zip archive: cut off, or none” for",
        ),
        ("a.tar", "A tar archive must be readable to its end. Received “a damaged header"),
        ("a.tar.gz", "A tar archive must be readable to its end. Received “a damaged header"),
        ("a.csv", "The table of images must have one column `id`. Received no place at all in"),
        ("a.parquet", "The table of images must be readable. Received “Parquet"),
    ],
)
def test_what_is_no_place(tmp_path: Path, name: str, told: str) -> None:
    """One line, whatever its name promises."""
    if name != "nowhere":
        (tmp_path / name).write_text("no place at all")
    assert told in refusal(tmp_path / name)


def test_a_tar_of_zstd(tmp_path: Path) -> None:
    """Python reads it from 3.14 on; one line says what to do."""
    (tmp_path / "a.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    assert "A tar may be compressed by gzip, bzip2 or xz. Received zstd in" in refusal(tmp_path / "a.tar.zst")


@pytest.mark.parametrize("name", ["x.csv", "x.zip", "x.tar.gz"])
def test_a_table_or_archive_elsewhere(name: str) -> None:
    """Is to be downloaded first; its name is said without the password."""
    told = refusal(f"https://me:secret@nowhere.invalid/{name}")
    assert told.startswith("A table or an archive must lie on this machine. Received https://nowhere.invalid/")


def test_opened_to_read_alone(images: Path, tmp_path: Path, site: Site) -> None:
    """By a list of before: nothing is looked for, and every field is read as it was."""
    for given in (images, zipped(images, tmp_path / "a.zip"), tarred(images, tmp_path / "a.tar.gz"), site.address):
        with opened(given) as place:
            stored = list(place.fields())
            expected = [place.read(each)[1] for each in stored]
        site.asked.clear()
        with opened(given, listed=True) as place:
            assert site.asked == []
            assert [place.read(each)[1] for each in stored] == expected


def test_waits_half_a_minute_by_default(tmp_path: Path) -> None:
    """Three tries, with growing pauses."""
    place = open_place(str(tabled(tmp_path / "a.csv", [["a", "x", "y"]])), DATA)
    patience = place.patience  # type: ignore[attr-defined]
    assert (patience.timeout, patience.tries, patience.pause) == (30, 3, 0.5)
