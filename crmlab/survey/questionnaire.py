"""Draft a questionnaire, and see what a careful reader would mark in it.

Sources: R. Likert, "A Technique for the Measurement of Attitudes", *Archives of Psychology* 22 (140), 1932, 5-55 (the
scale); S. L. Payne, *The Art of Asking Questions*, Princeton University Press, 1951 (wording).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from crmlab import chinese, inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

_WORDS = {
    "agree": {
        5: (_("非常不同意"), _("不同意"), _("说不清"), _("同意"), _("非常同意")),
        7: (
            _("非常不同意"),
            _("不同意"),
            _("有点不同意"),
            _("说不清"),
            _("有点同意"),
            _("同意"),
            _("非常同意"),
        ),
    },
    "satisfied": {
        5: (_("很不满意"), _("不满意"), _("一般"), _("满意"), _("很满意")),
        7: (_("很不满意"), _("不满意"), _("不太满意"), _("一般"), _("比较满意"), _("满意"), _("很满意")),
    },
}

_JARGON = re.compile("[A-Z][A-Za-z]+|[A-Z]{2,}")
_FEWEST_ITEMS = 3  # of a dimension: below, no reliability worth the name


@dataclass(frozen=True)
class Item:
    """One statement or question of a questionnaire.

    Attributes
    ----------
    text : what is read to the respondent
    dimension : what it measures
    reverse : whether agreement means *less* of the dimension

    Examples
    --------
    >>> Item("这台电脑用起来卡顿", "硬件", reverse=True).reverse
    True
    """

    text: str
    dimension: str
    reverse: bool = False


@dataclass(frozen=True)
class Questionnaire:
    """Items by dimension on one Likert scale.

    Attributes
    ----------
    title : heading
    items : the items in the order in which they are asked
    points : steps of the scale, 5 or 7
    wording : "agree" (statements) or "satisfied" (objects)

    Examples
    --------
    >>> draft = Questionnaire("电脑满意度", [Item("外观和性能都好", "产品"), Item("运行流畅", "产品")])
    >>> draft.check()["problem"].to_list()
    ['一题问两件事', '题目太少', '没有反向题']
    """

    title: str
    items: Sequence[Item]
    points: int = 5
    wording: str = "agree"

    def __post_init__(self) -> None:
        likert(self.points, self.wording)
        if not self.items:
            raise CourseError(_("问卷没有一道题：请至少给出一个 Item"))
        for row, item in enumerate(self.items, 1):
            if not isinstance(item, Item) or not str(item.text).strip() or not str(item.dimension).strip():
                raise CourseError(
                    _("第 {row} 题应是写明题目与维度的 Item，现在是 {value!r}").format(row=row, value=item)
                )

    @property
    def frame(self) -> pd.DataFrame:
        """The items as a table: ``item`` (1, 2, ...), ``dimension``, ``text``, ``reverse``."""
        rows = [(n, item.dimension, item.text, item.reverse) for n, item in enumerate(self.items, 1)]
        return pd.DataFrame(rows, columns=["item", "dimension", "text", "reverse"])

    def text(self) -> str:
        """The questionnaire as the respondent reads it; dimensions and reverse items are not given away."""
        words = likert(self.points, self.wording)
        scale = _("　").join(f"{n} {word}" for n, word in words.items())
        lines = [f"{n}. {item.text}" for n, item in enumerate(self.items, 1)]
        return "\n".join([self.title, "", _("请按您的真实感受选一个数：{scale}").format(scale=scale), "", *lines])

    def check(self, longest: int = 30, most: int = 40) -> pd.DataFrame:
        """What a careful reader would mark in the draft.

        Rules of thumb on the wording, no understanding of it: they miss bad questions and sometimes mark good ones.
        The pretest with real people stays the judge.

        Parameters
        ----------
        longest : characters from which an item is long
        most : items from which the questionnaire is long

        Returns
        -------
        DataFrame, one row a remark: ``item`` (number; 0 for a remark on the whole), ``problem``, ``found`` (the
        words that gave rise to it), ``advice``. Empty if nothing was found.
        """
        remarks = [(n, *mark) for n, item in enumerate(self.items, 1) for mark in _wording_marks(item, longest)]
        remarks += [(0, *mark) for mark in _design_marks(self.frame, most)]
        return pd.DataFrame(remarks, columns=["item", "problem", "found", "advice"])


def likert(points: int = 5, wording: str = "agree") -> dict[int, str]:
    """The words of a Likert scale by number, lowest first.

    Parameters
    ----------
    points : 5 or 7; an odd number leaves a middle for those who really stand there
    wording : "agree" or "satisfied"

    Examples
    --------
    >>> likert(5, "satisfied")[4]
    '满意'
    """
    by_points = _WORDS[inputs.choice(wording, "wording", tuple(_WORDS))]
    if points not in by_points:
        raise CourseError(
            _("points 应是 5 或 7（奇数才有中间项），现在是 {points}").format(points=inputs.shown(points))
        )
    return dict(enumerate(by_points[points], 1))


def _wording_marks(item: Item, longest: int) -> list[tuple[str, str, str]]:
    text = item.text
    rules = (
        (chinese.JOINING, chinese.ONE_WORD.sub("", text), _("一题问两件事"), _("拆成两题，每题只问一件事")),
        (chinese.LEADING, text, _("诱导"), _("去掉暗示答案的词，让正反两种回答一样容易")),
        (
            chinese.DOUBLE_NEGATION,
            chinese.NO_NEGATION.sub("", text),
            _("双重否定"),
            _("改成肯定句，反向题也只用一个否定"),
        ),
        (chinese.VAGUE, text, _("频率含糊"), _("写明时间段和次数，例如“过去一个月里”")),
        (chinese.ABSOLUTE, text, _("说得绝对"), _("去掉绝对的词，否则诚实的人只能选不同意")),
        (chinese.PRIVATE, text, _("涉及隐私"), _("不必要就不问；必须问时说明用途，并允许不答")),
        (_JARGON, text, _("可能看不懂的缩写"), _("换成受访者日常用的说法")),
    )
    marks = [(name, found.group(), advice) for rule, where, name, advice in rules if (found := rule.search(where))]
    if len(text) > longest:
        marks.append((_("题目太长"), _("{n} 个字").format(n=len(text)), _("控制在 {n} 个字以内").format(n=longest)))
    return marks


def _design_marks(items: pd.DataFrame, most: int) -> list[tuple[str, str, str]]:
    marks = []
    for text in items["text"][items["text"].duplicated()].unique():
        marks.append((_("题目重复"), text, _("删去一题，或换一个角度问")))
    for dimension, group in items.groupby("dimension", sort=False):
        if len(group) < _FEWEST_ITEMS:
            told = _("{dimension}：{n} 题").format(dimension=dimension, n=len(group))
            marks.append((_("题目太少"), told, _("每个维度至少 3 题，否则谈不上信度")))
        if group["reverse"].all():
            marks.append((_("全是反向题"), str(dimension), _("正向题与反向题都要有，正向为主")))
    if not items["reverse"].any():
        marks.append((_("没有反向题"), "", _("放进一两道反向题，才看得出谁没有读题")))
    if len(items) > most:
        told = _("{n} 题").format(n=len(items))
        marks.append((_("问卷太长"), told, _("控制在 {n} 题以内：越到后面答得越随意").format(n=most)))
    return marks
