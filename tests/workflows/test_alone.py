"""Work in a process of its own: what comes back from it, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import errands
from hpapipe.errors import AwayError, UserError
from hpapipe.workflows import alone as module
from hpapipe.workflows.alone import Other, alone, is_abandoned

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")

SECONDS = 120.0
LIGHT = "import os\nSEEN = {name: os.environ.get(name) for name in ('OMP_NUM_THREADS', 'TF_FORCE_GPU_ALLOW_GROWTH')}\n"


@pytest.fixture(autouse=True)
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processes have a Keras that takes no time, and tells what was set when it was imported."""
    (tmp_path / "keras.py").write_text(LIGHT)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def begin() -> Iterator[Callable[..., Other]]:
    """`Other`, whose process ends with the test."""
    begun: list[Other] = []

    def start(*words: object, **options: object) -> Other:
        begun.append(Other(*words, **options))  # type: ignore[arg-type]
        return begun[-1]

    yield start
    for other in begun:
        other.process.kill()
        other.process.join()


def until(path: Path) -> None:
    """Returns when there is such a file."""
    end = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_answer_comes_back_and_the_log_takes_the_rest(
    begin: Callable[..., Other], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is set for the process is there before it imports Keras, what is not comes from here; a log is added to."""
    log = tmp_path / "worker.log"
    log.write_text("before\n")
    environment = {"OMP_NUM_THREADS": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    other = begin(errands.report, log=log, environment=environment)
    assert other.result() == str(environment)
    assert other.process.exitcode == 0
    assert sorted(log.read_text().splitlines()) == ["a complaint", "an answer", "before"]
    assert capfd.readouterr() == ("", "")
    assert os.environ.get("OMP_NUM_THREADS") != "3"


@pytest.mark.parametrize(("kind", "error"), [("user", UserError), ("away", AwayError)])
def test_a_fault_crosses_the_process(kind: str, error: type[UserError], capfd: pytest.CaptureFixture[str]) -> None:
    """Of its kind, with all its lines, and without a traceback."""
    with pytest.raises(UserError) as fault:
        alone(errands.refuse, kind)
    assert type(fault.value) is error
    assert fault.value.lines == ("A rule. Received this. Do that.", "A detail.")
    assert capfd.readouterr() == ("", "")


def test_a_process_that_dies_has_no_answer(begin: Callable[..., Other]) -> None:
    """By itself, and by a signal, as where memory runs out; whoever waits for a training is told."""
    killed = begin(errands.die, -signal.SIGKILL)
    with pytest.raises(
        UserError, match=r"^A training must come to its end\. Received a process that ended with code 3\."
    ):
        alone(errands.die, 3)
    assert killed.result() is None
    assert killed.process.exitcode == -signal.SIGKILL


@pytest.fixture
def ignored() -> Iterator[None]:
    """Ctrl-C is passed over here, as in what a script begins with `&`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_process_is_stopped(begin: Callable[..., Other], tmp_path: Path, ignored: None) -> None:
    """By KeyboardInterrupt, after which it has put its things in order; also below a process that knows none."""
    other = begin(errands.wait, tmp_path)
    until(tmp_path / "begun")
    other.stop()
    assert other.result() is None
    assert other.process.exitcode == 130
    assert (tmp_path / "stopped").read_text() == "True"
    other.stop()  # is gone: nobody else may have its number by now


def test_a_process_that_is_stopped_before_it_began_does_not_begin(begin: Callable[..., Other], tmp_path: Path) -> None:
    """While it still imports, nothing is there to put in order."""
    other = begin(errands.wait, tmp_path)
    other.stop()
    assert other.result() is None
    assert other.process.exitcode == 130
    assert not (tmp_path / "begun").exists()


def test_ctrl_c_stops_the_process_that_is_waited_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is not waited for until its work is done; when the command ends, it has ended."""

    def press() -> None:
        until(tmp_path / "begun")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt):
        alone(errands.wait, tmp_path)
    assert (tmp_path / "stopped").exists()
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_while_a_process_is_begun_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held back for that while, and then nobody has the process yet who could stop it."""
    begun: list[Other] = []
    plain = module.start_masked
    stop = Other.stop

    def start(process: object) -> None:
        plain(process)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    def stopping(self: Other) -> None:
        begun.append(self)
        stop(self)

    monkeypatch.setattr(module, "start_masked", start)
    monkeypatch.setattr(Other, "stop", stopping)
    with pytest.raises(KeyboardInterrupt):
        Other(errands.wait, tmp_path)
    (other,) = begun
    other.process.join()
    assert other.process.exitcode == 130
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize(("parent", "abandoned"), [(os.getppid(), False), (os.getppid() + 1, True), (None, False)])
def test_who_has_lost_the_process_that_began_it(
    parent: int | None, abandoned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without its parent belongs to another one; the first of all has begun by itself."""
    told = None if parent is None else SimpleNamespace(pid=parent)
    monkeypatch.setattr("multiprocessing.parent_process", lambda: told)
    assert is_abandoned() is abandoned
