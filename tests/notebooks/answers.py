"""The words in which answers to an assignment are written: changes of the reference solution.

A module ``aNN_answers`` gives

- ``WRONG``: by task, (name, code, points it should still earn, a part of the message it should get), real misconceptions;
- ``RIGHT``: by task, (name, code), right in another way;
- ``PRODUCTS``: by task, the names it makes, which somebody who copies takes over from a friend;
- ``EARLY``: (task, name of a wrong answer) after which all later tasks still get everything.

Code is either whole or made from the reference by :func:`swap` or :func:`then`.
"""

from collections.abc import Callable

Code = str | Callable[[str], str]


def swap(*pairs: tuple[str, str]) -> Callable[[str], str]:
    """The reference solution with texts exchanged."""

    def change(reference: str) -> str:
        for old, new in pairs:
            assert old in reference, f"the reference no longer has {old!r}"
            reference = reference.replace(old, new)
        return reference

    return change


def then(code: str) -> Callable[[str], str]:
    """The reference solution, then ``code``."""
    return lambda reference: reference + "\n" + code
