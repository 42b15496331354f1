"""Surveys: draft a questionnaire, try it on simulated people, size and allocate the sample, judge what comes back.

The order of the functions is the order of the work. Everything that is random takes a ``seed``.

Sources: W. G. Cochran, *Sampling Techniques*, 3rd ed., Wiley, 1977 (sample size, finite populations, allocation);
R. V. Krejcie and D. W. Morgan, "Determining sample size for research activities", *Educational and Psychological
Measurement* 30 (3), 1970, 607-610; L. Kish, *Survey Sampling*, Wiley, 1965 (design effect); J. Bethlehem, "Reduction
of nonresponse bias through regression estimation", *Journal of Official Statistics* 4 (3), 1988, 251-260; P. G.
Curran, "Methods for the detection of carelessly invalid responses in survey data", *Journal of Experimental Social
Psychology* 66, 2016, 4-19 (straight-lining, speed); W. E. Deming and F. F. Stephan, "On a least squares adjustment of
a sampled frequency table when the expected marginal totals are known", *Annals of Mathematical Statistics* 11 (4),
1940, 427-444 (raking).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _

__all__ = [
    "Item",
    "Questionnaire",
    "Simulated",
    "allocate",
    "bias_simulation",
    "design_effect",
    "likert",
    "margin_of_error",
    "nonresponse_bias",
    "poststratify",
    "rake",
    "reverse_code",
    "sample_size_mean",
    "sample_size_proportion",
    "screen",
    "simulate_likert",
]

Floats = NDArray[np.float64]

# ----------------------------------------------------------------------------------------------------- questionnaire

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

# Words that contain 和, 与, 及 without joining two things.
_ONE_WORD = re.compile(
    "和谐|和蔼|和气|和解|温和|柔和|缓和|随和|饱和|参与|与否|与其|与众不同|(?<!以)及时|及格|及早|涉及|普及|提及|来得及|来不及"
)
_JOINING = re.compile("以及|并且|而且|同时|又|[和与及、]")
_LEADING = re.compile(
    "难道|众所周知|显然|毫无疑问|大家都|人人都|专家认为|广受好评|著名的|领先的|优秀的|您不觉得|您不认为|是不是也"
)
_DOUBLE_NEGATION = re.compile("不得不|并非不|不无|没有不|[不没无未]([^，。？]{0,6})[不没无未]")
# No negation: 是不是, 有没有 (a plain question), and words that only look like one.
_NO_NEGATION = re.compile("(.)[不没]\\1|未来|无论|不仅|不但|不过|不错")
_VAGUE = re.compile("经常|常常|有时|偶尔|通常|很少|近来|最近")
_ABSOLUTE = re.compile("总是|从来|从不|所有|任何|完全|绝对|每次|永远")
_PRIVATE = re.compile("身份证|手机号|电话号码|家庭住址|详细地址|银行卡|密码|家庭收入|体重")
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


def _wording_marks(item: Item, longest: int) -> list[tuple[str, str, str]]:
    text = item.text
    rules = (
        (_JOINING, _ONE_WORD.sub("", text), _("一题问两件事"), _("拆成两题，每题只问一件事")),
        (_LEADING, text, _("诱导"), _("去掉暗示答案的词，让正反两种回答一样容易")),
        (_DOUBLE_NEGATION, _NO_NEGATION.sub("", text), _("双重否定"), _("改成肯定句，反向题也只用一个否定")),
        (_VAGUE, text, _("频率含糊"), _("写明时间段和次数，例如“过去一个月里”")),
        (_ABSOLUTE, text, _("说得绝对"), _("去掉绝对的词，否则诚实的人只能选不同意")),
        (_PRIVATE, text, _("涉及隐私"), _("不必要就不问；必须问时说明用途，并允许不答")),
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


# -------------------------------------------------------------------------------------------------------- simulation


@dataclass(frozen=True, eq=False)
class Simulated:
    """Answers of simulated people, and what they really thought.

    Attributes
    ----------
    answers : DataFrame of whole numbers, one row a respondent (index 1, 2, ...), one column an item
    opinions : DataFrame of the same shape: the opinion behind each answer, on the scale but not rounded or cut off,
        higher = more of what is measured, also for reverse items
    kind : Series: 认真, 直线作答 (always the same number) or 随机作答

    Examples
    --------
    >>> simulate_likert(200, 4, careless=0.1, seed=1).kind.value_counts().to_dict()
    {'认真': 180, '直线作答': 10, '随机作答': 10}
    """

    answers: pd.DataFrame
    opinions: pd.DataFrame
    kind: pd.Series


def simulate_likert(
    n: int,
    items: int | Sequence[str],
    *,
    mean: Any = 3.5,
    sd: Any = 1.0,
    correlation: Any = 0.5,
    points: int = 5,
    reverse: Iterable[str] = (),
    acquiescence: float = 0.0,
    careless: float = 0.0,
    seed: int = 0,
) -> Simulated:
    """Likert answers of ``n`` people: normal opinions, cut at 1.5, 2.5, ... into the numbers 1 to ``points``.

    Opinion = mean + sd · z, z normal with the given correlations. On a reverse item people answer to
    (1 + points − opinion). Who likes to say yes adds a little to *every* answer, whichever way the item is turned;
    that is what reverse items are for. The ends of the scale cut opinions off, so the mean of the answers lies nearer
    to the middle, and their correlation lower, than those of the opinions.

    Parameters
    ----------
    n : number of people
    items : number of items (named q1, q2, ...) or their names
    mean, sd : of the opinions, one number or one an item
    correlation : between the opinions on any two items, one number (from −1/(k−1) to 1) or a k × k matrix
    points : steps of the scale, 2 to 11
    reverse : names of the reverse items
    acquiescence : mean tendency to say yes, in steps of the scale; people differ in it (exponential)
    careless : share of people, 0 to 1, who do not read: half of them straight-line, half answer at random
    seed : the same seed gives the same people

    Returns
    -------
    Simulated with ``answers``, ``opinions``, ``kind``.

    Raises
    ------
    CourseError : correlations that cannot occur together, lengths that do not fit, an unknown reverse item.

    Examples
    --------
    >>> simulate_likert(1000, ["q1", "q2"], mean=[4, 2], seed=7).answers.mean().round(1).to_dict()
    {'q1': 3.9, 'q2': 2.0}
    """
    n, points = inputs.whole(n, "n", low=1), inputs.whole(points, "points", low=2, high=11)
    names = _item_names(items)
    flipped = {reverse} if isinstance(reverse, str) else set(reverse)
    share = inputs.number(careless, "careless", low=0, high=1)
    yes = inputs.number(acquiescence, "acquiescence", low=0)
    root = _root(correlation, len(names))
    turned = np.array([name in flipped for name in names])
    if unknown := flipped - set(names):
        raise CourseError(_("反向题 {name} 不在题目里").format(name=min(unknown)))
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    z = rng.standard_normal((n, len(names))) @ root.T
    opinions = _per_item(mean, "mean", len(names)) + _per_item(sd, "sd", len(names), low=0) * z
    said = np.where(turned, 1 + points - opinions, opinions) + yes * rng.exponential(1, (n, 1))
    answers = np.clip(np.floor(said + 0.5), 1, points).astype(np.int64)
    careless_people = rng.permutation(n)[: round(share * n)]
    straight, random = np.array_split(careless_people, 2)
    answers[straight] = rng.integers(1, points + 1, (len(straight), 1))
    answers[random] = rng.integers(1, points + 1, (len(random), len(names)))
    kind = pd.Series(_("认真"), index=range(n), name="kind", dtype=object)
    kind.iloc[straight], kind.iloc[random] = _("直线作答"), _("随机作答")
    index = pd.RangeIndex(1, n + 1, name="respondent")
    return Simulated(
        pd.DataFrame(answers, index=index, columns=names),
        pd.DataFrame(opinions, index=index, columns=names),
        kind.set_axis(index),
    )


def _item_names(items: int | Sequence[str]) -> list[str]:
    if isinstance(items, (int, float, np.number)):
        return [f"q{k}" for k in range(1, inputs.whole(items, "items", low=1) + 1)]
    names = list(items)
    if not names or len(set(names)) < len(names):
        raise CourseError(_("items 应是题数，或一列互不相同的题名，现在是 {value!r}").format(value=items))
    return names


def _root(correlation: Any, k: int) -> Floats:
    """A matrix R with R Rᵀ = the correlation matrix."""
    if _is_number(correlation):
        value = inputs.number(correlation, "correlation", low=-1, high=1)
        matrix = np.full((k, k), value)
        np.fill_diagonal(matrix, 1.0)
    else:
        matrix = inputs.matrix(correlation, "correlation", square=True)
        if len(matrix) != k or not np.allclose(matrix, matrix.T) or not np.allclose(np.diag(matrix), 1):
            raise CourseError(_("correlation 应是 {k} × {k} 的相关矩阵：对称，对角线为 1").format(k=k))
    values, vectors = np.linalg.eigh(matrix)
    if values.min() < -1e-9:
        raise CourseError(_("这样的相关系数不可能同时成立（相关矩阵不是半正定的）：请减小绝对值，或检查正负号"))
    return vectors * np.sqrt(np.clip(values, 0, None))


def _per_item(value: Any, name: str, k: int, low: float = -np.inf) -> Floats:
    if _is_number(value):
        return np.full(k, inputs.number(value, name, low=low))
    return inputs.vector(value, name, length=k, low=low)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number))


# ------------------------------------------------------------------------------------------------------- sample size


def sample_size_proportion(
    p: float = 0.5,
    margin: float = 0.05,
    level: float = 0.95,
    population: int | None = None,
    *,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    rounding: str = "up",
) -> int:
    """People needed to know a share to within ± ``margin``.

    n₀ = deff · z² p (1 − p) / margin²; in a population of N, n = n₀ / (1 + (n₀ − 1) / N); rounded, then divided
    by the expected response rate. p = ½ is the worst case.

    Parameters
    ----------
    p : expected share, between 0 and 1
    margin : half the width of the interval, as a share (.05 = 5 percentage points)
    level : confidence, e.g. .95
    population : size of the population; None if it is very large
    design_effect : variance relative to simple random sampling; cluster samples (whole classes) need more than 1
    response_rate : share of the invited who will answer, above 0; the result is then the number to invite
    rounding : "up" (at least this precise) or "nearest", as tables such as that of Krejcie and Morgan do
        (N = 500: 217.49 gives 218 rounded up, 217 in their table)

    Raises
    ------
    CourseError : a number out of its bounds, or more people to invite than there are.

    Examples
    --------
    >>> sample_size_proportion(), sample_size_proportion(population=1000)
    (385, 278)
    """
    p = inputs.number(p, "p", above=0, below=1)
    return _size(p * (1 - p), margin, level, population, design_effect, response_rate, rounding)


def sample_size_mean(
    sd: float,
    margin: float,
    level: float = 0.95,
    population: int | None = None,
    *,
    design_effect: float = 1.0,
    response_rate: float = 1.0,
    rounding: str = "up",
) -> int:
    """People needed to know a mean to within ± ``margin``: n₀ = deff · (z sd / margin)², else as for a share.

    Parameters
    ----------
    sd : expected standard deviation (from a pretest; on a scale from a to b at most (b − a) / 2)
    margin : half the width of the interval, in the unit of ``sd``
    level, population, design_effect, response_rate, rounding : as in :func:`sample_size_proportion`

    Examples
    --------
    >>> sample_size_mean(sd=2, margin=0.2)
    385
    """
    sd = inputs.number(sd, "sd", above=0)
    return _size(sd**2, margin, level, population, design_effect, response_rate, rounding)


def _size(
    variance: float,
    margin: float,
    level: float,
    population: int | None,
    design_effect: float,
    response_rate: float,
    rounding: str,
) -> int:
    margin = inputs.number(margin, "margin", above=0)
    effect = inputs.number(design_effect, "design_effect", above=0)
    rate = inputs.number(response_rate, "response_rate", above=0, high=1)
    rounding = inputs.choice(rounding, "rounding", ("up", "nearest"))
    needed = effect * _z(level) ** 2 * variance / margin**2
    people = None if population is None else inputs.whole(population, "population", low=1)
    if people is not None:
        needed = min(needed / (1 + (needed - 1) / people), people)
    # 12 digits: 100.00000000000001 is 100 people.
    answers = math.floor(needed + 0.5) if rounding == "nearest" else math.ceil(round(needed, 12))
    whole = math.ceil(round(max(answers, 1) / rate, 12))
    if people is not None and whole > people:
        raise CourseError(
            _("要邀请 {n} 人，总体却只有 {people} 人：请放宽 margin，或设法提高回答率").format(n=whole, people=people)
        )
    return whole


def margin_of_error(
    n: int,
    p: float = 0.5,
    level: float = 0.95,
    population: int | None = None,
    *,
    sd: float | None = None,
    design_effect: float = 1.0,
) -> float:
    """Half the width of the confidence interval from ``n`` answers: z √(deff · s² / n · (N − n) / (N − 1)).

    It tells what chance does to a random sample. It says nothing about people who could not or would not answer.

    Parameters
    ----------
    n : number of answers
    p : share, s² = p (1 − p); ignored if ``sd`` is given
    level, population, design_effect : as in :func:`sample_size_proportion`
    sd : standard deviation, for the margin of a mean

    Returns
    -------
    float, as a share, or in the unit of ``sd``.

    Examples
    --------
    >>> round(margin_of_error(385), 3), round(margin_of_error(278, population=1000), 3)
    (0.05, 0.05)
    """
    n = inputs.whole(n, "n", low=1)
    share = inputs.number(p, "p", low=0, high=1)
    variance = share * (1 - share) if sd is None else inputs.number(sd, "sd", low=0) ** 2
    finite = 1.0
    if population is not None:
        people = inputs.whole(population, "population", low=n)
        finite = (people - n) / (people - 1) if people > 1 else 0.0
    effect = inputs.number(design_effect, "design_effect", above=0)
    return _z(level) * math.sqrt(effect * variance / n * finite)


def _z(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + inputs.number(level, "level", above=0, below=1)) / 2)


def allocate(n: int, sizes: Any, sd: Any = None) -> pd.Series:
    """How many of ``n`` interviews go to each stratum.

    Proportional: n_h = n N_h / N. With ``sd``, Neyman's: n_h = n N_h S_h / Σ N S, more to where opinions differ more,
    which makes the overall mean as precise as n interviews can. A stratum is never asked more people than it has; what
    is left over goes to the others. Whole numbers by largest remainder, so they sum to n.

    Parameters
    ----------
    n : interviews, at most the population
    sizes : people by stratum (Series, dict or list)
    sd : standard deviation by stratum, same order (Series and dict: same names)

    Returns
    -------
    Series ``n`` of whole numbers by stratum (1, 2, ... for a list).

    Raises
    ------
    CourseError : more interviews than people, names of ``sd`` and ``sizes`` that differ, all sd 0.

    Examples
    --------
    >>> allocate(100, {"本科": 9000, "研究生": 3000}).to_dict()
    {'本科': 75, '研究生': 25}
    >>> allocate(100, {"本科": 9000, "研究生": 3000}, sd={"本科": 1, "研究生": 2}).to_dict()
    {'本科': 60, '研究生': 40}
    """
    people = _by_stratum(sizes, "sizes", low=1)
    n = inputs.whole(n, "n", low=1, high=float(people.sum()))
    demand = people if sd is None else people * _same_strata(_by_stratum(sd, "sd", low=0), people)
    if not demand.sum() > 0:
        raise CourseError(_("sd 全是 0：没有差异的总体不需要按差异分配，请去掉 sd"))
    share = _capped(float(n), demand.to_numpy(), people.to_numpy())
    return pd.Series(_whole_parts(share, people.to_numpy()), index=people.index, name="n")


def _by_stratum(values: Any, name: str, low: float) -> pd.Series:
    series = pd.Series(values) if isinstance(values, (pd.Series, Mapping)) else None
    checked = inputs.vector(values if series is None else series, name, low=low)
    index = pd.Index(range(1, len(checked) + 1)) if series is None else series.index
    if not index.is_unique:
        raise CourseError(
            _("{name} 里的层 {value} 出现了不止一次：每层一个数").format(name=name, value=index[index.duplicated()][0])
        )
    return pd.Series(checked, index=index)


def _same_strata(sd: pd.Series, people: pd.Series) -> pd.Series:
    if set(sd.index) != set(people.index):
        raise CourseError(
            _("sd 的层（{sd}）与 sizes 的层（{sizes}）不同：请用同样的名字").format(
                sd=_("、").join(map(str, sd.index)), sizes=_("、").join(map(str, people.index))
            )
        )
    return sd.reindex(people.index)


def _capped(n: float, demand: Floats, most: Floats) -> Floats:
    """n shared out by demand, nobody above ``most``; once all demand is met, the rest by what room is left."""
    share = np.zeros(len(demand))
    while n - share.sum() > 1e-9:
        room = most - share
        wish = np.where(room > 1e-9, demand, 0.0)
        wish = wish if wish.sum() > 0 else room
        share += np.minimum(room, (n - share.sum()) * wish / wish.sum())
    return share


def _whole_parts(share: Floats, most: Floats) -> NDArray[np.int64]:
    """Largest remainder: round down, then one more to those who lost most by it."""
    share = np.round(share, 9)
    parts = np.floor(share)
    missing = round(share.sum() - parts.sum())
    order = np.argsort(np.where(parts < most, parts - share, np.inf), kind="stable")
    parts[order[:missing]] += 1
    return parts.astype(np.int64)


# -------------------------------------------------------------------------------------------- who answers, who doesn't


def nonresponse_bias(values: Any, propensity: Any) -> float:
    """How far the respondents' mean lies from the truth, however many are asked: cov(propensity, y) / mean propensity.

    Bethlehem (1988): no bias comes from few answers as such, only from answering being tied to what is asked.

    Parameters
    ----------
    values : y of everybody in the population
    propensity : chance of each to answer, above 0, at most 1

    Returns
    -------
    float, in the unit of y.

    Examples
    --------
    >>> nonresponse_bias([4, 10], [0.2, 0.6])
    1.5
    """
    y = inputs.vector(values, "values")
    chance = inputs.vector(propensity, "propensity", length=len(y), above=0, high=1)
    return float(np.average(y, weights=chance) - y.mean())


def bias_simulation(
    values: Any,
    *,
    slope: float = 0.5,
    response_rate: float = 0.3,
    invited: Sequence[int] = (100, 400, 1600),
    repeats: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Many surveys of the same population, small and large, while answering depends on satisfaction.

    The chance to answer is logistic in the standardised value, with ``slope`` > 0: the satisfied rather answer, < 0:
    the dissatisfied, 0: no matter. Larger samples shrink the spread but not the bias; the confidence interval becomes
    narrower around the wrong number and covers the truth ever more rarely.

    Parameters
    ----------
    values : satisfaction of everybody in the population
    slope : change of the log odds to answer with one standard deviation of satisfaction
    response_rate : mean chance to answer, between 0 and 1
    invited : how many are invited, drawn at random without putting back, for each size of survey
    repeats : surveys of each size
    level : of the confidence intervals
    seed : the same seed gives the same surveys

    Returns
    -------
    DataFrame, one row a size, index ``invited``: ``answered`` (mean number), ``estimate`` (mean over surveys),
    ``truth``, ``bias`` (estimate − truth), ``expected_bias`` (from :func:`nonresponse_bias`), ``sd`` (of the
    estimates), ``rmse`` (√(bias² + sd²)), ``coverage`` (share of intervals that hold the truth).

    Raises
    ------
    CourseError : everybody is equally satisfied, or more invited than there are people.

    Examples
    --------
    >>> everybody = np.random.default_rng(1).normal(7, 1.5, 10_000)
    >>> bias_simulation(everybody, slope=0.5, repeats=200)[["bias", "sd"]].round(1)
             bias   sd
    invited
    100       0.5  0.3
    400       0.5  0.1
    1600      0.5  0.1
    """
    y = inputs.vector(values, "values")
    if np.ptp(y) == 0:
        raise CourseError(_("values 全都一样：满意度没有差异，也就没有偏差可看"))
    sizes = [inputs.whole(n, "invited", low=10, high=len(y)) for n in invited]
    surveys, z = inputs.whole(repeats, "repeats", low=2), _z(level)
    chance = _propensities(
        y, inputs.number(slope, "slope"), inputs.number(response_rate, "response_rate", above=0, below=1)
    )
    rng = np.random.default_rng(inputs.whole(seed, "seed", low=0))
    rows = [_surveys(rng, y, chance, n, surveys, z) for n in sizes]
    table = pd.DataFrame(rows, index=pd.Index(sizes, name="invited"))
    bias, truth = table["estimate"] - y.mean(), y.mean()
    return table.assign(
        truth=truth, bias=bias, expected_bias=nonresponse_bias(y, chance), rmse=np.hypot(bias, table["sd"])
    )[["answered", "estimate", "truth", "bias", "expected_bias", "sd", "rmse", "coverage"]]


