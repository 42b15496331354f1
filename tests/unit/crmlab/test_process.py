"""The process simulation: formulas of queues, hand-computed cases, redesigns, common random numbers, laws."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import process
from crmlab.errors import CourseError
from crmlab.process import Process, Step, compare, simulate
from crmlab.queueing import ErlangC

RETURNS = Process(
    "退货退款",
    [
        Step("登记", "客服", 6, "lognormal"),
        Step("核对", "客服", 8, "lognormal"),
        Step("验货", "仓库", 15, "lognormal"),
        Step("审批", "主管", 7, rework=0.15, back_to="核对"),
        Step("退款", "财务", 6, "fixed"),
    ],
    {"客服": 2, "仓库": 3, "主管": 1, "财务": 1},
    arrivals=5,
    wages={"客服": 30, "主管": 60},
)


def desk(minutes: float = 6, people: int = 1, arrivals: float = 6, **step: object) -> Process:
    return Process("咨询", [Step("答复", "客服", minutes, **step)], {"客服": people}, arrivals)


def names(found: Process) -> list[object]:
    return [tuple(s.name for s in stage) if len(stage) > 1 else stage[0].name for stage in found.stages]


# --- against formulas -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("people", "arrivals"), [(1, 6), (3, 24)])
def test_one_step_is_the_queue_of_erlang(people, arrivals):
    result = simulate(desk(people=people, arrivals=arrivals), hours=7200 / arrivals, replications=6, seed=5)
    queue = ErlangC(arrivals / 60, 6, people)
    waiting = result.summary.loc["waiting"]
    assert waiting["low"] - 0.2 < queue.asa < waiting["high"] + 0.2
    assert waiting["mean"] == pytest.approx(queue.asa, rel=0.1)
    assert result.resources.loc["客服", "utilisation"] == pytest.approx(queue.occupancy, abs=0.02)
    assert result.resources.loc["客服", "wait"] == pytest.approx(waiting["mean"], rel=0.02)
    at_once = (result.cases["waiting"] > 0).groupby(result.cases["replication"]).mean().mean()
    assert at_once == pytest.approx(queue.p_wait, abs=0.025)


def test_fixed_times_wait_half_as_long():
    """Pollaczek-Khinchine: without variance of the service time one server's queue halves."""
    half = simulate(desk(distribution="fixed"), hours=1200, replications=5, seed=2).summary.loc["waiting", "mean"]
    assert half == pytest.approx(ErlangC(0.1, 6, 1).asa / 2, rel=0.08)


def test_lognormal_times_have_the_mean_and_spread_told():
    uniform = (np.arange(100_000) + 0.5) / 100_000
    times = Step("x", "y", 8, "lognormal").times(uniform)
    assert times.mean() == pytest.approx(8, rel=1e-3)
    assert times.std() / times.mean() == pytest.approx(0.6, rel=5e-3)
    assert Step("x", "y", 8).times(uniform).std() == pytest.approx(8, rel=5e-3)


def test_rework_is_geometric():
    result = simulate(desk(minutes=2, rework=0.25), hours=1000, replications=3, seed=4)
    assert result.steps.loc["答复", "visits"] == pytest.approx(1 / 0.75, abs=0.02)
    assert result.cases["rework"].mean() == pytest.approx(1 / 3, abs=0.02)
    visits = result.cases["rework"].value_counts(normalize=True)
    assert visits[2] == pytest.approx(0.75 * 0.25**2, abs=0.01)


def test_cases_sent_back_repeat_what_lies_between():
    result = simulate(RETURNS, hours=500, replications=3, seed=1)
    again = 1 / 0.85
    expected = {"登记": 1, "核对": again, "验货": again, "审批": again, "退款": 1}
    assert result.steps["visits"].to_dict() == pytest.approx(expected, abs=0.02)
    work = 6 + again * (8 + 15 + 7) + 6
    assert result.summary.loc["work", "mean"] == pytest.approx(work, rel=0.02)
    busy = 5 / 60 * (6 + 8 * again) / 2
    assert result.resources.loc["客服", "utilisation"] == pytest.approx(busy, rel=0.04)
    cost = (6 + 8 * again) * 30 / 60 + 7 * again * 60 / 60
    assert result.summary.loc["work_cost", "mean"] == pytest.approx(cost, rel=0.03)


def test_branches_take_their_share_and_hard_cases_only():
    split = Process(
        "受理",
        [(Step("简易", "客服", 2, cases=(0, 0.7)), Step("专家", "专家", 20, rework=0.5, cases=(0.7, 1)))],
        {"客服": 1, "专家": 3},
        arrivals=10,
    )
    result = simulate(split, hours=500, replications=3, seed=1)
    assert result.steps.loc["简易", "visits"] == pytest.approx(0.7, abs=0.01)
    assert result.steps.loc["专家", "visits"] == pytest.approx(0.3 * 2, abs=0.02)
    both = result.log.groupby(["replication", "case"])["step"].nunique()
    assert both.max() == 1


