"""A network answers alike in every runtime, from the integers that images are stored in."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.models.build import Scaling, build
from hpapipe.models.segmenters import SEGMENTERS
from hpapipe.quiet import hushed
from hpapipe.runtimes import RUNTIMES
from hpapipe.runtimes.runtime import cores, library, whole

EXACT = [name for name, runtime in RUNTIMES.items() if not runtime.rounds]
BOUND = 1e-5


def needed(name: str) -> None:
    for package in RUNTIMES[name].packages:
        pytest.importorskip(package, reason=f"{package} is not installed: hpapipe[export] lacks")


def images(network: keras.Model, dtype: type, count: int = 5) -> np.ndarray:
    most = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, most, (count, *network.input_shape[1:]), dtype, endpoint=True)


def small(dtype: type, outputs: int = 3, one_label: bool = False, width: int = 4) -> keras.Model:
    """A small classifier for 32×32 pixels of 4 channels."""
    scaling = Scaling(np.full(4, 4 / np.iinfo(dtype).max), np.full(4, -1.0))
    return build("residual", {"width": width, "blocks": [1]}, (32, 32, 4), outputs, one_label, scaling)


def outliner() -> keras.Model:
    """A U-Net for images that are wider than high."""
    options = {"width": 4, "depth": 2, "normalization": "batch", "residual": True}
    scaling = Scaling(np.full(1, 1 / 64), np.full(1, -2.0))
    return build("unet", options, (16, 32, 1), 1, False, scaling, SEGMENTERS)


def by_batch() -> keras.Model:
    """A classifier that divides each batch by its maximum."""
    scaling = Scaling(np.ones(2), np.zeros(2), by_batch=True)
    return build("model15", {}, (32, 32, 2), 3, False, scaling)


NETWORKS: dict[str, tuple[Callable[[], keras.Model], type]] = {
    "8 bits": (lambda: small(np.uint8), np.uint8),
    "16 bits": (lambda: small(np.uint16), np.uint16),
    "two-way softmax": (lambda: small(np.uint8, outputs=2, one_label=True), np.uint8),
    "masks": (outliner, np.uint8),
    "by batch": (by_batch, np.uint8),
}


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("name", EXACT)
def test_a_file_answers_as_the_network_does(name: str, kind: str, tmp_path: Path) -> None:
    """For batches of any number of images; nothing lies beside its files."""
    needed(name)
    made, dtype = NETWORKS[kind]
    network, runtime = made(), RUNTIMES[name]
    seen = images(network, dtype)
    path = tmp_path / f"network{runtime.suffix}"
    runtime.write(network, seen, path)
    assert {file.stem for file in tmp_path.iterdir()} == {"network"}
    runner = runtime.open(path)
    for batch in (seen, seen[:1], seen[1:]):
        answers = np.asarray(runner.predict_on_batch(batch))
        assert answers.dtype == np.float32
        np.testing.assert_allclose(answers, network.predict_on_batch(batch), atol=BOUND, rtol=0)


@pytest.mark.usefixtures("seeded")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_rounded_to_8_bits(dtype: type, tmp_path: Path) -> None:
    """The answers come close, and the file is smaller."""
    network = small(dtype, width=64)
    seen = images(network, dtype, 16)
    sizes = {}
    for name in ("litert", "litert-int8"):
        path = tmp_path / f"{name}.tflite"
        RUNTIMES[name].write(network, seen, path)
        sizes[name] = path.stat().st_size
        answers = RUNTIMES[name].open(path).predict_on_batch(seen)
        difference = np.abs(answers - network.predict_on_batch(seen)).max()
        assert difference < (BOUND if name == "litert" else 0.05)
    assert difference > BOUND  # else nothing was rounded
    assert sizes["litert-int8"] < 0.5 * sizes["litert"]


QUIET = """
import sys
from pathlib import Path
from hpapipe.quiet import import_quietly, quiet
quiet()
import_quietly("keras")
import keras
import numpy as np
from hpapipe.models.build import Scaling, build
from hpapipe.runtimes import RUNTIMES
network = build("residual", {"width": 4, "blocks": [1]}, (32, 32, 4), 3, False, Scaling(np.ones(4), np.zeros(4)))
seen = np.zeros((3, 32, 32, 4), np.uint8)
for name in sys.argv[2:]:
    file = Path(sys.argv[1], name + RUNTIMES[name].suffix)
    RUNTIMES[name].write(network, seen, file)
    RUNTIMES[name].open(file).predict_on_batch(seen)
"""


def test_the_terminal_stays_quiet(tmp_path: Path) -> None:
    """Converters and interpreters write to stderr, some of them past Python, some but once in a process."""
    for name in EXACT:
        needed(name)
    command = [sys.executable, "-c", QUIET, str(tmp_path), *RUNTIMES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_openvino_tells_nobody_of_its_use() -> None:
    """In a fresh process: its telemetry is not loaded, where it is installed and where it is not."""
    needed("openvino")
    code = (
        "import sys; from hpapipe.runtimes.openvino_ir import _openvino; _openvino();"
        "from openvino.tools.ovc import telemetry_utils; print(telemetry_utils.tm.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "openvino.tools.ovc.telemetry_stub"


def test_a_runtime_that_is_not_installed_is_told_in_a_line() -> None:
    """With what to install."""
    with pytest.raises(UserError) as told:
        library("no_such_runtime")
    assert str(told.value).count("\n") == 0
    assert str(told.value).startswith("`no_such_runtime` must be installed for this runtime. Received ")
    assert str(told.value).endswith('Run pip install "hpapipe[export]".')


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    """Neither a part, nor another in the place of what was there."""
    (tmp_path / "network.onnx").write_text("before")
    with contextlib.suppress(KeyboardInterrupt), whole(tmp_path / "network.onnx") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["network.onnx"]
    assert (tmp_path / "network.onnx").read_text() == "before"


def test_a_whole_write_replaces_files_and_folders(tmp_path: Path) -> None:
    """And what is written beside the path comes along."""
    (tmp_path / "network.xml").mkdir()
    (tmp_path / "network.xml" / "old").touch()
    with whole(tmp_path / "network.xml") as part:
        part.write_text("graph")
        part.with_suffix(".bin").write_text("weights")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "network.xml": "graph",
        "network.bin": "weights",
    }


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("0", None), ("", None), ("many", None)])
def test_a_network_takes_the_threads_that_tensorflow_was_given(
    told: str, threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all that the process may use."""
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", told)
    assert cores() == threads if threads else cores() >= 1


def test_only_tensorflow_can_export(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another backend is told before anything is written."""
    network: Any = small(np.uint8)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="KERAS_BACKEND=jax"):
        RUNTIMES["savedmodel"].write(network, images(network, np.uint8), tmp_path / "network")
    assert list(tmp_path.iterdir()) == []


def test_words_past_python_are_hushed(capfd: pytest.CaptureFixture[str]) -> None:
    """And come through again afterwards, also where the block fails."""
    with contextlib.suppress(KeyboardInterrupt), hushed():
        sys.stderr.write("from Python")
        os.write(2, b"from elsewhere")
        raise KeyboardInterrupt
    sys.stderr.write("later")
    assert capfd.readouterr().err == "later"
