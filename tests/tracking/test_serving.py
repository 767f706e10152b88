"""`mlflow models serve` as a colleague runs it, asked by the client of the documentation."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from hpapipe.tracking import registry
from hpapipe.tracking.runs import Run

CLIENT = Path(__file__).parents[2] / "docs" / "examples" / "client.py"


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.fixture
def served(trained: Any, tmp_path: Path) -> Iterator[int]:
    """The port at which the champion answers."""
    registry.promote("small", "1", Run(trained.run), "for a test")
    port, elsewhere = free_port(), tmp_path / "elsewhere"
    elsewhere.mkdir()
    words = ["-m", "mlflow", "models", "serve", "-m", "models:/small@champion", "--env-manager", "local"]
    beside = str(Path(sys.executable).parent)  # MLflow looks for uvicorn by its name
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ['PATH']}"}
    log = tmp_path / "serve.log"
    with log.open("w") as into:
        server = subprocess.Popen(
            [sys.executable, *words, "--port", str(port)],
            cwd=elsewhere,
            env=environment,
            stdout=into,
            stderr=into,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 240
        while not answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # MLflow does not pass a signal on to its server
        server.wait(60)


@pytest.fixture
def client(served: int, trained: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The example, in a Python that sees its standard library alone."""
    files = str(trained.images / "train" / "{id}_{channel}.png")

    def ask(channels: str, *ids: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-I", "-S", str(CLIENT), "--server", f"http://127.0.0.1:{served}"]
        words += ["--channels", channels, files, *ids]
        return subprocess.run(words, capture_output=True, text=True, timeout=120)

    return ask


@pytest.mark.whole
def test_the_client_of_the_documentation(served: int, client: Any, trained: Any, hpapipe: Any) -> None:
    """The probabilities of `hpapipe predict`; a bad request in one line; nobody outside can ask."""
    ids = [f"f{number:02d}" for number in range(16)]
    told = client("red,green", *ids, "f00")  # more than one request
    assert (told.returncode, told.stderr) == (0, "")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["id"] for row in rows] == [*ids, "f00"]
    assert rows[0] == rows[-1]
    assert hpapipe("predict", trained.images / "train", "--data.files", "{id}_{channel}.png", "--config",
                   trained.recipe, "--out", "answers").code == 0  # fmt: skip
    here = pd.read_csv("answers/predictions.csv", dtype={"Predicted": str}).set_index("id").loc[ids]
    there = pd.DataFrame(rows[:-1]).set_index("id")
    pd.testing.assert_frame_equal(there, here, rtol=0, atol=1e-6)
    refused = client("red", "f00")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert refused.stderr.startswith("HTTP 400: The table of images must have the columns red, green, each once.")
    listening = [each for each in psutil.net_connections("inet") if each.laddr and each.laddr.port == served]
    assert {each.laddr.ip for each in listening if each.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
