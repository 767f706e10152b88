"""Packs that were killed, and two processes that make one at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

import hpapipe
from hpapipe.imageset import pack as module
from hpapipe.imageset.images import ImageSet
from hpapipe.imageset.pack import pack

Folder = Callable[..., ImageSet]
TEN = ("0",) * 10

KILLED = """
import itertools, json, os, sys, time
from pathlib import Path
import numpy as np
from hpapipe.config import Data
from hpapipe.imageset import images as reading, pack as module
from hpapipe.imageset.images import ImageSet

order = json.loads(sys.argv[1])
images = ImageSet(Path(order["folder"]), Data(**order["data"]), tuple(order["ids"]), np.zeros((len(order["ids"]), 0)))
module.CHUNK = 2
read, steps = reading.read_field, {"replace": (Path, "replace"), "write_bytes": (Path, "write_bytes"),
                                  "flush": (np.memmap, "flush"), "read": (reading, "read_field")}

def dying(kept, number):
    count = itertools.count(1)
    def step(*words):
        if next(count) == number:
            os.kill(os.getpid(), 9)
        return kept(*words)
    return step

def slow(*words):
    time.sleep(0.01)
    return read(*words)

def child(workspace, step, number, go):
    if step == "slow":
        reading.read_field = slow
    else:
        place, name = steps[step]
        setattr(place, name, dying(getattr(place, name), number))
    os.read(go, 1)
    print(module.pack(images, Path(workspace)).decoded, flush=True)

def start(job, go):
    number = os.fork()
    if not number:
        os.close(gate)
        child(*job, go)
        os._exit(0)
    return number

for jobs in order["rounds"]:
    go, gate = os.pipe()
    children = [start(job, go) for job in jobs]
    os.close(gate)
    print(*(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in children), flush=True)
    os.close(go)
"""
"""Packs in rounds of processes that begin together, each killed (SIGKILL) at the n-th time that it comes to a step."""


def in_processes(images: ImageSet, rounds: Sequence[Sequence[tuple[Path, str, int]]]) -> list[str]:
    """What the processes said: fields decoded, and a line of exit codes after each round."""
    jobs = [[(str(workspace), step, number) for workspace, step, number in jobs] for jobs in rounds]
    order = {
        "folder": str(images.folder),
        "ids": images.ids,
        "data": images.data.model_dump(mode="json"),
        "rounds": jobs,
    }
    environment = os.environ | {"PYTHONPATH": str(Path(hpapipe.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(order)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=True,
    )
    return done.stdout.splitlines()


def marked(workspace: Path) -> int:
    """Fields, of ten in chunks of two, that a pack says it holds."""
    (folder,) = (workspace / "packs").iterdir()
    return 2 * sum((folder / "done").read_bytes()) if (folder / "plan.json").exists() else 0


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed by signal")


@needs_fork
def test_a_pack_killed_at_any_step_is_finished(image_folder: Folder, tmp_path: Path, reads: list[str]) -> None:
    """While allocating, planning, decoding, marking: afterwards the same bits, and only the rest is decoded."""
    images = image_folder(TEN)
    undisturbed = pack(images, tmp_path / "undisturbed").images
    moments = [("read", 1), ("replace", 1), ("write_bytes", 1), ("replace", 2), ("read", 2), ("flush", 1), ("flush", 2)]
    moments += [("flush", 3), ("read", 7), ("flush", 9), ("flush", 10)]
    jobs = [(tmp_path / f"{step}-{number}", step, number) for step, number in moments]
    assert in_processes(images, [[job] for job in jobs]) == [str(-signal.SIGKILL)] * len(jobs)
    kept = {workspace.name: marked(workspace) for workspace, _, _ in jobs}
    assert (kept["replace-2"], kept["flush-1"], kept["flush-3"], kept["flush-10"]) == (0, 0, 2, 10)
    for workspace, _, _ in jobs:
        allocated = any((workspace / "packs").glob("*/plan.json"))
        reads.clear()
        packed = pack(images, workspace)
        assert packed.images.tobytes() == undisturbed.tobytes(), workspace.name
        assert packed.decoded == 10 - kept[workspace.name], workspace.name
        assert len(reads) == packed.decoded + (0 if allocated else 1), workspace.name
        assert pack(images, workspace).decoded == 0


@needs_fork
def test_a_pack_killed_again_and_again_gets_done(image_folder: Folder, tmp_path: Path) -> None:
    """Each process that marks a chunk brings it nearer, until one is not killed any more."""
    images = image_folder(TEN)
    said = in_processes(images, [[(tmp_path / "again", "flush", 3)]] * 6)
    assert said == [str(-signal.SIGKILL)] * 4 + ["2", "0", "0", "0"]
    packed = pack(images, tmp_path / "again")
    assert packed.decoded == 0
    np.testing.assert_array_equal(packed.images, pack(images, tmp_path / "undisturbed").images)


@needs_fork
def test_two_processes_at_once_share_the_work(image_folder: Folder, tmp_path: Path) -> None:
    """Both get the whole pack, and no field is decoded twice."""
    images = image_folder(TEN)
    *decoded, codes = in_processes(images, [[(tmp_path / "both", "slow", 0)] * 2])
    assert codes == "0 0"
    assert sorted(map(int, decoded)) == [0, 10]
    np.testing.assert_array_equal(pack(images, tmp_path / "both").images, pack(images, tmp_path / "undisturbed").images)


def test_a_half_pack_keeps_its_own_chunks(
    image_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks of chunks of 2 mean the same after the default has become 4."""
    images = image_folder(TEN)
    monkeypatch.setattr(module, "CHUNK", 2)
    pack(images, tmp_path)
    (done,) = tmp_path.glob("packs/*/done")
    done.write_bytes(bytes([1, 1, 0, 1, 0]))
    monkeypatch.setattr(module, "CHUNK", 4)
    (array,) = tmp_path.glob("packs/*/images.npy")
    np.load(array, mmap_mode="r+")[[4, 5, 8, 9]] = 0
    packed = pack(images, tmp_path)
    assert packed.decoded == 4
    np.testing.assert_array_equal(packed.images, pack(images, tmp_path / "undisturbed").images)
