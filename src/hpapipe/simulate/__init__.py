"""Simulated cells: fields that show the 28 structures, each by its own pattern."""
