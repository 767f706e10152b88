"""The suite `pairs`: each expectation passes on a good set and is seen to fail on files that break it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import great_expectations as gx
import numpy as np
import pytest

from hpapipe import checks
from hpapipe.imageset.measure import data_fingerprint
from hpapipe.imageset.pair_measure import measure_pairs
from hpapipe.imageset.pairs import find_pairs
from pairs_on_disk import SHARED, coco, disc, labelme, save, shape, white_on_black, write_json, write_pairs

CELL = disc(6)


def judged(folder: Path, masks: str = "masks", **limits: Any) -> checks.Report:
    measurements = measure_pairs(find_pairs(folder, masks=masks))
    return checks.run("pairs", measurements, checks.pair_parameters(measurements, **limits))


def mask(pixels: np.ndarray) -> Callable[[Path], object]:
    """Puts another mask in the place of b's."""
    return lambda folder: save(folder / "masks" / "b.png", pixels)


def image(pixels: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: save(folder / "images" / "b.png", pixels)


def without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def truncated(name: str) -> Callable[[Path], object]:
    def cut(folder: Path) -> None:
        file = folder / name
        file.write_bytes(file.read_bytes()[:-30])

    return cut


def broken_json(folder: Path) -> None:
    (folder / "masks" / "b.png").unlink()
    (folder / "masks" / "b.json").write_text('{"shapes": [')


def same_pixels(folder: Path) -> None:
    (folder / "images" / "b.png").write_bytes((folder / "images" / "a.png").read_bytes())


THREE = np.zeros((20, 30), np.uint8)
THREE[4:14, 4:14], THREE[4:14, 16:26] = 1, 2
SHAPES: list[tuple[Callable[[Path], object], str, str, str]] = [
    (truncated("images/b.png"), "must be readable", "critical", "b (fault An image must be readable to its end."),
    (truncated("masks/b.png"), "must be readable", "critical", "b (fault An image must be readable to its end."),
    (broken_json, "must be readable", "critical", "b (fault A file of outlines must be readable JSON."),
    (without("masks/b.png"), "Every image must have a mask", "critical", "b (image_file images/b.png)"),
    (without("images/b.png"), "Every mask must have an image", "critical", "b (mask_file masks/b.png)"),
    (
        mask(white_on_black(disc(6, (40, 60), (20, 30)))),
        "must have one size",
        "critical",
        "b (width 30, height 20, mask_width 60, mask_height 40)",
    ),
    (mask(THREE), "must have two values", "critical", "b (mask_file masks/b.png, values 3)"),
    (mask(white_on_black(~CELL)), "must be drawn alike", "critical", "b (mask_file masks/b.png, area_share 0.8"),
    (mask(np.zeros((20, 30), np.uint8)), "must hold a cell", "critical", "b (mask_file masks/b.png)"),
    (mask(white_on_black(disc(1))), "must cover 0.02 to 0.95", "critical", "b (mask_file masks/b.png, area_share 0.00"),
    (mask(np.full((20, 30), 255, np.uint8)), "must cover 0.02 to 0.95", "critical", "b (mask_file masks/b.png, area"),
    (
        image(np.eye(20, 30, dtype=np.uint16)),
        "one bit depth, here 8 bits",
        "critical",
        "b (image_file images/b.png, bit",
    ),
    (same_pixels, "the very same pixels", "warning", "a (image_file images/a.png, copies 2), b (image_file"),
]


def test_a_good_set_passes_every_expectation(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    report = judged(write_pairs(tmp_path), min_area=0.02)
    assert (report.passed, report.lines(), report.checked, len(report.outcomes)) == (True, [], 4, 12)


@pytest.mark.parametrize(("break_it", "rule", "severity", "told"), SHAPES)
def test_an_expectation_is_seen_to_fail(
    tmp_path: Path, break_it: Callable[[Path], object], rule: str, severity: str, told: str
) -> None:
    """One fault breaks one rule, which names the pair with what was received, in one line."""
    break_it(write_pairs(tmp_path))
    report = judged(tmp_path, min_area=0.02)
    (line,) = report.lines()
    assert rule in line
    assert told in line
    assert "\n" not in line
    assert report.unusable == (("b",) if severity == "critical" else ())


def test_images_of_another_size_are_told(tmp_path: Path) -> None:
    """As long as their masks have it, too, they are no fault."""
    write_pairs(tmp_path)
    save(tmp_path / "images" / "b.png", np.eye(40, 60, dtype=np.uint8))
    save(tmp_path / "masks" / "b.png", white_on_black(disc(6, (40, 60), (20, 30))))
    report = judged(tmp_path)
    assert report.passed
    assert [failure.rule.split(",")[0] for failure in report.failures] == [
        "Images should be 30 pixels wide",
        "Images should be 20 pixels high",
    ]


def test_no_expectation_is_left_unbroken(tmp_path: Path) -> None:
    """The files above break each expectation but those of the test before."""
    rules = [outcome.rule for outcome in judged(write_pairs(tmp_path), min_area=0.02).outcomes]
    told = [rule for _, rule, *_ in SHAPES]
    left = [rule for rule in rules if not any(words in rule for words in told)]
    assert [rule.split(",")[0] for rule in left] == [
        "Images should be 30 pixels wide",
        "Images should be 20 pixels high",
    ]


def test_the_suite_opens_in_great_expectations() -> None:
    """The file is what Great Expectations itself writes, and each expectation says its rule, remedy and severity."""
    tree = json.loads((checks.suite_folder() / "pairs.json").read_text(encoding="utf-8"))
    assert gx.ExpectationSuite(**tree).to_json_dict() == tree
    for expectation in tree["expectations"]:
        assert set(expectation["meta"]) == {"says", "do", "show"}
        assert expectation["severity"] in ("critical", "warning")


def test_empty_masks_may_be_allowed(tmp_path: Path) -> None:
    """An empty pool has the area 0 and is no fault then; one that is too small still is."""
    write_pairs(tmp_path)
    mask(np.zeros((20, 30), np.uint8))(tmp_path)
    assert judged(tmp_path, allow_empty=True).lines() == []
    assert judged(tmp_path).unusable == ("b",)
    mask(white_on_black(disc(1)))(tmp_path)
    assert judged(tmp_path, min_area=0.02, allow_empty=True).unusable == ("b",)


def test_outlines_are_judged_too(tmp_path: Path) -> None:
    """An annotation of a larger image, one that is missing, one that is empty, and one that is right."""
    write_pairs(tmp_path)
    square = [[3, 2, 7, 2, 7, 5, 3, 5]]
    tree = coco(["a.png", "b.png", "c.png"], [(0, square), (1, square)])
    tree["images"][1] |= {"height": 40, "width": 60}
    write_json(tmp_path / "coco.json", tree)
    report = judged(tmp_path, "coco.json")
    assert sorted((failure.column, failure.ids) for failure in report.failures) == [
        ("empty", ("c",)),
        ("mask_file", ("d",)),
        ("same_size", ("b",)),
    ]


def test_a_row_by_hand(tmp_path: Path) -> None:
    """A LabelMe rectangle of 12 of 600 pixels, beside masks that are images."""
    write_pairs(tmp_path)
    (tmp_path / "masks" / "a.png").unlink()
    write_json(tmp_path / "masks" / "a.json", labelme(shape("rectangle", (3, 2), (7, 5))))
    row = measure_pairs(find_pairs(tmp_path)).iloc[0].drop(["pixels", "mask_pixels"]).to_dict()
    assert row == {
        "id": "a",
        "image_file": "images/a.png",
        "mask_file": "masks/a.json",
        "height": 20,
        "width": 30,
        "bits": 8,
        "mask_height": 20,
        "mask_width": 30,
        "values": 2,
        "area_share": 12 / 600,
        "inverted": False,
        "empty": False,
        "fault": "",
        "same_size": True,
        "copies": 1,
    }


def test_both_faults_of_a_pair_are_told(tmp_path: Path) -> None:
    """An image and a mask that are cut off."""
    write_pairs(tmp_path)
    truncated("images/b.png")(tmp_path)
    (tmp_path / "masks" / "b.png").write_bytes(b"")
    fault = measure_pairs(find_pairs(tmp_path)).set_index("id").loc["b", "fault"]
    assert "readable to its end" in fault
    assert "0 bytes in b.png" in fault


def test_measurements_make_the_sets_fingerprint(tmp_path: Path) -> None:
    """It changes with a pixel of an image and with one of a mask."""
    write_pairs(tmp_path)
    prints = set()
    for name in ("", "images/b.png", "masks/b.png"):
        if name:
            save(tmp_path / name, white_on_black(disc(3)))
        table = measure_pairs(find_pairs(tmp_path))
        prints.add(data_fingerprint(table, list(table["mask_pixels"])))
    assert len(prints) == 3


def test_a_set_without_a_readable_image_is_judged(tmp_path: Path) -> None:
    """No size is known, and only the files' faults are told."""
    write_pairs(tmp_path)
    for file in (tmp_path / "images").iterdir():
        file.write_bytes(b"x")
    assert [failure.column for failure in judged(tmp_path).failures] == ["fault"]


@pytest.mark.parametrize(
    ("name", "count", "least", "most"), [("embryo_dic", 15, 0.07, 0.12), ("nuclei", 334, 0.001, 0.4)]
)
def test_real_sets_pass(name: str, count: int, least: float, most: float) -> None:
    """Every pair of both sets, with areas in a plausible range."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"{name} is not beside the project")
    measurements = measure_pairs(find_pairs(SHARED / name))
    report = checks.run("pairs", measurements, checks.pair_parameters(measurements))
    assert (len(measurements), report.unusable) == (count, ())
    assert least < measurements["area_share"].min()
    assert measurements["area_share"].max() < most
