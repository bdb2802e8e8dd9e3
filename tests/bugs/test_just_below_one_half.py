"""Adding a half before the floor rounded 0.49999999999999994 up; C's round does not."""

import math

import pytest

from tinykit.core.fixedpoint import round_half_away


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_double_below_one_half_rounds_to_zero(sign: int) -> None:
    assert round_half_away(sign * math.nextafter(0.5, 0.0)) == 0
    assert round_half_away(sign * 0.5) == sign
    assert round_half_away(sign * (2.0**52 + 1)) == sign * (2**52 + 1)
