"""The command `dashboard`: one line, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import optuna
import pytest

SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def port() -> int:
    """A free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def study(store: Path) -> None:
    """An empty one, in the database that recipes name by themselves."""
    optuna.create_study(storage="sqlite:///optuna.db", study_name="cells")


def test_it_says_where_to_look(study: None, port: int, hpapipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line; Ctrl-C has its exit code and no traceback, and the port is free again."""

    def stopped(server: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("socketserver.BaseServer.serve_forever", stopped)
    for _ in range(2):
        ended = hpapipe("dashboard", "--port", port)
        assert (ended.code, ended.err) == (130, "")
        assert ended.out == f"Optuna's dashboard: http://127.0.0.1:{port}; Ctrl-C stops it\n"


def test_without_a_study(store: Path, hpapipe: Any) -> None:
    """One line and exit code 2, with the database that the command line names."""
    ended = hpapipe("dashboard", "--tune.storage", "sqlite:///other.db")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert ended.err.startswith("There must be a study to show. Received no file other.db. Run `hpapipe tune`")


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_is_a_port(store: Path, hpapipe: Any, port: int) -> None:
    """Nothing is looked up for another number."""
    ended = hpapipe("dashboard", "--port", port)
    assert (ended.code, ended.out) == (2, "")
    assert "--port" in ended.err


@pytest.mark.whole
def test_a_signal_ends_the_process(study: None, port: int) -> None:
    """While it answers; nothing on stderr."""
    command = [sys.executable, "-m", "hpapipe", "dashboard", "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": SOURCE}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("Ctrl-C stops it\n")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=20) as answer:
            assert b"cells" in answer.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
