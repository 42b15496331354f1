"""Erlang B, C, A: printed results, the chain solved state by state, a simulation, and laws of queues."""

import heapq
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from crmlab import queueing
from crmlab.errors import CourseError
from crmlab.queueing import ErlangA, ErlangC, erlang_b, erlang_b_agents, erlang_b_load, staff, staff_day

CALLS = {"arrival_rate": 100 / 1800, "service_time": 180}  # 100 calls in half an hour, seconds

loads = st.floats(0, 300, allow_subnormal=False)
rates = st.floats(0.001, 50)
times = st.floats(0.01, 20)
agents = st.integers(1, 120)


# --- Erlang B -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lines", "load"), [(5, 1.361), (10, 4.461), (20, 12.031), (50, 37.901), (100, 84.064)])
def test_erlang_b_table_at_one_percent(lines, load):
    assert erlang_b(load, lines) == pytest.approx(0.01, abs=1e-5)
    assert erlang_b_load(0.01, lines) == pytest.approx(load, abs=1e-3)


def test_erlang_b_by_hand():
    assert erlang_b(2, 2) == pytest.approx((2**2 / 2) / (1 + 2 + 2))
    assert erlang_b(3, 0) == 1
    assert erlang_b(0, 0) == 1
    assert erlang_b(0, 3) == 0
    assert isinstance(erlang_b(np.float64(2), np.int64(2)), float)


@pytest.mark.parametrize("wrap", [list, tuple, np.array, pd.Series])
def test_erlang_b_takes_lists(wrap):
    np.testing.assert_allclose(erlang_b(2, wrap([0, 1, 2, 3])), [1, 2 / 3, 0.4, 4 / 19])
    np.testing.assert_allclose(erlang_b(wrap([1, 2]), wrap([1, 2])), [0.5, 0.4])
    np.testing.assert_allclose(erlang_b(wrap([1.0, 2.0]), 1), [0.5, 2 / 3])


def test_erlang_b_does_not_overflow():
    assert erlang_b(5000, 5000) == pytest.approx(math.sqrt(2 / math.pi / 5000), rel=0.02)
    assert erlang_b(1e-3, 400) == 0


@given(loads, st.integers(0, 300))
def test_blocking_is_a_share_and_falls_with_lines(load, lines):
    few, more = erlang_b(load, [lines, lines + 1])
    assert 0 <= more <= few <= 1


@given(st.floats(1e-4, 0.9), st.integers(1, 200))
def test_load_inverts_blocking(blocking, lines):
    assert erlang_b(erlang_b_load(blocking, lines), lines) == pytest.approx(blocking, rel=1e-8)


@given(st.floats(0.1, 100), st.floats(0.001, 0.5))
def test_least_number_of_lines(load, blocking):
    lines = erlang_b_agents(load, blocking)
    assert erlang_b(load, lines) <= blocking < erlang_b(load, lines - 1)


# --- Erlang C -------------------------------------------------------------------------------------------------


def test_hundred_calls_in_half_an_hour():
    queue = ErlangC(**CALLS, agents=14)
    assert queue.load == pytest.approx(10)
    assert queue.p_wait == pytest.approx(0.1741, abs=5e-5)
    assert queue.service_level(20) == pytest.approx(0.8884, abs=5e-5)
    assert queue.asa == pytest.approx(7.84, abs=0.005)
    assert queue.occupancy == pytest.approx(0.714, abs=5e-4)
    assert ErlangC(**CALLS, agents=13).service_level(20) == pytest.approx(0.7956, abs=5e-5)


def test_printed_examples():
    # 360 calls in half an hour, 240 s, 55 agents: a worked example widely used to check Erlang C calculators
    queue = ErlangC(0.2, 240, 55)
    assert queue.p_wait == pytest.approx(0.239, abs=5e-4)
    assert queue.asa == pytest.approx(8.2, abs=0.05)
    assert queue.service_level(15) == pytest.approx(0.846, abs=5e-4)
    # Hillier & Lieberman, Introduction to Operations Research, county hospital: λ = 2, μ = 3 an hour
    assert ErlangC(2, 1 / 3, 1).queue_length == pytest.approx(4 / 3)
    assert ErlangC(2, 1 / 3, 2).queue_length == pytest.approx(1 / 12)
    assert ErlangC(2, 1 / 3, 2).asa == pytest.approx(1 / 24)
    # Garnett, Mandelbaum & Reiman (2002): 48 calls a minute, 1 minute, 50 agents
    queue = ErlangC(48, 1, 50)
    assert 60 * queue.asa == pytest.approx(20.8, abs=0.05)
    assert queue.queue_length == pytest.approx(17, abs=0.5)
    assert 60 * queue.wait_quantile(0.9) == pytest.approx(58.1, abs=0.05)


