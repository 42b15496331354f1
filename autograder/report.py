"""The page that a teacher opens after grading: statistics of the tasks, and work that looks alike.

One file without any address outside it. What students wrote reaches it through :class:`markupsafe.Markup`, which
escapes every argument.
"""

import base64
import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autograder import similar
from autograder.similar import Fragment, Pair
from autograder.statistics import EASY, HARD, WEAK, Statistics, headings, percent, readable, summary
from crmlab import plots
from crmlab.i18n import _

_WIDTH = 5.2  # inches: words stay readable when a phone shows the figure at 360 pixels
_MOST_PAIRS = 100
_STYLE = """
:root { color-scheme: light dark; --ink: #22303c; --muted: #5f6c78; --paper: #ffffff; --line: #dfe3e6;
  --soft: #f4f6f7; --mark: #2b6ca3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ec; --muted: #9aa7b2; --paper: #14191e; --line: #333d46;
  --soft: #1d242b; --mark: #7fb4d8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1160px; padding: 1.2rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.65 "Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.3; margin: .4rem 0 .8rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 0; }
p, ul { margin: .4rem 0; }
ul { padding-left: 1.3rem; }
.muted { color: var(--muted); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 1rem; }
.charts img { display: block; width: 100%; height: auto; border-radius: 8px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .34rem .6rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; }
td:first-child { white-space: nowrap; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.t { overflow-wrap: anywhere; min-width: 12em; }
.pair { border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; margin: .9rem 0; }
.pair summary { cursor: pointer; color: var(--mark); margin-top: .3rem; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: .6rem; margin: .6rem 0; }
.sides div { min-width: 0; }
pre { margin: .15rem 0 0; padding: .6rem .7rem; background: var(--soft); border-radius: 6px; overflow-x: auto;
  font: .82rem/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; tab-size: 4; }
"""
_PAGE = Markup("""<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
""")


def page(statistics: Statistics, pairs: Sequence[Pair], title: str) -> str:
    """The report as one HTML page; every text in it is escaped."""
    sections = [Markup("<p>{}</p>").format(summary(statistics))]
    if len(statistics.tasks):
        sections += [_charts(statistics), _tasks(statistics), _misconceptions(statistics), _people(statistics)]
    body = Markup("\n").join([*sections, _pairs(pairs)])
    return str(_PAGE.format(title=readable(title), style=Markup(_STYLE), body=body))


# --- figures ---------------------------------------------------------------------------------------------------------


def _charts(statistics: Statistics) -> Markup:
    makers = (_score_chart, _difficulty_chart, _time_chart)
    images = (_image(*maker(statistics)) for maker in makers)
    return Markup('<div class="charts">{}</div>').format(Markup("\n").join(images))


def _image(figure: Figure, alt: str) -> Markup:
    """The figure as SVG in an image: as text in the page, the same names in two figures would clash."""
    buffer = io.StringIO()
    unsigned = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # the same statistics, the same bytes
    with mpl.rc_context({"svg.hashsalt": alt}):
        figure.savefig(buffer, format="svg", metadata=unsigned)
    data = base64.b64encode(buffer.getvalue().encode()).decode("ascii")
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(readable(alt), data)


def _score_chart(statistics: Statistics) -> tuple[Figure, str]:
    bins, row = statistics.histogram, statistics.overall.iloc[0]
    if row["counted"]:
        title = _("一半人不低于 {median:.1f} 分（满分 {points:g}）").format(median=row["median"], points=row["points"])
    else:
        title = _("还没有可以统计的成绩")
    figure, (ax,) = plots.new_figure(title, width=_WIDTH, height=3.4)
    ax.bar(
        bins["low"], bins["students"], bins["high"] - bins["low"], align="edge", color=plots.BLUE, edgecolor=plots.PAPER
    )
    if row["counted"]:
        ax.axvline(row["median"], color=plots.INK, lw=1, ls=(0, (3, 2)))
    ax.set_xlim(0, bins["high"].iloc[-1])
    ax.set_xlabel(_("总分"))
    ax.set_ylabel(_("人数"))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.grid(axis="x", visible=False)
    counts = _("、").join(f"{b.low:g}–{b.high:g}: {b.students}" for b in bins.itertuples() if b.students)
    return figure, _("总分分布，各段人数：{counts}").format(counts=counts or "—")


