"""Fields in colour: the best and the worst answers, and a first look at a data set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpapipe.plots import style

CHANNEL_COLOURS: dict[str, str] = {"red": "#ff0000", "green": "#00ff00", "blue": "#0000ff", "yellow": "#ffff00"}
OTHER_COLOURS: tuple[str, ...] = ("#00ffff", "#ff00ff", "#ffff00", "#ff8000", "#8080ff", "#80ff80")
MOST_PIXELS = 400
"""Height and width in pixels to about which a field is thinned before it is drawn: more would not show in a panel."""

CHARACTERS = 18
"""Characters of a caption on an inch of panel."""


def fields_table(
    ids: Sequence[str],
    truth: np.ndarray,
    scores: np.ndarray,
    named: np.ndarray,
    names: Sequence[str],
    losses: np.ndarray,
    most: int,
) -> pd.DataFrame:
    """`id, rank, loss, truth, answer` of the worst fields, the worst first, then of the best, the best first.

    No field is in it twice: of fewer than `2 * most` fields, half are worst. `truth` and `answer` hold names, the
    answer's with its probability, or `none`.

    Args:
        ids: one a field.
        truth: uint8 `[fields, labels]`.
        scores: probabilities, float `[fields, labels]`.
        named: the answer, uint8 `[fields, labels]`, 1 where the label was named.
        names: one a label.
        losses: float `[fields]`; NaN counts as the worst.
        most: fields of each rank.
    """
    order = np.argsort(losses, kind="stable")
    worst = order[::-1][: min(most, math.ceil(len(order) / 2))]
    best = order[: min(most, len(order) - len(worst))]
    rows = []
    for rank, places in (("worst", worst), ("best", best)):
        for place in places.tolist():
            right = [names[label] for label in np.flatnonzero(truth[place]).tolist()]
            answer = [f"{names[label]} {scores[place, label]:.2f}" for label in np.flatnonzero(named[place]).tolist()]
            texts = {"truth": ", ".join(right) or "none", "answer": ", ".join(answer) or "none"}
            rows.append({"id": ids[place], "rank": rank, "loss": float(losses[place]), **texts})
    return pd.DataFrame(rows, columns=["id", "rank", "loss", "truth", "answer"])


def draw_fields(table: pd.DataFrame, images: Mapping[str, np.ndarray], channels: Sequence[str]) -> Figure:
    """One panel a row of the table: the field in colour, with loss, id, truth and answer.

    Args:
        table: of `fields_table`.
        images: id -> integer `[height, width, channels]`.
        channels: their names, in order.
    """
    titles = [f"{rank}, loss {loss:.3f}" for rank, loss in zip(table["rank"], table["loss"], strict=True)]
    texts = [
        f"{name}\ntruth: {_unbroken(truth)}\nanswer: {_unbroken(answer)}"
        for name, truth, answer in zip(table["id"], table["truth"], table["answer"], strict=True)
    ]
    columns = min(4, int(table["rank"].value_counts().max()))
    return _sheet([images[name] for name in table["id"]], titles, texts, channels, columns, side=2.7)


def _unbroken(names: str) -> str:
    """`names` with spaces that do not break lines, except between two names."""
    return names.replace(" ", "\u00a0").replace(",\u00a0", ", ")


def contact_sheet_table(ids: Sequence[str], captions: Sequence[str]) -> pd.DataFrame:
    """`id, caption`, a row a field."""
    return pd.DataFrame({"id": list(ids), "caption": list(captions)})


def draw_contact_sheet(
    table: pd.DataFrame, images: Mapping[str, np.ndarray], channels: Sequence[str], columns: int = 7
) -> Figure:
    """All fields of the table side by side in colour, the caption below each.

    Args:
        table: of `contact_sheet_table`.
        images: id -> integer `[height, width, channels]`.
        channels: their names, in order.
        columns: fields in a row.
    """
    titles = [""] * len(table)
    return _sheet([images[name] for name in table["id"]], titles, list(table["caption"]), channels, columns, side=1.9)


def composite(image: np.ndarray, channels: Sequence[str]) -> np.ndarray:
    """The field in colour, float64 `[height, width, 3]` from 0 to 1.

    Each channel is stretched from its 0.5 to its 99.5 percentile and tinted; the tints are laid over one another like
    projected slides, `1 - (1 - a)(1 - b)`, which never clips. red, green, blue and yellow have their own colours; a
    single other channel is grey, several others take one colour each from a palette.

    Args:
        image: integer `[height, width, channels]`.
        channels: their names, in order.
    """
    dark = np.ones((*image.shape[:2], 3))
    for values, colour in zip(np.moveaxis(image, -1, 0), _tints(channels), strict=True):
        dark *= 1 - _stretched(values)[..., None] * colour
    return 1 - dark


def _tints(channels: Sequence[str]) -> list[tuple[float, float, float]]:
    others = [name for name in channels if name not in CHANNEL_COLOURS]
    palette = ("#ffffff",) if len(others) == 1 else OTHER_COLOURS
    chosen = {name: palette[index % len(palette)] for index, name in enumerate(others)}
    return [matplotlib.colors.to_rgb(CHANNEL_COLOURS.get(name) or chosen[name]) for name in channels]


def _stretched(values: np.ndarray) -> np.ndarray:
    """`values` from 0 to 1 between their 0.5 and 99.5 percentiles; all 0 where they are all alike."""
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        # A few bright specks on an even ground lie beyond both percentiles, and are still to be seen.
        low, high = float(values.min()), float(values.max())
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros(values.shape)


def _sheet(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    texts: Sequence[str],
    channels: Sequence[str],
    columns: int,
    side: float,
) -> Figure:
    """Panels of `side` inches in rows of `columns`, each with a title above and a text below."""
    columns = max(1, min(columns, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    captions = [style.wrapped(text, round(side * CHARACTERS)) for text in texts]
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    above = 0.3 if any(titles) else 0.05
    tallest = max((side * image.shape[0] / image.shape[1] for image in images), default=side)
    whole = style.figure(side * columns, (tallest + 0.13 * lines + above) * rows)
    for index, (image, title, caption) in enumerate(zip(images, titles, captions, strict=True)):
        _show(whole.add_subplot(rows, columns, index + 1), image, title, caption, channels)
    return whole


def _show(axes: Axes, image: np.ndarray, title: str, caption: str, channels: Sequence[str]) -> None:
    step = max(1, min(image.shape[:2]) // MOST_PIXELS)
    axes.imshow(np.uint8(255 * composite(image[::step, ::step], channels)))
    axes.set_title(title, fontsize=style.TITLE, color=style.INK, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(caption, fontsize=6.5, color=style.INK, loc="left", parse_math=False)
