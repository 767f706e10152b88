"""A Version's networks written for other runtimes, each held against Keras on real images before it is kept."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError, nearest
from hpapipe.progress import say
from hpapipe.runtimes import KERAS, RUNTIMES
from hpapipe.runtimes.rates import seconds, times_as_fast
from hpapipe.tasks.judging import judge_of
from hpapipe.tasks.tasks import task_of
from hpapipe.tracking import registry
from hpapipe.workflows.answering import fastest
from hpapipe.workflows.export_page import page
from hpapipe.workflows.exported import Parity, exports, machine, write_about
from hpapipe.workflows.parity import WAYS, Tally, compare, evenly, told
from hpapipe.workflows.unseen import HeldOut, as_trained, held_out

ALL = "all"
FORMS = tuple(name for name in RUNTIMES if name != KERAS)
INT8 = "litert-int8"

CHECKED = 512
"""Images that forms are asked about. One with rounded weights is asked about all: its score is what counts."""
SHOWN = 128
"""Images of training that ranges of whole numbers are measured on."""
TIMED, ROUNDS = 16, 7
"""Images at a time when speed is measured, and how often."""


@dataclass(frozen=True)
class Form:
    """What became of one runtime.

    Args:
        runtime: its name.
        folder: where it was written; none where it was not kept.
        fault: why it was not kept.
        parity: what was found; none where it could not be asked.
    """

    runtime: str
    folder: Path | None
    fault: str
    parity: Parity | None


@dataclass(frozen=True)
class Exported:
    """What came out.

    Args:
        version: its number.
        forms: one a runtime.
        measure: in words.
        things: that were asked about.
        fastest: runtime that answers from now on where none is named; empty where the forms lie elsewhere.
    """

    version: str
    forms: tuple[Form, ...]
    measure: str
    things: str
    fastest: str

    def table(self) -> pd.DataFrame:
        """A row for each form that answered."""
        rows = [
            {
                "runtime": form.runtime,
                "kept": "yes" if form.folder else "no",
                self.things: form.parity.images,
                "largest difference": f"{form.parity.largest_difference:.1e}",
                "decided otherwise": f"{form.parity.decided_otherwise:,} of {form.parity.decided:,}",
                f"{self.measure} of Keras": form.parity.keras_score,
                self.measure: form.parity.score,
                "images a second": f"{form.parity.images_a_second:.0f}",
                "× Keras": f"{form.parity.times_keras:.2f}",
            }
            for form in self.forms
            if form.parity
        ]
        return pd.DataFrame(rows)


def export(recipe: Recipe, which: str, to: Sequence[str], int8: bool, out: Path | None = None) -> Exported:
    """Write a Version's networks for other runtimes; a form that answers unlike Keras, or not at all, is not kept.

    Args:
        recipe: names the registered model, and the set whose images are asked about.
        which: alias or number.
        to: runtimes, or `all`: each that keeps all bits of the weights.
        int8: also the form whose weights are rounded to 8 bits.
        out: folder for the forms; none: the one in the workspace, where `load` finds them.

    Raises:
        UserError: no such Version or runtime, a faulty set, or no form could be written for want of a library.
    """
    wanted = _wanted(to, int8)
    model, metadata, number = registry.load(recipe.register_as, which)
    version = model.unwrap_python_model().version
    recipe = as_trained(recipe, metadata, number)
    held = held_out(recipe, metadata["run"])
    if held.folds is None and any(RUNTIMES[name].rounds for name in wanted):
        rule = "Weights must be rounded by the images that they were trained on."
        remedy = "Give the folder of training with --data.folder, or leave --int8 out."
        raise UserError(rule, f"another set in {held.prepared.images.folder}", remedy)
    place = out or exports(recipe, number)
    place.mkdir(parents=True, exist_ok=True)
    about = {"model": recipe.register_as, "version": number, **metadata}
    with ExitStack() as stack:
        parts = {
            name: Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place, prefix=f".{name}.", suffix=".part")))
            for name in wanted
        }
        forms, faults = _written(recipe, version, held, parts)
        found = _found(recipe, forms, held)
        kept = [_kept(name, parts[name], place / name, found.get(name), faults, about) for name in wanted]
    judge = judge_of(recipe)
    best = "" if out else fastest(place, metadata["run"])
    return Exported(number, tuple(kept), judge.words, judge.things, best)


def _wanted(to: Sequence[str], int8: bool) -> list[str]:
    for name in to:
        if name not in (ALL, *FORMS):
            raise UserError("A network must be exported to a known runtime.", f"`{name}`", nearest(name, (ALL, *FORMS)))
    exact = [name for name in FORMS if not RUNTIMES[name].rounds]
    chosen = set(exact if ALL in to else to) | ({INT8} if int8 else set())
    return [name for name in FORMS if name in chosen]


def _written(
    recipe: Recipe, version: Any, held: HeldOut, parts: Mapping[str, Path]
) -> tuple[dict[str, Any], dict[str, str]]:
    """(runtime -> Version opened from the files that were written, Keras first; runtime -> why there is none)."""
    task = task_of(recipe)
    rounds = any(RUNTIMES[name].rounds for name in parts)
    seen = [_seen(recipe, version, held, number, SHOWN if rounds else 1) for number in range(len(version.networks))]
    forms, faults, missing = {KERAS: version}, {}, []
    for name, folder in parts.items():
        say(f"Writing {name}: {len(version.networks)} network{'s' if len(version.networks) > 1 else ''}")
        try:
            task.write_version(folder / name, version.networks, version.spec, name, seen)
            forms[name] = task.read_version(folder / name)
        except UserError as error:
            faults[name] = str(error)
            missing.append(error)
        except Exception as error:  # whatever a converter may raise: the others go on
            faults[name] = told(error)
    if missing and len(missing) == len(parts):
        raise missing[0]
    return forms, faults


def _seen(recipe: Recipe, version: Any, held: HeldOut, number: int, count: int) -> np.ndarray:
    """Up to `count` images that a network was trained on, as it gets them."""
    member = version.spec.members[number]
    places = evenly(held.learned(member), count)
    batches = WAYS[recipe.task].batches(held.prepared.images, places, version)
    inputs = np.concatenate([task_of(recipe).seen_by(member, images) for images, _ in batches])
    return inputs[evenly(np.arange(len(inputs)), count)]


def _found(recipe: Recipe, forms: Mapping[str, Any], held: HeldOut) -> dict[str, Parity | str]:
    """Runtime -> what was found of it, or with what it stopped."""
    most = None if any(RUNTIMES[name].rounds for name in forms) else CHECKED
    tallies = compare(recipe.task, forms, held, most)
    whole = {name: form for name, form in forms.items() if not tallies[name].fault}
    taken = _taken(recipe, whole, held)
    keras, score = tallies[KERAS], WAYS[recipe.task].score
    found: dict[str, Parity | str] = {}
    for name in forms:
        tally: Tally = tallies[name]
        found[name] = tally.fault or Parity(
            runtime=name,
            images=len(tally.marks),
            largest_difference=tally.largest,
            decided=tally.decided,
            decided_otherwise=tally.otherwise,
            measure=judge_of(recipe).measure,
            keras_score=score(keras.marks),
            score=score(tally.marks),
            times_keras=times_as_fast(taken[name], taken[KERAS]),
            images_a_second=TIMED / float(np.median(taken[name])),
            batch=TIMED,
            machine=machine(name),
        )
    return found


def _taken(recipe: Recipe, forms: Mapping[str, Any], held: HeldOut) -> dict[str, np.ndarray]:
    """Runtime -> seconds that the networks of a Version take for `TIMED` images, in turns with the others."""
    keras = forms[KERAS]
    inputs = []
    for number in range(len(keras.networks)):
        seen = _seen(recipe, keras, held, number, TIMED)
        inputs.append(np.resize(seen, (TIMED, *seen.shape[1:])))

    def asking(form: Any) -> Any:
        pairs = list(zip(form.networks, inputs, strict=True))
        return lambda: [np.asarray(network.predict_on_batch(images)) for network, images in pairs]

    return seconds({name: asking(form) for name, form in forms.items()}, ROUNDS)


def _kept(
    name: str,
    part: Path,
    folder: Path,
    found: Parity | str | None,
    faults: Mapping[str, str],
    about: Mapping[str, Any],
) -> Form:
    """The form in its folder; what stood there before is gone, kept or not."""
    parity = found if isinstance(found, Parity) else None
    fault = parity.fault if parity else faults.get(name) or str(found)
    if folder.exists():
        shutil.rmtree(folder)
    if fault or parity is None:
        return Form(name, None, fault, parity)
    write_about(part / name, dict(about), parity)
    (part / name / "README.md").write_text(page(dict(about), parity, part / name))
    (part / name).replace(folder)
    return Form(name, folder, "", parity)
