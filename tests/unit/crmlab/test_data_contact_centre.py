"""The generated contact centre: its tables agree, and its calls, agents and mails behave as the data card says."""

import numpy as np
import pandas as pd
import pytest

from crmlab import data, queueing
from crmlab.generate import contact_centre as centre

RECIPE = centre.RECIPE


@pytest.fixture(scope="module")
def published() -> data.Tables:
    return data.load("contact-centre")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("contact-centre")


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03", "s04"])
def tables(request: pytest.FixtureRequest) -> data.Tables:
    """The published tables, and draws that must be alike in shape and difficulty."""
    return data.load("contact-centre") if request.param == "published" else data.draw("contact-centre", request.param)


def timed(intervals: pd.DataFrame) -> pd.DataFrame:
    return intervals.assign(
        hour=intervals["starts_at"].dt.strftime("%H:%M"), weekday=intervals["starts_at"].dt.day_of_week
    )


def level(rows: pd.DataFrame) -> float:
    return rows["answered_20s"].sum() / rows["offered"].sum()


# --- the tables agree -----------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(published: data.Tables) -> None:
    made, _truth = centre.generate(RECIPE.seed, RECIPE.size)
    assert set(made) == set(published)
    for table in published:
        pd.testing.assert_frame_equal(published[table], made[table].astype(published[table].dtypes), check_exact=True)


def test_two_students_get_other_tables_of_the_same_shape() -> None:
    one, other = data.draw("contact-centre", "s01"), data.draw("contact-centre", "s02")
    for table in one:
        assert list(one[table].columns) == list(other[table].columns)
        assert one[table].dtypes.equals(other[table].dtypes)
    assert len(one.intervals) == len(other.intervals) == 28 * 28
    assert not one.intervals["offered"].equals(other.intervals["offered"])
    assert not set(one.agents["agent_id"]) & set(other.agents["agent_id"])
    assert not set(one.tickets["ticket_id"]) & set(other.tickets["ticket_id"])
    pd.testing.assert_frame_equal(one.intervals, data.draw("contact-centre", " S01 ").intervals)
    calls = [data.draw("contact-centre", f"s{n}").intervals["offered"].sum() for n in range(6)]
    assert min(calls) > 27_000
    assert max(calls) < 34_000


def test_counts_add_up(tables: data.Tables) -> None:
    rows = tables.intervals
    assert (rows["offered"] == rows["answered"] + rows["abandoned"]).all()
    assert (rows["answered_20s"] <= rows["answered"]).all()
    assert (rows["agents_on_duty"] <= rows["agents_scheduled"]).all()
    assert (rows["mean_wait"].isna() == (rows["offered"] == 0)).all()
    assert (rows["mean_handling"].isna() == (rows["answered"] == 0)).all()
    assert rows["starts_at"].is_monotonic_increasing
    assert (rows.groupby(rows["starts_at"].dt.normalize()).size() == 28).all()
    assert rows["starts_at"].max() == tables.as_of + pd.Timedelta(hours=21, minutes=30)
    assert rows["offered"].between(0, 250).all()


