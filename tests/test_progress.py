"""What a user sees at a terminal, and what stays silent elsewhere."""

from __future__ import annotations

import io
import sys

import numpy as np
import pandas as pd
import pytest

from hpapipe.progress import bar, say, show_table, track


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_bar_is_silent_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Logs of a cluster get no control characters."""
    with bar("Packing", 3) as advance:
        advance()
        advance(2, note="done")
    assert capsys.readouterr() == ("", "")


def test_bar_shows_title_count_and_note_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal: on stderr, so that stdout can still be piped."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with bar("Packing", 8) as advance:
        advance(3, note="halfway")
    seen = terminal.getvalue()
    assert "Packing" in seen
    assert "3/8" in seen
    assert "halfway" in seen
    assert capsys.readouterr().out == ""


def test_track_yields_all_items_in_order_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost or reordered, and the count ends at the total."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    assert list(track(iter("abc"), "Letters", 3)) == ["a", "b", "c"]
    assert "3/3" in terminal.getvalue()


def test_say_is_one_line_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """No markup, no wrapping: what is said can be copied."""
    text = "hpapipe train --resume [0123] " + "x" * 300
    say(text)
    assert capsys.readouterr() == (f"{text}\n", "")


def test_table_shows_three_digits_and_blanks_for_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers of any float type, whole numbers whole, unknown ones empty, headings without underscores."""
    table = pd.DataFrame(
        {"name": ["Nucleoli", "Cytosol"], "macro_f1": [0.12345, np.nan], "positives": [7, 12345]}
    ).assign(low=np.array([0.5, 0.25], np.float32))
    show_table(table, "Per label")
    shown = capsys.readouterr().out
    assert "Per label" in shown
    assert "macro f1" in shown
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.split()}
    assert rows["Nucleoli"] == ["0.123", "7", "0.500"]
    assert rows["Cytosol"] == ["12345", "0.250"]


def test_table_without_rows_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No empty frame around nothing."""
    show_table(pd.DataFrame({"name": []}), "Nothing")
    assert capsys.readouterr().out == ""


def test_square_brackets_of_names_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are a user's own; `[b]` is no markup."""
    show_table(pd.DataFrame({"name": ["mark [b] er"], "key[i]": [1]}), "All [red] ones")
    shown = capsys.readouterr().out
    assert "mark [b] er" in shown
    assert "key[i]" in shown
    assert "All [red] ones" in shown
