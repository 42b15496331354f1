"""ex-05-3: is this customer still there? Purchase histories, the model's probabilities, and what then happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crmlab import inputs, plots
from crmlab.clv import BetaGeoNBD
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.widgets import kit
from crmlab.widgets.kit import CaseByCase, Exercise, Result, Verdict, choice

LETTERS = kit.LETTERS[:8]
OPEN, KEEP, CALL, DROP = DECISIONS = (_("未定"), _("照常维护"), _("打电话"), _("不再维护"))
BARE, AIDED = AIDS = (_("只看时间线"), _("加看 P(alive)"))
CARE, LOST, PHONE = 20.0, 60.0, 10.0
"""Yuan: care for one who never comes again; margin of one who would have come; a call, after which the answer is known."""
NEAR = 3.0
"""Yuan of expected loss between two decisions that are called equally good."""
GOAL, FAIR = 7, 5  # sound decisions out of eight

STEADY, FREQUENT_GONE, RARE, NEW, OLD, RARE_LONG, UNSURE, UNLUCKY = range(8)


@dataclass(frozen=True)
class Kind:
    """A sort of history worth a decision: who belongs to it, and who of them is taken (least ``rank`` first).

    >>> old = Kind("旧", lambda table: table["x"] == 0, _near("T", 70))
    >>> table = pd.DataFrame({"x": [0, 0, 3], "T": [10, 66, 70]}, index=["C1", "C2", "C3"])
    >>> old.rank(table[old.belongs(table)]).idxmin()
    'C2'
    """

    name: str
    belongs: Callable[[pd.DataFrame], pd.Series]
    rank: Callable[[pd.DataFrame], pd.Series]


def _near(column: str, target: float) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda table: (table[column] - target).abs()


# What then happened is the usual for each kind, but for one: luck is to be seen, not to be the rule.
KINDS: dict[int, Kind] = {
    STEADY: Kind(
        _("买得勤、刚来过"),
        lambda t: (t["x"] >= 15) & (t["gap"] <= 3) & (t["silence"] <= t["gap"]) & (t["came"] > 0),
        _near("p_again", 0.97),
    ),
    FREQUENT_GONE: Kind(
        _("买得勤、沉默了两三个月"),
        lambda t: (t["x"] >= 12) & (t["gap"] <= 3) & t["silence"].between(8, 15) & (t["came"] == 0),
        _near("p_again", 0.06),
    ),
    RARE: Kind(
        _("买得稀、沉默了两三个月"),
        lambda t: t["x"].between(3, 6) & (t["gap"] >= 9) & (t["p_again"] >= 0.6) & (t["came"] > 0),
        _near("silence", 12),
    ),
    NEW: Kind(_("刚买过第一次"), lambda t: (t["x"] == 0) & (t["T"] <= 8) & (t["came"] > 0), _near("T", 3)),
    OLD: Kind(
        _("只买过一次、已经很久"),
        lambda t: (t["x"] == 0) & (t["T"] >= 0.7 * t["T"].max()) & (t["came"] == 0),
        _near("p_again", 0.18),
    ),
    RARE_LONG: Kind(
        _("买得稀、沉默很久"),
        lambda t: t["x"].between(2, 4) & (t["gap"] >= 7) & (t["came"] == 0),
        _near("p_again", 0.33),
    ),
    UNSURE: Kind(_("说不准还在不在"), lambda t: (t["x"] >= 6) & t["gap"].between(2.5, 7), _near("p_again", 0.3)),
    UNLUCKY: Kind(_("该来而没有来"), lambda t: t["x"].between(5, 12) & (t["came"] == 0), _near("p_again", 0.88)),
}
"""In this order they are looked for; :data:`ORDER` is how they are shown, so that the order gives nothing away."""
ORDER = (STEADY, OLD, RARE, UNLUCKY, FREQUENT_GONE, UNSURE, NEW, RARE_LONG)


# ------------------------------------------------------------------------------------------------ what can be known


def knowledge(model: BetaGeoNBD, histories: pd.DataFrame, holdout: pd.Series, weeks: float) -> pd.DataFrame:
    """The histories with what the model knows of each customer and what then happened.

    Columns: ``x``, ``t_x``, ``T``; ``gap`` (mean weeks between purchases, missing where x is 0), ``silence`` (weeks since
    the last), ``p_alive``, ``p_again`` (probability of at least one purchase in the next ``weeks``), ``came`` (purchases).

    Who is active buys at a rate that is gamma distributed with shape r + x and rate α + T, so that
    p_again = p_alive · (1 − ((α + T) / (α + T + weeks))^(r + x)).

    >>> model = BetaGeoNBD({"r": 0.66, "alpha": 3.59, "a": 0.39, "b": 5.47})
    >>> histories = pd.DataFrame({"x": [0, 4], "t_x": [0, 40.0], "T": [70.0, 52]}, index=["C1", "C2"])
    >>> known = knowledge(model, histories, pd.Series([0, 2], index=["C1", "C2"]), weeks=26)
    >>> known[["gap", "silence", "p_alive", "p_again", "came"]].round(2).loc["C2"].to_list()
    [10.0, 12.0, 0.87, 0.73, 2.0]
    """
    inputs.frame(histories, _("购买历史"), ("x", "t_x", "T"))
    span = inputs.number(weeks, "weeks", above=0)
    if not isinstance(model, BetaGeoNBD):
        raise CourseError(_("model 应是拟合好的 BetaGeoNBD，现在是 {kind}").format(kind=type(model).__name__))
    came = inputs.series(holdout, "holdout").reindex(histories.index)
    if came.isna().any():
        raise CourseError(
            _('holdout 里没有 {customer} 这位客户：请用同一截止日的 holdout_from_orders(…)["purchases"]').format(
                customer=came.index[came.isna()][0]
            )
        )
    table = histories[["x", "t_x", "T"]].astype(float)
    alive = model.p_alive(table["x"], table["t_x"], table["T"])
    start = model.params_["alpha"] + table["T"]
    stays_away = (start / (start + span)) ** (model.params_["r"] + table["x"])
    return table.assign(
        gap=table["t_x"] / table["x"].where(table["x"] > 0),
        silence=table["T"] - table["t_x"],
        p_alive=alive,
        p_again=alive * (1 - stays_away),
        came=came.astype(float),
    )


def pick_cases(known: pd.DataFrame) -> pd.DataFrame:
    """Eight customers, each of another sort, from :func:`knowledge`; the same for the same data.

    Index: the letters; columns as in ``known``, with ``customer_id`` and ``kind``.

    >>> from crmlab import clv, data
    >>> orders = data.purchases(data.load("ecommerce"))
    >>> histories = clv.summary_from_orders(orders, "2025-06-30")
    >>> came = clv.holdout_from_orders(orders, "2025-06-30", "2025-12-31")["purchases"]
    >>> known = knowledge(clv.BetaGeoNBD().fit(histories), histories, came, weeks=26)
    >>> cases = pick_cases(known)
    >>> cases.loc[["丙", "戊"], ["x", "gap", "silence"]].round(1).to_numpy().tolist()
    [[4.0, 12.9, 11.9], [17.0, 1.2, 11.9]]
    """
    rest = known.sort_index()
    found: dict[int, Any] = {}
    for number, kind in KINDS.items():
        rank = kind.rank
        if number == RARE and FREQUENT_GONE in found:  # as long away as the frequent one: the pair to compare
            rank = _near("silence", known.loc[found[FREQUENT_GONE], "silence"])
        fitting = rest[kind.belongs(rest)]
        if fitting.empty:
            raise CourseError(
                _("这批客户里找不到“{kind}”的一位：请用课程的网店数据，截止日取 2025-06-30 前后").format(kind=kind.name)
            )
        found[number] = rank(fitting).idxmin()
        rest = rest.drop(found[number])
    chosen = [found[number] for number in ORDER]
    return (
        known.loc[chosen].assign(customer_id=[str(one) for one in chosen], kind=ORDER).set_axis(list(LETTERS), axis=0)
    )


def expected_loss(p_again: float) -> pd.Series:
    """Expected loss (yuan) of each decision about a customer who comes again with this probability.

    >>> expected_loss(0.3).round(1).to_list()  # care, call, no more care
    [14.0, 10.0, 18.0]
    """
    return pd.Series({KEEP: CARE * (1 - p_again), CALL: PHONE, DROP: LOST * p_again})


def real_loss(decision: str, came: float) -> float:
    """What a decision did cost (yuan), once it is known how often the customer came.

    >>> real_loss(DROP, came=2), real_loss(DROP, came=0), real_loss(CALL, came=0)
    (60.0, 0.0, 10.0)
    """
    return PHONE if decision == CALL else CARE * (came == 0) if decision == KEEP else LOST * (came > 0)


def is_sound(decision: str, p_again: float) -> bool:
    """Whether no other decision was clearly better by what could be known.

    >>> is_sound(KEEP, 0.9), is_sound(KEEP, 0.3), is_sound(CALL, 0.3)
    (True, False, True)
    """
    loss = expected_loss(p_again)
    return bool(loss[decision] <= loss.min() + NEAR)


# ------------------------------------------------------------------------------------------------------ the verdict


def evaluate_alive(
    known: pd.DataFrame, cases: pd.DataFrame, weeks: float, customer: str, aid: str, **decisions: str
) -> Result:
    """What eight decisions are worth, by what could be known and by what then happened.

    Args:
        known: :func:`knowledge`; cases: :func:`pick_cases`; weeks: how far it was looked ahead.
        customer: the letter of the one looked at; aid: one of :data:`AIDS`.
        decisions: one of :data:`DECISIONS` for each, named ``d0`` to ``d7`` in the order of the letters.

    >>> known = pd.DataFrame({"x": 3.0, "t_x": 31.0, "T": 44.0, "gap": 10.3, "silence": 13.0, "p_alive": 0.9,
    ...                       "p_again": 0.7, "came": 1.0}, index=list("abcdefgh"))
    >>> cases = known.assign(customer_id=known.index, kind=ORDER).set_axis(list(LETTERS))
    >>> result = evaluate_alive(known, cases, 26, "甲", BARE, **{f"d{i}": KEEP for i in range(7)}, d7=OPEN)
    >>> result.verdict, result.headline
    ('poor', '还有 1 位没有定：辛。八位都定了才揭晓。')
    """
    chosen = pd.Series(list(decisions.values()), index=cases.index)
    numbers = _facts(cases.loc[customer], customer, aid == AIDED)
    left = chosen.index[chosen == OPEN]
    if len(left):
        headline = _("还有 {n} 位没有定：{names}。八位都定了才揭晓。").format(n=len(left), names="".join(left))
        return Result("poor", headline, [_portrait(cases.loc[customer], customer, aid == AIDED)], numbers)
    sound = pd.Series([is_sound(chosen[who], cases.at[who, "p_again"]) for who in cases.index], index=cases.index)
    expected = sum(expected_loss(cases.at[who, "p_again"])[chosen[who]] for who in cases.index)
    real = pd.Series([real_loss(chosen[who], cases.at[who, "came"]) for who in cases.index], index=cases.index)
    numbers |= _reveal(cases.loc[customer], weeks) | {
        _("八位的预期损失"): _("{x:.0f} 元（最低 {least:.0f} 元）").format(
            x=expected, least=sum(expected_loss(p).min() for p in cases["p_again"])
        ),
        _("八位的实际损失"): _("{x:.0f} 元").format(x=real.sum()),
    }
    right = int(sound.sum())
    verdict: Verdict = "good" if right >= GOAL else "fair" if right >= FAIR else "poor"
    headline = _("八个决定里有 {n} 个站得住；实际损失 {x:.0f} 元。").format(n=right, x=real.sum())
    return Result(verdict, headline, _reasons(known, cases, chosen, sound, real, weeks), numbers)


def _reasons(
    known: pd.DataFrame, cases: pd.DataFrame, chosen: pd.Series, sound: pd.Series, real: pd.Series, weeks: float
) -> list[str]:
    """Patterns first, then each decision that does not hold, then those that do and turned out badly all the same."""
    told = [*_pair(cases, chosen, sound), *_rules(cases, chosen, sound, weeks)]
    old = str(cases.index[cases["kind"] == OLD][0])
    if sound[old]:
        told.append(_("{who}的 P(alive) 是 100%，你没有上当。").format(who=old) + _clue(known, cases.loc[old], weeks))
    told += [_why(known, cases.loc[who], who, chosen[who], weeks) for who in cases.index if not sound[who]]
    unlucky = sound & (chosen != CALL) & (real > 0)  # what a call costs is sure, not bad luck
    return told + [_bad_luck(cases.loc[who], who, chosen[who]) for who in cases.index if unlucky[who]]


def _facts(case: pd.Series, letter: str, aided: bool) -> dict[str, str]:
    facts = {
        _("客户"): _("{letter}（{customer}）").format(letter=letter, customer=case["customer_id"]),
        _("复购"): _("{x:.0f} 次").format(x=case["x"]),
        _("平均多久来一次"): _("{gap:.1f} 周").format(gap=case["gap"]) if case["x"] else _("只买过一次"),
        _("沉默了"): _("{s:.1f} 周").format(s=case["silence"]),
    }
    return facts | ({"P(alive)": plots.percent(case["p_alive"])} if aided else {})


def _portrait(case: pd.Series, letter: str, aided: bool) -> str:
    """What can be seen before the decision; no judgement."""
    if not case["x"]:
        told = _("{who}：{T:.1f} 周前买过一次，此后没有再来。").format(who=letter, T=case["T"])
    else:
        told = _("{who}：首购后复购 {x:.0f} 次，平均 {gap:.1f} 周一次；最近一次在 {s:.1f} 周前。").format(
            who=letter, x=case["x"], gap=case["gap"], s=case["silence"]
        )
    return told + (_("模型给出 P(alive) = {p}。").format(p=plots.percent(case["p_alive"])) if aided else "")


def _reveal(case: pd.Series, weeks: float) -> dict[str, str]:
    return {
        _("{weeks:g} 周内再来的可能").format(weeks=weeks): plots.percent(case["p_again"]),
        _("后来"): _outcome(case["came"]),
    }


def _outcome(came: float) -> str:
    return _("又来了 {n:.0f} 次").format(n=came) if came else _("没有再来")


def _pair(cases: pd.DataFrame, chosen: pd.Series, sound: pd.Series) -> list[str]:
    """The two with the same silence and another rhythm: treated alike, or told apart."""
    rare, gone = (str(cases.index[cases["kind"] == kind][0]) for kind in (RARE, FREQUENT_GONE))
    if chosen[rare] == chosen[gone]:
        you = _("你都选了“{decision}”").format(decision=chosen[rare])
    elif sound[rare] and sound[gone]:
        you = _("你分开对待，对")
    else:
        return []
    return [
        _(
            "{rare}和{gone}都沉默了约 {s:.0f} 周，{you}。{rare}平均 {slow:.1f} 周来一次，这样的空当很平常；"
            "{gone}平均 {fast:.1f} 周就来一次，空当已是平时的 {times:.0f} 倍。沉默要和他自己的节奏比。"
        ).format(
            rare=rare, gone=gone, s=cases.at[gone, "silence"], you=you, slow=cases.at[rare, "gap"],
            fast=cases.at[gone, "gap"], times=cases.at[gone, "silence"] / cases.at[gone, "gap"],
        )
    ]  # fmt: skip


def _rules(cases: pd.DataFrame, chosen: pd.Series, sound: pd.Series, weeks: float) -> list[str]:
    """Rules of thumb that the decisions seem to follow, and where they mislead."""
    told = []
    wasted = [who for who in cases.index if chosen[who] == CALL and not sound[who]]
    if len(wasted) > 1:
        told.append(
            _("你打了 {n} 个电话，其中{names}不问也有数：电话只该打给心里没底的人。").format(
                n=(chosen == CALL).sum(), names=_("、").join(wasted)
            )
        )
    if (chosen == np.where(cases["p_alive"] >= 0.5, KEEP, DROP)).all():
        told.append(
            _(
                "你的决定恰好等于“P(alive) 过半就留”。P(alive) 说的是还在不在，不是 {weeks:g} 周里来不来；"
                "认错人的代价又是 {care:.0f} 元对 {lost:.0f} 元，分界不该在一半。"
            ).format(weeks=weeks, care=CARE, lost=LOST)
        )
    if not (chosen == CALL).any():
        told.append(
            _("你一个电话也没打：再来的可能在 {low} 到 {high} 之间时，{phone:.0f} 元问清楚比猜便宜。").format(
                low=plots.percent(PHONE / LOST), high=plots.percent(1 - PHONE / CARE), phone=PHONE
            )
        )
    return told


def _why(known: pd.DataFrame, case: pd.Series, letter: str, decision: str, weeks: float) -> str:
    """Why one decision does not hold, from this customer's history."""
    loss = expected_loss(case["p_again"])
    told = _("{who}选“{decision}”：他再来的可能是 {p}，预期损失 {mine:.0f} 元，“{best}”只要 {least:.0f} 元。").format(
        who=letter, decision=decision, p=plots.percent(case["p_again"]), mine=loss[decision], best=loss.idxmin(),
        least=loss.min(),
    )  # fmt: skip
    if case["kind"] == OLD:
        told += _("他的 P(alive) 虽是 100%，作不得数。")
    told += _clue(known, case, weeks)
    if real_loss(decision, case["came"]):
        return told
    return told + _("这一回他{outcome}，你没有损失，那是碰巧。").format(outcome=_outcome(case["came"]))


