"""MLproject, conda.yaml and requirements.lock: what MLflow runs, and in which environment."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from mlflow.projects.utils import load_project

from hpapipe import config
from hpapipe.cli.main import app
from hpapipe.cli.options import take_overrides

ROOT = Path(__file__).parents[1]
PROJECT = load_project(str(ROOT))
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PIN = re.compile(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*")


def pins(lines: list[str]) -> dict[str, str]:
    """Name -> version; every line must be `name==version` and nothing else."""
    wrong = [line for line in lines if not PIN.fullmatch(line)]
    assert not wrong, wrong
    return dict(line.split("==") for line in lines)


@pytest.fixture(scope="module")
def lock() -> dict[str, str]:
    return pins((ROOT / "requirements.lock").read_text().split("\n")[:-1])


@pytest.fixture(scope="module")
def conda() -> dict[str, str]:
    tree = yaml.safe_load((ROOT / "conda.yaml").read_text())
    assert tree["channels"] == ["conda-forge"]
    assert [entry for entry in tree["dependencies"] if isinstance(entry, str)] == ["python=3.11", "pip"]
    return pins(tree["dependencies"][-1]["pip"])


def test_every_verb_of_the_main_job_is_an_entry_point() -> None:
    """And `main`, for `mlflow run .` without a word."""
    assert {"main", "train", "evaluate", "promote", "predict", "check"} <= set(PROJECT._entry_points)


@pytest.mark.parametrize("name", sorted(PROJECT._entry_points))
def test_an_entry_point_calls_its_command(name: str) -> None:
    """Its defaults fill the command, and the command understands every word."""
    point = PROJECT.get_entry_point(name)
    given = {key: "x" for key, parameter in point.parameters.items() if parameter.default is None}
    line = point.compute_command(given, None)
    before, _, after = line.partition(" -m hpapipe ")
    assert before == "PYTHONPATH=src python"
    verb, *words = shlex.split(after)
    commands = COMMANDS
    if verb == "movie":
        commands, (verb, *words) = COMMANDS["movie"].commands, words  # type: ignore[attr-defined]
    assert verb == {"main": "train", "resume": "train"}.get(name, name)
    commands[verb].make_context(verb, words)
    assert "{" not in line


@pytest.mark.parametrize("name", sorted(PROJECT._entry_points))
def test_the_defaults_of_an_entry_point_can_be_used(name: str) -> None:
    """A recipe that is there and is accepted; all declared parameters are used in the command."""
    point = PROJECT.get_entry_point(name)
    for key, parameter in point.parameters.items():
        assert f"{{{key}}}" in point.command
        if key == "config":
            assert config.load(ROOT / parameter.default)


def test_options_that_are_not_declared_reach_the_recipe() -> None:
    """`-P fit.epochs=3` arrives as `--fit.epochs 3`."""
    line = PROJECT.get_entry_point("train").compute_command({"fit.epochs": "3"}, None)
    _, found = take_overrides(shlex.split(line))
    assert config.load(None, found).fit.epochs == 3


def test_nothing_here_stands_beside_the_file_mlproject() -> None:
    """MLflow opens the first entry of that name in any case of letters: a folder would be taken for the file."""
    assert [path.name for path in ROOT.iterdir() if path.name.lower() == "mlproject"] == ["MLproject"]


def test_the_environment_names_no_address_and_no_path() -> None:
    """Environments are kept by the content of conda.yaml: a file it names could change unnoticed."""
    for name in ("MLproject", "conda.yaml", "requirements.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "-e ." not in text
        assert "index-url" not in text
        assert " @ " not in text


def test_conda_pins_are_those_of_the_lock(conda: dict[str, str], lock: dict[str, str]) -> None:
    """What runs under MLflow is what is tested here."""
    assert {name: lock.get(name) for name in conda} == conda


def test_what_the_package_needs_is_pinned_and_tools_are_not(conda: dict[str, str]) -> None:
    """The environment of a run holds all dependencies at versions that they allow, and no test tools."""
    from packaging.requirements import Requirement

    tree = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for line in tree["project"]["dependencies"]:
        needed = Requirement(line)
        assert needed.specifier.contains(conda[needed.name]), line
    tools = {Requirement(line).name for line in tree["dependency-groups"]["dev"]}
    assert not tools & set(conda)


def test_installed_versions_are_the_pinned_ones(lock: dict[str, str]) -> None:
    """The tests ran with what is pinned."""
    from importlib.metadata import version

    for name in ("mlflow", "keras", "tensorflow", "great-expectations", "pandas"):
        assert version(name) == lock[name]
