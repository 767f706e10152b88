"""The dashboard's server: on this machine alone, quiet, and with a line for each thing that a user can mend."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import optuna
import pytest

from hpapipe import config
from hpapipe.errors import AwayError, UserError
from hpapipe.workflows.tune_dashboard import dashboard
from hpapipe.workflows.tune_notes import present


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of one trial, which has a note and a figure."""
    place = tmp_path_factory.mktemp("studies")
    study = optuna.create_study(storage=f"sqlite:///{place / 'optuna.db'}", study_name="cells")
    trial = study.ask()
    present(trial, "a note", {"losses": b"a picture"}, place / "optuna_artifacts")
    study.tell(trial, 0.5)
    return place


@pytest.fixture
def studies(store: Path, made: Path) -> Path:
    """The test's own copy of that folder, in which it runs."""
    return shutil.copytree(made, store, dirs_exist_ok=True)


@pytest.fixture
def port() -> int:
    """A free one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    return number


def served(port: int, storage: str = "sqlite:///optuna.db") -> WSGIServer:
    return dashboard(config.load(None, {"tune.storage": storage}), port)


@contextmanager
def answering(port: int) -> Iterator[Callable[[str], bytes]]:
    """Asks a server that answers for pages."""
    with served(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def ask(path: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                content: bytes = answer.read()
            return content

        try:
            yield ask
        finally:
            server.shutdown()
            thread.join()


def figure(folder: Path) -> str:
    (path,) = (folder / "optuna_artifacts").iterdir()
    return path.name


def test_studies_notes_and_figures_are_shown(studies: Path, port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """And nothing is written to the terminal."""
    with answering(port) as ask:
        page = ask("/dashboard/studies/1")
        shown = json.loads(ask("/api/studies/1?after=0"))
        picture = ask(f"/artifacts/1/1/{figure(studies)}")
    assert b"Optuna Dashboard" in page
    assert (shown["name"], len(shown["trials"])) == ("cells", 1)
    assert shown["trials"][0]["note"]["body"].startswith("a note")
    assert [each["filename"] for each in shown["trials"][0]["artifacts"]] == ["losses.png"]
    assert picture == b"a picture"
    assert capfd.readouterr() == ("", "")


def test_no_other_machine_reaches_it(studies: Path, port: int) -> None:
    """It asks nobody for a password. No language model is asked either, which would send studies away."""
    with answering(port) as ask:
        assert json.loads(ask("/api/meta"))["llm_is_available"] is False
    with served(port) as server:
        assert server.server_address == ("127.0.0.1", port)
        assert server.socket.getsockname() == ("127.0.0.1", port)


def test_a_fault_is_told_once(studies: Path, port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """In one line each, however often an open page asks again: a figure that is gone, and a broken database."""
    name = figure(studies)
    (studies / "optuna_artifacts" / name).unlink()
    with answering(port) as ask:
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError, match="500"):
                ask(f"/artifacts/1/1/{name}")
        Path("optuna.db").write_bytes(b"no database" * 1000)
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError, match="500"):
                ask("/api/studies")
    told = capfd.readouterr()
    gone, broken = told.err.splitlines()
    assert gone == f"FileNotFoundError: [Errno 2] No such file or directory: 'optuna_artifacts/{name}'"
    assert broken.startswith("Exception: ")
    assert told.out == ""


def test_a_database_that_does_not_exist_is_not_made(store: Path, port: int) -> None:
    """SQLite would make it."""
    with pytest.raises(UserError) as error:
        served(port)
    assert str(error.value) == (
        "There must be a study to show. Received no file optuna.db. "
        "Run `hpapipe tune` first, or give another database with --tune.storage."
    )
    assert sorted(path.name for path in store.iterdir()) == ["mlflow.db"]


def test_a_database_without_studies(store: Path, port: int) -> None:
    """It stays as empty as it is."""
    Path("optuna.db").touch()
    with pytest.raises(UserError, match=r"Received sqlite:///optuna.db without any\. Run `hpapipe tune` first"):
        served(port)
    assert Path("optuna.db").read_bytes() == b""


def test_the_database_of_mlflow_is_refused(store: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where runs are tracked elsewhere now; nothing is written to it."""
    before = Path("mlflow.db").read_bytes()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"Received MLflow's, sqlite:///mlflow.db\. Give another with --tune.storage"):
        served(port, "sqlite:///mlflow.db")
    assert Path("mlflow.db").read_bytes() == before


@pytest.mark.parametrize("address", ["sqlite:///text.db", "nonsense", "postgresql+nothing://me:secret@host/studies"])
def test_a_database_that_does_not_answer(store: Path, port: int, address: str) -> None:
    """A file of another kind, no address, and a driver that is not there; no password is shown."""
    Path("text.db").write_text("no database")
    with pytest.raises(AwayError, match="The database of studies must answer") as error:
        served(port, address)
    assert "secret" not in str(error.value)
    assert address.rpartition("@")[2] in str(error.value)


def test_a_port_that_is_taken(studies: Path) -> None:
    """By any other program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(UserError) as error:
            served(taken)
    assert str(error.value).startswith(f"The port must be free. Received “Address already in use” from port {taken}. ")
    assert str(error.value).endswith("--port.")