def _clue(known: pd.DataFrame, case: pd.Series, weeks: float) -> str:
    """What in the history gives it away."""
    if case["kind"] == OLD:
        alike = known[(known["x"] == 0) & (known["T"] >= case["T"])]
        return _(
            "100% 是 BG/NBD 的规定：人只在复购之后离开，没有复购就没有离开的机会。"
            "满 {T:.0f} 周仍只买一次的有 {n} 位，模型平均给 {p}，实际回来的只有 {came}：这类人连模型也看高了。"
        ).format(
            T=np.floor(case["T"]), n=len(alike), p=plots.percent(alike["p_again"].mean()),
            came=plots.percent((alike["came"] > 0).mean()),
        )  # fmt: skip
    if case["kind"] == NEW:
        return _("他首购才 {T:.1f} 周，没有复购只是还没来得及，不是沉默。").format(T=case["T"])
    if case["p_alive"] - case["p_again"] > 0.15:
        return _("P(alive) 有 {alive}，但他 {gap:.1f} 周才来一次：还在的人也可能 {weeks:g} 周里一次不来。").format(
            alive=plots.percent(case["p_alive"]), gap=case["gap"], weeks=weeks
        )
    return _("沉默是他平时间隔的 {ratio:.1f} 倍。").format(ratio=case["silence"] / case["gap"])


