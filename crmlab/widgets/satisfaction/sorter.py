"""ex-07-2: ten owners of the laptop survey; which kind of loyalty is each, and what does a wrong answer cost?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab import inputs, loyalty, plots
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.widgets.kit import LETTERS, CaseByCase, Exercise, Result, Verdict
from crmlab.widgets.satisfaction.answers import clean_answers

LIKES, BUYS, REASON = 7.0, 2, 0.5  # attitude, purchases a year, share of the purchases made for one reason
MONOPOLY, INERTIA, PRICE, INCENTIVE = loyalty.REASONS.values()
OPEN = _("未定")
KINDS = (loyalty.LOYAL, loyalty.LATENT, MONOPOLY, INERTIA, PRICE, INCENTIVE, loyalty.UNKNOWN, loyalty.NONE)
ANSWERS = [(OPEN, OPEN)] + [
    (_("虚假：{reason}").format(reason=kind) if kind in {*loyalty.REASONS.values(), loyalty.UNKNOWN} else kind, kind)
    for kind in KINDS
]
WHY = {
    "monopoly": _("附近只有这里买得到"), "inertia": _("懒得换，照旧买"), "price": _("正在降价"),
    "incentive": _("为了积分赠品"), "other": _("别的原因"),
}  # fmt: skip
GOAL, FAIR = 9, 7

MARGIN = 60.0
"""Yuan a purchase."""
COST = {
    loyalty.LOYAL: 5.0, loyalty.LATENT: 25.0, MONOPOLY: 30.0, INERTIA: 20.0, PRICE: 25.0, INCENTIVE: 20.0,
    loyalty.UNKNOWN: 10.0, loyalty.NONE: 0.0,
}  # fmt: skip
"""Yuan a head and year for what one does with each kind."""
STAYS, SLIGHTED = 0.95, 0.6
"""Share of the purchases a loyal customer makes next year, and makes if nothing is done for him."""
CURED, UNCURED, ASKED = 0.7, 0.2, 0.5
"""The same of a spuriously loyal one: the reason met; not met; asked about first."""
WON = 2.0
"""Purchases more of a latent one to whom the way is made easy."""


# ---------------------------------------------------------------------------------------------------------- the rows


@dataclass(frozen=True)
class Case:
    """A sort of owner worth a decision: who belongs to it, who of them is taken (least ``rank`` first), and why he says he
    bought: parts of his purchases by reason.

    >>> case = Case(lambda table: table["bought"] >= 3, lambda table: -table["bought"], {"price": 0.8})
    >>> reasons(5, case.why).to_dict()
    {'monopoly': 0, 'inertia': 0, 'price': 4, 'incentive': 0, 'other': 1}
    """

    belongs: Callable[[pd.DataFrame], pd.Series]
    rank: Callable[[pd.DataFrame], pd.Series]
    why: Mapping[str, float]


def _spurious(table: pd.DataFrame) -> pd.Series:
    return (table["attitude"] < LIKES - 0.5) & table["bought"].between(3, 8)


CASES = (
    # Well satisfied, but no wish to buy again: only the shop is near.
    Case(_spurious, lambda t: -t["satisfied"] - (t["brand"] == _("云砚")), {"monopoly": 0.7, "price": 0.2}),
    Case(lambda t: (t["attitude"] >= 8.5) & (t["bought"] == 0), lambda t: -t["recommend"], {}),
    # Loyal, and glad of a low price.
    Case(lambda t: (t["attitude"] >= 8.5) & t["bought"].between(4, 8), lambda t: t["bought"], {"price": 0.6}),
    Case(_spurious, lambda t: (t["attitude"] - 5).abs(), {"inertia": 0.7, "monopoly": 0.2}),
    # Says he would recommend, yet would not buy again, and hardly buys.
    Case(lambda t: (t["attitude"] < LIKES) & (t["bought"] == 1), lambda t: -t["recommend"] - t["satisfied"] / 10,
         {"inertia": 1.0}),
    Case(_spurious, lambda t: -t["bought"], {"price": 0.7, "incentive": 0.2}),
    # Exactly on both lines, which counts as high.
    Case(lambda t: (t["attitude"] == LIKES) & (t["bought"] == BUYS), lambda t: t["satisfied"], {"monopoly": 0.5}),
    Case(_spurious, lambda t: (t["bought"] - 4).abs() - t["attitude"] / 10, {"incentive": 0.7, "inertia": 0.2}),
    # Every purchase for another reason.
    Case(_spurious, lambda t: (t["bought"] - 4).abs(), {"monopoly": 0.25, "inertia": 0.25, "price": 0.25}),
    Case(lambda t: (t["attitude"] >= 7.5) & (t["bought"] == 1), lambda t: t["satisfied"], {"incentive": 1.0}),
)  # fmt: skip
ORDER = (2, 0, 9, 5, 4, 8, 6, 3, 1, 7)  # as they are shown, so that the order gives nothing away


def reasons(bought: int, why: Mapping[str, float]) -> pd.Series:
    """Of ``bought`` purchases, how many were made for each reason (whole, sum ``bought``).

    >>> reasons(3, {"inertia": 0.7, "monopoly": 0.2}).to_dict()
    {'monopoly': 1, 'inertia': 2, 'price': 0, 'incentive': 0, 'other': 0}
    """
    counts = pd.Series({name: int(np.floor(why.get(name, 0) * bought + 0.5)) for name in loyalty.REASONS})
    return pd.concat([counts, pd.Series({"other": bought - int(counts.sum())})])


def behaviour_rows(laptops: Any) -> pd.DataFrame:
    """Ten owners of the survey, each of another sort; the same for the same data.

    From the survey: ``brand``, ``satisfied`` (mean of three items, 1-10), ``attitude`` (mean of ``loyalty1`` and
    ``loyalty2``, 1-10), ``recommend`` (0-10), ``bought`` (accessories of the brand in the last year). Made up, for the
    survey did not ask: how many of these were bought because of ``monopoly``, ``inertia``, ``price``, ``incentive`` or
    anything ``other``. Index: ``respondent_id``.

    >>> from crmlab import data
    >>> rows = behaviour_rows(data.load("laptop-survey"))
    >>> len(rows), (rows[list(WHY)].sum(axis=1) == rows["bought"]).all()
    (10, np.True_)
    """
    clean = clean_answers(laptops)
    owners = laptops.respondents.set_index("respondent_id").loc[clean.index]
    rest = pd.DataFrame(
        {
            "brand": owners["brand"], "satisfied": clean["satisfied"], "attitude": clean["attitude"],
            "recommend": clean["nps"], "bought": owners["same_brand_items"],
        }
    ).dropna()  # fmt: skip
    found = []
    for number, case in enumerate(CASES, 1):
        fitting = rest[case.belongs(rest)]
        if fitting.empty:
            raise CourseError(_("这份调查里找不到第 {number} 类机主：请用课程公布的数据").format(number=number))
        one = case.rank(fitting).sort_values(kind="stable").index[0]
        found.append(pd.concat([rest.loc[one], reasons(int(rest.loc[one, "bought"]), case.why)]).rename(one))
        rest = rest.drop(one)
    rows = pd.DataFrame([found[place] for place in ORDER])
    return rows.astype(dict.fromkeys(["bought", "recommend", *WHY], int)).rename_axis("respondent_id")


def true_kinds(rows: pd.DataFrame) -> pd.Series:
    """What each owner is: one of :data:`KINDS`, by the thresholds of the chapter.

    >>> rows = pd.DataFrame({"attitude": [9.0, 5], "bought": [4, 4], "monopoly": [0, 0], "inertia": 0, "price": [3, 3],
    ...                      "incentive": 0})
    >>> true_kinds(rows).to_list()
    ['忠诚', '价格']
    """
    kind = pd.Series(loyalty.loyalty_type(rows["attitude"], rows["bought"], LIKES, BUYS), dtype=object)
    shares = rows[list(loyalty.REASONS)].div(rows["bought"].clip(lower=1), axis=0)
    return kind.where(kind != loyalty.SPURIOUS, loyalty.spurious_reason(shares, REASON).astype(object))


def next_year(kind: str, bought: float, chosen: str) -> float:
    """Margin (yuan) next year of an owner of a kind who is treated as one of the kind ``chosen``.

    >>> [round(next_year("价格", 5, chosen)) for chosen in ("价格", "忠诚", "不忠诚")]
    [185, 55, 60]
    """
    if kind == loyalty.LOYAL:
        kept = bought * (SLIGHTED if chosen == loyalty.NONE else STAYS)
    elif kind == loyalty.LATENT:
        kept = bought + (WON if chosen == loyalty.LATENT else 0)
    elif kind == loyalty.NONE:
        kept = bought * UNCURED
    else:
        asked = loyalty.UNKNOWN in (kind, chosen)
        cured = chosen == kind or (asked and chosen == loyalty.UNKNOWN)
        kept = bought * ((ASKED if asked else CURED) if cured else UNCURED)
    return MARGIN * kept - COST[chosen]


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_sorting(rows: pd.DataFrame, customer: str, **decisions: str) -> Result:
    """What ten judgements are worth.

    Args:
        rows: :func:`behaviour_rows`, indexed by the letters, the old index as ``customer_id``.
        customer: the letter of the one looked at.
        decisions: :data:`OPEN` or one of :data:`KINDS` for each, in the order of the rows.

    >>> from crmlab import data
    >>> rows = lettered(behaviour_rows(data.load("laptop-survey")))
    >>> kinds = true_kinds(rows)
    >>> evaluate_sorting(rows, "甲", **{who: OPEN for who in rows.index}).headline
    '还有 10 位没有定：甲乙丙丁戊己庚辛壬癸。都定了才揭晓。'
    >>> evaluate_sorting(rows, "甲", **kinds).verdict
    'good'
    """
    chosen = pd.Series(list(decisions.values()), index=rows.index)
    numbers = _facts(rows.loc[customer], customer)
    left = chosen.index[chosen == OPEN]
    if len(left):
        headline = _("还有 {n} 位没有定：{names}。都定了才揭晓。").format(n=len(left), names="".join(left))
        return Result("poor", headline, [_portrait(rows.loc[customer], customer)], numbers)
    kinds = true_kinds(rows)
    right = chosen == kinds
    money = sum(next_year(kinds[who], rows.at[who, "bought"], chosen[who]) for who in rows.index)
    best = sum(next_year(kinds[who], rows.at[who, "bought"], kinds[who]) for who in rows.index)
    numbers |= {
        _("分对"): _("{n} / {all} 位").format(n=int(right.sum()), all=len(rows)),
        _("明年的毛利"): _("{x:,.0f} 元").format(x=money),
        _("全分对能有"): _("{x:,.0f} 元").format(x=best),
    }
    verdict: Verdict = "good" if right.sum() >= GOAL else "fair" if right.sum() >= FAIR else "poor"
    headline = _("十位里分对 {n} 位；照你的分法去待他们，明年毛利 {x:,.0f} 元，少了 {lost:,.0f} 元。").format(
        n=int(right.sum()), x=money, lost=best - money
    )
    if right.all():
        headline = _("十位全分对了；对症去待他们，明年毛利 {x:,.0f} 元。").format(x=money)
    told = [*_patterns(rows, chosen, kinds), *(_why(rows.loc[who], who, chosen[who], kinds[who]) for who in rows.index
                                              if not right[who])]  # fmt: skip
    return Result(verdict, headline, told or [_summary(rows, kinds)], numbers)


def _facts(row: pd.Series, letter: str) -> dict[str, str]:
    why = _("、").join(_("{why} {n}").format(why=WHY[name], n=row[name]) for name in WHY if row[name])
    return {
        _("机主"): _("{letter}（{brand}）").format(letter=letter, brand=row["brand"]),
        _("满意（1～10）"): f"{row['satisfied']:.1f}",
        _("态度（1～10）"): f"{row['attitude']:.1f}",
        _("推荐（0～10）"): f"{row['recommend']:.0f}",
        _("一年买配件"): _("{n} 件").format(n=row["bought"]),
        _("当时为什么买"): why or _("没有买过"),
    }


def _portrait(row: pd.Series, letter: str) -> str:
    """What can be seen of one, without a judgement."""
    return _("{who}：满意 {s:.1f} 分，态度 {a:.1f} 分，推荐 {r:.0f} 分，一年买了 {n} 件{brand}的配件。").format(
        who=letter, s=row["satisfied"], a=row["attitude"], r=row["recommend"], n=row["bought"], brand=row["brand"]
    )


def _patterns(rows: pd.DataFrame, chosen: pd.Series, kinds: pd.Series) -> list[str]:
    """Rules of thumb that the wrong answers seem to follow."""
    wrong = chosen != kinds
    spurious = wrong & (rows["attitude"] < LIKES) & (rows["bought"] >= BUYS)
    told = []
    called = rows.index[spurious & (chosen == loyalty.LOYAL)]
    if len(called) > 1:
        told.append(
            _(
                "{names}买得多，你都算成忠诚；可他们的态度都不到 {cut:g} 分。买得多只是行为，明年电脑城一开就看得出来。"
            ).format(names=_("、").join(called), cut=LIKES)
        )
    fond = rows.index[
        wrong & (rows["attitude"] < LIKES) & (rows["satisfied"] >= LIKES) & chosen.isin([loyalty.LOYAL, loyalty.LATENT])
    ]
    if len(fond):
        told.append(
            _("{names}满意在 {cut:g} 分以上，态度却不到：满意是对这台电脑说的，还想不想买这个牌子是另一问。").format(
                names=_("、").join(fond), cut=LIKES
            )
        )
    liked = rows.index[wrong & (kinds == loyalty.LOYAL) & ~chosen.isin([loyalty.LATENT, loyalty.NONE])]
    if len(liked):
        told.append(_("{names}喜欢又常买，就是忠诚；忠诚的人也会挑降价的日子、挑近的店。先看态度，再问原因。").format(
            names=_("、").join(liked)))  # fmt: skip
    forced = rows.index[wrong & (kinds == loyalty.UNKNOWN) & (rows["attitude"] < LIKES)
                        & chosen.isin(list(loyalty.REASONS.values()))]  # fmt: skip
    if len(forced):
        told.append(_("{names}没有一种原因占到一半：老实写“原因不明”，先回访，别硬塞进一格。").format(
            names=_("、").join(forced)))  # fmt: skip
    return told


def _why(row: pd.Series, letter: str, chosen: str, kind: str) -> str:
    """Which numbers decide, and what the mistake costs."""
    told = _("{who}你选“{chosen}”：{likes}，{buys}，是{kind}").format(
        who=letter, chosen=chosen, likes=_compare(row["attitude"], LIKES, _("态度 {x:g} 分 {sign} {cut:g}")),
        buys=_compare(row["bought"], BUYS, _("一年 {x:g} 件 {sign} {cut:g}")), kind=_name(kind),
    )  # fmt: skip
    if kind in loyalty.REASONS.values():
        column = next(name for name, reason in loyalty.REASONS.items() if reason == kind)
        told += _("（{n} 件里 {k} 件“{why}”，过半）").format(n=row["bought"], k=row[column], why=WHY[column])
    loss = next_year(kind, row["bought"], kind) - next_year(kind, row["bought"], chosen)
    if loss > 0:
        return told + _("。不对症，明年少 {x:.0f} 元。").format(x=loss)
    return told + _("。这一次钱上没有差别，那是碰巧。")


def _compare(value: float, cut: float, words: str) -> str:
    return words.format(x=value, sign=_("≥") if value >= cut else _("＜"), cut=cut)


def _name(kind: str) -> str:
    if kind == loyalty.UNKNOWN:
        return _("虚假忠诚，原因不明")
    return _("虚假忠诚，因为{reason}").format(reason=kind) if kind in loyalty.REASONS.values() else kind


def _summary(rows: pd.DataFrame, kinds: pd.Series) -> str:
    often = rows["bought"] >= BUYS
    return _("常买的 {n} 位里只有 {k} 位忠诚：常买从来不能单独证明忠诚，对策也要看原因。").format(
        n=int(often.sum()), k=int((kinds[often] == loyalty.LOYAL).sum())
    )


# ------------------------------------------------------------------------------------------------------- the widget


def lettered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows under letters, for the choice.

    >>> lettered(pd.DataFrame({"bought": range(10)})).index[9]
    '癸'
    """
    if len(rows) != len(LETTERS):
        raise CourseError(
            _("行为表有 {n} 行，练习要 {wanted} 行：请用 behaviour_rows(laptops) 得到的表").format(
                n=len(rows), wanted=len(LETTERS)
            )
        )
    return rows.assign(customer_id=rows.index.astype(str)).set_axis(list(LETTERS))


