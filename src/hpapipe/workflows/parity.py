"""Forms of one Version asked about the same images, and held against the first of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hpapipe.imageset.decoded import decoded
from hpapipe.progress import bar
from hpapipe.runtimes import KERAS
from hpapipe.scoring import metrics, segmentation
from hpapipe.tasks import classifier, segmenter
from hpapipe.workflows.unseen import HeldOut


@dataclass
class Tally:
    """What one form answered.

    Args:
        largest: difference of a probability from Keras'; not a number where a probability is none.
        decided: labels or pixels.
        otherwise: of these, decided unlike Keras.
        marks: what its score is made of, image by image.
        fault: with which it stopped; empty where it answered all.
    """

    largest: float = 0.0
    decided: int = 0
    otherwise: int = 0
    marks: list[Any] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True)
class Way:
    """What differs between the tasks.

    Args:
        batches: (set, numbers of images, Version) -> images as the Version wants them, and what is true of them.
        decide: (Version, probabilities) -> a decision an image.
        mark: (truth, decision) of an image -> what `score` takes.
        score: of marks.
    """

    batches: Callable[[Any, np.ndarray, Any], Iterator[tuple[list[np.ndarray], Sequence[np.ndarray]]]]
    decide: Callable[[Any, Any], Sequence[np.ndarray]]
    mark: Callable[[np.ndarray, np.ndarray], Any]
    score: Callable[[list[Any]], float]


def _fields(images: Any, places: np.ndarray, version: Any) -> Iterator[tuple[list[np.ndarray], Sequence[np.ndarray]]]:
    done = 0
    for batch in decoded(images.take(places), version.view, version.spec.bits, classifier.BATCH):
        if batch.faults:
            raise batch.faults[0][1]
        yield batch.fields, images.truth[places[done : done + len(batch.fields)]]
        done += len(batch.fields)


def _pairs(images: Any, places: np.ndarray, version: Any) -> Iterator[tuple[list[np.ndarray], Sequence[np.ndarray]]]:
    for start in range(0, len(places), segmenter.BATCH):
        part = places[start : start + segmenter.BATCH].tolist()
        yield [images.image(place) for place in part], [images.mask(place) for place in part]


def _macro_f1(marks: list[Any]) -> float:
    truth, named = (np.stack(each) for each in zip(*marks, strict=True))
    return float(metrics.f1_per_label(truth, named).mean())


WAYS: dict[str, Way] = {
    "classification": Way(
        _fields, lambda version, probabilities: version.named(probabilities), lambda *pair: pair, _macro_f1
    ),
    "segmentation": Way(
        _pairs,
        lambda version, probabilities: version.masks(probabilities),
        segmentation.iou,
        lambda marks: float(np.mean(marks)),
    ),
}


def compare(task: str, forms: Mapping[str, Any], held: HeldOut, most: int | None) -> dict[str, Tally]:
    """A tally for each form of a Version. Each network is asked about images that it never saw, where that is known.

    Args:
        task: key of `WAYS`.
        forms: runtime -> Version; `keras` is what the others are held against.
        held: the set.
        most: images at most, evenly spaced over those that can be asked about; none: all.
    """
    way, images = WAYS[task], held.prepared.images
    tallies = {name: Tally() for name in forms}
    asked = held.asked(forms[KERAS].spec.members)
    total = sum(len(places) for _, places in asked)
    share = 1.0 if most is None else min(1.0, most / total)
    with bar("Checking", int(total * share)) as advance:
        for numbers, places in asked:
            parts = {name: _part(form, numbers) for name, form in forms.items()}
            for batch, truth in way.batches(images, evenly(places, round(len(places) * share)), parts[KERAS]):
                _ask(way, parts, tallies, batch, truth)
                advance(len(batch))
    return tallies


def evenly(places: np.ndarray, count: int) -> np.ndarray:
    """`count` of `places`, evenly spaced, at least one of them."""
    return places[np.unique(np.linspace(0, len(places) - 1, max(count, 1)).round().astype(int))]


def _part(version: Any, numbers: Sequence[int]) -> Any:
    """The Version with these of its networks alone."""
    members = tuple(version.spec.members[number] for number in numbers)
    return replace(
        version,
        networks=tuple(version.networks[number] for number in numbers),
        spec=replace(version.spec, members=members),
    )


def _ask(
    way: Way,
    parts: Mapping[str, Any],
    tallies: Mapping[str, Tally],
    batch: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
) -> None:
    """Ask all forms about a batch; one that fails is asked no more."""
    reference = parts[KERAS].probabilities(batch)
    chosen = way.decide(parts[KERAS], reference)
    for name, part in parts.items():
        tally = tallies[name]
        if tally.fault:
            continue
        try:
            answers = reference if name == KERAS else part.probabilities(batch)
        except Exception as error:  # whatever a runtime may raise: its form is not kept, and the others go on
            tally.fault = told(error)
            continue
        decided = way.decide(part, answers)
        for true, expected, decision, ours, theirs in zip(truth, chosen, decided, reference, answers, strict=True):
            # NumPy's maximum, unlike Python's, keeps what is not a number.
            tally.largest = float(np.maximum(tally.largest, np.abs(theirs - ours).max()))
            tally.decided += decision.size
            tally.otherwise += int((decision != expected).sum())
            tally.marks.append(way.mark(true, decision))


def told(error: BaseException) -> str:
    """An error in a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