def _bad_luck(case: pd.Series, letter: str, decision: str) -> str:
    """A sound decision that turned out badly."""
    against = 1 - case["p_again"] if decision == KEEP else case["p_again"]
    told = _(
        "{who}选“{decision}”没有错，只是运气不好：他{outcome}。照当时能知道的，100 位这样的客户里有 {n:.0f} 位会如此；"
        "再遇到同样的客户，还该这样定。"
    ).format(who=letter, decision=decision, outcome=_outcome(case["came"]), n=100 * against)
    return told + (_("（这一位是特意挑的，好让你看见运气。）") if case["kind"] == UNLUCKY else "")


# ------------------------------------------------------------------------------------------------------- the widget


def _figure(cases: pd.DataFrame, chosen: pd.Series, customer: str, weeks: float) -> Figure:
    """Eight timelines that end today, the one looked at in full colour; what then happened, once all are decided."""
    done = (chosen != OPEN).all()
    case = cases.loc[customer]
    title = (
        _("{who}：平均 {gap:.1f} 周来一次，已经沉默 {s:.1f} 周").format(
            who=customer, gap=case["gap"], s=case["silence"]
        )
        if case["x"]
        else _("{who}：只买过一次，在 {s:.1f} 周前").format(who=customer, s=case["silence"])
    )
    figure, (ax,) = plots.new_figure(title, width=6.6, height=4.7)
    longest = cases["T"].max()
    for row, (letter, one) in enumerate(cases.iterrows()):
        _timeline(ax, row, one, letter == customer)
    _columns(ax, cases, chosen, customer)
    ax.axvline(0, color=plots.INK, lw=1)
    ax.set_yticks(range(len(cases)), list(cases.index), fontsize=11)
    ax.set_ylim(len(cases) - 0.4, -1.3 if done else -0.7)
    ax.set_xlim(-longest - 2, (0.96 if done else 0.4) * longest)
    ticks = np.arange(0, longest + 1, 13)
    ax.set_xticks(-ticks, [f"{tick:.0f}" if tick else _("今天") for tick in ticks])
    ax.set_xlabel(_("距今周数"))
    ax.grid(axis="y", visible=False)
    return figure


