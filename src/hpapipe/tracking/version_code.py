"""The code with which MLflow loads a Version: kept as source inside the Version, so that nothing is pickled.

The model's `model_config` names the task that wrote the folder `version` and therefore can read it.
"""

from __future__ import annotations

import importlib
from typing import Any

import mlflow


class VersionModel(mlflow.pyfunc.PythonModel):
    """A Version as an MLflow pyfunc."""

    def load_context(self, context: Any) -> None:
        task = importlib.import_module(context.model_config["module"])
        self.version = task.read_version(context.artifacts["version"])

    # Without type hints: MLflow would take them for a schema, and arrays or tables of paths have none in common.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Answers for integer images `[images, height, width, channels]`, or for a table of file paths, one column a channel."""
        return self.version.answer(model_input)


mlflow.models.set_model(VersionModel())
