"""Networks that were exported: where they lie, and what was found when they were held against Keras."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from hpapipe.config import Recipe
from hpapipe.runtimes import RUNTIMES
from hpapipe.runtimes.runtime import cores

ABOUT, PARITY = "version.json", "parity.json"

BOUND = 1e-4
"""Largest difference of a probability, for a form that keeps all 32 bits of its weights.

Sums of 32-bit numbers in another order differ by up to 1e-6 here. Arithmetic of 16 bits, which some runtimes take for
speed, differs by 3e-4 to 3e-3. The bound lies between, and below the last digit of a probability that anyone reads.
"""

LOSS = 0.01
"""Largest loss of macro F1, or of mean IoU, for a form whose weights are rounded to 8 bits."""


@dataclass(frozen=True)
class Parity:
    """A Version's form for a runtime, held against the Version as Keras runs it, on the same images in one process.

    Args:
        runtime: whose form it is.
        images: that both were asked about; no network was trained on what it was asked.
        largest_difference: of a probability.
        decided: labels named or left out, or pixels put in or out of the cell.
        decided_otherwise: of these.
        measure: `macro_f1` or `mean_iou`.
        keras_score: that Keras reaches on these images, by the Version's own thresholds or cut.
        score: that this form reaches.
        times_keras: images a second over those of Keras, the networks alone, in turns with it.
        images_a_second: of this form.
        batch: images at a time, when that was measured.
        machine: where that was.
    """

    runtime: str
    images: int
    largest_difference: float
    decided: int
    decided_otherwise: int
    measure: str
    keras_score: float
    score: float
    times_keras: float
    images_a_second: float
    batch: int
    machine: dict[str, str]

    @property
    def loss(self) -> float:
        """Of the score, against Keras."""
        return self.keras_score - self.score

    @property
    def fault(self) -> str:
        """Why this form must not be kept; empty where it may."""
        if RUNTIMES[self.runtime].rounds:
            return (
                "" if self.loss <= LOSS else f"it loses {self.loss:.3f} of {self.measure}, at most {LOSS:g} may be lost"
            )
        if self.largest_difference <= BOUND:  # false for what is not a number, too
            return ""
        return f"a probability differs by {self.largest_difference:.1e}, at most {BOUND:g} is allowed"

    @property
    def is_exact(self) -> bool:
        """Whether it may answer in the place of Keras without being asked for."""
        return not (RUNTIMES[self.runtime].rounds or self.fault or self.decided_otherwise)


def machine(runtime: str) -> dict[str, str]:
    """What a form's answers and its speed hold for: processor, threads, and the versions of its libraries."""
    packages = {name: installed(name) for name in RUNTIMES[runtime].packages}
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": str(cores()),
        **packages,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def exports(recipe: Recipe, number: str) -> Path:
    """The folder of a Version's forms, one a runtime."""
    return Path(recipe.workspace) / "exports" / recipe.register_as / number


def write_about(folder: Path, about: dict[str, Any], parity: Parity) -> None:
    """Write beside networks which Version they are, and what was found of them."""
    (folder / ABOUT).write_text(json.dumps(about, indent=2))
    told = {**asdict(parity), "loss": parity.loss, "is_exact": parity.is_exact}
    (folder / PARITY).write_text(json.dumps(told, indent=2))


def read_about(folder: Path, run: str) -> dict[str, Any] | None:
    """Which Version an exported folder holds; none where there is no such folder, or it is of another run.

    Args:
        folder: of one runtime.
        run: id of the run that made the Version: another store can have a Version of the same name and number.
    """
    try:
        about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
    except FileNotFoundError:
        return None
    return about if about["run"] == run else None


def read_parity(folder: Path) -> Parity:
    """What was found of an exported folder."""
    told = json.loads((folder / PARITY).read_text())
    return Parity(**{name: told[name] for name in Parity.__dataclass_fields__})
