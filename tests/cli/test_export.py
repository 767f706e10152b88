"""`hpapipe export` at the terminal: what it says before any work."""

from __future__ import annotations

from typing import Any

import pytest


def test_there_must_be_a_version(store: Any, hpapipe: Any) -> None:
    """One line, exit code 2."""
    ended = hpapipe("export", "--register_as", "nobody")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.startswith("There must be a Version to answer. Received none of `nobody` as champion")


@pytest.mark.parametrize(("typed", "meant"), [("onx", "onnx"), ("open-vino", "openvino")])
def test_an_unknown_runtime_is_told_first(store: Any, hpapipe: Any, typed: str, meant: str) -> None:
    """With the nearest that exists, before a Version is looked for."""
    ended = hpapipe("export", "--to", typed)
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert ended.err.endswith(f"Received `{typed}`. Did you mean `{meant}`?\n")


def test_help_names_the_runtimes(hpapipe: Any) -> None:
    """All that are no rounding, and how to have that."""
    ended = hpapipe("export", "--help")
    assert ended.code == 0
    assert all(word in ended.out for word in ("onnx", "openvino", "litert", "savedmodel", "--int8"))