def _columns(ax: Axes, cases: pd.DataFrame, chosen: pd.Series, customer: str) -> None:
    """What was decided, to the right of today; once all are decided, also how likely each was to come, and the outcome."""
    done = (chosen != OPEN).all()
    places = [share * cases["T"].max() for share in (0.04, 0.4, 0.56)]
    for x, head in zip(places, (_("你的决定"), _("可能"), _("后来")), strict=True):
        if done:
            ax.text(x, -0.9, head, va="center", fontsize=9.5, color=plots.MUTED)
    for row, (letter, one) in enumerate(cases.iterrows()):
        words = [chosen[letter] if chosen[letter] != OPEN else _("？")]
        if done:
            words[0] += "" if is_sound(chosen[letter], one["p_again"]) else " ×"
            words += [plots.percent(one["p_again"]), _outcome(one["came"])]
        for x, word in zip(places, words, strict=False):
            ax.text(x, row, word, va="center", fontsize=10, color=_colour(word, letter == customer))


def _colour(word: str, looked_at: bool) -> str:
    """Red for a decision that does not hold, which a cross tells too."""
    return plots.RED if word.endswith("×") else plots.INK if looked_at else plots.MUTED


def _timeline(ax: Axes, row: int, case: pd.Series, looked_at: bool) -> None:
    """First purchase, the stretch of repeat purchases, the silence since."""
    colour = plots.BLUE if looked_at else plots.SKY
    last = -case["silence"]
    ax.plot([-case["T"], last], [row, row], color=colour, lw=7 if looked_at else 5, solid_capstyle="butt")
    ax.plot([last, 0], [row, row], color=plots.ORANGE if looked_at else plots.PALE, lw=1.6, ls=(0, (2, 1.5)))
    ax.plot([-case["T"], last], [row, row], "o", color=plots.INK if looked_at else plots.GREY, ms=5)
    if case["x"]:
        plots.note(
            ax, _("复购 {x:.0f} 次").format(x=case["x"]), ((last - case["T"]) / 2, row), (0, 9), ha="center", fontsize=8.5,
            color=plots.INK if looked_at else plots.MUTED,
        )  # fmt: skip