def test_one_agent_waits_as_often_as_he_is_busy():
    queue = ErlangC(0.5, 1, 1)
    assert queue.p_wait == pytest.approx(0.5)
    assert queue.mean_delay == pytest.approx(2)
    assert queue.service_level([0, 2]) == pytest.approx([0.5, 1 - 0.5 * math.exp(-1)])


def test_the_time_unit_does_not_matter():
    seconds, minutes = ErlangC(100 / 1800, 180, 14), ErlangC(100 / 30, 3, 14)
    assert seconds.service_level(20) == pytest.approx(minutes.service_level(20 / 60))
    assert seconds.asa == pytest.approx(60 * minutes.asa)


def test_no_calls_no_wait():
    queue = ErlangC(0, 180, 1)
    assert (queue.p_wait, queue.asa, queue.occupancy, queue.service_level(0)) == (0, 0, 0, 1)
    assert queue.wait_quantile(0.99) == 0
    impatient = ErlangA(0, 180, 1, 60)
    assert (impatient.p_wait, impatient.p_abandon, impatient.asa, impatient.service_level(0)) == (0, 0, 0, 1)


@given(st.floats(0.3, 0.999), st.integers(1, 20), times)
def test_quantile_and_service_level_belong_together(occupancy, n, service_time):
    queue = ErlangC(occupancy * n / service_time, service_time, n)
    share = 1 - queue.p_wait / 2
    assert queue.service_level(queue.wait_quantile(share)) == pytest.approx(share)
    assert queue.wait_quantile((1 - queue.p_wait) / 2) == 0
    assert 0 < queue.p_wait < 1
    assert erlang_b(queue.load, n) <= queue.p_wait


@given(rates, times, st.integers(1, 5), st.floats(0, 100))
def test_more_agents_never_lower_the_service_level(rate, service_time, spare, t):
    n = math.floor(rate * service_time) + spare
    patient = [ErlangC(rate, service_time, n), ErlangC(rate, service_time, n + 1)]
    leaving = [ErlangA(rate, service_time, m, 3.0) for m in (spare, spare + 1)]
    for few, more in (patient, leaving):
        assert more.service_level(t) >= few.service_level(t) - 1e-9
        assert more.p_wait <= few.p_wait + 1e-9
        assert more.occupancy <= few.occupancy + 1e-9


@pytest.mark.parametrize(("n", "rate"), [(10, 100 / 30), (9, 100 / 30), (3, 1.0)])
def test_too_few_agents_are_told_and_no_number_is_given(n, rate):
    with pytest.raises(
        CourseError, match=rf"^{n} 名坐席接不住 .* 爱尔兰.*至少要 {math.floor(3 * rate + 1e-9) + 1} 名坐席"
    ):
        ErlangC(rate, 3, n)


# --- Erlang A -------------------------------------------------------------------------------------------------


def test_printed_example_with_impatient_callers():
    # Garnett, Mandelbaum & Reiman (2002): 48 calls a minute, 1 minute, 50 agents, patience 2 minutes
    queue = ErlangA(48, 1, 50, 2)
    assert queue.p_abandon == pytest.approx(0.031, abs=5e-4)
    assert 60 * queue.mean_wait == pytest.approx(3.7, abs=0.05)
    assert queue.queue_length == pytest.approx(3, abs=0.05)
    assert queue.occupancy == pytest.approx(0.93, abs=5e-4)


def chain(rate: float, service_time: float, n: int, patience: float, states: int = 20_000) -> tuple[float, ...]:
    """p_wait, p_abandon, asa from the stationary distribution of the birth-death chain."""
    k = np.arange(1, states)
    down = np.minimum(k, n) / service_time + np.maximum(k - n, 0) / patience
    log_p = np.concatenate([[0], np.cumsum(np.log(rate / down))])
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    waiting = np.maximum(np.arange(states) - n, 0)
    abandoned = p @ waiting / patience / rate
    # With j callers ahead each stage of the wait lasts 1 / (n·μ + stage·θ), whatever comes of the caller.
    stage = n / service_time + np.arange(1, states + 1) / patience
    wait = np.cumsum(1 / stage)[: states - n]
    served = (n / service_time / stage)[: states - n]
    return p[n:].sum(), abandoned, p[n:] @ (served * wait) / (1 - abandoned)