def _figure(rows: pd.DataFrame, chosen: pd.Series, customer: str) -> Figure:
    done = (chosen != OPEN).all()
    row = rows.loc[customer]
    title = (
        _("态度不到 {cut:g} 分的，买得再多也不是忠诚").format(cut=LIKES)
        if done
        else _("{who}：态度 {a:.1f} 分，一年买了 {n} 件").format(who=customer, a=row["attitude"], n=row["bought"])
    )
    figure, (left, right) = plots.new_figure(title, width=6.6, height=3.9, columns=2)
    figure.get_layout_engine().set(wspace=0.1)  # type: ignore[union-attr, call-arg]
    _table(left, rows, chosen, customer, done)
    if done:
        _map(right, rows, chosen)
    else:
        _bars(right, row)
    return figure


def _table(ax: Axes, rows: pd.DataFrame, chosen: pd.Series, customer: str, done: bool) -> None:
    """All ten, the one looked at in full colour."""
    kinds = true_kinds(rows)
    columns = [0.0, 0.12, 0.29, 0.46, 0.62]
    for x, head in zip(columns[1:], (_("满意"), _("态度"), _("件数"), _("你的判断")), strict=True):
        ax.text(x, -0.9, head, va="center", fontsize=9.5, color=plots.MUTED)
    for place, (letter, row) in enumerate(rows.iterrows()):
        colour = plots.INK if letter == customer or done else plots.MUTED
        wrong = done and chosen[letter] != kinds[letter]
        words = [letter, f"{row['satisfied']:.1f}", f"{row['attitude']:.1f}", f"{row['bought']:.0f}",
                 _("？") if chosen[letter] == OPEN else chosen[letter] + (" ×" if wrong else "")]  # fmt: skip
        if letter == customer:
            ax.axhspan(place - 0.48, place + 0.48, color=plots.GRID, lw=0)
        for x, word in zip(columns, words, strict=True):
            ax.text(
                x, place, word, va="center", fontsize=10.5, color=plots.RED if wrong and x == columns[-1] else colour
            )
    ax.set_xlim(-0.03, 1.0)
    ax.set_ylim(len(rows) - 0.4, -1.5)
    ax.axis("off")


