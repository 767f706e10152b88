"""Databases of studies, of both kinds, with queues as processes that share one open them; a champion and new images."""

from __future__ import annotations

import itertools
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import sqlalchemy
from optuna.samplers import RandomSampler

from hpapipe.config import Tune
from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run
from hpapipe.workflows import tune_storage
from hpapipe.workflows.tune_queue import Queue
from hpapipe.workflows.tune_storage import Storage, open_storage

NUMBERS = itertools.count()
"""pytest makes this fixture again for each file; storages of before must not be taken for those of a new database."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of one that has its tables; each test has a study of its own in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('studies') / 'optuna.db'}"
    address: str = request.getfixturevalue("postgres").url(f"shared{next(NUMBERS)}")
    return address


@pytest.fixture(scope="session")
def open_before() -> Iterator[dict[str, list[Storage]]]:
    """Storages of earlier tests, by their options: opening one takes longer than most tests."""
    storages: dict[str, list[Storage]] = {}
    yield storages
    for storage in itertools.chain(*storages.values()):
        storage.engine.dispose()


@pytest.fixture
def opening(open_before: dict[str, list[Storage]]) -> Callable[[Tune], Storage]:
    """`open_storage`, which opens one again that earlier tests had; each call of a test has one of its own."""
    taken: Counter[str] = Counter()

    def open_one(wanted: Tune) -> Storage:
        key = f"{tune_storage.BUSY} {wanted.model_dump_json()}"
        there = open_before.setdefault(key, [])
        taken[key] += 1
        if taken[key] > len(there):
            there.append(open_storage(wanted))
            if there[-1].engine.dialect.name == "sqlite":  # nobody needs these data after a power cut
                sqlalchemy.event.listen(
                    there[-1].engine, "connect", lambda new, _: new.execute("pragma synchronous = off")
                )
        storage = there[taken[key] - 1]
        storage.given_up = False
        return storage

    return open_one


@pytest.fixture
def opened(
    shared_database: str, opening: Callable[[Tune], Storage], request: pytest.FixtureRequest
) -> Callable[..., Queue]:
    """Opens the test's study as one more process has it; options are those of section `tune`."""

    def open_queue(**options: int) -> Queue:
        storage = opening(Tune(storage=shared_database, **options))
        study = optuna.create_study(
            storage=storage,
            study_name=request.node.nodeid,
            direction="maximize",
            load_if_exists=True,
            sampler=RandomSampler(0),
        )
        return Queue(study, storage, options.get("retries", Tune().retries))

    return open_queue


class Clock:
    """Stands in a module for `time`: sleeping takes no time, and can be watched."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.ahead = time.time() - time.monotonic()
        self.slept: list[float] = []
        self.then: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + self.ahead

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once, and do what is to happen meanwhile."""
        self.now += seconds
        self.slept.append(seconds)
        self.then()


@pytest.fixture
def clock() -> Clock:
    """To be put in the place of a module's `time`."""
    return Clock()


@pytest.fixture
def champion(trained: Any) -> Any:
    """The store of `trained`, with its run as champion."""
    registry.promote("small", "1", Run(trained.run), "for a test")
    return trained


@pytest.fixture
def images(champion: Any) -> Path:
    """Six good fields in a folder of their own."""
    folder = champion.place / "new"
    folder.mkdir()
    for number in range(6):
        for channel in ("red", "green"):
            shutil.copy(champion.images / "train" / f"f{number:02d}_{channel}.png", folder)
    return folder


@pytest.fixture
def predict(champion: Any, images: Path, hpapipe: Any) -> Callable[..., Any]:
    """`hpapipe predict` on these fields."""
    return lambda *words: hpapipe("predict", images, "--config", champion.recipe, "--out", "answers", *words)
