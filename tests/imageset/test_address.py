"""Addresses on other machines: who is asked, how often, how long, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.imageset import address as module
from hpapipe.imageset.address import Patience, fetch, filesystem, local_path, protocol_of, without_secrets
from hpapipe.imageset.decode import ImageError
from kept_images import HASTIER, HASTY
from web_site import Site

CONTENT = bytes(range(250)) * 4


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A file of 1,000 bytes in the web."""
    (tmp_path / "a.png").write_bytes(CONTENT)
    served = Site(tmp_path)
    yield served
    served.close()


def fault(site: Site, most: int = 2_000, patience: Patience = HASTY) -> str:
    with pytest.raises(ImageError) as told:
        fetch(f"{site.address}/a.png", "a.png", most, patience)
    return str(told.value)


@pytest.mark.parametrize(
    "told", [[], ["slow"], [500, 502], [429], ["cut"], ["hang"], ["/a.png?moved"], ["cut", "hang"], [503, "slow"]]
)
def test_what_may_pass_is_asked_again(site: Site, told: list[object]) -> None:
    """Late answers, errors of the server, broken ones, none at all, and those that send elsewhere."""
    site.told["/a.png"] = told[:]
    patience = Patience(timeout=1, pause=0.01) if "hang" in told else HASTY
    assert fetch(f"{site.address}/a.png", "", 2_000, patience) == CONTENT
    assert len(site.asked) == 1 + len(told) - told.count("slow")


@pytest.mark.parametrize(
    ("told", "asked", "words"),
    [
        ([404], 1, "Received “404 Not Found”, for a.png. Mend the address"),
        ([403], 1, "Received “403 Forbidden”, for a.png."),
        ([500] * 9, 3, "Received “500 Internal Server Error” after 3 tries, for a.png."),
        ([500, 404], 2, "Received “404 Not Found”, for a.png."),
        (["hang"] * 9, 3, "Received no answer within 0.3 s after 3 tries, for a.png."),
        (["cut"] * 9, 3, "Received “the answer broke off” after 3 tries, for a.png."),
        (["file:///etc/passwd"], 1, "Received an address that leads to another protocol, for a.png."),
        (["ftp://127.0.0.1/a.png"], 1, "Received an address that leads to another protocol, for a.png."),
        (["http://[x"], 1, "Received an address that cannot be asked, for a.png."),
        (["/a.png"] * 99, 10, "Received an address that leads on and on, for a.png."),
        (["endless"], 1, "An image file must have at most 2,000 bytes"),
    ],
)
def test_what_does_not_pass_is_told(site: Site, told: list[object], asked: int, words: str) -> None:
    """Asked no more often than it can help."""
    site.told["/a.png"] = told[:]
    assert words in fault(site, patience=HASTIER if "hang" in told else HASTY)
    assert len(site.asked) == asked


def test_more_than_may_be_is_cut_off(site: Site) -> None:
    """One byte too many is one too many."""
    assert fetch(f"{site.address}/a.png", "", 1_000, HASTY) == CONTENT
    assert "An image file must have at most 999 bytes" in fault(site, 999)


