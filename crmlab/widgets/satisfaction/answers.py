"""The laptop survey as the exercises of chapter 07 use it."""

from typing import Any

import pandas as pd

from crmlab import survey

REVERSE = {"image4": "image1", "hardware4": "hardware1", "service4": "service1", "loyalty3": "loyalty1"}


def clean_answers(laptops: Any) -> pd.DataFrame:
    """Answers that look serious, reversed items turned once, by ``respondent_id``.

    Left out: two signs of carelessness or more, or a repeated questionnaire, the rule of the chapter. Besides the items,
    the columns ``satisfied`` (mean of its three items) and ``attitude`` (of ``loyalty1`` and ``loyalty2``), 1 to 10.

    >>> from crmlab import data
    >>> clean = clean_answers(data.load("laptop-survey"))
    >>> len(clean), round(float(clean["satisfied"].mean()), 2)
    (1127, 7.1)
    """
    owners = laptops.respondents.set_index("respondent_id")
    answers = laptops.answers.set_index("respondent_id")
    signs = survey.screen(
        answers.drop(columns="nps"), seconds=owners["seconds"], reverse=REVERSE, attention=owners["attention"] == 3,
        high=10,
    )  # fmt: skip
    serious = (signs["signs"] < 2) & ~signs["duplicate"]
    clean = survey.reverse_code(answers[serious], REVERSE, high=10).astype(float)
    return clean.assign(
        satisfied=clean[["satisfaction1", "satisfaction2", "satisfaction3"]].mean(axis=1),
        attitude=clean[["loyalty1", "loyalty2"]].mean(axis=1),
    )
