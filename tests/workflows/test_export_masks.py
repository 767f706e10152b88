"""A segmenter in other runtimes, and rounded to 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bright_discs import enter, train
from hpapipe import config
from hpapipe.tasks import segmenter
from hpapipe.workflows.answering import load
from hpapipe.workflows.exported import read_parity

for _package in ("onnxruntime", "openvino", "tf2onnx"):
    pytest.importorskip(_package, reason=f"{_package} is not installed: hpapipe[export] lacks")

FORMS = ("onnx", "openvino", "litert", "savedmodel")


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path, hpapipe: Callable[..., Any]
) -> tuple[Path, Any]:
    """(folder of the store, what the export said) of two networks trained for a moment on bright discs."""
    place = tmp_path_factory.mktemp("masks")
    train(place, empty_store, hpapipe)
    with pytest.MonkeyPatch.context() as patch:
        enter(patch, place)
        return place, hpapipe("export", "--config", "recipe.yaml", "--which", "1", "--to", "all", "--int8")


@pytest.fixture
def place(exported: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that store; the test runs there."""
    enter(monkeypatch, exported[0])
    return exported[0]


def test_every_form_is_held_against_keras_on_all_images(exported: tuple[Path, Any], place: Path) -> None:
    """Each image by the network that never saw it, pixel by pixel; the form of 8 bits by what it loses of the IoU."""
    ended = exported[1]
    assert ended.err == ""
    for name in FORMS:
        found = read_parity(place / "workspace/exports/small/1" / name)
        assert (found.images, found.decided) == (8, 8 * 24 * 32)
        assert found.measure == "mean_iou"
        assert found.largest_difference <= 1e-5
        assert found.score == pytest.approx(found.keras_score, abs=1e-3)
    rounded = place / "workspace/exports/small/1/litert-int8"
    assert (ended.code == 0) == rounded.exists()
    assert "mean IoU of Keras" in ended.out
    assert "litert-int8" in ended.out
    if rounded.exists():
        assert read_parity(rounded).loss <= 0.01
        assert not read_parity(rounded).is_exact


@pytest.mark.parametrize("name", FORMS)
def test_a_form_draws_the_masks_of_the_version(place: Path, name: str) -> None:
    """For images of another size, too, and without the store."""
    images = np.random.default_rng(0).integers(0, 255, (3, 40, 50), np.uint8)
    expected = load(config.load("recipe.yaml", {}), "1", "keras").version.answer(images)
    found = segmenter.read_version(place / "workspace/exports/small/1" / name).answer(images)
    np.testing.assert_allclose(found["area_px"], expected["area_px"], atol=1)


def test_the_page_tells_how_to_come_to_a_mask(place: Path) -> None:
    """And what the networks take."""
    text = (place / "workspace/exports/small/1/savedmodel/README.md").read_text()
    assert "`network-000.savedmodel`, `network-001.savedmodel`" in text
    assert "A pixel belongs to the cell from `cut` on." in text
