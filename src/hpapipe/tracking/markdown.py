"""Tables in the descriptions that MLflow shows at the top of runs."""

from __future__ import annotations

import pandas as pd

MOST_ROWS = 40
"""Rows of a table in a description, of which MLflow keeps 8000 characters."""


def markdown(table: pd.DataFrame) -> str:
    """The first 40 rows of a table as Markdown, numbers with three digits, and how many more rows there are."""
    rows = [[str(name) for name in table], ["---"] * table.shape[1]]
    rows += [[_cell(value) for value in row] for row in table.head(MOST_ROWS).itertuples(index=False)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if len(table) > MOST_ROWS:
        lines.append(f"\nand {len(table) - MOST_ROWS} more, in the tables under Artifacts")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3f}"
    return str(value).replace("|", "\\|")