def test_the_day_in_detail_is_the_day_in_the_intervals(tables: data.Tables) -> None:
    calls = tables.calls
    answered = calls["outcome"] == "接通"
    slot = centre.DETAIL + pd.to_timedelta(calls["arrived_second"] // 1800 * 1800, unit="s")
    counts = pd.DataFrame(
        {
            "offered": 1,
            "answered": answered.astype(int),
            "answered_20s": (answered & (calls["wait_seconds"] <= 20)).astype(int),
        }
    )
    day = tables.intervals.set_index("starts_at")[list(counts)]
    by_slot = counts.groupby(slot.to_numpy()).sum()
    pd.testing.assert_frame_equal(by_slot, day.loc[by_slot.index], check_names=False, check_dtype=False)
    assert (calls["handling_seconds"].isna() == ~answered).all()
    assert ((calls["agent_id"] == "") == ~answered).all()
    assert set(calls.loc[answered, "agent_id"]) <= set(tables.agents.query("skill == '电话'")["agent_id"])
    assert calls["arrived_second"].is_monotonic_increasing
    assert (calls["arrived_at"].dt.hour * 60 + calls["arrived_at"].dt.minute == calls["arrived_second"] // 60).all()


def test_no_agent_talks_to_two_callers(tables: data.Tables) -> None:
    calls = tables.calls[tables.calls["outcome"] == "接通"]
    start = calls["arrived_second"] + calls["wait_seconds"]
    for _agent, mine in calls.assign(start=start, end=start + calls["handling_seconds"]).groupby("agent_id"):
        mine = mine.sort_values("start")
        assert (mine["start"].to_numpy()[1:] >= mine["end"].to_numpy()[:-1].astype(int) - 2).all(), "whole seconds"
    # Handling starts in the order of arrival: first come, first served.
    assert (start.diff().dropna() >= -1).all()


def test_keys(tables: data.Tables) -> None:
    agents = tables.agents.set_index("agent_id")
    assert agents.index.is_unique
    assert agents["skill"].value_counts().to_dict() == {"电话": 21, "文字": 9}
    assert set(tables.tickets["agent_id"]) <= set(agents.index)
    by_phone = tables.tickets["agent_id"].map(agents["skill"]) == "电话"
    assert (by_phone == (tables.tickets["channel"] == "电话")).all()
    assert tables.tickets["created_at"].is_monotonic_increasing
    for table, key in (("tickets", "ticket_id"), ("subscribers", "subscriber_id"), ("mailings", "mailing_id")):
        assert tables[table][key].is_unique
    recruits = tables.as_of - agents["hired_on"] < pd.Timedelta(days=30)
    assert recruits.sum() == 3
    assert (agents["quality_score"].isna() == recruits).all()


# --- calls ----------------------------------------------------------------------------------------------------


def test_truth_is_recovered(published: data.Tables, truth: pd.DataFrame) -> None:
    rows = published.intervals
    assert truth.index.tolist() == rows["interval_id"].tolist()
    open_ = (rows["note"] != "系统升级").to_numpy()
    offered, rate = rows["offered"].to_numpy()[open_], truth["rate"].to_numpy()[open_]
    assert ((offered - rate) ** 2 / rate).mean() == pytest.approx(1, abs=0.1), "Poisson around the true rate"
    assert offered.sum() == pytest.approx(rate.sum(), rel=0.01)
    waited = (rows["mean_wait"] * rows["offered"]).sum() / rows["abandoned"].sum()
    assert waited == pytest.approx(truth["patience"].iloc[0], rel=0.04)
    handled = (rows["mean_handling"] * rows["answered"]).sum() / rows["answered"].sum()
    assert handled == pytest.approx(truth["handling"].iloc[0], rel=0.03)
    assert not set(truth.columns) & {column for table in published for column in published[table]}


def test_mondays_promotions_and_holidays(published: data.Tables, truth: pd.DataFrame) -> None:
    rows = timed(published.intervals).assign(expected=truth["expected"].to_numpy())
    plain = rows[rows["note"] == ""]
    days = plain.groupby("weekday")["offered"].mean()
    assert days.idxmax() == 0
    assert days.idxmin() == 6
    assert days[0] / days[2] == pytest.approx(1.28, abs=0.1)
    by_day = rows.groupby(rows["starts_at"].dt.normalize())["offered"].sum()
    assert by_day.idxmax() == pd.Timestamp("2025-11-11")
    assert by_day["2025-12-12"] > 1.4 * by_day["2025-12-05"]
    assert by_day["2025-10-02":"2025-10-08"].mean() < 0.8 * by_day["2025-10-15":"2025-10-21"].mean()
    saturdays = by_day[by_day.index.day_of_week == 5]
    assert saturdays["2025-10-11"] > 1.05 * saturdays["2025-10-18":"2025-11-29"].mean(), "a Saturday worked"
    hours = plain.groupby("hour")["offered"].mean()
    assert hours.idxmax() == "10:30"


def test_counts_vary_more_than_poisson(tables: data.Tables) -> None:
    rows = timed(tables.intervals)
    plain = rows[(rows["note"] == "") & (rows["weekday"] < 5) & (rows["weekday"] > 0)]
    groups = plain.groupby("hour")["offered"]
    assert (groups.var() / groups.mean()).mean() > 1.25


def test_the_roster_is_wrong_by_the_hour_and_right_in_sum(tables: data.Tables) -> None:
    rows = timed(tables.intervals)
    assert 0.76 < level(rows) < 0.84, "looks like 80 in 20"
    plain = rows[rows["note"] == ""]
    by_hour = plain.groupby("hour")[["offered", "answered_20s"]].sum()
    share = by_hour["answered_20s"] / by_hour["offered"]
    for bad in ("09:30", "12:00", "18:30", "20:00"):
        assert share[bad] < 0.72, bad
    assert share["13:30":"16:00"].min() > 0.95
    assert (share < 0.6).sum() >= 3
    mean_of_shares = (rows["answered_20s"] / rows["offered"]).mean()
    assert mean_of_shares > level(rows) + 0.01, "averaging percentages flatters"
    assert rows["answered_20s"].sum() / rows["answered"].sum() > level(rows) + 0.05


def test_staffing_finds_the_misplaced_agents(published: data.Tables) -> None:
    rows = timed(published.intervals)
    mondays = rows[(rows["note"] == "") & (rows["weekday"] == 0)]
    day = mondays.groupby("hour")[["offered", "mean_handling", "agents_on_duty", "answered_20s"]].mean()
    day["agents_on_duty"] = day["agents_on_duty"].round()
    plan = queueing.staff_day(day, on_duty="agents_on_duty", patience=140)
    assert plan.loc[["09:30", "12:00", "18:30"], "gap"].max() <= -3
    assert plan.loc["13:30":"16:00", "gap"].min() >= 2
    assert plan["gap"].sum() > -0.06 * plan["agents"].sum(), "nearly enough people, at the wrong time"
    seen = day["answered_20s"] / day["offered"]
    assert (plan["level_on_duty"] - seen).abs().mean() < 0.05, "Erlang A foretells what happened"
    assert (plan["level_on_duty"] - seen).abs().max() < 0.13


def test_the_outage_shows_as_no_calls(tables: data.Tables) -> None:
    rows = tables.intervals
    down = rows["note"] == "系统升级"
    assert rows.loc[down, "starts_at"].dt.strftime("%m-%d %H:%M").tolist() == [
        "12-16 14:00", "12-16 14:30", "12-16 15:00", "12-16 15:30",
    ]  # fmt: skip
    assert (rows.loc[down, "offered"] == 0).all()
    assert (rows.loc[down, "agents_on_duty"] > 0).all()
    assert (rows.loc[~down, "offered"] > 0).all()


def test_shrinkage(tables: data.Tables) -> None:
    rows = timed(tables.intervals)
    lost = 1 - rows["agents_on_duty"].sum() / rows["agents_scheduled"].sum()
    assert 0.09 < lost < 0.14
    training = rows[(rows["weekday"] == 2) & rows["hour"].isin(["15:00", "15:30"])]
    others = rows[(rows["weekday"] != 2) & rows["hour"].isin(["15:00", "15:30"])]
    assert training["agents_on_duty"].mean() < others["agents_on_duty"].mean() - 2
    assert rows.groupby("hour")["agents_scheduled"].nunique().max() == 1, "the same plan on every day"


# --- tickets --------------------------------------------------------------------------------------------------


def seniority(tables: data.Tables) -> pd.Series:
    tenure = tables.as_of - tables.agents.set_index("agent_id")["hired_on"]
    return tables.tickets["agent_id"].map(tenure).dt.days >= 730


def test_raw_scores_punish_who_gets_the_complaints(tables: data.Tables) -> None:
    tickets = tables.tickets.assign(senior=seniority(tables), score=tables.tickets["csat"].astype("float64"))
    complaints = tickets[tickets["topic"] == "投诉"]
    assert complaints["senior"].mean() > 0.8
    raw = tickets.groupby("senior")["score"].mean()
    assert raw[True] < raw[False]
    same_kind = tickets[tickets["topic"] != "投诉"].groupby("senior")["score"].mean()
    assert same_kind[True] - same_kind[False] > raw[True] - raw[False] + 0.25


def test_the_experienced_are_better_at_the_same_work(published: data.Tables) -> None:
    tickets = published.tickets.assign(senior=seniority(published), score=published.tickets["csat"].astype("float64"))
    by_topic = tickets.groupby(["topic", "senior"])["score"].mean().unstack()
    assert (by_topic[True] > by_topic[False]).sum() >= 5
    scores = published.agents["quality_score"]
    tenure = published.as_of - published.agents["hired_on"]
    assert scores[tenure.dt.days >= 730].mean() > scores.mean()


def test_scores_are_missing_and_not_at_random(tables: data.Tables) -> None:
    tickets = tables.tickets
    assert 0.65 < tickets["csat"].isna().mean() < 0.78
    assert tickets.loc[tickets["resolved_minutes"].isna(), "csat"].isna().all()
    solved = tickets[tickets["first_contact"]]
    assert solved["csat"].notna().mean() > tickets.loc[~tickets["first_contact"], "csat"].notna().mean()
    assert tickets.groupby("first_contact")["csat"].mean().astype(float).diff().iloc[-1] > 0.6


def test_tickets_end_as_far_as_the_data_go(tables: data.Tables) -> None:
    tickets = tables.tickets
    end = tables.as_of + pd.Timedelta(days=1)
    resolved = tickets["created_at"] + pd.to_timedelta(tickets["resolved_minutes"], unit="min")
    assert (resolved.dropna() <= end + pd.Timedelta(minutes=1)).all()
    open_ = tickets["resolved_minutes"].isna()
    assert 0.002 < open_.mean() < 0.05
    assert not tickets.loc[open_, ["first_contact", "reopened"]].any(axis=None)
    assert not (tickets["first_contact"] & tickets["reopened"]).any()
    assert (tickets["resolved_minutes"] > tickets["first_response_minutes"])[~open_].all()
    assert 0.60 < tickets["first_contact"].mean() < 0.73


def test_nights_stretch_the_answers_to_texts(tables: data.Tables) -> None:
    tickets = tables.tickets
    hour = tickets["created_at"].dt.hour
    live = tickets["channel"].isin(["电话", "在线"])
    assert hour[live].between(8, 21).all()
    chat = tickets[tickets["channel"] == "微信"]["first_response_minutes"]
    assert chat.mean() > 4 * chat.median()
    night = tickets[(tickets["channel"] == "微信") & (hour < 8)]
    opened = 8 * 60 - night["created_at"].dt.hour * 60 - night["created_at"].dt.minute
    assert (night["first_response_minutes"].dropna() >= opened[night["first_response_minutes"].notna()]).all()


# --- e-mail list ----------------------------------------------------------------------------------------------


def test_mailings_are_the_sum_of_the_subscribers(tables: data.Tables) -> None:
    people, mails = tables.subscribers, tables.mailings
    for column in ("sent", "delivered", "hard_bounced", "soft_bounced", "opened", "clicked"):
        assert people[column].sum() == mails[column].sum(), column
    assert people["unsubscribed_on"].notna().sum() == mails["unsubscribed"].sum()
    assert 0 < people["complained"].sum() <= mails["complaints"].sum()
    for frame in (people, mails):
        assert (frame["sent"] == frame["delivered"] + frame["hard_bounced"] + frame["soft_bounced"]).all()
        assert (frame["clicked"] <= frame["opened"]).all()
        assert (frame["opened"] <= frame["delivered"]).all()
    assert mails["sent_on"].dt.day_of_week.unique().tolist() == [1]
    assert (people["last_opened_on"].isna() == (people["opened"] == 0)).all()
    newcomers = people["joined_on"] > mails["sent_on"].max()
    assert (people.loc[newcomers, "sent"] == 0).all()


def test_sources_differ_in_hygiene(tables: data.Tables) -> None:
    by_source = tables.subscribers.groupby("source")[
        ["sent", "delivered", "hard_bounced", "opened", "complained"]
    ].sum()
    bounces = by_source["hard_bounced"] / by_source["sent"]
    opens = by_source["opened"] / by_source["delivered"]
    complaints = by_source["complained"] / by_source["delivered"]
    assert bounces["历史导入"] > 0.1
    assert bounces["官网注册"] < 0.02
    assert complaints.idxmax() == "历史导入"
    assert complaints["历史导入"] > 0.001
    assert opens["官网注册"] > opens["下单勾选"] > opens["线下活动"] > opens["历史导入"]
    people = tables.subscribers
    assert people.loc[people["source"] == "官网注册", "confirmed"].all()
    assert not people.loc[people["source"] == "历史导入", "confirmed"].any()


def test_dead_addresses_are_never_removed(published: data.Tables) -> None:
    people = published.subscribers
    dead = people["hard_bounced"] > 0
    assert (people.loc[dead, "delivered"] == 0).all()
    early = dead & (people["joined_on"] <= published.mailings["sent_on"].min())
    assert (people.loc[early, "hard_bounced"] == 13).all()


def test_unsubscribes_are_entered_late(tables: data.Tables) -> None:
    people, sent_on = tables.subscribers, tables.mailings["sent_on"]
    left = people[people["unsubscribed_on"].notna()]
    month_end = left["unsubscribed_on"] + pd.offsets.MonthEnd(0)
    expected = [
        int(((sent_on > gone) & (sent_on <= end)).sum())
        for gone, end in zip(left["unsubscribed_on"], month_end, strict=True)
    ]
    assert left["sent_after_unsubscribe"].tolist() == expected
    assert left["sent_after_unsubscribe"].sum() > 50
    assert (people.loc[people["unsubscribed_on"].isna(), "sent_after_unsubscribe"] == 0).all()


def test_small_and_fast_enough(published: data.Tables) -> None:
    described = data.package("contact-centre")
    assert sum(resource["bytes"] for resource in described["resources"]) < 1_000_000
    assert len(published.mailings) == 13
    assert np.isclose(published.intervals["offered"].sum(), 97_649)
