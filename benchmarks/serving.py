"""How long a served Version takes: `python benchmarks/serving.py models:/hpa-cells@champion SIMULATED/train`.

Starts `mlflow models serve` from an empty folder, on a port of its own, and asks it by docs/examples/client.py: seconds
until it answers a ping, the first answer, and answers afterwards; the median counts. The last rows are the same images
in this process, from the files' bytes to the table, and how much longer the server takes. Stops the server.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

CLIENT = Path(__file__).parents[1] / "docs" / "examples" / "client.py"


def client() -> Any:
    """The example as a module."""
    found = importlib.util.spec_from_file_location("client", CLIENT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def wait(address: str, server: subprocess.Popen[bytes], limit: float) -> None:
    """Until the server answers.

    Raises:
        SystemExit: it ended, or did not answer within `limit` seconds.
    """
    begun = time.perf_counter()
    while time.perf_counter() - begun < limit:
        try:
            with urllib.request.urlopen(f"{address}/ping", timeout=2):
                return
        except OSError:
            if server.poll() is not None:
                sys.exit("The server ended: run the command by hand.")
            time.sleep(0.1)
    sys.exit(f"No answer within {limit:.0f} s.")


def measured(given: argparse.Namespace, images: list[dict[str, bytes]]) -> dict[str, float]:
    """What the server took, seconds."""
    port, ask = free_port(), client().ask
    address = f"http://127.0.0.1:{port}"
    words = ["mlflow", "models", "serve", "-m", given.model, "--env-manager", given.env_manager, "--port", str(port)]
    with tempfile.TemporaryDirectory() as empty:
        server = subprocess.Popen(
            words, cwd=empty, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            took = {"from the command to the first ping": seconds(lambda: wait(address, server, given.limit))}
            took["first answer, 1 image"] = seconds(lambda: ask(address, images[:1]))
            ask(address, images)
            for many in (1, len(images)):
                times = [seconds(lambda many=many: ask(address, images[:many])) for _ in range(given.times)]
                took[f"answers afterwards, {many} image{'s' * (many > 1)}"] = median(times)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    return took


def alone(given: argparse.Namespace, images: list[dict[str, bytes]]) -> dict[int, float]:
    """Images -> seconds that the same model takes in this process."""
    from hpapipe.quiet import import_quietly, quiet

    quiet()
    import_quietly("keras")
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(given.model)
    model.predict(pd.DataFrame(images))
    took = {}
    for many in (1, len(images)):
        table = pd.DataFrame(images[:many])
        model.predict(table)
        took[many] = median(seconds(lambda table=table: model.predict(table)) for _ in range(given.times))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="such as models:/hpa-cells@champion; MLFLOW_TRACKING_URI says where it is")
    parser.add_argument("folder", type=Path, help="of images named {id}_{channel}.png, or {id}.png for a segmenter")
    parser.add_argument("--channels", default="red,green,blue,yellow", help="or: image")
    parser.add_argument("--env-manager", default="local")
    parser.add_argument("--images", type=int, default=16, help="in the larger request")
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--limit", type=float, default=600, help="seconds for the start")
    given = parser.parse_args()
    channels = given.channels.split(",")
    pattern = "{id}.png" if channels == ["image"] else "{id}_{channel}.png"
    last = pattern.format(id="", channel=channels[0])
    ids = sorted(file.name.removesuffix(last) for file in given.folder.glob(f"*{last}"))[: given.images]
    images = [{c: (given.folder / pattern.format(id=name, channel=c)).read_bytes() for c in channels} for name in ids]
    took = measured(given, images)
    for what, value in took.items():
        print(f"| {what} | {value:.3f} s |")
    for many, value in alone(given, images).items():
        served = took[f"answers afterwards, {many} image{'s' * (many > 1)}"]
        print(
            f"| the same in one process, {many} image{'s' * (many > 1)} | {value:.3f} s, {served / value:.2f} times |"
        )


if __name__ == "__main__":
    main()
