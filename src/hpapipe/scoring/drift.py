"""How far a new set lies from an earlier one: shares and distributions, and which of them differ surely."""

from __future__ import annotations

import numpy as np
from scipy.stats import fisher_exact, ks_2samp, norm

SURE = 0.05
"""Chance that any of the quantities compared is called different where none is."""


def share_p(before: np.ndarray, among: int, now: np.ndarray, of: int) -> np.ndarray:
    """The chance of shares as different as these if they were equal, float64 `[shares]`.

    Args:
        before: how often each was seen in the earlier set, int `[shares]`.
        among: images of the earlier set.
        now: the same of the new set, int `[shares]`.
        of: images of the new set.

    Source: Fisher's exact test, two-sided.
    """
    seen, size = np.stack([before, now], axis=1), np.array([among, of])
    return np.array([fisher_exact(np.stack([each, size - each])).pvalue for each in seen], np.float64)


def share_change(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Cohen's h, float64: above 0 where `now` is the larger; 0.2 is from 10 % to 17 %, or from 1 % to 4 %.

    Args:
        before: shares of the earlier set, 0 to 1.
        now: shares of the new set, 0 to 1.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), section 6.2.
    """
    return 2 * np.arcsin(np.sqrt(np.asarray(now, np.float64))) - 2 * np.arcsin(np.sqrt(np.asarray(before, np.float64)))


def share_interval(count: np.ndarray, of: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the 95 % intervals of shares, float64.

    Args:
        count: how often each was seen, int `[shares]`.
        of: images, 1 or more.

    Source: Wilson, Probable inference, JASA 22 (1927).
    """
    z = norm.ppf(0.975)
    share = np.asarray(count, np.float64) / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)) / (1 + z**2 / of)
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)


def distance(before: np.ndarray, now: np.ndarray) -> tuple[float, float]:
    """(largest difference of the two cumulated shares, 0 to 1; its chance if both sets were drawn from one).

    For two normal distributions of one width 0.2 means that they lie half a standard deviation apart.

    Args:
        before: values of the earlier set; those that are no number do not count.
        now: values of the new set.

    Source: Smirnov's two-sample test.
    """
    first, second = (np.asarray(values, np.float64) for values in (before, now))
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    if not len(first) or not len(second):
        return 0.0, 1.0
    found = ks_2samp(first, second)
    return float(found.statistic), float(found.pvalue)


def corrected(p: np.ndarray) -> np.ndarray:
    """Chances corrected for their number: those below `SURE` are, all together, wrong with that chance at most.

    Args:
        p: float `[tests]`.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out
