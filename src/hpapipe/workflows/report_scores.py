"""The chapters of a report about what the networks reach."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hpapipe.pages.blocks import Block, Chapter, Folded, Grid, Picture, Words
from hpapipe.workflows.kept import EVALUATE, FOLD
from hpapipe.workflows.report_run import Held

MEANT = {
    "classification": (
        ("macro_f1", "Macro F1", "mean of the labels' F1, rare labels counting as much as common ones"),
        ("micro_f1", "Micro F1", "F1 over all labels of all fields at once"),
        ("macro_precision", "Macro precision", "mean over the labels of the share of what was named that is true"),
        ("macro_recall", "Macro recall", "mean over the labels of the share of what is true that was named"),
        ("mean_average_precision", "Mean average precision", "from the highest score down; needs no threshold"),
        ("exact_match", "Exact match", "share of fields whose labels are all right"),
        ("named_share", "Labels named", "mean number a field"),
        ("true_share", "Labels true", "mean number a field"),
    ),
    "segmentation": (
        ("mean_iou", "Mean IoU", "common area as a share of what either covers; mean of the groups' means"),
        ("mean_dice", "Mean Dice", "twice the common area as a share of both areas"),
        ("mean_boundary_f1", "Mean boundary F1", "how much of both outlines lies within a few pixels of the other"),
        ("worst_iou", "Worst IoU", "of a single image"),
        ("worst_pool_iou", "Worst group's IoU", "mean of its images"),
        ("mean_area_error", "Area error, %", "mean without its sign"),
        ("area_bias", "Area bias, %", "mean with its sign; below 0 areas are too small"),
        ("missed", "Missed", "images whose cell was not found"),
        ("invented", "Invented", "images without a cell in which one was answered"),
        ("cut", "Cut", "probability from which on a pixel belongs to the cell"),
    ),
}
"""Task -> (number, its name, what it means) of the scores that are shown."""

COUNTS = ("missed", "invented")
"""Of these numbers, those that count."""

RIVALS = {
    "crossfit": "each label's best on the fields of other parts; every field is decided without itself",
    "maximum": "each label's best on the very fields that it is scored on, which flatters",
    "constant": "one for all labels",
    "ratio": "each label is named as often as it is true",
}
"""Way to set thresholds -> what it means."""

ENDED = {"FAILED": "it failed", "KILLED": "it was stopped", "RUNNING": "it has not ended"}
"""Status -> why there are no scores."""


def summary(held: Held) -> str:
    """What the run comes to, in words."""
    score, judge = held.score, held.judge
    if score is None:
        return _unscored(held)
    number = held.scored
    unseen = "that the Version never saw" if held.kind == EVALUATE else "that its networks never saw"
    reached = f"{judge.title} {score.value:.3f} (95 % interval {score.low:.3f} to {score.high:.3f})"
    return f"{reached} on {number:,} {judge.things} {unseen}. {_standing(held)}"


def _standing(held: Held) -> str:
    version = f"Version {held.version} of {held.recipe.register_as}"
    if not held.version:
        return "No Version of it is registered."
    if held.is_champion:
        return f"{version} is champion."
    return f"{version} is not champion; {f'version {held.champion} is' if held.champion else 'there is none yet'}."


def _unscored(held: Held) -> str:
    if held.kind == FOLD:
        return f"One network of run {held.tags.get('mlflow.parentRunId', '')}, whose report has the scores."
    epochs = sum(len(history) for history in held.histories.values())
    reason = ENDED.get(held.about.status, "it ended before they were measured")
    return f"This run has no scores: {reason}, after {epochs:,} epoch{'s' * (epochs != 1)} of training."


def scores(held: Held) -> Chapter:
    """All scores with what they mean, rivals, and what runs were joined."""
    if held.score is None:
        return Chapter("Scores", ())
    rows = []
    for name, title, meant in MEANT[held.recipe.task]:
        if f"score/{name}" in held.metrics:
            low, high = (held.metrics.get(f"score/{name}_{end}") for end in ("low", "high"))
            told = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
            value = held.metrics[f"score/{name}"]
            value = int(value) if name in COUNTS else value
            rows.append({"score": title, "value": value, "95 % interval": told, "what": meant})
    blocks: list[Block] = [Grid("Scores, and what they mean", pd.DataFrame(rows, dtype=object)), *_rivals(held)]
    for name, caption in (
        ("steps", "What was joined: each run as it was, each asked anew, and all together"),
        ("promotion", "Against the champion of then, on the same fields; the gain with its 95 % interval"),
    ):
        table = held.table(name)
        if len(table):
            blocks.append(Grid(caption, _worded(table)))
    return Chapter("Scores", tuple(blocks))


def _rivals(held: Held) -> Sequence[Grid]:
    """What other thresholds or cuts would have reached."""
    start = f"score/{held.judge.measure}_by/"
    found = {name.removeprefix(start): value for name, value in held.metrics.items() if name.startswith(start)}
    if not found:
        return ()
    title = held.judge.title
    if held.recipe.task == "segmentation":
        rows = [{"cut": f"{held.metrics['score/cut']:g}", title: held.metrics["score/mean_iou"], "deployed": "yes"}]
        rows += [{"cut": cut, title: value, "deployed": ""} for cut, value in found.items()]
        return (Grid("Rival cuts", pd.DataFrame(rows)),)
    deployed = held.recipe.thresholds.method
    rows = [
        {"thresholds": name, title: value, "deployed": "yes" if name == deployed else "", "what": RIVALS.get(name, "")}
        for name, value in sorted(found.items(), key=lambda pair: -pair[1])
    ]
    return (Grid("Rival ways to set thresholds", pd.DataFrame(rows)),)


def parts(held: Held) -> Chapter:
    """A row a label, or a group of images."""
    if held.recipe.task == "segmentation":
        return _groups(held)
    table = held.table("per_label")
    if table.empty:
        return Chapter("Labels", ())
    columns = {"name": "label", "positives": "fields", "named": "named", "threshold": "threshold"}
    columns |= {"precision": "precision", "recall": "recall", "average_precision": "average precision"}
    columns |= {"f1": "F1", "f1_low": "from", "f1_high": "to"}
    shown = table[[name for name in columns if name in table]].rename(columns=columns)
    interval = ("F1", "from", "to")
    caption = (
        "Each label: fields that have it, fields for which it was named, its scores, and the 95 % interval of its F1"
    )
    lowest = table.sort_values("f1").iloc[0]
    picture = held.picture(
        "f1_per_label",
        "F1 of each label with its 95 % interval, the most frequent label first.",
        f"Bars: F1 of {len(table)} labels, the lowest {lowest['f1']:.3f} for {lowest['name']}; as in the table.",
    )
    grid = Grid(caption, shown, interval if set(interval) <= set(shown) else None)
    return Chapter("Labels", (grid, *picture))


def _groups(held: Held) -> Chapter:
    table = held.table("figures/iou_per_group")
    if table.empty:
        return Chapter("Groups", ())
    picture = held.picture(
        "iou_per_group",
        "IoU of each group: its mean, and its worst and best image.",
        f"IoU of {len(table)} groups, from {table['iou'].min():.3f} to {table['iou'].max():.3f} in the mean.",
    )
    shown = table.rename(columns={"iou": "mean IoU", "worst": "worst image", "best": "best image"})
    interval = ("mean IoU", "worst image", "best image")
    grid = Grid(
        "Each group: its images, and their IoU; the line goes from its worst to its best image", shown, interval
    )
    return Chapter("Groups", (grid, *picture))


def thresholds(held: Held) -> Chapter:
    """How scores depend on the threshold, or on the cut."""
    if held.recipe.task == "segmentation":
        cut = held.metrics.get("score/cut", float("nan"))
        pictures = held.picture(
            "iou_against_cut",
            "IoU of each group against the cut; marked: the one that is deployed.",
            f"Lines: IoU against the cut from 0 to 1; the deployed cut is {cut:g}.",
        ) + held.picture(
            "areas",
            "Area that was answered against the true area; on the diagonal they are equal.",
            f"Points: answered against true area; the mean bias is {held.metrics.get('score/area_bias', 0):+.1f} %.",
        )
        return Chapter("Cut and areas", pictures)
    labels = len(held.recipe.data.label_set)
    mean = held.metrics.get("score/mean_average_precision", float("nan"))
    pictures = held.picture(
        "precision_recall",
        "Precision against recall of each label, over all thresholds.",
        f"Small panels: precision against recall of {labels} labels; the mean average precision is {mean:.3f}.",
    ) + held.picture(
        "f1_against_threshold",
        "F1 against the threshold of each label; marked: the one that is deployed.",
        f"Small panels: F1 against the threshold of {labels} labels; the table above has the deployed thresholds.",
    )
    return Chapter("Precision, recall and thresholds", pictures)


def extremes(held: Held) -> Chapter:
    """The fields or images that are answered best and worst."""
    name, things = f"best_and_worst_{held.judge.things}", held.judge.things
    table = held.table(f"figures/{name}")
    if table.empty:
        return Chapter("Best and worst", ())
    by = "IoU" if held.recipe.task == "segmentation" else "loss"
    worst = table[table["rank"] == "worst"]["id"].tolist()
    picture: tuple[Picture, ...] = held.picture(
        name,
        f"The {things} that are answered worst and best by their {by}, with truth and answer.",
        f"{len(table)} {things} with truth and answer, the worst first: {', '.join(worst)}.",
    )
    note = Words(f"Single {things} say where a network errs, not how often; the scores above do.")
    return Chapter("Best and worst", (note, *picture, Folded("As a table", (Grid(name.replace("_", " "), table),))))


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns=lambda name: str(name).replace("_", " "))
