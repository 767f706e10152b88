"""The code with which MLflow loads a Version: kept as source inside the Version, so that nothing is pickled.

The model's `model_config` names the task that wrote the folder `version` and therefore can read it.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class VersionModel(PythonModel):
    """A Version as an MLflow pyfunc."""

    def load_context(self, context: Any) -> None:
        task = importlib.import_module(context.model_config["module"])
        self.version = task.read_version(context.artifacts["version"])

    def predict(self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Answers for integers `[images, height, width, channels]`, or for a table of paths, a column a channel.

        The hint says arrays alone: MLflow takes it for no schema, and so lets tables pass; any other hint, and none,
        makes it warn.
        """
        return self.version.answer(model_input)


set_model(VersionModel())
