"""The chapters of a report about the set: what it is, what the checks found in it, and how it was split."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from hpapipe.errors import shown
from hpapipe.pages.blocks import Block, Chapter, Facts, Folded, Grid, Words
from hpapipe.workflows.report_run import Held

SUITES = ("label_table", "images", "pairs")
"""Of checks; a run has those of its task."""

SIMULATED = {
    "classification": "Simulated cells, drawn by hpapipe: no image here is of a real cell.",
    "segmentation": "Frames of a simulated film, drawn by hpapipe: no image here is of a real embryo.",
}


def licence(held: Held) -> str:
    """Under which the training data may be used."""
    if held.recipe.data.folder is None:
        return "not needed: drawn by hpapipe"
    return held.recipe.data.licence or "not stated"


def data(held: Held) -> Chapter:
    """The set: how much of what, and under which fingerprint."""
    recipe, measured = held.recipe, held.measurements
    if not (held.about.data or len(measured)):
        return Chapter("Data", ())
    height, width = recipe.data.size
    labels = recipe.data.label_set
    classifies = recipe.task == "classification"
    facts = Facts(
        (
            ("Set", held.about.data),
            (held.judge.things.capitalize(), f"{held.about.rows:,}" if held.about.rows else ""),
            ("Channels", ", ".join(recipe.data.channels) if classifies else "grey"),
            ("Labels", f"{len(labels)}, {'one' if labels.one_label else 'several'} a field" if classifies else ""),
            ("Seen at", f"{width}×{height} px"),
            ("Depth", f"{bits(held)} bits" if bits(held) else ""),
            ("Fingerprint", held.tags.get("hpapipe.data", "")),
            ("Licence", licence(held)),
        )
    )
    blocks: list[Block] = [facts]
    if recipe.data.folder is None:
        blocks.append(Words(SIMULATED[recipe.task]))
    if len(measured):
        blocks.append(_measured(measured))
    return Chapter("Data", (*blocks, *_counts(held)))


def bits(held: Held) -> int:
    """The depth of its images; 0 where it is not known."""
    found = held.measurements
    depths = found["bits"].dropna() if "bits" in found else pd.Series(dtype=float)
    return int(depths.mode().iloc[0]) if len(depths) else 0


def _measured(table: pd.DataFrame) -> Grid:
    """A row a channel, or one of all images with masks."""
    if "channel" in table:
        means = {"mean": ("mean", "mean"), "spread": ("spread", "mean"), "saturated share": ("saturated", "mean")}
    else:
        table, share = table.assign(channel="grey"), "area_share"
        means = {"area, mean share": (share, "mean"), "least": (share, "min"), "largest": (share, "max")}
    counted = {"images": ("id", "size"), "size, px": ("px", _commonest), **means, "empty": ("empty", _true)}
    found = table.assign(px=_sizes(table)).groupby("channel", sort=False).agg(**counted).reset_index()
    return Grid("What the checks measured in the images", found)


def _sizes(table: pd.DataFrame) -> list[str]:
    pairs = table[["width", "height"]].itertuples(index=False, name=None)
    return ["" if width != width or height != height else f"{width:.0f}×{height:.0f}" for width, height in pairs]


def _commonest(values: pd.Series) -> str:
    """The commonest value, and how many others there are."""
    counts = values.value_counts()
    others = len(counts) - 1
    return f"{counts.index[0]}" + (f" and {others} other{'s' * (others > 1)}" if others else "")


def _true(values: pd.Series) -> int:
    return int((values.astype(str) == "True").sum())


def _counts(held: Held) -> Iterator[Block]:
    """How often each label is true among the scored fields."""
    found = held.table("per_label")
    if found.empty:
        return
    fields = held.scored
    table = pd.DataFrame({"label": found["name"], "fields": found["positives"], "share": found["positives"] / fields})
    picture = held.picture(
        "label_co_occurrence",
        "How many of the scored fields carry both of two labels; on the diagonal, all with the label.",
        f"Heat map of {len(found)} by {len(found)} labels with the number of fields that carry both.",
    )
    yield Folded(f"How often each label is true in the {fields:,} scored fields", (Grid("Labels", table), *picture))


def checks(held: Held) -> Chapter:
    """What Great Expectations found before training."""
    found = [held.table(f"checks/{suite}") for suite in SUITES]
    table = pd.concat([each for each in found if len(each)]) if any(map(len, found)) else pd.DataFrame()
    if table.empty:
        return Chapter("Checks", ())
    passed = table["passed"].astype(str) == "True"
    told = [
        "holds" if holds else f"broken by {rows:,} row{'s' * (rows != 1)} ({share:.1%})"
        for holds, rows, share in zip(passed, table["rows"], table["share"], strict=True)
    ]
    names = [shown([name for name in str(ids).split(", ") if name]) for ids in table["ids"].fillna("")]
    rows = {"rule": table["rule"], "severity": table["severity"], "found": told}
    rows |= ({"where": names} if any(names) else {}) | {"suite": table["suite"]}
    broken = int((~passed).sum())
    said = "all of them hold" if not broken else f"{broken} {'is' if broken == 1 else 'are'} broken"
    images = len(held.measurements)
    over = f" over {images:,} images" if images else ""
    blocks: list[Block] = [Words(f"Great Expectations judged {len(table)} rules{over}: {said}.")]
    blocks.append(Grid("Rules, and what was found", pd.DataFrame(rows)))
    alike = held.table("checks/near_duplicates")
    if "group" in alike:
        groups = alike["group"].nunique()
        kept = f"{len(alike):,} fields of {groups:,} groups look alike; each group is on one side of the split."
        blocks.append(Words(kept if groups else "No two fields look alike."))
    return Chapter("Checks", tuple(blocks))


def split(held: Held) -> Chapter:
    """Which part trained, and which validated."""
    table = held.table("split")
    if table.empty:
        return Chapter("Split", ())
    wanted = held.recipe.split
    counts = table["fold"].value_counts().sort_index()
    validates = ["yes" if fold in wanted.runs else "no" for fold in counts.index]
    facts = (
        ("Folds", f"{wanted.folds}"),
        ("Validated on", ", ".join(map(str, wanted.runs))),
        ("Seed", f"{wanted.seed}"),
        ("Kept together", held.recipe.data.group_column or ""),
        ("Fingerprint", held.tags.get("hpapipe.split", "")),
    )
    rows = {"fold": counts.index, held.judge.things: counts.to_numpy(), "validates": validates}
    return Chapter("Split", (Facts(facts), Grid("Folds", pd.DataFrame(rows))))
