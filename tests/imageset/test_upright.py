"""Images that lie across a network's size."""

from __future__ import annotations

import numpy as np
import pytest

from hpapipe.imageset.upright import laid_back, upright

WIDE = np.arange(6).reshape(2, 3)


@pytest.mark.parametrize(("size", "turned"), [((4, 8), False), ((8, 4), True), ((5, 5), False)])
def test_only_what_lies_across_is_turned_and_comes_back_as_it_was(size: tuple[int, int], turned: bool) -> None:
    laid = upright(WIDE, size)
    assert laid.shape == ((3, 2) if turned else (2, 3))
    assert laid_back(laid, WIDE.shape).tolist() == WIDE.tolist()


def test_a_square_image_is_never_turned() -> None:
    square = np.arange(4).reshape(2, 2)
    assert upright(square, (8, 4)) is square
