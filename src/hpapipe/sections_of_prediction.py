"""The section of predictions: how many fields are answered at a time, and kept together."""

from __future__ import annotations

from pydantic import Field

from hpapipe.sections import Section


class Predict(Section):
    shard: int = Field(
        1024, ge=1, le=100_000, description="fields in a shard of answers, which appears whole: what a kill can cost"
    )
    batch_size: int = Field(64, ge=1, le=4096, description="fields that the networks are given at a time")