def _bars(ax: Axes, row: pd.Series) -> None:
    """Why the one looked at bought what he bought."""
    places = np.arange(len(WHY))[::-1]
    ax.barh(places, [row[name] for name in WHY], color=plots.SKY, height=0.62)
    for place, name in zip(places, WHY, strict=True):
        plots.note(ax, str(row[name]), (row[name], place), (6, 0), fontsize=10)
    ax.set_yticks(places, list(WHY.values()))
    ax.tick_params(axis="y", labelsize=10, labelcolor=plots.INK)
    ax.set_xlim(0, max(row["bought"], 1) * 1.1)
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.set_title(_("{n} 件配件，当时为什么买").format(n=row["bought"]))


def _map(ax: Axes, rows: pd.DataFrame, chosen: pd.Series) -> None:
    """Attitude by behaviour, with the two lines that decide."""
    ax.axvline(LIKES, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
    ax.axhline(BUYS, color=plots.MUTED, lw=1, ls=(0, (3, 2)))
    right = chosen == true_kinds(rows)
    for letter, row in rows.iterrows():
        ax.plot(row["attitude"], row["bought"], "o", ms=15, color=plots.BLUE if right[letter] else plots.RED)
        ax.text(row["attitude"], row["bought"], letter, ha="center", va="center", fontsize=9.5, color=plots.PAPER)
    top = rows["bought"].max() + 1
    for x, y, name in ((1.2, top, loyalty.SPURIOUS), (10.2, top, loyalty.LOYAL), (10.2, -0.6, loyalty.LATENT),
                       (1.2, -0.6, loyalty.NONE)):  # fmt: skip
        ax.text(x, y, name, ha="left" if x < LIKES else "right", va="center", fontsize=9.5, color=plots.MUTED)
    ax.set(xlim=(1, 10.4), ylim=(-1, top + 0.5), xlabel=_("态度（1～10 分）"), ylabel=_("一年买配件（件）"))


def loyalty_sorter(table: pd.DataFrame) -> Exercise:
    """Exercise ex-07-2 on the ten rows of :func:`behaviour_rows`.

    ``table``: ``brand``, ``satisfied``, ``attitude``, ``recommend``, ``bought`` and how many of these were bought because
    of ``monopoly``, ``inertia``, ``price``, ``incentive``, ``other``.

    >>> from crmlab import data
    >>> exercise = loyalty_sorter(behaviour_rows(data.load("laptop-survey")))
    >>> exercise.result.verdict
    'poor'
    """
    inputs.frame(table, _("行为表"), ("brand", "satisfied", "attitude", "recommend", "bought", *WHY))
    rows = lettered(table)
    ten = CaseByCase(LETTERS, _("{who}是哪一种"), ANSWERS, OPEN)

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        chosen = pd.Series(ten.decisions(values))
        alt = _("十位机主的满意、态度、件数和你的判断。{now}{headline}").format(
            now=_portrait(rows.loc[values["customer"]], values["customer"]), headline=result.headline
        )
        return _figure(rows, chosen, values["customer"]), alt

    return Exercise(
        title=_("ex-07-2　看行为辨忠诚"),
        task=_(
            "调查里的十位机主，逐位判断是哪一种忠诚；虚假忠诚还要说出原因。至少分对 {goal} 位。界线：态度（会再买、会推荐两题的平均）≥ {likes:g} 分算喜欢，"
            "一年 ≥ {buys} 件算常买，等于界线算高；一种原因占到所买件数的一半才算原因。分数和件数取自调查，“为什么买”是编写的补访。"
            "假设：一件赚 {margin:.0f} 元；明年校门口开电脑城，积分停办，虚假忠诚的人对症时留下 {cured} 的购买，先回访留下 {asked}，不对症只剩 {uncured}；"
            "忠诚的人留下 {stays}，被冷落只剩 {slighted}；潜在忠诚的人把货送到手边能多买 {won:.0f} 件；这些做法每人一年花 {least:.0f}～{most:.0f} 元，"
            "不忠诚的不花。"
        ).format(
            goal=GOAL, likes=LIKES, buys=BUYS, margin=MARGIN, cured=plots.percent(CURED), asked=plots.percent(ASKED),
            uncured=plots.percent(UNCURED), stays=plots.percent(STAYS), slighted=plots.percent(SLIGHTED), won=WON,
            least=min(cost for cost in COST.values() if cost), most=max(COST.values()),
        ),
        controls=ten.controls(),
        evaluate=lambda **values: evaluate_sorting(rows, **values),
        draw=draw,
        actions={_("下一位"): ten.following},
        visible=ten.shown,
    )  # fmt: skip