def _propensities(y: Floats, slope: float, rate: float) -> Floats:
    """Chances to answer, logistic in the standardised y, with the mean ``rate`` (found by halving an interval)."""
    tilt = slope * (y - y.mean()) / y.std()
    low, high = -50.0 - np.abs(tilt).max(), 50.0 + np.abs(tilt).max()
    for _step in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-middle - tilt))) < rate else (low, middle)
    return 1 / (1 + np.exp(-middle - tilt))


def _surveys(rng: np.random.Generator, y: Floats, chance: Floats, n: int, repeats: int, z: float) -> dict[str, float]:
    means, sizes, covered = np.empty(repeats), np.empty(repeats), np.empty(repeats)
    for survey in range(repeats):
        asked = rng.choice(len(y), n, replace=False)
        reluctance = rng.random(n) / chance[asked]
        # Those below 1 answer; at least two do: nobody publishes a survey with one answer.
        answered = asked[reluctance <= max(1.0, np.partition(reluctance, 1)[1])]
        got = y[answered]
        half = z * got.std(ddof=1) / np.sqrt(len(got))
        means[survey], sizes[survey], covered[survey] = got.mean(), len(got), abs(got.mean() - y.mean()) <= half
    return {"answered": sizes.mean(), "estimate": means.mean(), "sd": means.std(ddof=1), "coverage": covered.mean()}