def _describe(cases: pd.DataFrame, chosen: pd.Series, customer: str, headline: str) -> str:
    told = _("八位客户的时间线，从首购到今天。{now}").format(now=_portrait(cases.loc[customer], customer, False))
    if (chosen == OPEN).any():
        return told + headline
    rows = _("；").join(
        _("{who} {decision}，{p}，{outcome}").format(
            who=who, decision=chosen[who], p=plots.percent(case["p_again"]), outcome=_outcome(case["came"])
        )
        for who, case in cases.iterrows()
    )
    return told + _("{rows}。{headline}").format(rows=rows, headline=headline)


def alive_or_not(model: BetaGeoNBD, histories: pd.DataFrame, holdout: pd.Series, weeks: float = 26) -> Exercise:
    """Exercise ex-05-3.

    Args:
        model: fitted to ``histories``, in weeks.
        histories: ``x``, ``t_x``, ``T`` by customer, as :func:`crmlab.clv.summary_from_orders` makes it.
        holdout: number of purchases in the holdout by customer; weeks: how long the holdout is.

    >>> from crmlab import clv, data
    >>> orders = data.purchases(data.load("ecommerce"))
    >>> histories = clv.summary_from_orders(orders, "2025-06-30")
    >>> came = clv.holdout_from_orders(orders, "2025-06-30", "2025-12-31")["purchases"]
    >>> exercise = alive_or_not(clv.BetaGeoNBD().fit(histories), histories, came)
    >>> exercise.result.reasons[0]
    '甲：首购后复购 28 次，平均 2.5 周一次；最近一次在 2.4 周前。'
    """
    known = knowledge(model, histories, holdout, weeks)
    cases = pick_cases(known)
    eight = CaseByCase(LETTERS, _("{who}：怎么办"), DECISIONS, OPEN)

    def draw(values: Mapping[str, Any], result: Result) -> tuple[Figure, str]:
        chosen = pd.Series(eight.decisions(values))
        return _figure(cases, chosen, values["customer"], weeks), _describe(
            cases, chosen, values["customer"], result.headline
        )

    return Exercise(
        title=_("ex-05-3　这位客户还在吗"),
        task=_(
            "网店的八位客户，每位代表一种购买历史，数据截到“今天”。逐位决定：照常维护、打电话问清楚，还是不再维护；八位都定了，再看随后 {weeks:g} 周里谁来了。"
            "目标：至少 {goal} 个决定站得住，即照当时能知道的，没有别的决定便宜 {near:.0f} 元以上。"
            "假设：维护一位不再来的客户白花 {care:.0f} 元；停掉一位本来会来的，少赚 {lost:.0f} 元；电话 {phone:.0f} 元，问清楚以后不会再错。"
        ).format(weeks=weeks, goal=GOAL, near=NEAR, care=CARE, lost=LOST, phone=PHONE),
        controls=eight.controls() | {"aid": choice(_("参考什么"), AIDS, BARE)},
        evaluate=lambda **values: evaluate_alive(known, cases, weeks, **values),
        draw=draw,
        actions={_("下一位"): eight.following},
        visible=lambda values: [*eight.shown(values), "aid"],
    )
