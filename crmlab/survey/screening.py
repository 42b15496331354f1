"""What came back: turn the reverse items, and find the sheets that may not have been answered in earnest.

Source: P. G. Curran, "Methods for the detection of carelessly invalid responses in survey data", *Journal of
Experimental Social Psychology* 66, 2016, 4-19 (straight-lining, speed).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

Floats = NDArray[np.float64]


def reverse_code(answers: pd.DataFrame, columns: Iterable[str], low: float = 1, high: float = 5) -> pd.DataFrame:
    """The answers with reverse items turned: x becomes low + high − x, missing stays missing.

    Turn each reverse item exactly once, before any mean, any alpha.

    Parameters
    ----------
    answers : DataFrame, one column an item
    columns : the reverse items
    low, high : ends of the scale

    Raises
    ------
    CourseError : a column is missing, or holds an answer outside the scale (a scale mixed up).

    Examples
    --------
    >>> reverse_code(pd.DataFrame({"q1": [5, 4], "q2": [1, 2]}), ["q2"])["q2"].to_list()
    [5.0, 4.0]
    """
    wanted = [columns] if isinstance(columns, str) else list(columns)
    inputs.frame(answers, _("答卷"), wanted)
    turned = {name: low + high - _answers(answers[[name]], low, high)[name] for name in wanted}
    return answers.assign(**turned)


def screen(
    answers: pd.DataFrame,
    *,
    seconds: Any = None,
    reverse: Mapping[str, str] | None = None,
    attention: Any = None,
    low: float = 1,
    high: float = 5,
    longest: int | None = None,
    fastest: float = 2.0,
    gap: float | None = None,
) -> pd.DataFrame:
    """Which questionnaires may not have been answered in earnest, and why.

    ============= ===========================================================================================
    straight      the same answer to ``longest`` items in a row (half of all, rounded up, by default)
    fast          less than ``fastest`` seconds an item (needs ``seconds``)
    contradiction reverse items and their counterparts, once turned, lie ``gap`` apart on average: half of the
                  scale by default (needs ``reverse``)
    duplicate     all answers equal to those of an earlier row, and not all one number
    attention     the question that says which answer to give got another one (needs ``attention``)
    ============= ===========================================================================================

    One sign proves nothing: someone quick may be honest, someone content may give only 9s. Drop those with two or
    more, say how many, and show whether the results change.

    Parameters
    ----------
    answers : DataFrame in the order of the questionnaire, raw (reverse items not yet turned), one column an item
    seconds : time taken by each respondent
    reverse : {reverse item: the item that asks the same the other way}
    attention : whether each respondent passed (True / False)
    low, high : ends of the scale
    longest, fastest, gap : thresholds, see above

    Returns
    -------
    DataFrame with the index of ``answers``: one yes/no column for each check that could be made, ``signs`` (how many
    are yes) and ``reason`` (in words; empty if none).

    Raises
    ------
    CourseError : answers outside the scale, lengths that differ, an unknown item in ``reverse``.

    Examples
    --------
    >>> answers = pd.DataFrame({"q1": [5, 4], "q2": [5, 5], "q3": [5, 2]})
    >>> screen(answers, seconds=[3, 40], reverse={"q3": "q1"})["reason"].to_list()
    ['连续 3 题选同一个答案；3 题只用了 3 秒；正反两问相差 4 分', '']
    """
    items = _answers(inputs.frame(answers, _("答卷")), low, high)
    n, k = items.shape
    most_equal = -(-k // 2) if longest is None else inputs.whole(longest, "longest", low=2)
    runs = _longest_runs(items.to_numpy())
    checks = {"straight": runs >= max(most_equal, 2)}
    words = {"straight": [_("连续 {n} 题选同一个答案").format(n=run) for run in runs]}
    if seconds is not None:
        taken = inputs.vector(seconds, "seconds", length=n, low=0)
        checks["fast"] = taken < inputs.number(fastest, "fastest", above=0) * k
        words["fast"] = [_("{k} 题只用了 {s:.0f} 秒").format(k=k, s=s) for s in taken]
    if reverse:
        wide = (high - low) / 2 if gap is None else inputs.number(gap, "gap", above=0)
        apart = _contradictions(items, reverse, low + high)
        checks["contradiction"] = apart >= wide  # a missing answer contradicts nobody
        words["contradiction"] = [_("正反两问相差 {d:.3g} 分").format(d=d) for d in apart]
    # Two empty sheets, or two with nothing but 5s, agree without copying.
    checks["duplicate"] = items.duplicated().to_numpy() & (items.nunique(axis=1) > 1).to_numpy()
    words["duplicate"] = [_("与前面的一份答卷完全相同")] * n
    if attention is not None:
        checks["attention"] = ~_passed(attention, n)
        words["attention"] = [_("没有答对注意力检测题")] * n
    found = pd.DataFrame(checks, index=answers.index)
    reasons = [_("；").join(words[check][row] for check in checks if checks[check][row]) for row in range(n)]
    return found.assign(signs=found.sum(axis=1).astype("int64"), reason=reasons)


def _answers(answers: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """The answers as floats, missing ones as NaN; a CourseError at the first one off the scale."""
    found = {}
    for place, name in enumerate(answers.columns):
        raw = answers.iloc[:, place]
        values = pd.to_numeric(raw, errors="coerce").astype("float64").to_numpy(dtype=float, na_value=np.nan)
        bad = (np.isnan(values) & raw.notna().to_numpy()) | (values < low) | (values > high)
        if bad.any():
            row = int(np.argmax(bad))
            raise CourseError(
                _(
                    "列 {column} 第 {row} 行的 {value} 不在 {low:g} 到 {high:g} 之间：请检查量表的范围，或只选题目的列"
                ).format(column=name, row=row + 1, value=inputs.shown(raw.iloc[row]), low=low, high=high)
            )
        found[name] = values
    return pd.DataFrame(found, index=answers.index)


def _longest_runs(answers: Floats) -> NDArray[np.int64]:
    """Longest run of equal neighbours in each row; a missing answer ends a run."""
    run = np.ones(len(answers), dtype=np.int64)
    longest = run.copy()
    for left, right in zip(answers.T[:-1], answers.T[1:], strict=True):
        run = np.where(left == right, run + 1, 1)
        longest = np.maximum(longest, run)
    return longest


def _contradictions(items: pd.DataFrame, reverse: Mapping[str, str], ends: float) -> Floats:
    inputs.frame(items, _("答卷"), [*reverse.keys(), *reverse.values()])
    gaps = pd.DataFrame({name: (ends - items[name] - items[other]).abs() for name, other in reverse.items()})
    return gaps.mean(axis=1).to_numpy()


def _passed(attention: Any, n: int) -> NDArray[np.bool_]:
    passed = pd.Series(attention)
    if len(passed) != n:
        raise CourseError(_("attention 应有 {n} 个值，现在有 {found} 个").format(n=n, found=len(passed)))
    if not pd.api.types.is_bool_dtype(passed):
        raise CourseError(
            _(
                'attention 应写明每人是否答对（True / False），例如 respondents["attention"] == 3，现在的类型是 {kind}'
            ).format(kind=passed.dtype)
        )
    return passed.fillna(False).to_numpy(dtype=bool)  # no answer is not the right one