# --------------------------------------------------------------------------------------------------------- screening


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


# --------------------------------------------------------------------------------------------------------- weighting


def poststratify(
    sample: pd.DataFrame, population: pd.DataFrame, by: str | Sequence[str], size: str = "size"
) -> pd.Series:
    """Weights that give each cell of the sample its share of the population: w = (N_h / N) / (n_h / n).

    Corrects who answers as far as the cells explain it. If within a cell the satisfied answer more often, no weight
    made of cells can know.

    Parameters
    ----------
    sample : DataFrame, one row a respondent
    population : DataFrame, one row a cell, with the columns ``by`` and its number of people
    by : column or columns that make the cells, in both tables
    size : column of ``population`` with the number of people

    Returns
    -------
    Series ``weight`` with the index of ``sample``, mean 1. Use: ``np.average(y, weights=w)``.

    Raises
    ------
    CourseError : a cell of the population without respondent (merge cells), or respondents of an unknown cell.

    Examples
    --------
    >>> sample = pd.DataFrame({"gender": ["女", "女", "女", "男"]})
    >>> campus = pd.DataFrame({"gender": ["女", "男"], "size": [500, 500]})
    >>> poststratify(sample, campus, "gender").round(3).to_list()
    [0.667, 0.667, 0.667, 2.0]
    """
    cells = [by] if isinstance(by, str) else list(by)
    inputs.frame(sample, _("样本"), cells)
    inputs.frame(population, _("总体表"), [*cells, size])
    people = _cell_sizes(population, cells, size)
    mine = _cell_keys(sample, cells)
    counts = mine.value_counts()
    _every_cell(people, counts, mine)
    factor = (people / people.sum()) / (counts.reindex(people.index) / len(sample))
    return pd.Series(mine.map(factor).to_numpy(dtype=float), index=sample.index, name="weight")


