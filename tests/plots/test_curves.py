from __future__ import annotations

import numpy as np

from hpapipe.plots import curves

HISTORY = [
    {"epoch": 1, "loss": 0.5, "val_loss": 0.6, "macro_f1": 0.2, "learning_rate": 0.01},
    {"epoch": 0, "loss": 0.9, "val_loss": 0.7, "macro_f1": 0.1, "learning_rate": 0.02},
    {"epoch": 2, "loss": 0.3, "val_loss": 0.6, "macro_f1": 0.3, "learning_rate": 0.0},
]


def test_the_table_holds_a_row_an_epoch_in_order_and_fold_0_where_none_is_named() -> None:
    table = curves.loss_curves_table(HISTORY)
    assert list(table.columns) == ["fold", "epoch", "loss", "val_loss", "macro_f1", "learning_rate"]
    assert table[["fold", "epoch", "loss"]].to_numpy().tolist() == [[0, 0, 0.9], [0, 1, 0.5], [0, 2, 0.3]]


def test_the_table_sorts_by_fold_then_epoch_and_leaves_unmeasured_values_open() -> None:
    table = curves.loss_curves_table(
        [
            {"fold": 1, "epoch": 0, "loss": 0.1},
            {"fold": 0, "epoch": 1, "loss": 0.2},
            {"fold": 0, "epoch": 0, "loss": 0.3, "val_loss": 0.4},
        ]
    )
    assert table["loss"].tolist() == [0.3, 0.2, 0.1]
    assert np.isnan(table["val_loss"]).tolist() == [False, True, True]


def test_the_earliest_of_the_lowest_validation_losses_is_ringed() -> None:
    axes = curves.draw_loss_curves(curves.loss_curves_table(HISTORY)).axes[0]
    ring = axes.lines[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (1, 0.6)
    assert "lowest validation: 0.6 in epoch 1" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_losses_macro_f1_and_learning_rate_have_a_panel_each() -> None:
    whole = curves.draw_loss_curves(curves.loss_curves_table(HISTORY))
    assert [axes.get_ylabel() for axes in whole.axes] == ["loss", "macro F1 (0 to 1)", "learning rate"]
    assert [axes.get_xlabel() for axes in whole.axes] == ["", "", "epoch"]
    assert whole.axes[1].lines[0].get_ydata().tolist() == [0.1, 0.2, 0.3]


def test_each_fold_has_its_colour_and_its_own_lowest_epoch() -> None:
    entries = [{**entry, "fold": fold, "val_loss": entry["val_loss"] + fold} for entry in HISTORY for fold in (0, 1)]
    axes = curves.draw_loss_curves(curves.loss_curves_table(entries)).axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[-2:] == ["fold 0, lowest in epoch 1", "fold 1, lowest in epoch 1"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert len(axes.lines) == 6  # training, validation and a ring, for each of two folds


def test_a_single_epoch_without_validation_is_drawn_as_a_point_on_a_whole_number() -> None:
    whole = curves.draw_loss_curves(curves.loss_curves_table([{"epoch": 3, "loss": 0.4}]))
    (line,) = whole.axes[0].lines
    assert line.get_marker() == "."
    assert [tick for tick in whole.axes[0].get_xticks() if 2.5 <= tick <= 3.5] == [3.0]
