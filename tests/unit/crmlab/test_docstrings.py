"""Every public name of the library shows how it is used, and the example runs."""

import doctest
import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import crmlab

MODULES = sorted(found.name for found in pkgutil.walk_packages(crmlab.__path__, "crmlab."))


def public(module: ModuleType) -> list[str]:
    """Functions and classes that the module defines and does not hide."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_an_example(name: str) -> None:
    module = import_module(name)
    lacking = [found for found in public(module) if ">>>" not in (inspect.getdoc(getattr(module, found)) or "")]
    assert not lacking, f"{name}: no example in the docstring of {lacking}"


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    result = doctest.testmod(import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
