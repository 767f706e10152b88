"""A folder of another machine: listed once, read file by file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from hpapipe.config import Data
from hpapipe.errors import AwayError
from hpapipe.imageset.decode import ImageError
from hpapipe.imageset.places import Patience, open_place
from kept_images import DATA, HASTIER, HASTY, answers, draw, opened, refusal
from web_site import Site


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three fields in a folder."""
    return draw(tmp_path / "images")


@pytest.fixture
def site(images: Path) -> Iterator[Site]:
    """The folder above `images` in the web."""
    served = Site(images.parent)
    yield served
    served.close()


def bucket(folder: Path, address: str) -> str:
    """`folder` in fsspec's memory, as a bucket."""
    files = fsspec.filesystem("memory")
    for path in folder.rglob("*.png"):
        files.pipe_file(f"{address}/{path.relative_to(folder).as_posix()}", path.read_bytes())
    return address


def test_faults_are_of_their_fields_alone(images: Path, site: Site) -> None:
    """Missing, not there any more, never answered; the rest is answered."""
    draw(images, ("a", "b", "c", "d"))
    expected = answers(images)
    (images / "a_green.png").unlink()
    site.told["/images/b_green.png"] = ["hang"] * 3
    site.told["/images/c_green.png"] = [500, "slow"]
    site.told["/images/d_red.png"] = [404]
    found = answers(f"{site.address}/images/", patience=Patience(timeout=1, pause=0.01))
    assert "Each channel must have its file. Received none at a_green.png." in found["a"]
    assert "no answer within 1 s after 3 tries, for b_green.png." in found["b"]
    assert found["c"] == expected["c"]
    assert "“404 Not Found”, for d_red.png." in found["d"]


def test_a_folder_is_listed_once(images: Path, site: Site) -> None:
    """To open it and to list its fields; a second list asks again."""
    with opened(f"{site.address}/images") as place:
        assert len(list(place.fields())) == 3
        asked = [path for path in site.asked if path == "/images/"]
        assert len(asked) == 1
        assert len(list(place.fields())) == 3
        assert site.asked.count("/images/") == 2


def test_images_may_lie_as_in_training(images: Path, site: Site) -> None:
    """In the subfolder that `data.files` names, on every kind of machine."""
    data = Data(channels=DATA.channels, files="images/{id}_{channel}.png")
    expected = answers(images)
    assert answers(site.address, data) == expected
    assert answers(bucket(images.parent, "memory://as/in/training"), data) == expected
    by_channel = Data(channels=DATA.channels, files="x/{channel}/{id}.png")
    for path in list(images.iterdir()):
        name, channel = path.stem.split("_")
        (images / channel).mkdir(exist_ok=True)
        path.rename(images / channel / f"{name}.png")
    assert answers(f"{site.address}/images", by_channel) == expected
    assert answers(bucket(images, "memory://by/channel"), by_channel) == expected


def test_another_size_than_listed_is_a_change(images: Path) -> None:
    """Where a bucket told the sizes; one that vanished gives no answer."""
    address = bucket(images, "memory://will/change")
    files = fsspec.filesystem("memory")
    with opened(address) as place:
        first, second, third = place.fields()
        assert first.sizes == tuple((images / file).stat().st_size for file in first.files)
        files.pipe_file(f"{address}/a_red.png", (images / "a_red.png").read_bytes() + b"x")
        files.rm_file(f"{address}/b_red.png")
        with pytest.raises(ImageError, match=r"must not change while it is predicted\. Received a_red\.png"):
            place.read(first)
        with pytest.raises(ImageError, match=r"Received nothing there, for b_red\.png"):
            place.read(second)
        assert place.read(third)[0].shape == (8, 8, 2)


def test_a_folder_that_does_not_answer(site: Site) -> None:
    """One line, after three tries where it may yet answer; no password in it."""
    for told, words in (
        ([404], "“404 "),
        ([500] * 3, "“500 Internal Server Error” after 3 tries"),
        (["hang"] * 3, "no answer"),
    ):
        site.told["/images"], site.asked[:] = told[:], []  # type: ignore[assignment]
        address = f"http://me:secret@{site.address.removeprefix('http://')}/images"
        with pytest.raises(AwayError, match=r"A folder of images must answer\. Received ") as fault:
            open_place(address, DATA, patience=HASTIER if "hang" in told else HASTY)
        assert words in str(fault.value) or "nothing there" in str(fault.value)
        assert f"for {site.address}/images." in str(fault.value)
        assert "secret" not in str(fault.value)
        assert len(site.asked) == len(told)
    assert "Received nothing there, for memory://nothing/here." in refusal("memory://nothing/here")


def test_secrets_are_in_neither_name_nor_list(images: Path, site: Site) -> None:
    """They are used, and kept nowhere."""
    with opened(f"http://me:secret@{site.address.removeprefix('http://')}/images") as place:
        assert place.name == f"{site.address}/images"
        stored = list(place.fields())
        assert "secret" not in str(stored)
        place.read(stored[0])
    assert {headers["Authorization"] for headers in site.headers} == {"Basic bWU6c2VjcmV0"}
    told = refusal(f"{site.address}/images?token=secret")
    assert told.startswith("The address of a folder must have nothing after a question mark. Received http://127.0.0.1")
    assert "secret" not in told


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    """Each the field that it asked for."""
    images = draw(tmp_path / "many", [f"{number:03d}" for number in range(40)])
    expected = {name: answer[1] for name, answer in answers(images).items()}
    site = Site(images)
    with opened(site.address) as place, ThreadPoolExecutor(8) as threads:
        fields = list(place.fields())
        for stored, (_, digest) in zip(fields, threads.map(place.read, fields), strict=True):
            assert digest.hex() == expected[stored.id]
    site.close()