def _difficulty_chart(statistics: Statistics) -> tuple[Figure, str]:
    tasks = statistics.tasks
    weak = int((tasks["discrimination"] < WEAK).sum())
    title = _("{n} 题区分度低于 {weak:g}").format(n=weak, weak=WEAK) if weak else _("各题都分得出高低")
    if tasks["discrimination"].isna().all():
        title = _("人数太少或分数都一样，算不出区分度")
    figure, (left, right) = plots.new_figure(title, width=_WIDTH, height=_height(len(tasks)), columns=2)
    _bars(left, tasks.index, tasks["p"], _("得分率"), (HARD, EASY))
    _bars(right, tasks.index, tasks["discrimination"], _("区分度"), (WEAK,))
    right.set_yticklabels([])
    low = min(0.0, float(np.nan_to_num(tasks["discrimination"].min())) * 1.1)
    right.set_xlim(low, 1.02)
    left.set_xlim(0, 1.02)
    told = _("、").join(
        _("{task} 得分率 {p}、区分度 {r}").format(
            task=task, p=percent(row["p"]), r=headings()["discrimination"][1](row["discrimination"])
        )
        for task, row in tasks.iterrows()
    )
    return figure, told


def _time_chart(statistics: Statistics) -> tuple[Figure, str]:
    tasks = statistics.tasks
    columns = ["cell_median", "test_median"]
    if tasks[columns].notna().any(axis=None):
        slowest = tasks["cell_median"].fillna(0).add(tasks["test_median"].fillna(0)).idxmax()
        title = _("最费机器时间的是 {task}").format(task=slowest)
    else:
        title = _("没有记录到用时")
    figure, axes = plots.new_figure(title, width=_WIDTH, height=_height(len(tasks)), columns=2)
    for ax, kind, name in zip(axes, ("cell", "test"), (_("学生代码（秒）"), _("测试（秒）")), strict=True):
        _bars(ax, tasks.index, tasks[f"{kind}_median"], name, ())
        at = np.arange(len(tasks))[::-1]
        ax.plot(tasks[f"{kind}_p95"], at, "|", color=plots.RED, ms=11, mew=2)
        ax.set_xlim(left=0)
    axes[1].set_yticklabels([])
    figure.supxlabel(_("蓝条：中位数；红线：95% 的人不超过"), fontsize=9, color=plots.MUTED)
    second = headings()["cell_median"][1]
    told = _("、").join(
        _("{task} 代码 {cell} 秒、测试 {test} 秒").format(
            task=task, cell=second(row["cell_median"]), test=second(row["test_median"])
        )
        for task, row in tasks.iterrows()
    )
    return figure, _("用时的中位数：{told}").format(told=told)


def _bars(ax: Axes, names: Sequence[str], values: Sequence[float], title: str, marks: Sequence[float]) -> None:
    at = np.arange(len(names))[::-1]
    ax.barh(at, np.nan_to_num(np.asarray(values, dtype=float)), height=0.62, color=plots.BLUE)
    ax.set_yticks(at, list(names))
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_title(title)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    for mark in marks:
        ax.axvline(mark, color=plots.RED, lw=1.2, ls=(0, (3, 2)))


def _height(tasks: int) -> float:
    return max(3.4, 0.34 * tasks + 1.3)


# --- tables ----------------------------------------------------------------------------------------------------------


def _section(title: str, *parts: Markup) -> Markup:
    return Markup("<h2>{}</h2>\n{}").format(title, Markup("\n").join(parts))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int] = ()) -> Markup:
    """A table; columns in ``texts`` hold sentences, the first a name, the others numbers."""
    kinds = ["t" if place in texts else "n" if place else "" for place in range(len(columns))]
    head = (Markup('<th class="{}">{}</th>').format(kind, text) for kind, text in zip(kinds, columns, strict=True))
    lines = (
        (Markup('<td class="{}">{}</td>').format(kind, readable(text)) for kind, text in zip(kinds, row, strict=True))
        for row in rows
    )
    body = (Markup("<tr>{}</tr>").format(Markup("").join(line)) for line in lines)
    return Markup('<div class="wide"><table>\n<tr>{}</tr>\n{}\n</table></div>').format(
        Markup("").join(head), Markup("\n").join(body)
    )