@pytest.mark.parametrize(
    "case",
    [
        (48, 1, 50, 2),
        (48, 1, 20, 2),
        (100 / 1800, 180, 10, 120),
        (100 / 1800, 180, 3, 1000),
        (1, 100, 101, 1e4),
        (10, 1, 1, 0.01),
        (0.001, 10, 1, 1),
    ],
)
def test_erlang_a_solves_the_chain(case):
    queue = ErlangA(*case)
    assert (queue.p_wait, queue.p_abandon, queue.asa) == pytest.approx(chain(*case), rel=1e-9)


def simulate(rate: float, service_time: float, n: int, patience: float, calls: int) -> pd.DataFrame:
    """First come, first served, call by call: wait, and whether the caller hung up."""
    rng = np.random.default_rng(7)
    arrive = np.cumsum(rng.exponential(1 / rate, calls))
    service, patient = rng.exponential(service_time, calls), rng.exponential(patience, calls)
    free = [0.0] * n
    wait, left = np.zeros(calls), np.zeros(calls, dtype=bool)
    for i in range(calls):
        offered = max(free[0] - arrive[i], 0)
        left[i] = offered > patient[i]
        wait[i] = min(offered, patient[i])
        if not left[i]:
            heapq.heapreplace(free, arrive[i] + offered + service[i])
    return pd.DataFrame({"wait": wait, "left": left})


@pytest.mark.parametrize("n", [6, 10, 12])
def test_erlang_a_agrees_with_a_simulation(n):
    queue = ErlangA(**CALLS, agents=n, patience=120)
    calls = simulate(100 / 1800, 180, n, 120, 200_000)
    served, within = ~calls["left"], calls["wait"] <= 20
    assert queue.p_abandon == pytest.approx(calls["left"].mean(), abs=0.006)
    assert queue.mean_wait == pytest.approx(calls["wait"].mean(), rel=0.03)
    assert queue.asa == pytest.approx(calls.loc[served, "wait"].mean(), rel=0.03)
    assert queue.p_wait == pytest.approx((calls["wait"] > 0).mean(), abs=0.01)
    assert queue.service_level(20) == pytest.approx((served & within).mean(), abs=0.012)
    assert queue.service_level(20, "answered") == pytest.approx(within[served].mean(), abs=0.012)
    seen = (served & within).sum() / (served | ~within).sum()
    assert queue.service_level(20, "patient") == pytest.approx(seen, abs=0.012)


@given(st.floats(0.05, 0.98), st.integers(1, 60), times, st.floats(0, 60))
def test_endless_patience_is_erlang_c(occupancy, n, service_time, t):
    rate = occupancy * n / service_time
    a, c = ErlangA(rate, service_time, n, 1e12), ErlangC(rate, service_time, n)
    assert a.p_wait == pytest.approx(c.p_wait, rel=1e-6)
    assert a.asa == pytest.approx(c.asa, rel=1e-6)
    assert a.service_level(t) == pytest.approx(c.service_level(t), rel=1e-6)
    assert a.p_abandon == pytest.approx(0, abs=1e-8)


@given(rates, times, agents, st.floats(0.01, 1e6))
def test_erlang_a_obeys_the_laws_of_flow(rate, service_time, n, patience):
    queue = ErlangA(rate, service_time, n, patience)
    assert 0 <= queue.p_abandon <= queue.p_wait <= 1
    assert queue.p_abandon >= 1 - n / queue.load - 1e-9, "agents cannot serve more than all their time"
    assert queue.occupancy <= 1 + 1e-9
    assert queue.mean_wait == pytest.approx(queue.p_abandon * patience)
    assert queue.queue_length == pytest.approx(rate * queue.mean_wait)
    assert queue.service_level(0) == pytest.approx(1 - queue.p_wait)
    assert queue.service_level(1e9 * patience) == pytest.approx(1 - queue.p_abandon)
    level = queue.service_level([0, patience / 3, patience])
    assert (np.diff(level) >= -1e-12).all()
    assert queue.service_level(patience, "answered") >= queue.service_level(patience, "patient") - 1e-9
    assert queue.service_level(patience, "patient") >= level[2] - 1e-12


