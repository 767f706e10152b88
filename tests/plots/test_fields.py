from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.plots import fields

NAMES = ["Nucleoli", "Cytosol", "Rods & rings"]
IDS = ["p", "q", "r", "s"]
TRUTH = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 0, 0]], np.uint8)
NAMED = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0], [1, 1, 0]], np.uint8)
SCORES = np.array([[0.9, 0.1, 0.1], [0.8, 0.3, 0.2], [0.1, 0.1, 0.1], [0.7, 0.655, 0.1]])
LOSSES = np.array([0.1, 2.0, 0.2, 0.9])
RAMP = np.arange(200, dtype=np.uint8).reshape(10, 20, 1)


def table_of(most: int, losses: np.ndarray = LOSSES) -> pd.DataFrame:
    return fields.fields_table(IDS, TRUTH, SCORES, NAMED, NAMES, losses, most)


def test_the_worst_fields_come_first_with_names_and_probabilities() -> None:
    assert table_of(1).to_numpy().tolist() == [
        ["q", "worst", 2.0, "Cytosol, Rods & rings", "Nucleoli 0.80"],
        ["p", "best", 0.1, "Nucleoli", "Nucleoli 0.90"],
    ]


def test_fields_are_ranked_from_both_ends_and_no_label_reads_none() -> None:
    rows = table_of(2)
    assert rows["id"].tolist() == ["q", "s", "p", "r"]
    assert rows[["truth", "answer"]].iloc[3].tolist() == ["none", "none"]


def test_a_loss_that_is_no_number_is_the_worst() -> None:
    assert table_of(1, np.array([0.1, 2.0, np.nan, 0.9]))["id"].tolist() == ["r", "p"]


@given(st.integers(0, 12), st.integers(1, 8))
def test_no_field_is_shown_twice_and_as_many_as_possible_are_shown(count: int, most: int) -> None:
    ones = np.ones((count, 1), np.uint8)
    ids = [str(index) for index in range(count)]
    rows = fields.fields_table(ids, ones, ones, ones, ["a"], np.arange(count, dtype=float), most)
    assert rows["id"].is_unique
    assert len(rows) == min(count, 2 * most)


@pytest.mark.parametrize(
    ("name", "colour"), [("red", [1, 0, 0]), ("green", [0, 1, 0]), ("blue", [0, 0, 1]), ("yellow", [1, 1, 0])]
)
def test_a_channel_named_after_a_colour_has_that_colour(name: str, colour: list[int]) -> None:
    picture = fields.composite(RAMP, [name])
    assert picture.shape == (10, 20, 3)
    assert picture[-1, -1].tolist() == colour
    assert picture[0, 0].tolist() == [0, 0, 0]


def test_a_single_channel_of_another_name_is_grey() -> None:
    picture = fields.composite(RAMP, ["brightfield"])
    assert (picture[..., 0] == picture[..., 1]).all()
    assert (picture[..., 0] == picture[..., 2]).all()
    assert picture.max() == 1


def test_several_channels_of_other_names_have_different_colours() -> None:
    tints = fields._tints(["brightfield", "red", "pi", "darkfield"])
    assert tints[1] == (1, 0, 0)
    assert len(set(tints)) == 4


def test_the_stretch_runs_from_the_half_to_the_ninety_nine_and_a_half_percentile() -> None:
    """Of 0 to 200 those are 1 and 199, so 100 lies in the middle and the ends are cut."""
    grey = fields.composite(np.arange(201, dtype=np.uint16).reshape(1, 201, 1), ["x"])[0, :, 0]
    assert grey[[0, 1, 100, 199, 200]].tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_two_channels_are_laid_over_one_another_without_clipping() -> None:
    """Both at their middle: red 1 - 0.5 * 0.5 from red and yellow, green 0.5 from yellow alone."""
    ramp = np.arange(201, dtype=np.uint16).reshape(1, 201, 1)
    picture = fields.composite(np.concatenate([ramp, ramp], axis=2), ["red", "yellow"])
    assert picture[0, 100].tolist() == pytest.approx([0.75, 0.5, 0])


def test_an_even_channel_is_black_and_a_lone_speck_shows() -> None:
    image = np.full((30, 30, 1), 7, np.uint16)
    assert fields.composite(image, ["green"]).max() == 0
    image[3, 4] = 900
    assert fields.composite(image, ["green"])[3, 4].tolist() == [0, 1, 0]


def test_an_image_with_fewer_channels_than_names_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        fields.composite(RAMP, ["red", "green"])


def test_best_and_worst_fields_are_drawn_with_loss_truth_and_answer() -> None:
    whole = fields.draw_fields(table_of(2), dict.fromkeys(IDS, RAMP), ["green"])
    assert [axes.get_title(loc="left") for axes in whole.axes] == [
        "worst, loss 2.000",
        "worst, loss 0.900",
        "best, loss 0.100",
        "best, loss 0.200",
    ]
    caption = whole.axes[0].get_xlabel().replace("\u00a0", " ")
    assert caption == "q\ntruth: Cytosol, Rods & rings\nanswer: Nucleoli 0.80"
    assert whole.axes[0].images[0].get_array().shape == (10, 20, 3)
    assert whole.axes[2].get_subplotspec().get_geometry() == (2, 2, 2, 2)


def test_a_large_field_is_thinned_before_it_is_drawn() -> None:
    image = np.zeros((900, 850, 1), np.uint8)
    sheet = fields.contact_sheet_table(["p"], ["large"])
    whole = fields.draw_contact_sheet(sheet, {"p": image}, ["green"])
    assert whole.axes[0].images[0].get_array().shape == (450, 425, 3)


def test_the_contact_sheet_has_a_captioned_panel_a_field_in_rows_of_columns() -> None:
    sheet = fields.contact_sheet_table(IDS, ["one", "two", "three", "four"])
    assert sheet.to_numpy().tolist()[3] == ["s", "four"]
    whole = fields.draw_contact_sheet(sheet, dict.fromkeys(IDS, RAMP), ["green"], columns=3)
    assert [axes.get_xlabel() for axes in whole.axes] == ["one", "two", "three", "four"]
    assert whole.axes[3].get_subplotspec().get_geometry() == (2, 3, 3, 3)
