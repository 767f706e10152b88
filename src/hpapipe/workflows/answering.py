"""A Version, and what runs its networks."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpapipe.config import Recipe
from hpapipe.errors import UserError, nearest
from hpapipe.runtimes import KERAS, RUNTIMES
from hpapipe.tasks.tasks import TASKS
from hpapipe.tracking import registry
from hpapipe.workflows.exported import exports, machine, read_about, read_parity

AUTO = "auto"


@dataclass(frozen=True)
class Answering:
    """What answers.

    Args:
        version: a `Classifier` or a `Segmenter`.
        metadata: of the Version: its `recipe`, and the `run` that made it.
        number: of the Version.
        runtime: name among `RUNTIMES`.
    """

    version: Any
    metadata: dict[str, Any]
    number: str
    runtime: str


def load(recipe: Recipe, which: str, runtime: str = AUTO) -> Answering:
    """A Version, ready to answer.

    Args:
        recipe: names the registered model, and the workspace with what was exported.
        which: alias or number.
        runtime: name among `RUNTIMES`; or `auto`: the fastest for which the Version was exported on this very machine
            with not one label or pixel decided otherwise, and Keras where none was faster.

    Raises:
        UserError: no such Version, no such runtime, or one that it was not exported for.
    """
    if runtime not in (AUTO, *RUNTIMES):
        raise UserError("A runtime must be known.", f"`{runtime}`", nearest(runtime, (AUTO, *RUNTIMES)))
    number, run = registry.numbered(recipe.register_as, which)
    place = exports(recipe, number)
    chosen = fastest(place, run) if runtime == AUTO else runtime
    if chosen == KERAS:
        model, metadata, number = registry.load(recipe.register_as, number)
        return Answering(model.unwrap_python_model().version, metadata, number, KERAS)
    about = read_about(place / chosen, run)
    if about is None:
        received = f"no {chosen} form of version {number} of {recipe.register_as} in {place}"
        raise UserError("A Version must be exported for its runtime.", received, f"Run `hpapipe export --to {chosen}`.")
    task = importlib.import_module(TASKS[about["recipe"]["task"]].MODULE)
    metadata = {name: about[name] for name in ("recipe", "run")}
    return Answering(task.read_version(place / chosen), metadata, number, chosen)


def fastest(place: Path, run: str) -> str:
    """The runtime that answers a Version fastest and exactly here.

    Args:
        place: of the Version's forms.
        run: that made it.
    """
    found = {KERAS: 1.0}
    for name, runtime in RUNTIMES.items():
        if runtime.rounds or read_about(place / name, run) is None:
            continue
        parity = read_parity(place / name)
        if parity.is_exact and parity.machine == _here(name):
            found[name] = parity.times_keras
    return max(found, key=lambda name: found[name])


def _here(name: str) -> dict[str, str]:
    """This machine; nothing where the runtime is not installed any more."""
    try:
        return machine(name)
    except ImportError:  # PackageNotFoundError is one
        return {}
