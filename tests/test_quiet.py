"""Heavy libraries keep off the terminal and off the net."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hpapipe.quiet import SETTINGS, import_quietly, quiet


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that writes a notice past `sys.stderr`, as C++ code does."""
    (tmp_path / "noisy_library.py").write_text("import os\nos.write(2, b'notice of a library')\nanswer = 42\n")
    (tmp_path / "broken_library.py").write_text("raise OSError('broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "noisy_library", raising=False)
    return "noisy_library"


def test_settings_shut_notices_and_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow's notices, and the telemetry of Great Expectations and MLflow."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    quiet()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_a_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who wants TensorFlow's notices gets them."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    quiet()
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"


def test_an_import_is_silent_and_stderr_comes_back(noisy: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The module is there, its notice is not, and later words arrive again."""
    import_quietly(noisy)
    assert sys.modules[noisy].answer == 42
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_a_failing_import_is_told_and_stderr_comes_back(noisy: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Silence must not swallow the error, nor what comes after it."""
    with pytest.raises(OSError, match="broken"):
        import_quietly("broken_library")
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_no_file_is_left_open(noisy: str) -> None:
    """The kept copy of stderr is closed again."""
    free = os.dup(2)
    os.close(free)
    import_quietly(noisy)
    after = os.dup(2)
    os.close(after)
    assert after == free