@given(st.floats(0.5, 3), st.integers(1, 40), st.floats(0.1, 100))
def test_patience_equal_to_handling_makes_the_calls_poisson(scale, n, service_time):
    """With θ = μ every call leaves at the same rate, so the number present is Poisson with mean A."""
    queue = ErlangA(scale * n / service_time, service_time, n, service_time)
    assert queue.p_wait == pytest.approx(poisson.sf(n - 1, queue.load), rel=1e-9)


def test_a_call_too_rare_to_wait():
    queue = ErlangA(1e-9, 1, 200, 1)
    assert (queue.p_wait, queue.asa) == (0, 0)


# --- staffing -------------------------------------------------------------------------------------------------


def test_staffing_example_in_print():
    plan = staff(100 / 30, 3, target=0.8, within=20 / 60, shrinkage=0.3, max_occupancy=0.85)
    assert (plan.agents, plan.scheduled) == (14, 20)
    assert plan.service_level == pytest.approx(0.888, abs=5e-4)
    assert plan.occupancy == pytest.approx(0.714, abs=5e-4)
    assert plan.p_wait == pytest.approx(0.174, abs=5e-4)
    assert plan.p_abandon == 0
    assert plan.asa == pytest.approx(7.84 / 60, abs=1e-3)


@given(st.floats(0.001, 5), st.floats(10, 400), st.floats(0.3, 0.99), st.floats(0, 60), st.booleans())
def test_staff_finds_the_least_number(rate, service_time, target, within, impatient):
    patience = 90.0 if impatient else None
    plan = staff(rate, service_time, target, within, patience=patience)
    assert plan.service_level >= target
    fewer = plan.agents - 1
    if impatient and fewer:
        assert ErlangA(rate, service_time, fewer, 90).service_level(within) < target
    if not impatient and fewer > rate * service_time * (1 + 1e-9):
        assert ErlangC(rate, service_time, fewer).service_level(within) < target


def test_impatient_callers_need_fewer_agents():
    patient, leaving = staff(**CALLS), staff(**CALLS, patience=120)
    assert leaving.agents == 12 < patient.agents
    assert leaving.p_abandon == pytest.approx(ErlangA(**CALLS, agents=12, patience=120).p_abandon)


def test_occupancy_can_bind():
    assert staff(**CALLS, max_occupancy=0.714).agents == 15
    assert staff(**CALLS, max_occupancy=10 / 14).agents == 14
    assert staff(2, 180, target=0.8, within=20, max_occupancy=0.85).agents == math.ceil(360 / 0.85)


@pytest.mark.parametrize(
    ("n", "lost", "scheduled"), [(14, 0.3, 20), (14, 0, 14), (14, 0.01, 15), (9, 0.1, 10), (49, 0.02, 50), (7, 0.3, 10)]
)
def test_shrinkage_divides_and_ignores_the_last_bit(n, lost, scheduled):
    assert queueing._with_shrinkage(n, lost) == scheduled


def test_somebody_answers_even_if_nobody_calls():
    plan = staff(0, 180, shrinkage=0.3)
    assert (plan.agents, plan.scheduled, plan.service_level) == (1, 2, 1)


def test_curve_has_no_figures_where_the_queue_is_unstable():
    curve = staff(**CALLS).curve
    assert list(curve.index) == list(range(9, 20))
    assert curve.loc[:10].isna().all(axis=None)
    assert curve.loc[13, "service_level"] == pytest.approx(0.7956, abs=5e-5)
    assert staff(**CALLS, patience=120).curve.notna().all(axis=None)


def test_plot_marks_the_choice():
    figure = staff(**CALLS).plot()
    (ax,) = figure.axes
    assert "14 名坐席刚好达标：89%" in figure.get_suptitle()
    assert ax.lines[3].get_xydata().tolist() == [[14, pytest.approx(0.8884, abs=5e-5)]]
    assert {text.get_text() for text in ax.texts} == {"服务水平", "占用率", "目标 80%"}


