"""The sections of segmentation: images with masks, their warps, the cut of probabilities, and movies of pools."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hpapipe.sections import Section


def _grid(value: object) -> object:
    """`4x4`, also with a real times sign, or one of the words."""
    text = str(value).replace("×", "x").strip().lower()
    counts = [int(count) for count in text.split("x")] if re.fullmatch(r"\d{1,3}x\d{1,3}", text) else []
    if text not in ("auto", "none") and not (counts and all(1 <= count <= 64 for count in counts)):
        raise ValueError("grid must be auto, none, or rows x columns of 1 to 64 each, such as 4x4")
    return text


def _tuned_or_share(value: Any) -> Any:
    if value == "tuned" or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1):
        return value
    raise ValueError("cut must be `tuned`, or a number between 0 and 1")


class Pairs(Section):
    images: str = Field("images", description="folder of the images, inside `data.folder`")
    masks: str = Field(
        "masks", description="folder of mask images or LabelMe files, or a COCO file, inside `data.folder`"
    )
    group: str = Field(
        r"^(.+)_f\d+$",
        description="regular expression whose first group, in an image's name, says what stays on one side of the "
        "split (a pool, an animal); an image that it does not fit stands for itself",
    )
    label: str | None = Field(None, description="the label of COCO and LabelMe outlines to read; none: all")
    min_area: float = Field(0.001, ge=0, le=1, description="least share of an image that a mask may cover")
    max_area: float = Field(0.95, gt=0, le=1, description="largest share of an image that a mask may cover")
    allow_empty: bool = Field(False, description="masks without a pixel are accepted: images without a cell")

    @field_validator("group")
    @classmethod
    def _has_a_group(cls, value: str) -> str:
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"group must be a regular expression ({error})") from None
        if not groups:
            raise ValueError("group must hold a part in brackets, such as (.+)_f")
        return value

    @model_validator(mode="after")
    def _area_range(self) -> Pairs:
        if self.min_area >= self.max_area:
            raise ValueError("min_area must be below max_area")
        return self


class Warp(Section):
    rotation: float = Field(180.0, ge=0, le=180, description="most degrees to either side by which pairs are turned")
    shift: float = Field(0.2, ge=0, lt=1, description="largest shift, as a share of height and width")
    shear: float = Field(0.2, ge=0, lt=90, description="most degrees by which the axis of rows is tilted")
    zoom: float = Field(0.01, ge=0, lt=1, description="height and width are scaled by 1 - zoom to 1 + zoom")
    flip: bool = Field(True, description="pairs are mirrored left to right in half of the cases")


class Mask(Section):
    cut: Annotated[float | Literal["tuned"], BeforeValidator(_tuned_or_share)] = Field(
        "tuned",
        description="probability from which a pixel belongs to the cell; tuned: with the highest mean IoU, each group "
        "scored at the cut that the others chose",
    )
    tolerance: float = Field(2.0, gt=0, description="pixels within which an outline counts as met (boundary F1)")


LARGEST = 1024
"""Pixels that the side of a simulated frame may have at most."""


class Film(Section):
    frames: int = Field(145, ge=1, le=2000, description="frames of a simulated film; 145 are a day at 10 minutes")
    rows: int = Field(4, ge=1, le=32, description="rows of pools")
    columns: int = Field(4, ge=1, le=32, description="columns of pools")
    pool: int = Field(
        80,
        ge=40,
        le=LARGEST,
        description="pixels of a frame for each pool: a frame has rows * pool by columns * pool, 1024 a side at most",
    )
    pixel_um: float = Field(2.0, ge=0.05, le=20, description="µm a pixel")
    minutes: float = Field(10.0, ge=0.1, le=240, description="minutes between frames")
    square: bool = Field(False, description="square pools, else round ones")
    bits: Literal[8, 16] = Field(8, description="of a pixel; white is 255 or 65,535")
    empty: float = Field(1 / 16, ge=0, le=1, description="chance of each pool to be empty")
    twins: float = Field(0.25, ge=0, le=1, description="chance of two blastocysts in a pool that is not")
    bubbling: float = Field(
        0.3, ge=0, le=1, description="chance of each blastocyst to shed bubbles in the film's second half"
    )
    turn: float = Field(3.0, ge=0, le=10, description="largest angle of the grid in degrees")
    drift: float = Field(6.0, ge=0, le=64, description="farthest that the stage gets from where it began, in pixels")
    seed: int = Field(0, ge=0, description="same seed, same bytes")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        return self.rows * self.pool, self.columns * self.pool

    @model_validator(mode="after")
    def _has_small_frames(self) -> Film:
        if max(self.shape) > LARGEST:
            height, width = self.shape
            raise ValueError(f"frames of {width}×{height} pixels, where a side has {LARGEST:,} at most")
        return self


class Movie(Section):
    channel: int | None = Field(None, ge=0, description="channel of a TIFF with several, from 0")
    grid: Annotated[str, BeforeValidator(_grid)] = Field(
        "auto",
        description="pools: found in the first frame, rows x columns that tile the frame such as 4x4, or none: the "
        "frame is one pool",
    )
    drift: bool = Field(True, description="the pools are followed where the stage drifts")
    fill: Literal["auto", "flood", "disc", "none"] = Field(
        "auto", description="what becomes of a pool's surround: flood-filled or cut by its shape, with its mean grey"
    )
    every: int = Field(15, ge=1, description="every so many frames are written for drawing masks")
    pixel_um: float | None = Field(None, gt=0, description="µm a pixel; none: as the file says")
    minutes: float | None = Field(None, gt=0, description="minutes between frames; none: as the file says")
    max_pixels: int = Field(64_000_000, ge=1, description="movies with larger frames are refused undecoded")


class Measure(Section):
    objects: Literal["largest", "nearest", "all"] = Field(
        "nearest", description="which object is the cell: the largest, the one nearest to where it was, or all"
    )
    cells: Literal["auto", 1, 2] = Field("auto", description="cells in a pool, told apart and followed")
    holes: Literal["fill", "keep"] = Field("fill", description="what becomes of holes in a cell's mask")
    bubbles: Literal["apart", "joined"] = Field("apart", description="bubbles that leave a cell: left out, or counted")
    min_area: float = Field(0.002, ge=0, lt=1, description="share of a pool's patch below which an object is a speck")
    smooth: int = Field(9, ge=1, description="frames in the window of the smoothed trace")
    min_agreement: float = Field(
        0.8, ge=0, le=1, description="IoU between the eight turns below which a frame is not to be trusted"
    )
    turns: bool = Field(True, description="answers are averaged over the ways to turn a pool, which tells agreement")
    fps: float = Field(12, gt=0, le=60, description="frames a second of the movie with outlines")