def test_side_by_side_takes_as_long_as_the_longest():
    row = Process("核保", [Step("甲", "a", 10, "fixed"), Step("乙", "b", 4, "fixed")], {"a": 50, "b": 50}, arrivals=6)
    assert simulate(row, 40, 3).cases["cycle"].tolist() == pytest.approx([14.0] * len(simulate(row, 40, 3).cases))
    beside = simulate(row.side_by_side("甲", "乙"), 40, 3)
    np.testing.assert_allclose(beside.cases["cycle"], 10)
    np.testing.assert_allclose(beside.cases["work"], 14)


def test_a_case_that_needs_no_step_leaves_at_once():
    rare = desk(cases=(0.5, 1))
    cases = simulate(rare, 200, 2).cases
    idle = cases["work"] == 0
    assert idle.mean() == pytest.approx(0.5, abs=0.05)
    assert (cases.loc[idle, "cycle"] == 0).all()


# --- the tables -----------------------------------------------------------------------------------------------


def test_log_and_cases_agree():
    result = simulate(RETURNS, hours=60, replications=3, seed=9)
    log, cases = result.log, result.cases
    assert (log["ready"] <= log["start"]).all()
    assert (log["start"] <= log["end"]).all()
    per_case = log.groupby(["replication", "case"])
    keyed = cases.set_index(["replication", "case"])
    pd.testing.assert_series_equal(keyed["leave"], per_case["end"].max(), check_names=False)
    np.testing.assert_allclose(keyed["cycle"], keyed["waiting"] + keyed["work"])
    np.testing.assert_allclose(keyed["arrive"], per_case["ready"].min())
    assert cases["arrive"].min() >= 12 * 60, "a fifth of 60 hours fills the process first"
    assert cases["arrive"].max() < 72 * 60
    for _name, visits in log.sort_values("start").groupby(["replication", "resource"]):
        assert visits["ready"].is_monotonic_increasing, "first come, first served"


def test_nobody_does_two_things_at_once():
    result = simulate(RETURNS, hours=60, replications=2, seed=9, warm_up=0)
    for (_replication, resource), visits in result.log.groupby(["replication", "resource"]):
        moments = pd.concat([pd.Series(1, visits["start"]), pd.Series(-1, visits["end"])])
        # At one moment, who is ready leaves before the next case starts.
        busy = moments.reset_index().sort_values(["index", 0]).set_index("index")[0].cumsum()
        assert busy.max() <= RETURNS.resources[resource]


def test_seed_and_promise():
    first, again = (simulate(RETURNS, 40, 3, seed=2, promise=90) for _i in range(2))
    pd.testing.assert_frame_equal(first.log, again.log)
    assert not first.log.equals(simulate(RETURNS, 40, 3, seed=3).log)
    kept = (first.cases["cycle"] <= 90).groupby(first.cases["replication"]).mean()
    pd.testing.assert_series_equal(first.replications["in_time"], kept, check_names=False)
    assert "in_time" not in simulate(RETURNS, 40, 3).summary.index
    assert list(first.summary.index) == list(process.MEASURES)
    assert (first.summary["low"] <= first.summary["mean"]).all()


def test_few_arrivals_still_fill_the_time():
    cases = simulate(desk(arrivals=0.01), hours=30_000, replications=2, seed=1).cases
    assert cases["arrive"].max() > 60 * 30_000
    with pytest.raises(CourseError, match="一件业务"):
        simulate(desk(arrivals=0.001), hours=1, replications=2)


def test_more_arrivals_than_twice_the_expected_are_drawn_one_by_one(monkeypatch):
    slow = process._Run(desk(arrivals=600), 1, (0, 0))
    whole = process._Run(desk(arrivals=600), 60, (0, 0))
    assert whole.arrive[: len(slow.arrive)].tolist() == slow.arrive.tolist(), "more time only adds cases"
    run = process._Run.__new__(process._Run)
    monkeypatch.setattr(process._Run, "_stream", lambda self, name, visit: _Early())
    run.__init__(desk(arrivals=60), 100, (0, 0))
    assert run.arrive.tolist()[-1] < 100
    assert len(run.arrive) > 264


class _Early:
    """Random numbers that are all small: many more cases come than expected."""

    def exponential(self, scale: float, size: int | None = None) -> object:
        return 0.1 * scale if size is None else np.full(size, 0.1 * scale)

    def random(self, size: int) -> np.ndarray:
        return np.full(size, 0.5)


