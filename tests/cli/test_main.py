"""The command line as a whole: help, version, exit codes, and a quiet terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpapipe import __version__, config
from hpapipe.cli import main

SOURCE = str(Path(__file__).parents[2] / "src")
VERBS = (
    "train",
    "series",
    "evaluate",
    "ensemble",
    "compare",
    "promote",
    "rollback",
    "history",
    "predict",
    "check",
    "speed",
    "tune",
    "dashboard",
    "simulate",
    "recipe",
)

# All verbs in one process, as `python -m hpapipe` runs each.
VERBS_IN_TURN = """
import sys
from hpapipe.cli.main import run
config, folder = sys.argv[1:]
same = ["--config", config]
for words in (["check"], ["train"], ["promote"], ["predict", folder], ["evaluate"], ["history"], ["rollback"]):
    assert run([*words, *same]) == 0, words
"""


def child(*words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": SOURCE}
    for name in ("TF_CPP_MIN_LOG_LEVEL", "GX_ANALYTICS_ENABLED", "MLFLOW_DISABLE_TELEMETRY"):
        environment.pop(name, None)
    return subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, timeout=300)


def test_help_lists_every_verb(hpapipe: Any) -> None:
    """Without a word, and with --help."""
    for words in ((), ("--help",)):
        ended = hpapipe(*words)
        told = ended.out + ended.err
        assert [verb for verb in VERBS if verb in told] == list(VERBS)
    assert hpapipe("--help").code == 0


def test_help_loads_no_heavy_library() -> None:
    """So that it answers at once."""
    code = (
        "import sys; from hpapipe.cli.main import run; run(['--help']); run(['train', '--help']); "
        "print(sorted({'keras', 'tensorflow', 'mlflow', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )  # fmt: skip
    assert child("-c", code).stdout.splitlines()[-1] == "[]"


def test_version(hpapipe: Any) -> None:
    """The package's."""
    ended = hpapipe("--version")
    assert (ended.code, ended.out) == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    "words", [("trian",), ("train", "--confg", "x"), ("predict",), ("train", "--fit.epochs")], ids=" ".join
)
def test_words_that_are_not_understood(hpapipe: Any, words: tuple[str, ...]) -> None:
    """Exit code 2 and no traceback."""
    ended = hpapipe(*words)
    assert ended.code == 2
    assert ended.err
    assert "Traceback" not in ended.err


def test_the_recipe_lists_every_option(hpapipe: Any) -> None:
    """A line an option, with its value and meaning."""
    ended = hpapipe("recipe", "--fit.epochs", "7")
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert "--fit.epochs 7" in lines
    assert [line.split()[0] for line in lines[::2]] == [f"--{name}" for name, *_ in config.options()]


def test_a_shown_recipe_is_a_recipe(hpapipe: Any) -> None:
    """What --show prints can be kept as a file and gives the same recipe."""
    shown = hpapipe("recipe", "--show", "--fit.epochs", "7", "--data.channels", "red,blue").out
    assert config.parse(yaml.safe_load(shown)) == config.load(None, {"fit.epochs": "7", "data.channels": "red,blue"})


def test_simulate_draws_once(store: Path, hpapipe: Any) -> None:
    """The second call finds the cells."""
    words = ("simulate", "--simulate.fields", "2", "--simulate.size", "32")
    first, second = hpapipe(*words), hpapipe(*words)
    assert (first.code, second.code) == (0, 0)
    assert "Drawn into workspace/simulated/2-fields-32-px-seed-0" in first.out
    assert second.out.startswith("Already there: workspace/simulated/2-fields-32-px-seed-0")


def test_history_without_a_champion(store: Path, hpapipe: Any) -> None:
    """No error: there is nothing to list yet."""
    ended = hpapipe("history")
    assert (ended.code, ended.out) == (0, "No champion of hpa-cells yet. Next: hpapipe train, then hpapipe promote\n")


def test_ctrl_c_has_its_exit_code(hpapipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """130, as shells have it, and no traceback."""

    def stopped(*words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hpapipe.workflows.simulate.simulate", stopped)
    ended = hpapipe("simulate")
    assert ended.code == main.STOPPED == 130
    assert "Traceback" not in ended.err


def test_two_signals_in_a_row_are_one_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mlflow run` follows a Ctrl-C by a SIGTERM; one after the time of grace counts again."""
    now = [100.0]
    monkeypatch.setattr(main, "_stops", [-main.GRACE])
    monkeypatch.setattr("hpapipe.cli.main.time.monotonic", lambda: now[0])
    with pytest.raises(KeyboardInterrupt):
        main._stop(signal.SIGINT, None)
    now[0] += main.GRACE / 2
    main._stop(signal.SIGTERM, None)
    now[0] += main.GRACE
    with pytest.raises(KeyboardInterrupt):
        main._stop(signal.SIGINT, None)


@pytest.mark.whole
def test_the_terminal_is_quiet(store: Path, image_folder: Callable[..., Any], recipe_file: Callable[..., Path]) -> None:
    """Nothing on stderr from any verb, no notices of libraries on stdout."""
    images = image_folder(("0", "1", "2", "0 1") * 3).folder
    recipe = recipe_file(images, fit={"epochs": 1})
    told = child("-c", VERBS_IN_TURN, str(recipe), str(images / "train"))
    assert (told.returncode, told.stderr) == (0, "")
    for noise in (
        "tensorflow",
        "TensorFlow",
        "alembic",
        "INFO",
        "WARNING",
        "mlflow.",
        "Calculating Metrics",
        "ms/step",
    ):
        assert noise not in told.stdout
    assert [line for line in told.stdout.splitlines() if line.startswith("Next: ")] == [
        f"Next: hpapipe train --config {recipe}",
        f"Next: hpapipe promote {told.stdout.split('from run ')[1].split()[0]} --config {recipe}",
        f"Next: hpapipe predict FOLDER --config {recipe}, or hpapipe rollback --config {recipe} to undo this",
        f"Next: hpapipe drift predictions/train-small-1 --config {recipe}",
        "Next: mlflow ui",
        f"Next: hpapipe history --config {recipe}",
    ]


def test_the_package_is_the_command(store: Path) -> None:
    """`python -m hpapipe` tells an error in one line, with its exit code."""
    told = child("-m", "hpapipe", "train", "--fit.epoch", "3")
    assert (told.returncode, told.stdout, len(told.stderr.splitlines())) == (2, "", 1)
    assert "Did you mean `fit.epochs`?" in told.stderr