def rake(
    sample: pd.DataFrame, margins: Mapping[str, Any], *, tolerance: float = 1e-8, most_rounds: int = 500
) -> pd.Series:
    """Weights that meet the population's totals on several columns at once, when only the margins are known.

    Iterative proportional fitting: scale the weights to the first margin, then to the second, and so on, round after
    round, until all are met (Deming and Stephan, 1940).

    Parameters
    ----------
    sample : DataFrame, one row a respondent
    margins : {column: people, or share, by value of that column} (Series or dict)
    tolerance : largest difference of shares that is let pass
    most_rounds : rounds after which to give up

    Returns
    -------
    Series ``weight`` with the index of ``sample``, mean 1.

    Raises
    ------
    CourseError : a value without respondents, a respondent with an unknown value, or no convergence.

    Examples
    --------
    >>> sample = pd.DataFrame({"gender": ["女", "女", "女", "男"], "grade": [1, 1, 2, 2]})
    >>> weights = rake(sample, {"gender": {"女": 0.5, "男": 0.5}, "grade": {1: 400, 2: 600}})
    >>> weights.round(3).to_list()
    [0.8, 0.8, 0.4, 2.0]
    """
    inputs.frame(sample, _("样本"), margins.keys())
    codes, targets = [], []
    for name, wanted in margins.items():
        people = _by_stratum(wanted if isinstance(wanted, pd.Series) else dict(wanted), name, low=0)
        people = people[people > 0]
        values = inputs.column(sample, name)
        _every_cell(people, values.value_counts(), values)
        codes.append(people.index.get_indexer(values))
        targets.append((people / people.sum()).to_numpy())
    weights = np.full(len(sample), 1 / len(sample))
    for _round in range(inputs.whole(most_rounds, "most_rounds", low=1)):
        for code, target in zip(codes, targets, strict=True):
            weights = weights * (target / np.bincount(code, weights, len(target)))[code]
        off = [np.abs(np.bincount(c, weights, len(t)) - t).max() for c, t in zip(codes, targets, strict=True)]
        if max(off) <= tolerance:
            return pd.Series(weights * len(sample), index=sample.index, name="weight")
    raise CourseError(
        _("加权 {n} 轮后仍不能同时满足各边际：样本里有的组合可能没有人，请合并小类").format(n=most_rounds)
    )


