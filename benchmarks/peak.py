"""The most memory that a command needs, for benchmarks of things that must not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

MEASURE = """
import json, sys, time
from hpapipe.quiet import quiet
quiet()
from hpapipe.cli.main import run
begun = time.perf_counter()
code = run(sys.argv[1:])
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"code": code, "mib": peak / 1024, "seconds": time.perf_counter() - begun}))
"""


def needed(words: Sequence[str]) -> dict[str, float]:
    """`mib` at most and `seconds` of `hpapipe` with these words, in a process of its own."""
    ended = subprocess.run([sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, check=False)
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    assert found["code"] == 0, ended.stderr
    return found


def compared(peaks: Sequence[float], times: float, allowed: float) -> str:
    """The verdict on the memory for so many times as much work."""
    ratio = peaks[1] / peaks[0]
    kept = "kept" if ratio <= allowed else "NOT KEPT"
    return f"{times:g} times as much, {ratio:.3f} times the memory; at most {allowed:g}: {kept}"
