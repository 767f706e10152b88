"""The sections of studies: of training speed, and of options that are searched."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hpapipe.sections import Numbers, Section, Words


class Speed(Section):
    architectures: Words = Field(
        ("model15", "model17", "model14"), min_length=1, description="architectures to measure, one figure each"
    )
    feeds: Words = Field(
        ("packed", "original", "vitoly", "haltuf", "modified"),
        min_length=1,
        description="values of feed.strategy to measure, one line each",
    )
    batch_sizes: Numbers = Field((1, 2, 4, 8, 16, 32, 64, 128), min_length=1, description="batch sizes to measure at")
    warmup_steps: int = Field(2, ge=1, description="steps before the clock starts")
    seconds: float = Field(10.0, gt=0, description="time measured for each cell; at least one step is made")
    repeats: int = Field(3, ge=1, le=100, description="parts that the time is cut into, for the spread")


class Tune(Section):
    study: str = Field("", pattern=r"^[A-Za-z0-9 _.-]*$", description="name of the study; none: that of the experiment")
    space: dict[str, Any] = Field(
        default_factory=dict,
        description="option -> choices [a, b], or low, high, and log or step; `when` makes it depend on another",
    )
    sampler: Literal["tpe", "random", "grid", "cmaes"] = Field("tpe", description="how points of the space are chosen")
    pruner: Literal["median", "hyperband", "none"] = Field(
        "median", description="how hopeless trials are stopped early"
    )
    trials: int = Field(
        20, ge=1, description="trials in all, also where a study is gone on with; a grid has its own number"
    )
    warmup_trials: int = Field(
        5, ge=1, description="trials chosen by chance, and never stopped early, before (tpe, median)"
    )
    warmup_epochs: int = Field(3, ge=0, description="epochs before a trial may be stopped early (median)")
    objectives: Words = Field(
        ("macro_f1",),
        min_length=1,
        max_length=2,
        description="what is made as high as can be: macro_f1 or, in segmentation, mean_iou; images_per_second",
    )
    seed: int = Field(0, ge=0, description="seed of the sampler")
    storage: str = Field("sqlite:///optuna.db", description="database of studies, never that of MLflow")
    heartbeat: int = Field(
        30,
        ge=1,
        description="seconds between signs of life; after three, and tune.patience, a worker is given up",
    )
    retries: int = Field(2, ge=0, description="times that a trial whose worker died is tried again")
    seconds: float | None = Field(
        None, gt=0, description="most seconds for the study; the rest waits for the next start"
    )
    trial_seconds: float | None = Field(None, gt=0, description="most seconds for a trial, which is then stopped early")
    workers: int = Field(1, ge=1, description="processes that train trials here; other machines bring their own")
    patience: int = Field(60, ge=0, description="seconds to wait for a database that is away before the study stops")
    keep: Literal["best", "all"] = Field(
        "best", description="trials that log a Version: those that no earlier one beat, or all"
    )
    artifacts: str = Field("optuna_artifacts", description="folder of the figures that Optuna's dashboard shows")

    @field_validator("objectives")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("macro_f1", "mean_iou", "images_per_second")
        if unknown := [name for name in value if name not in known]:
            raise ValueError(f"objectives must be among {', '.join(known)}, not {unknown[0]}")
        return value

    @model_validator(mode="after")
    def _can_prune(self) -> Tune:
        if len(self.objectives) > 1 and self.pruner != "none":
            raise ValueError("several objectives need pruner: none, since it cannot be said which of them to stop for")
        if len(self.objectives) > 1 and self.sampler == "cmaes":
            raise ValueError("several objectives need another sampler than cmaes, which knows but one")
        return self