def design_effect(weights: Any) -> float:
    """How much unequal weights cost (Kish): deff = n Σ w² / (Σ w)²; n / deff answers of equal weight know as much.

    Parameters
    ----------
    weights : one a respondent, not negative

    Examples
    --------
    >>> round(design_effect([1, 1, 1, 3]), 3)
    1.333
    """
    w = inputs.vector(weights, "weights", low=0)
    if not w.sum() > 0:
        raise CourseError(_("weights 全是 0：至少要有一个大于 0"))
    return float(len(w) * np.sum(w**2) / w.sum() ** 2)


def _cell_keys(table: pd.DataFrame, cells: list[str]) -> pd.Series:
    """One key a row: the value, or the tuple of values, of the columns."""
    columns = [inputs.column(table, name).astype(object) for name in cells]
    return columns[0] if len(cells) == 1 else pd.Series(list(zip(*columns, strict=True)), dtype=object)


def _cell_sizes(population: pd.DataFrame, cells: list[str], size: str) -> pd.Series:
    people = inputs.numbers(population, size, low=0).groupby(_cell_keys(population, cells), sort=False).sum()
    if not people.sum() > 0:
        raise CourseError(_("列 {column} 全是 0：总体里没有人").format(column=size))
    return people[people > 0]


def _every_cell(people: pd.Series, counts: pd.Series, mine: pd.Series) -> None:
    for cell in people.index:
        if not counts.get(cell, 0):
            raise CourseError(_("总体里的 {cell} 在样本里一个人也没有：请与相近的类合并").format(cell=_cell_name(cell)))
    unknown = ~mine.isin(list(people.index))
    if unknown.any():
        row = int(np.argmax(unknown.to_numpy()))
        raise CourseError(
            _("样本第 {row} 行的 {cell} 不在总体里：请检查写法").format(row=row + 1, cell=_cell_name(mine.iloc[row]))
        )


def _cell_name(cell: Any) -> str:
    return "×".join(map(str, cell)) if isinstance(cell, tuple) else str(cell)
