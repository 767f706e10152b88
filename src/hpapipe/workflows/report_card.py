"""The chapters of a report about what a Version is good for, and the recipe that it comes from."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import pandas as pd
import yaml

from hpapipe import config
from hpapipe.pages.blocks import Block, Chapter, Code, Facts, Folded, Grid, Points, Words
from hpapipe.tracking import registry
from hpapipe.tracking.store import without_password
from hpapipe.workflows.kept import EVALUATE
from hpapipe.workflows.report_data import bits, licence
from hpapipe.workflows.report_run import Held

FEW = 20
"""Positives below which a label's scores and threshold say little."""


def recipe(held: Held) -> Chapter:
    """The whole recipe, and what of it is no default."""
    own, usual = held.recipe, config.parse({"task": held.recipe.task})
    flat, defaults = (config.flatten(each) for each in (own, usual))
    differing = [
        (name, portable(value), defaults.get(name)) for name, value in flat.items() if value != defaults.get(name)
    ]
    table = pd.DataFrame(differing, columns=["option", "here", "default"], dtype=object).map(_told)
    text = yaml.safe_dump(portable(own.model_dump(mode="json")), sort_keys=False, allow_unicode=True)
    folded = Folded(f"The whole recipe, {len(flat)} options", (Code(text),))
    return Chapter("Recipe", (Grid("Options that differ from the defaults", table), folded))


def portable(value: Any) -> Any:
    """A recipe's values as they may be handed on: of absolute paths the last part alone, and no passwords."""
    if isinstance(value, dict):
        return {name: portable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [portable(each) for each in value]
    if not isinstance(value, str):
        return value
    if "://" in value:
        return without_password(value)
    for path in (PurePosixPath(value), PureWindowsPath(value)):
        if path.is_absolute() or value.startswith("~"):
            return f"…/{path.name}"
    return value


def card(held: Held) -> Chapter:
    """What its Version is for, where it ends, and how it is loaded."""
    if held.score is None:
        return Chapter("Model card", ())
    facts = Facts(
        (
            ("Intended use", _use(held)),
            ("Input", _input(held)),
            ("Answer", _answer(held)),
            ("Scored on" if held.kind == EVALUATE else "Trained on", _set(held)),
            ("Licence of data", licence(held)),
            ("Judged by", f"{held.judge.words}, with a 95 % interval of {held.recipe.score.bootstrap:,} resamples"),
        )
    )
    blocks: list[Block] = [facts, Words("Limits:"), Points(tuple(_limits(held)))]
    if held.recipe.data.folder is not None:
        blocks.append(Words(_CAVEAT))
    return Chapter("Model card", (*blocks, *_loading(held)))


_CAVEAT = (
    "For research. It was scored on held-out images of one set, and never in a clinic: it is not for diagnosis, nor "
    "for decisions about patients or embryos."
)


def _use(held: Held) -> str:
    if held.recipe.task == "segmentation":
        return "To outline the cell or embryo in microscope images of one kind, and to measure its area."
    labels = held.recipe.data.label_set
    which = "which one" if labels.one_label else "which"
    return f"To say {which} of {len(labels)} labels {'shows' if labels.one_label else 'show'} in a microscope field."


def _input(held: Held) -> str:
    height, width = held.recipe.data.size
    depth = f"{bits(held)}-bit integers" if bits(held) else "integers"
    if held.recipe.task == "segmentation":
        return f"Grey images of {depth}, of any size; seen at {width}×{height} px."
    channels = ", ".join(held.recipe.data.channels)
    return f"Fields of {depth} with the channels {channels}, in this order, of any size; seen at {width}×{height} px."


def _answer(held: Held) -> str:
    if held.recipe.task == "segmentation":
        return "A mask at the image's own size, and its area in px."
    return "A probability for each label, and the labels that are named by its threshold."


def _set(held: Held) -> str:
    rows = f"{held.about.rows:,} {held.judge.things}" if held.about.rows else ""
    drawn = "simulated" if held.recipe.data.folder is None else ""
    return ", ".join(filter(None, (held.about.data, rows, drawn, held.tags.get("hpapipe.data", ""))))


def _limits(held: Held) -> list[str]:
    """What follows from how it was trained and scored."""
    recipe, things, scored = held.recipe, held.judge.things, held.scored
    found = []
    if recipe.data.folder is None:
        found.append("It has seen simulated images alone; nothing is known of how it does on real ones.")
    if len(recipe.split.runs) < recipe.split.folds and held.networks:
        folds = ", ".join(map(str, recipe.split.runs))
        found.append(
            f"Scored on fold {folds} of {recipe.split.folds} alone, {scored:,} {things}. The interval says what other "
            f"{things} of this kind would give, not another split, microscope or laboratory."
        )
    table = held.table("per_label")
    few = table[table["positives"] < FEW]["name"].tolist() if len(table) else []
    if few:
        found.append(
            f"{len(few)} of {len(table)} labels have fewer than {FEW} scored fields, so their scores and thresholds "
            f"say little: {', '.join(few)}."
        )
    if recipe.task == "classification":
        if recipe.data.group_column is None:
            found.append(
                "The label table names no specimen, plate or antibody: fields of one may stand on both sides of the "
                "split, which flatters. Near-duplicates do not."
            )
        if recipe.thresholds.always_name_one and len(recipe.data.label_set) > 1:
            found.append("It names at least one label for every field, also for one that shows none of them.")
        return [*found, "Labels that it was not trained on are never named."]
    return [*found, "It answers one mask an image: cells that touch are not told apart."]


def _loading(held: Held) -> list[Block]:
    """How the Version is used."""
    name, number = held.recipe.register_as, held.version
    if not number:
        if not registry.is_logged(held.run):
            return []
        return [Words("Its Version is registered when it is asked for:"), Code(f"hpapipe promote {held.run.id}")]
    height, width = held.recipe.data.size
    channels = held.recipe.data.channels
    if held.recipe.task == "segmentation":
        use, shape, note = "movie measure MOVIE", f"1, {height}, {width}", "images, height, width"
    else:
        use, shape = "predict FOLDER", f"1, {height}, {width}, {len(channels)}"
        note = ", ".join(" ".join(each.split()) for each in channels)
    kind = f"np.uint{bits(held) or 8}"
    python = (
        "import mlflow, numpy as np\n\n"
        f'model = mlflow.pyfunc.load_model("models:/{name}/{number}")\n'
        f"model.predict(np.zeros(({shape}), {kind}))  # {note}"
    )
    return [Words("How to load it:"), Code(f"hpapipe {use} --register_as {name} --which {number}"), Code(python)]


def _told(value: object) -> str:
    return "" if value is None else str(value)
