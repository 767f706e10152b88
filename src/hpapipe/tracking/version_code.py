"""The code with which MLflow loads a Version: kept as source inside the Version, so that nothing is pickled.

The model's `model_config` names the task that wrote the folder `version` and therefore can read it.
"""

from __future__ import annotations

import importlib
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


class VersionModel(PythonModel):
    """A Version as an MLflow pyfunc."""

    def load_context(self, context: Any) -> None:
        task = importlib.import_module(context.model_config["module"])
        self.version = task.read_version(context.artifacts["version"])

    # Without type hints: MLflow would take them for a schema, and arrays or tables of paths have none in common.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Answers for integers `[images, height, width, channels]`, or for a table of paths, a column a channel."""
        return self.version.answer(model_input)


set_model(VersionModel())