def _bullets(texts: Sequence[str]) -> Markup:
    return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}</li>").format(readable(text)) for text in texts))


def _tasks(statistics: Statistics) -> Markup:
    columns = headings()
    rows = [
        (str(name), *(form(row[column]) for column, (_title, form) in columns.items()))
        for name, row in statistics.tasks.iterrows()
    ]
    told = [f"{task}: {text}" for task, advice in statistics.tasks["advice"].items() for text in advice]
    note = _(
        "得分率：平均得分 ÷ 满分，越高越易。区分度：本题得分与其余各题总分的相关系数，0.4 以上很好，0.2 以下看一看。"
        "高低组差：总分最高与最低的 27% 的人，本题得分率之差。图中红色虚线在得分率 30%、90% 和区分度 0.2 处。用时单位为秒。教师评分的题不在内。"
    )
    return _section(
        _("各题"),
        _table([_("题目"), *(title for title, _form in columns.values())], rows),
        Markup('<p class="muted">{}</p>').format(note),
        *([Markup("<h3>{}</h3>{}").format(_("值得看一看"), _bullets(told))] if told else []),
    )


def _misconceptions(statistics: Statistics) -> Markup:
    wrong = [
        (row.task, row.hint, f"{row.students}", percent(row.share)) for row in statistics.misconceptions.itertuples()
    ]
    stops = [(row.task, row.reason, f"{row.students}") for row in statistics.stops.itertuples()]
    parts = [_table([_("题目"), _("提示"), _("人数"), _("占比")], wrong, texts=(1,))] if wrong else []
    if stops:
        parts += [
            Markup("<p>{}</p>").format(_("让测试停下的原因（前五）：")),
            _table([_("题目"), _("原因"), _("人数")], stops, texts=(1,)),
        ]
    return _section(
        _("遇到的误解"), *(parts or [Markup("<p>{}</p>").format(_("没有：人人得了满分，或还没有人作答。"))])
    )


def _people(statistics: Statistics) -> Markup:
    rows = [(row.student, _("；").join(row.reasons)) for row in statistics.people.itertuples()]
    return _section(_("要人看的作业"), _table([_("学生"), _("原因")], rows, texts=(1,))) if rows else Markup("")


# --- similar work ----------------------------------------------------------------------------------------------------


def _pairs(pairs: Sequence[Pair]) -> Markup:
    parts = [_bullets(similar.how_to_read())]
    if not pairs:
        parts.append(Markup("<p>{}</p>").format(_("没有相似到值得一读的作业。")))
    if len(pairs) > _MOST_PAIRS:
        note = _("共 {n} 对，下面是最相似的 {shown} 对。").format(n=len(pairs), shown=_MOST_PAIRS)
        parts.append(Markup("<p>{}</p>").format(note))
    return _section(_("代码相似的作业"), *parts, *(_pair(pair) for pair in pairs[:_MOST_PAIRS]))


def _pair(pair: Pair) -> Markup:
    facts = _("相似份额 {share:.0%}，相同的记号 {tokens} 个，相像的题目：{cells}").format(
        share=pair.share, tokens=pair.tokens, cells=_("、").join(pair.cells) or "—"
    )
    sides = Markup("\n").join(_sides(pair, fragment) for fragment in pair.fragments)
    code = Markup("<details><summary>{}</summary>{}</details>").format(_("并排看代码片段"), sides) if sides else ""
    return Markup('<div class="pair"><h3>{} · {}</h3><p>{}</p><p class="muted">{}</p>{}</div>').format(
        readable(pair.first), readable(pair.second), readable(facts), similar.next_step(pair), code
    )


def _sides(pair: Pair, fragment: Fragment) -> Markup:
    side = Markup('<div><span class="muted">{} · {}</span><pre>{}</pre></div>')
    return Markup('<div class="sides">{}{}</div>').format(
        side.format(pair.first, fragment.task, fragment.first), side.format(pair.second, fragment.task, fragment.second)
    )
