"""The floors of the package hold: who may import whom, one owner for each heavy library, and a quick --help."""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "hpapipe"
FLOORS = {
    0: {
        *("config", "sections", "sections_of_movies", "sections_of_prediction", "sections_of_studies"),
        *("labels", "errors", "ordering", "progress", "quiet"),
    },
    1: {
        *("imageset", "movies", "simulate", "models", "scoring", "training", "tracking", "runtimes"),
        *("plots", "pages", "checks"),
    },
    2: {"tasks"},
    3: {"workflows"},
    4: {"cli"},
    5: {"__main__"},
}
FLOOR = {part: floor for floor, parts in FLOORS.items() for part in parts}
OWNERS = {
    "av": "movies/",
    "mlflow": "tracking/",
    "matplotlib": "plots/",
    "great_expectations": "checks.py",
    "jinja2": "pages/",
    "typer": "cli/",
    "optuna": "workflows/tune",
    "optuna_dashboard": "workflows/tune",
    "tensorflow": ("quiet.py", "runtimes/"),
    "onnxruntime": "runtimes/",
    "tf2onnx": "runtimes/",
    "openvino": "runtimes/",
    "ray": "workflows/cluster.py",
    "fsspec": "imageset/address.py",
    "aiohttp": "imageset/address.py",
}
HEAVY = ("tensorflow", "keras", "mlflow", "pandas", "great_expectations", "matplotlib")


class Import(NamedTuple):
    """One name that a module takes from another; `types_only` where it never runs."""

    file: str
    line: int
    module: str
    name: str
    types_only: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module} ({self.name})"


def checks_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def found(source: str, file: str = "some.py") -> Iterator[Import]:
    """Every import in `source`, inside functions too, and modules that are imported by their name in words."""
    tree = ast.parse(source)
    guarded = {inner for node in ast.walk(tree) if checks_types_only(node) for inner in ast.walk(node)}
    package = ["hpapipe", *Path(file).parent.parts]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, "", node in guarded)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                yield Import(file, node.lineno, module, alias.name, node in guarded)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).split(".")[-1]
            if called in ("import_module", "__import__", "import_quietly") and isinstance(node.args[0].value, str):
                yield Import(file, node.lineno, node.args[0].value, "", False)


def all_imports() -> list[Import]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [each for file in files for each in found(file.read_text("utf-8"), file.relative_to(PACKAGE).as_posix())]


IMPORTS = all_imports()


def part(path: str) -> str:
    """The part that a file, or a module inside the package, belongs to."""
    return re.split(r"[/.]", path.removeprefix("hpapipe."))[0]


def target(each: Import) -> str:
    """The part that is imported, or an empty text where it is none of ours."""
    if each.module == "hpapipe":
        return "" if each.name in ("", "__version__") else each.name
    return part(each.module) if each.module.startswith("hpapipe.") else ""


def wrong(source: str, file: str) -> bool:
    return any(breaks_floors(each) for each in found(source, file))


def breaks_floors(each: Import) -> bool:
    """Whether an import goes up, or from one part to another of the same floor."""
    own, other = part(each.file), target(each)
    if not other or other == own:
        return False
    return FLOOR[other] > FLOOR[own] or (FLOOR[other] == FLOOR[own] and FLOOR[own] > 0)


def test_every_part_has_its_floor() -> None:
    """A new part is given one before anything is built on it."""
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} <= set(FLOOR)


def test_imports_go_down_only() -> None:
    """From a floor to those below it; parts of floors 1 and up do not import one another."""
    assert [str(each) for each in IMPORTS if part(each.file) != "__init__" and breaks_floors(each)] == []


