"""crmlab: the library that the notebooks of 《客户关系管理实务》 import.

Pandas in, pandas out. One module a topic; a module is loaded when it is first used, so that
``import crmlab`` stays quick.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

__all__ = [
    "accounts",
    "campaign",
    "channel",
    "chinese",
    "churn",
    "clusters",
    "clv",
    "credit",
    "data",
    "faq",
    "funnel",
    "generate",
    "identity",
    "inputs",
    "leads",
    "loyalty",
    "pareto",
    "plots",
    "privacy",
    "process",
    "queueing",
    "quiz",
    "realdata",
    "recommend",
    "rfm",
    "satisfaction",
    "scoring",
    "service",
    "survey",
    "survival",
    "tiers",
    "warehouse",
    "weights",
    "widgets",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