# --- redesigns and comparison ---------------------------------------------------------------------------------


def test_redesigns_return_new_processes():
    before = names(RETURNS)
    merged = RETURNS.merge(["登记", "核对"], "一次受理", "客服")
    assert names(merged) == ["一次受理", "验货", "审批", "退款"]
    assert merged.all_steps[0].minutes == 14
    assert merged.all_steps[2].back_to == "", "核对 is gone: cases go back to the check itself"
    assert names(RETURNS.side_by_side("登记", "核对")) == [("登记", "核对"), "验货", "审批", "退款"]
    assert names(RETURNS.without("审批")) == ["登记", "核对", "验货", "退款"]
    split = RETURNS.triage("审批", 0.8, 1, "客服")
    assert names(split) == ["登记", "核对", "验货", ("审批（简易）", "审批"), "退款"]
    assert [step.cases for step in split.stages[3]] == [(0, 0.8), (0.8, 1)]
    assert [step.resource for step in split.stages[3]] == ["客服", "主管"]
    assert split.stages[3][1].back_to == "核对"
    assert split.without("核对").stages[2][1].back_to == ""
    assert names(split.side_by_side("验货", "审批（简易）")) == [
        "登记",
        "核对",
        ("验货", "审批（简易）"),
        "审批",
        "退款",
    ]
    assert RETURNS.with_people("主管", 2).resources == {"客服": 2, "仓库": 3, "主管": 2, "财务": 1}
    assert names(RETURNS) == before
    assert RETURNS.resources["主管"] == 1


def test_the_same_cases_come_to_both_processes():
    before, after = simulate(RETURNS, 40, 2, seed=6), simulate(RETURNS.without("验货"), 40, 2, seed=6)
    pd.testing.assert_frame_equal(
        before.cases[["replication", "case", "arrive"]], after.cases[["replication", "case", "arrive"]]
    )

    def first_visits(result, step):
        visits = result.log[result.log["step"] == step].drop_duplicates(["replication", "case"])
        return (visits["end"] - visits["start"]).set_axis(pd.MultiIndex.from_frame(visits[["replication", "case"]]))

    for step in ("登记", "审批", "退款"):
        pd.testing.assert_series_equal(
            first_visits(before, step).sort_index(), first_visits(after, step).sort_index(), check_exact=False
        )


def test_common_numbers_make_the_comparison_sharper():
    after = RETURNS.without("退款")
    paired = compare(RETURNS, after, 40, 6, seed=1).table.loc["work"]
    one, other = simulate(RETURNS, 40, 6, seed=1), simulate(after, 40, 6, seed=2)
    loose = np.hypot(one.replications["work"].std(), other.replications["work"].std()) / np.sqrt(6)
    assert paired["difference"] == pytest.approx(-6)
    assert paired["high"] - paired["low"] < 0.01 * loose


def test_compare_finds_what_changed():
    result = compare(RETURNS, RETURNS.with_people("主管", 2), 60, 6, seed=1, promise=60)
    table = result.table
    assert table.loc["waiting", "high"] < 0
    assert table.loc["in_time", "low"] > 0
    assert table.loc["work", ["difference", "low", "high"]].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert table["change"].dropna().to_dict() == pytest.approx(
        (table["after"] / table["before"] - 1).dropna().to_dict(), abs=1e-9
    )
    same = compare(desk(), desk(), 20, 3)
    assert np.isnan(same.table.loc["rework", "change"]), "nothing before, so no share of it"


@given(st.integers(1, 3), st.floats(2, 9), st.integers(0, 50))
@settings(max_examples=12)
def test_one_more_person_never_lengthens_the_wait(people, minutes, seed):
    before = desk(minutes=minutes, people=people, arrivals=8)
    table = compare(before, before.with_people("客服", people + 1), 30, 2, seed).table
    assert table.loc["waiting", "difference"] <= 1e-9
    assert table.loc["work", "difference"] == pytest.approx(0, abs=1e-9)


# --- pictures -------------------------------------------------------------------------------------------------


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_map_shows_lanes_steps_and_the_way_back():
    figure = RETURNS.plot()
    assert figure.get_suptitle() == "退货退款：5 个步骤，经 4 个岗位"
    told = texts(figure)
    assert {"客服\n2 人", "仓库\n3 人", "主管\n1 人", "财务\n1 人"} <= set(told)
    assert {"登记", "15 分钟", "返工 15%", "开始", "结束"} <= set(told)
    assert len(figure.axes[0].patches) >= 5


