"""Seeded generators of the course's data sets, with known truth.

A generator takes a seed and gives the same tables every time, and beside them the truth that no file holds. Each data
set has a module of its name whose ``RECIPE`` says how it is made; the modules whose names are not in ``NAMES`` are
their common stock (products, seasons, people, ...).
"""

from importlib import import_module

from crmlab.generate.recipe import Recipe

__all__ = ["NAMES", "recipe"]

NAMES = (
    "ecommerce",
    "leads",
    "masterdata",
    "laptop-survey",
    "logistics",
    "complaints",
    "membership",
    "channel",
    "accounts",
    "contact-centre",
    "faq",
    "campaign",
)


def recipe(name: str) -> Recipe:
    """How the data set ``name`` (one of :data:`NAMES`) is made.

    >>> recipe("ecommerce").as_of
    Timestamp('2025-12-31 00:00:00')
    """
    return import_module(f"{__name__}.{name.replace('-', '_')}").RECIPE
