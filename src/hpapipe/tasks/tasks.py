"""The tasks, by name: each a module with the same functions, which are all that differs between them in training.

What their runs are judged by stands in `judging.py`, which needs no network.

| name | what it is |
|---|---|
| `MODULE` | what a Version imports to answer |
| `check(recipe)` | refuses options that no network can be built with |
| `parts_of(recipe)` | what has a network of its own, each with a `name`, empty where there is but one |
| `key(recipe)` | names what is learned: runs that differ in it cannot be compared |
| `lesson(recipe, part, source, images, split, fold, seed, weights)` | a network, its feed and its tests |
| `gathered(recipe, images, together, split, trained)` | what networks answered for what they never saw |
| `shown(source, images, field)` | an image as figures show it |
| `conclude(recipe, answers)` | decided and scored, and further numbers to log |
| `tables(recipe, answers, scored)` | logged of every run |
| `figures(recipe, answers, scored, image_of)`, `brief_figure(recipe, scored)` | logged with their tables |
| `spec(recipe, decision, bits, members)`, `write_version(folder, networks, spec)` | what a Version is made of |
| `read_version(folder)`, `seen_by(member, images)` | a Version again, and images as one of its networks gets them |
"""

from __future__ import annotations

from types import ModuleType

from hpapipe.config import Recipe
from hpapipe.tasks import classification, segmentation

TASKS: dict[str, ModuleType] = {"classification": classification, "segmentation": segmentation}


def task_of(recipe: Recipe) -> ModuleType:
    """The task of a recipe."""
    return TASKS[recipe.task]