def test_map_keeps_boxes_of_one_lane_apart():
    crowded = Process(
        "受理",
        [(Step("甲", "客服", 2, cases=(0, 0.7)), Step("乙", "客服", 20, rework=0.5, cases=(0.7, 1)))],
        {"客服": 1},
        arrivals=1,
    )
    place, lanes = process._places(crowded.stages)
    assert place["甲"][0] == place["乙"][0] == 1
    assert place["甲"][1] - place["乙"][1] > process._BOX[1]
    assert lanes["客服"][1] < place["乙"][1] < place["甲"][1] < lanes["客服"][0]
    assert {"70% 的业务", "30% 的业务", "返工 50%"} <= set(texts(crowded.plot()))


def test_plot_of_the_change():
    result = compare(RETURNS, RETURNS.with_people("主管", 2), 60, 5, seed=1, promise=60)
    figure = result.plot()
    cycle = result.table.loc["cycle"]
    assert figure.get_suptitle() == f"改造后平均历时从 {cycle['before']:.0f} 分钟变为 {cycle['after']:.0f} 分钟"
    assert f"{cycle['change']:+.0%}".replace("-", "−") in texts(figure)
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels[-1] == "历时（分钟）"


# --- what is told ---------------------------------------------------------------------------------------------

A, B = Step("登记", "客服", 5), Step("审核", "主管", 5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: Step("", "客服", 5), "步骤的 name 应是文字"),
        (lambda: Step("登记", "客服", 0), "步骤 登记 的 minutes 应大于 0，现在是 0"),
        (
            lambda: Step("登记", "客服", 5, "normal"),
            "步骤 登记 的 distribution 应是 exponential、lognormal、fixed 之一",
        ),
        (lambda: Step("登记", "客服", 5, rework=1), "步骤 登记 的 rework 应在 0 到 0.9 之间，现在是 1"),
        (lambda: Step("登记", "客服", 5, cases=(0.7, 0.2)), r"步骤 登记 的 cases 应由小到大.*\(0.7, 0.2\)"),
        (lambda: Step("登记", "客服", 5, cases=(0, 2)), "cases 第 2 个值是 2，应在 0 到 1 之间"),
        (lambda: Process("p", [], {"客服": 1}, 5), "流程 p 的 steps 应是步骤的列表"),
        (lambda: Process("p", A, {"客服": 1}, 5), "流程 p 的 steps 应是步骤的列表"),
        (lambda: Process("p", ["登记"], {"客服": 1}, 5), "流程 p：steps 里的 '登记' 不是 Step"),
        (lambda: Process("p", [A], {"客服": 0}, 5), "资源 客服 的人数 应不小于 1"),
        (lambda: Process("p", [A], {"客服": 1}, 5, {"客服": -1}), "资源 客服 的时薪 应不小于 0"),
        (lambda: Process("p", [A], {"客服": 1}, 0), "arrivals 应大于 0"),
        (lambda: Process("p", [A, A], {"客服": 1}, 5), "流程 p：有两个步骤都叫 登记"),
        (lambda: Process("p", [A, B], {"客服": 1}, 5), r"步骤 审核 要的资源 主管 不在 resources 里（现有 客服）"),
        (
            lambda: Process("p", [(A, Step("复核", "客服", 1, rework=0.1))], {"客服": 1}, 5),
            "并行的步骤 复核 不能有返工",
        ),
        (
            lambda: Process("p", [Step("登记", "客服", 1, rework=0.1, back_to="审核"), B], {"客服": 1, "主管": 1}, 5),
            "步骤 登记 退回的 审核 不在它前面",
        ),
        (lambda: RETURNS.without("签收"), "流程里没有步骤 签收，现有的是 登记、核对、验货、审批、退款"),
        (lambda: RETURNS.side_by_side("登记"), "side_by_side 至少要两个步骤名"),
        (lambda: RETURNS.merge([], "x", "客服"), "merge 至少要一个步骤名"),
        (lambda: RETURNS.triage("审批", 1, 1), "easy 应"),
        (lambda: RETURNS.triage("审批", 0.5, 1, "机器人"), "步骤 审批（简易） 要的资源 机器人 不在 resources 里"),
        (lambda: desk().without("答复"), "流程 咨询 的 steps 应是步骤的列表"),
        (lambda: simulate("p"), "process 应是 Process，现在是 str"),
        (lambda: simulate(desk(), hours=0), "hours 应大于 0"),
        (lambda: simulate(desk(), replications=1), "replications 应不小于 2"),
        (lambda: simulate(desk(), seed=-1), "seed 应不小于 0"),
        (lambda: simulate(desk(), promise=0), "promise 应大于 0"),
        (lambda: simulate(desk(), warm_up=-1), "warm_up 应不小于 0"),
    ],
)
def test_bad_input_is_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()
