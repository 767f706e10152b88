"""The code with which MLflow loads a Version: kept as source inside the Version, so that nothing is pickled.

The model's `model_config` names the task that wrote the folder `version` and therefore can read it.
"""

from __future__ import annotations

import importlib
import logging
import threading
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE
from mlflow.pyfunc.model import PythonModel

from hpapipe.errors import UserError


class Refused(MlflowException):
    """An answer that was not given, and why: MLflow's scoring server makes an HTTP status and JSON of it.

    That server writes what it was sent before the message of every error; here the message stays one line.
    """

    @property
    def message(self) -> str:
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = getattr(self, "_message", text)


class VersionModel(PythonModel):
    """A Version as an MLflow pyfunc."""

    def load_context(self, context: Any) -> None:
        task = importlib.import_module(context.model_config["module"])
        self.version = task.read_version(context.artifacts["version"])
        self.turn = threading.Lock()

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answers for integers `[images, height, width, channels]`, or for a table of files, a column a channel.

        The hint says arrays alone: MLflow takes it for no schema, and so lets tables pass; any other hint, and none,
        makes it warn.

        Raises:
            Refused: by whoever asks (400), or for a fault in here (500); what a fault was stands in the log alone,
                since MLflow's scoring server sends tracebacks to its clients.
        """
        try:
            with self.turn:  # the server asks from many threads, and a network answers one at a time
                return self.version.answer(model_input)
        except UserError as error:
            raise Refused(str(error), INVALID_PARAMETER_VALUE) from error
        except Exception as error:
            logging.getLogger(__name__).exception("The Version could not answer")
            raise Refused("The Version could not answer. The server's log says why.", INTERNAL_ERROR) from error


set_model(VersionModel())