DAY = pd.DataFrame(
    {"offered": [100, 0, 40], "mean_handling": [180, 180, 180], "agents": [13, 1, 4]}, index=["9:00", "9:30", "10:00"]
)


def test_a_day():
    table = staff_day(DAY, on_duty="agents", shrinkage=0.3)
    assert table.index.tolist() == ["9:00", "9:30", "10:00"]
    assert table["load"].tolist() == pytest.approx([10, 0, 4])
    assert table["agents"].tolist() == [14, 1, 7]
    assert table["scheduled"].tolist() == [20, 2, 10]
    assert table["gap"].tolist() == [-1, 0, -3]
    assert table["service_level"].iloc[0] == pytest.approx(0.8884, abs=5e-5)
    assert table["level_on_duty"].iloc[0] == pytest.approx(0.7956, abs=5e-5)
    assert table["level_on_duty"].iloc[1] == 1
    assert math.isnan(table["level_on_duty"].iloc[2]), "four agents cannot keep up with four erlangs"
    assert "gap" not in staff_day(DAY)


def test_a_day_with_impatient_callers_always_has_figures():
    table = staff_day(DAY, on_duty="agents", patience=120)
    assert table["level_on_duty"].iloc[2] == pytest.approx(ErlangA(40 / 1800, 180, 4, 120).service_level(20))
    empty = staff_day(DAY.assign(agents=0), on_duty="agents", patience=120)
    assert empty["level_on_duty"].tolist() == [0, 1, 0]


@given(st.permutations(range(3)))
@settings(max_examples=6)
def test_order_of_intervals_does_not_matter(order):
    pd.testing.assert_frame_equal(staff_day(DAY.iloc[order]).loc[DAY.index], staff_day(DAY))


def test_square_root_rule():
    assert queueing.square_root_agents(100, 1.5) == 115
    assert queueing.square_root_agents(0) == 1
    assert queueing.halfin_whitt(0) == 1
    assert queueing.halfin_whitt(0.5) == pytest.approx(0.5045, abs=5e-4)
    for load in (400, 10_000):
        n = queueing.square_root_agents(load, 1)
        assert ErlangC(load, 1, n).p_wait == pytest.approx(queueing.halfin_whitt(1), abs=0.02)


# --- what is told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: erlang_b(-1, 2), "load 应不小于 0，现在是 -1"),
        (lambda: erlang_b([1, -1], 2), "load 第 2 个值是 -1，应不小于 0"),
        (lambda: erlang_b(1, 2.5), "agents 应是整数，现在是 2.5"),
        (lambda: erlang_b(1, [1, 2.5]), "agents 应是整数，现在是 2.5"),
        (lambda: erlang_b([1, 2], [1, 2, 3]), "load 有 2 个数，agents 有 3 个"),
        (lambda: erlang_b_load(1, 5), "blocking 应大于 0 且小于 1"),
        (lambda: ErlangC(-1, 1, 2), "arrival_rate 应不小于 0，现在是 -1"),
        (lambda: ErlangC(1, 0, 2), "service_time 应大于 0，现在是 0"),
        (lambda: ErlangC(1, 1, "2"), "agents 应是一个有限的数，现在是 '2'"),
        (lambda: ErlangC(1, 1, 2).service_level(-1), "t 应不小于 0，现在是 -1"),
        (lambda: ErlangC(1, 1, 2).wait_quantile(1), "q 应"),
        (lambda: ErlangA(1, 1, 2, 0), "patience 应大于 0，现在是 0"),
        (lambda: ErlangA(1, 1, 2, 1).service_level(1, "all"), "counted 应是 offered、answered、patient 之一"),
        (lambda: staff(1, 1, target=1), "target 应大于 0 且小于 1，现在是 1"),
        (lambda: staff(1, 1, shrinkage=1), "shrinkage 应不小于 0 且小于 1"),
        (lambda: staff(1, 1, max_occupancy=0), "max_occupancy 应"),
        (lambda: staff_day(DAY.drop(columns="offered")), "时段表缺少列 offered"),
        (lambda: staff_day(DAY.assign(offered=[1, None, 2])), "列 offered 第 2 行是空值"),
        (lambda: staff_day(DAY.assign(mean_handling=[1, 0, 2])), "列 mean_handling 第 2 行是 0，应大于 0"),
    ],
)
def test_bad_input_is_told(call, told):
    with pytest.raises(CourseError, match=told):
        call()
