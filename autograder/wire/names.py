"""Names and texts from the other side, made harmless."""

import keyword
import re
from typing import Any

mro = type.__dict__["__mro__"].__get__  # of a class; its metaclass may lie about this and the next
type_name = type.__dict__["__name__"].__get__


def safe_name(name: str) -> str:
    """``name`` as an identifier of at most 60 characters, else "object"."""
    kept = re.sub(r"\W", "", name)[:60]
    return kept if kept.isidentifier() and not keyword.iskeyword(kept) else "object"


def safe_type_name(value: Any) -> str:
    """The name of the type of ``value``, as :func:`safe_name`."""
    return safe_name(type_name(type(value)))


def clean(text: Any, most: int = 1000) -> str:
    """``text`` as a plain string that UTF-8 can hold."""
    return str.__str__(text)[:most].encode("utf-8", "replace").decode()


def is_field_name(name: str) -> bool:
    """Names with an underscore in front are protocols between libraries, not data.

    NumPy would follow an ``__array_interface__`` to any address, ctypes an ``_as_parameter_``, and pandas takes a
    thing for a Series whose ``_typ`` says so.
    """
    return name.isidentifier() and not name.startswith("_") and len(name) <= 100
