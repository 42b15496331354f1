"""Waiting for what another process does. How quick it is no test asks: the machine may be busy with other things."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 240
"""Seconds until something counts as never coming."""


def eventually(happened: Callable[[], Any]) -> Any:
    """What comes of ``happened`` once it is true."""
    end = time.monotonic() + PATIENCE
    while not (result := happened()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return result
