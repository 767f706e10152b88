"""Pages of words, tables and pictures: what stands in them, and what never does."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hpapipe.pages import html
from hpapipe.pages.blocks import Chapter, Code, Facts, Folded, Grid, Page, Picture, Pictures, Points, Words
from html_pages import Reader

EVIL = """<script>alert("1")</script><img src=x onerror='alert(2)'>&amp;{{ 7*7 }}"""


def png(width: int = 3, height: int = 2) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format="PNG")
    return file.getvalue()


def page(*blocks: Any, **given: Any) -> str:
    """A page with one chapter of these blocks."""
    parts = {"title": "A run", "facts": Facts(()), "summary": "", "chapters": (Chapter("Data", blocks),), "footer": ""}
    return html.render(Page(**(parts | given)))


def test_the_page_is_one_whole_document() -> None:
    """Every tag is closed, and nothing stands before its type but space."""
    text = page(Words("one"), Points(("two",)), Code("three"), Folded("four", (Words("five"),)))
    assert text.strip().startswith("<!doctype html>")
    read = Reader(text)
    assert read.open == []
    assert read.words["data"].split() == ["Data", "one", "two", "three", "four", "five"]
    assert [each["charset"] for each in read.found("meta") if "charset" in each] == ["utf-8"]


def test_chapters_are_listed_and_empty_ones_are_left_out() -> None:
    """The contents lead to each chapter that has something."""
    chapters = (Chapter("Data", (Words("x"),)), Chapter("Split", ()), Chapter("Best & worst", (Words("y"),)))
    read = Reader(page(chapters=chapters))
    assert [each["href"] for each in read.found("a")] == ["#data", "#best-worst"]
    assert [each["id"] for each in read.found("section")] == ["data", "best-worst"]


def test_facts_without_a_text_are_left_out() -> None:
    """A run without a Version has no line for it."""
    read = Reader(page(Facts((("Run", "abc"), ("Version", "")))))
    assert read.words["data"].split() == ["Data", "Run", "abc"]


def test_every_text_is_escaped() -> None:
    """Titles, facts, headings, cells, captions, alternative texts, code: none of them can hold a tag."""
    table = pd.DataFrame({EVIL: [EVIL]})
    picture = Picture(png(), EVIL, EVIL)
    blocks = (
        Words(EVIL),
        Points((EVIL,)),
        Facts(((EVIL, EVIL),)),
        Grid(EVIL, table),
        picture,
        Pictures((picture,)),
        Code(EVIL),
        Folded(EVIL, (Words(EVIL),)),
    )
    text = page(title=EVIL, facts=Facts(((EVIL, EVIL),)), summary=EVIL, footer=EVIL, chapters=(Chapter(EVIL, blocks),))
    read = Reader(text)
    assert (len(read.found("script")), len(read.found("img"))) == (1, 2)
    assert read.outside == []
    assert read.text.count(EVIL) == 20
    assert read.tables == {EVIL: [[EVIL], [EVIL]]}
    assert {each["alt"] for each in read.found("img")} == {EVIL}


def test_nothing_from_outside_and_no_script_but_its_own() -> None:
    """The page's policy lets through the style and the script that stand in it, by their hashes, and pictures."""
    read = Reader(page(Words("see https://example.org/x")))
    assert read.outside == []
    (policy,) = [each["content"] or "" for each in read.found("meta") if "http-equiv" in each]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    for name in ("script", "style"):
        (text,) = read.raw[name]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"


def test_a_picture_is_in_the_page() -> None:
    """Its bytes, its size, and its words for who cannot see it."""
    (image,) = Reader(page(Picture(png(5, 4), "below", "a small black field"))).found("img")
    head, _, data = str(image["src"]).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == png(5, 4)
    assert (image["width"], image["height"], image["alt"]) == ("5", "4", "a small black field")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234, "1,234"),
        (np.int64(7), "7"),
        (0.12349, "0.123"),
        (np.float32(0.5), "0.500"),
        (0.0, "0.000"),
        (-0.00012345, "-0.00012"),
        (1234.56, "1,234.6"),
        (float("nan"), ""),
        (None, ""),
        (True, "yes"),
        (np.bool_(False), "no"),
        ("a", "a"),
    ],
)
def test_cells(value: object, shown: str) -> None:
    """Three digits, thousands apart, nothing where a number is not known."""
    assert html.cell(value) == shown


def test_a_table_can_be_sorted_by_its_whole_numbers() -> None:
    """A cell keeps more digits than it shows; numbers stand at the right, sentences get room."""
    table = pd.DataFrame({"label": ["a", "b"], "F1": [0.12345678, float("nan")], "what": ["x" * 40, ""]})
    read = Reader(page(Grid("Labels", table)))
    assert read.tables["Labels"] == [["label", "F1", "what"], ["a", "0.123", "x" * 40], ["b", "", ""]]
    assert [each["class"] for each in read.found("th")] == ["", "number", "long"]
    assert [each["data-value"] for each in read.found("td") if "data-value" in each] == ["0.12345678", ""]


def test_an_interval_is_drawn() -> None:
    """From its low to its high end, a dot at the number; what lies beyond 0 to 1 is cut off."""
    table = pd.DataFrame({"F1": [0.5, 2.0], "from": [0.25, float("nan")], "to": [0.75, 1.0]})
    read = Reader(page(Grid("Labels", table, ("F1", "from", "to"))))
    reach = [(each["x1"], each["x2"]) for each in read.found("line") if each["class"] == "reach"]
    assert reach == [("25.0", "75.0"), ("0.0", "100.0")]
    assert [each["cx"] for each in read.found("circle")] == ["50.0", "100.0"]
    assert read.tables["Labels"][1] == ["0.500", "0.250", "0.750"]


def test_a_table_without_rows() -> None:
    """Its headings alone."""
    assert Reader(page(Grid("None", pd.DataFrame(columns=["a"])))).tables == {"None": [["a"]]}


def test_what_is_not_given_is_no_silent_hole() -> None:
    """A template that asks for what a page lacks fails."""
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        html._templates().from_string("{{ missing }}").render()


def test_the_page_s_own_files_hold_no_address() -> None:
    """Neither does the script make a request, nor the style."""
    folder = Path(html.__file__).parent / "template"
    for file in folder.iterdir():
        text = file.read_text()
        assert "http:" not in text
        assert "https:" not in text
        assert not any(
            word in text for word in ("fetch(", "XMLHttpRequest", "import(", "eval(", "@import", "innerHTML")
        )