@pytest.mark.parametrize(
    ("source", "file", "breaks"),
    [
        ("from hpapipe.config import Data", "imageset/pack.py", False),
        ("from hpapipe import config", "imageset/feed.py", False),
        ("from hpapipe.imageset.decode import resize", "imageset/pack.py", False),
        ("from hpapipe.imageset import pack", "workflows/train.py", False),
        ("from hpapipe.scoring import metrics", "training/fit.py", True),
        ("import hpapipe.models.build", "training/fit.py", True),
        ("from hpapipe import checks", "tracking/runs.py", True),
        ("def late():\n    from hpapipe.workflows.train import train", "tasks/classification.py", True),
        ("from ..plots import style", "models/build.py", True),
        ("from .decode import resize", "imageset/pack.py", False),
        ("from hpapipe.imageset import pack", "config.py", True),
        ("if TYPE_CHECKING:\n    from hpapipe.cli.main import app", "workflows/train.py", True),
    ],
)
def test_the_rule_of_floors_is_judged_rightly(source: str, file: str, breaks: bool) -> None:
    """The judge above finds each kind of fault, and no other."""
    assert wrong(source, file) is breaks


def modules() -> dict[str, set[str]]:
    """Module -> the modules of this package that it imports when it is loaded or later."""
    names = {".".join(("hpapipe", *file.relative_to(PACKAGE).with_suffix("").parts)) for file in PACKAGE.rglob("*.py")}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for each in IMPORTS:
        own = ".".join(("hpapipe", *Path(each.file).with_suffix("").parts))
        options = (f"{each.module}.{each.name}", f"{each.module}.__init__", each.module)
        graph[own] |= {name for name in options if name in names and name != own and not each.types_only}
    return graph


def test_there_are_no_cycles() -> None:
    """Every module can be loaded before those that need it."""
    order = list(graphlib.TopologicalSorter(modules()).static_order())
    assert order.index("hpapipe.errors") < order.index("hpapipe.imageset.decode") < order.index("hpapipe.imageset.pack")


def test_nobody_inside_imports_the_package_root() -> None:
    """It holds the version's number and nothing else, so that every import names what it needs."""
    parts = set(FLOOR) | {"__version__"}
    assert [str(each) for each in IMPORTS if each.module == "hpapipe" and each.name not in parts] == []
    root = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    assert [ast.unparse(node).split(" = ")[0] for node in root.body[1:]] == ["__version__"]


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_each_heavy_library_has_one_owner(library: str) -> None:
    """All others reach it through its owner; names that only type checkers read do not count."""
    strangers = [
        str(each)
        for each in IMPORTS
        if each.module.split(".")[0] == library and not each.file.startswith(OWNERS[library]) and not each.types_only
    ]
    assert strangers == []


def test_owners_own_something() -> None:
    """The test above looks at libraries that are used: a renamed part would make it blind."""
    used = {each.module.split(".")[0] for each in IMPORTS}
    for library in ("mlflow", "matplotlib", "great_expectations", "typer"):
        assert library in used
        assert (PACKAGE / OWNERS[library]).exists()


def test_nobody_imports_everything() -> None:
    """A star hides where a name comes from."""
    assert [str(each) for each in IMPORTS if each.name == "*"] == []


@pytest.fixture(scope="module")
def loaded_by_help() -> tuple[str, set[str]]:
    """What `python -m hpapipe --help` says, and the modules that it loads."""
    command = [sys.executable, "-X", "importtime", "-m", "hpapipe", "--help"]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=True)
    return done.stdout, set(re.findall(r"^import time:.*\|\s+(\S+)$", done.stderr, re.MULTILINE))


def test_help_lists_the_commands(loaded_by_help: tuple[str, set[str]]) -> None:
    """It was the real thing that was measured."""
    text, loaded = loaded_by_help
    assert all(command in text for command in ("train", "predict", "promote"))
    assert {"hpapipe.cli.main", "hpapipe.cli.train", "typer"} <= loaded


@pytest.mark.parametrize("library", HEAVY)
def test_help_loads_no_heavy_library(library: str, loaded_by_help: tuple[str, set[str]]) -> None:
    """So that it answers at once."""
    assert importlib.util.find_spec(library) is not None
    assert [name for name in loaded_by_help[1] if name.split(".")[0] == library] == []