def test_pauses_grow(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as long each, always the same, none after the last try."""
    paused: list[float] = []
    monkeypatch.setattr(module.time, "sleep", paused.append)
    site.told["/a.png"] = [500] * 9
    with pytest.raises(ImageError, match="after 4 tries"):
        fetch(f"{site.address}/a.png", "", 9, Patience(timeout=5, tries=4))
    assert paused == [0.5, 1, 2]


def test_nobody_listens() -> None:
    """A closed door, a name that nobody has, and what is no address."""
    for address, words in {
        "http://127.0.0.1:9/a.png": "Cannot connect to host 127.0.0.1:9",
        "http://nobody.invalid/a.png": "Cannot connect to host nobody.invalid:80",
        "http://[x/a.png": "Received an address that cannot be asked",
        "http:///a.png": "Received an address that cannot be asked",
    }.items():
        with pytest.raises(ImageError, match="Each address must answer") as told:
            fetch(address, "a.png", 9, HASTY)
        assert words in str(told.value)


def test_images_are_asked_for_as_they_are(site: Site) -> None:
    """Uncompressed, and with what a signed address says, letter by letter."""
    assert fetch(f"{site.address}/a.png?sig=a%2Fb+c%3D&x", "", 2_000, HASTY) == CONTENT
    assert site.asked == ["/a.png?sig=a%2Fb+c%3D&x"]
    assert site.headers[0]["Accept-Encoding"] == "identity"
    assert fetch(f"{site.address}/a.png?ü", "", 2_000, HASTY) == CONTENT
    assert site.asked[1] == "/a.png?%C3%BC"


def test_fsspecs_own_memory() -> None:
    """As buckets are: no more is asked for than may be."""
    fsspec.filesystem("memory").pipe_file("memory://here/a", CONTENT)
    assert fetch("memory://here/a", "", 1_000, HASTY) == CONTENT
    with pytest.raises(ImageError, match="at most 999 bytes"):
        fetch("memory://here/a", "", 999, HASTY)
    with pytest.raises(ImageError, match="Received nothing there, for b"):
        fetch("memory://here/b", "b", 999, HASTY)


@pytest.mark.parametrize(("protocol", "extra"), [("s3", "s3"), ("gs", "gs"), ("gcs", "gs")])
def test_a_library_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, protocol: str, extra: str) -> None:
    """One line with the command that brings it."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(UserError) as told:
        filesystem(f"{protocol}://bucket/folder", HASTY)
    assert f"Addresses with {protocol}:// need the library" in str(told.value)
    assert f'Run: pip install "hpapipe[{extra}]".' in str(told.value)


def test_other_protocols_are_refused() -> None:
    """Also those that fsspec would chain."""
    for address in ("ftp://x/y", "zip://a::http://b", "simplecache://x"):
        with pytest.raises(UserError, match="An address must begin with one of file://, http://"):
            filesystem(address, HASTY)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@host:8/a/b.png?token=secret#secret", "https://host:8/a/b.png?…"),
        ("s3://secret@bucket/a", "s3://bucket/a"),
        ("images/a b.png", "images/a b.png"),
        ("/images/a@b.png", "/images/a@b.png"),
        ("http://[secret", "http://…"),
    ],
)
def test_secrets_are_not_said(address: str, shown: str) -> None:
    """User, password, and all behind a question mark."""
    assert without_secrets(address) == shown


@given(word=st.from_regex(r"[a-z]{8}", fullmatch=True), host=st.from_regex(r"[a-z]{3}\.org(:80)?", fullmatch=True))
def test_no_secret_is_ever_said(word: str, host: str) -> None:
    """Wherever in an address it may stand."""
    for address in (f"https://{word}@{host}/a", f"https://u:{word}@{host}", f"http://{host}/a?b={word}"):
        assert word not in without_secrets(address)


def test_protocols_and_paths_of_windows() -> None:
    """A drive is no protocol."""
    texts = ("HTTP://x", "s3://x", "C:\\images", "C:/images", "images/a://b", "a.csv", "")
    assert [protocol_of(text) for text in texts] == ["http", "s3", "", "", "", "", ""]


def test_file_addresses_are_paths(tmp_path: Path) -> None:
    """Of this machine alone."""
    assert local_path((tmp_path / "a ü").as_uri()) == tmp_path / "a ü"
    assert local_path(f"file://localhost{tmp_path}") == tmp_path
    with pytest.raises(UserError, match=r"must be of this machine\. Received elsewhere in"):
        local_path("file://elsewhere/a")


def test_nothing_is_said_when_python_ends(site: Site) -> None:
    """Open connections are closed without a word."""
    code = f"""
from hpapipe.imageset.address import Patience, fetch
print(len(fetch("{site.address}/a.png", "", 2000, Patience())))
"""
    told = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, timeout=60)
    assert (told.stdout, told.stderr) == ("1000\n", "")
