"""How large and how deep a message may be. Writer and reader keep the same budget, so that what is written can be read."""

MAX_BYTES = 32 * 2**20
"""Longest message."""
MAX_BODY = 8 * 2**20
"""Longest body. A byte of it may become some sixty bytes of Python objects, a byte of numbers stays a byte."""
MAX_ITEMS = 5_000_000
"""Most items in one message, and the longest ``range``."""
MAX_DEPTH = 20
"""Deepest nesting of containers."""
MAX_BITS = 4096
"""Longest integer; also the largest decimal exponent."""
MAX_POINTS = 10_000
"""Most points that are told of one line, group of bars or cloud of a figure."""
MAX_MESSAGE = 2000
"""Most characters of the message of an exception."""
COST_OF_PANDAS = 500
"""Items that a Series, frame or index counts for: small on the wire, kilobytes in memory."""
COST_OF_COLUMN = 100
"""Items that the values of one column count for."""
COST_OF_OBJECT = 10
"""Items that a set, dataclass or widget counts for: even an empty one takes some hundred bytes."""
MAX_KINDS = 100
"""Most type names in one message: each becomes a class."""


class WireError(ValueError):
    """Bytes that are not a message: malformed, oversized or inconsistent."""
