"""Count the random numbers that lie between two states of numpy's shared generator.

A notebook that sows it once fits its model with what the cells in between leave of it, of which
training runs only some. Where the others' numbers are counted, training can leave them out too.
"""

from __future__ import annotations

import sys
from typing import Any

MOST = 5_000_000
"""Numbers that are counted at most; it takes about two seconds."""
BLOCK = 624
"""Numbers that the Mersenne Twister makes at a time."""


def between(one: Any, other: Any) -> int | None:
    """Return how many 32-bit numbers lead from one state to another; None if that many do not.

    Args:
        one: as ``numpy.random.get_state()`` gives it.
        other: the later state.
    """
    if one is None or other is None or one[3:] != other[3:]:  # half of a pair is kept back
        return None
    random = sys.modules["numpy"].random.RandomState()
    random.set_state(one)
    wanted, count = other[1].tobytes(), 0
    key, place = one[1].tobytes(), one[2]
    while key != wanted and count < MOST:
        step = BLOCK - place + 1
        random.bytes(4 * step)
        count += step
        _, now, place = random.get_state()[:3]
        key = now.tobytes()
    return count + other[2] - place if key == wanted and other[2] >= place else None
