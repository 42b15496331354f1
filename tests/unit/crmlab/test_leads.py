"""Leads: the textbook's eight combinations, cards of points, a model that may not look into the future."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab import leads
from crmlab.errors import CourseError

# --- MAN --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "code", "label", "words", "priority"),
    [
        ((1, 1, 1), "M+A+N", "有望客户", "理想的销售对象", 1),
        ((1, 1, 0), "M+A+n", "可接触客户", "熟练的推销技术", 2),
        ((1, 0, 1), "M+a+N", "可接触客户", "有决定权的人", 2),
        ((0, 1, 1), "m+A+N", "可接触客户", "融资", 2),
        ((0, 0, 1), "m+a+N", "待培养客户", "长期观察", 3),
        ((0, 1, 0), "m+A+n", "待培养客户", "长期观察", 3),
        ((1, 0, 0), "M+a+n", "待培养客户", "长期观察", 3),
        ((0, 0, 0), "m+a+n", "非客户", "停止接触", 4),
    ],
)
def test_the_eight_combinations_of_the_textbook(has, code, label, words, priority):
    rule = leads.man(*map(bool, has))
    assert (rule.code, rule.label, rule.priority) == (code, label, priority)
    assert words in rule.advice
    assert leads.man(*has) is rule
    assert leads.man(*map(np.bool_, has)) is rule


def test_man_takes_only_yes_or_no():
    with pytest.raises(CourseError, match="authority 应是 True（有）或 False（没有），现在是 7"):
        leads.man(True, 7, True)
    with pytest.raises(CourseError, match=r"need.*现在是 '有'"):
        leads.man(True, True, "有")


MARKS = pd.DataFrame(
    {"money_score": [6, 5, 9], "authority_score": [6, 9, 1], "need_score": [6, 6, 5]}, index=["L1", "L2", "L3"]
)


def test_triage_counts_the_threshold_itself_as_yes():
    table = leads.triage(MARKS)
    assert table["code"].to_dict() == {"L1": "M+A+N", "L2": "m+A+N", "L3": "M+a+n"}
    assert table["priority"].to_list() == [1, 2, 3]
    assert leads.triage(MARKS, 7)["code"].to_list() == ["m+a+n", "m+A+n", "M+a+n"]


def test_triage_with_a_threshold_a_column():
    limits = {"money_score": 9, "authority_score": 6, "need_score": 5}
    assert leads.triage(MARKS, limits)["code"].to_list() == ["m+A+N", "m+A+N", "M+a+N"]


@given(st.lists(st.tuples(*[st.integers(0, 10)] * 3), min_size=1, max_size=20), st.integers(0, 10))
def test_triage_is_man_row_by_row(rows, threshold):
    table = pd.DataFrame(rows, columns=list(MARKS.columns))
    expected = [leads.man(*(mark >= threshold for mark in row)).code for row in rows]
    assert leads.triage(table, threshold)["code"].to_list() == expected
    higher = leads.triage(table, threshold + 1)["priority"]
    assert (higher >= leads.triage(table, threshold)["priority"]).all(), "a stricter threshold never promotes"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: leads.triage(MARKS.assign(need_score=[1, None, 2])), "列 need_score 第 2 行是空值"),
        (lambda: leads.triage(MARKS.drop(columns="money_score")), "线索表缺少列 money_score"),
        (lambda: leads.triage(MARKS, {"money_score": 6}), "thresholds 里缺少列 authority_score"),
        (lambda: leads.triage(MARKS, "六"), "thresholds 应是一个有限的数，现在是 '六'"),
    ],
)
def test_triage_errors(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- a card of points -------------------------------------------------------------------------------------


CARD = leads.LeadScore({"source": {"展会": 10, "短视频": 2}, "budget": [(0, 1), (20_000, 15)]})


def test_points_by_hand():
    table = pd.DataFrame({"source": ["展会", "短视频", "展会"], "budget": [19_999, 20_000, None]}, index=[5, 6, 7])
    assert CARD.points(table)["budget"].to_list() == [1, 15, 0]
    assert CARD.score(table).to_dict() == {5: 11, 6: 17, 7: 10}


def test_a_number_below_the_first_step_gets_nothing():
    table = pd.DataFrame({"source": ["展会"], "budget": [-1]})
    assert CARD.points(table)["budget"].to_list() == [0]


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({}, "记分卡是空的"),
        ({"source": {"展会": 1}}, "没有列 source 的“短视频”（第 2 行）"),
        ({"budget": [(5, 1), (5, 2)]}, "列 budget 的档次应写成 (起点, 分数)，起点由小到大".replace("(", r"\(").replace(")", r"\)")),
        ({"region": {"华东": 1}}, "线索表缺少列 region"),
    ],
)  # fmt: skip
def test_card_errors(card, words):
    with pytest.raises(CourseError, match=words):
        leads.LeadScore(card).score(pd.DataFrame({"source": ["展会", "短视频"], "budget": [1, 2]}))


# --- honest history ---------------------------------------------------------------------------------------


def frame(*rows):
    return pd.DataFrame(rows, columns=["created_at", "won_at"], index=list("ABCDE")[: len(rows)]).apply(pd.to_datetime)


def test_outcome_is_missing_while_a_lead_is_young():
    table = frame(
        ("2025-01-01 09:00", "2025-05-01 23:00"),  # day 120
        ("2025-01-01 09:00", "2025-05-02 00:00"),  # day 121
        ("2025-01-01 09:00", None),
        ("2025-12-01 09:00", None),
        ("2025-12-01 09:00", "2025-12-05 10:00"),
    )
    found = leads.outcome(table, "2025-12-31", within=120)
    assert found.to_list() == [True, False, False, pd.NA, pd.NA]
    assert list(found.index) == list("ABCDE")


def test_a_win_after_the_as_of_day_is_not_known():
    table = frame(("2025-01-01", "2025-03-02"))
    assert leads.outcome(table, "2025-03-01", within=30).to_list() == [False]
    assert leads.outcome(table, "2025-03-02", within=60).to_list() == [True]


def test_split_keeps_the_later_leads_for_the_test():
    days = pd.DataFrame({"created_at": pd.to_datetime(["2025-03-01", "2025-01-01", "2025-02-01", "2025-04-01"])})
    early, late = leads.split_by_time(days, 0.5)
    assert list(early.index) == [1, 2]
    assert list(late.index) == [0, 3]
    assert [len(part) for part in leads.split_by_time(days, 0.99)] == [3, 1], "something is always left to test"
    with pytest.raises(CourseError, match="只有 1 行"):
        leads.split_by_time(days.head(1))


def test_leak_signs_find_what_was_written_down_afterwards():
    rng = np.random.default_rng(3)
    won = np.tile([1, 0, 0, 1, 0, 0, 0, 0], 30)
    table = pd.DataFrame(
        {
            "fee": np.where(won == 1, rng.random(240), np.nan),
            "reason": np.where(won == 1, "", "太贵"),
            "closed": pd.to_datetime(np.where(won == 1, "2025-05-01", "2025-01-01")),
            "state": np.where(won == 1, "won", "lost"),
            "name": [f"客户{number}" for number in range(240)],
            "pages": rng.poisson(3 + won),
            "level": pd.array(np.where(won == 1, 3, rng.integers(0, 3, 240)), dtype="Int64"),
        }
    )
    found = leads.leak_signs(table, won)
    assert found["suspect"].to_dict() == {
        "fee": True, "reason": True, "closed": True, "state": True, "level": True, "pages": False, "name": False,
    }  # fmt: skip
    assert found.loc["fee", "auc_missing"] == 1
    assert found.loc["fee", "auc_value"] == 0.5, "among winners alone there is nothing to compare"
    assert found.loc["closed", "auc_value"] == 1
    assert found.loc["name", "auc_value"] == 0.5, "a name that is there once tells nothing about others"
    assert list(leads.leak_signs(table, won, ["pages"]).index) == ["pages"]


def test_without_winners_nothing_is_suspect():
    table = pd.DataFrame({"fee": [1.0, None], "pages": [1, 2]})
    assert (leads.leak_signs(table, [0, 0])[["auc_value", "auc_missing"]] == 0.5).all(axis=None)


# --- the model --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> tuple[pd.DataFrame, np.ndarray]:
    """4,000 leads whose log odds are −1 + 0.8 · z(pages) + 1.2 · (source = 介绍)."""
    rng = np.random.default_rng(7)
    pages = rng.normal(5, 2, 4000)
    source = rng.choice(["介绍", "广告"], 4000)
    odds = -1 + 0.8 * (pages - 5) / 2 + 1.2 * (source == "介绍")
    table = pd.DataFrame({"pages": pages, "source": pd.Series(source).replace("广告", "A广告")})
    return table, (rng.random(4000) < 1 / (1 + np.exp(-odds))).astype(int)


def test_model_recovers_the_rule(known):
    table, won = known
    model = leads.LeadModel(["pages", "source"]).fit(table, won)
    assert model.params_["const"] == pytest.approx(-1, abs=0.15)
    assert model.params_["pages"] == pytest.approx(0.8, abs=0.1)
    assert model.params_["source=介绍"] == pytest.approx(1.2, abs=0.2)


def test_without_a_penalty_it_is_the_logit_of_statsmodels(known):
    import statsmodels.api as sm

    table, won = known
    model = leads.LeadModel(["pages", "source"], C=1e9).fit(table, won)
    x = pd.DataFrame(
        {
            "const": 1.0,
            "pages": (table["pages"] - table["pages"].mean()) / table["pages"].std(ddof=0),
            "source": (table["source"] == "介绍").astype(float),
        }
    )
    peer = sm.Logit(won, x).fit(disp=0)
    assert model.summary["coef"].to_numpy() == pytest.approx(peer.params.to_numpy(), abs=1e-4)
    assert model.summary["std_err"].to_numpy() == pytest.approx(peer.bse.to_numpy(), rel=1e-3)
    assert model.summary["p_value"].to_numpy() == pytest.approx(peer.pvalues.to_numpy(), abs=1e-4)
    assert model.summary["odds_ratio"].to_numpy() == pytest.approx(np.exp(peer.params.to_numpy()), rel=1e-3)
    assert model.log_likelihood_ == pytest.approx(peer.llf, abs=1e-3)


def test_score_doubles_the_odds_every_ten_points(known):
    table, won = known
    model = leads.LeadModel(["pages", "source"]).fit(table, won)
    chance, score = model.predict(table), model.score(table)
    odds = chance / (1 - chance)
    assert score.to_numpy() == pytest.approx((50 + 10 * np.log2(odds)).to_numpy())
    assert model.score(table, base=600, pdo=20).iloc[0] == pytest.approx(600 + 20 * np.log2(odds.iloc[0]))
    assert list(chance.index) == list(table.index)


def test_prediction_does_not_depend_on_the_other_rows(known):
    table, won = known
    model = leads.LeadModel(["pages", "source"]).fit(table, won)
    alone = model.predict(table.iloc[[17]])
    assert alone.iloc[0] == pytest.approx(model.predict(table).iloc[17])


def test_missing_numbers_count_as_the_mean_and_are_told():
    table = pd.DataFrame({"budget": [1.0, 3.0, None, 2.0, None, 2.0], "asked": [True, False, True, True, False, False]})
    model = leads.LeadModel(["budget", "asked"]).fit(table, [1, 0, 1, 1, 0, 0])
    assert list(model.params_) == ["const", "budget", "budget 缺失", "asked"]
    missing, mean = model.predict(pd.DataFrame({"budget": [None, 2.0], "asked": [True, True]}))
    shift = np.log(missing / (1 - missing)) - np.log(mean / (1 - mean))
    assert shift == pytest.approx(model.params_["budget 缺失"])


def test_a_constant_column_and_a_new_class_do_no_harm():
    table = pd.DataFrame({"same": [1.0] * 4, "source": ["a", "b", "a", "b"]})
    model = leads.LeadModel(["same", "source"]).fit(table, [0, 1, 0, 1])
    assert model.params_["same"] == pytest.approx(0, abs=1e-6)
    strange = model.predict(pd.DataFrame({"same": [1.0], "source": ["new"]})).iloc[0]
    assert strange == pytest.approx(model.predict(table).iloc[0]), "an unknown class counts as the base"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: leads.LeadModel([]), "features 应是列名的列表"),
        (lambda t: leads.LeadModel("pages"), "features 应是列名的列表"),
        (lambda t: leads.LeadModel(["n"], C=0), "C 应大于 0"),
        (lambda t: leads.LeadModel(["n"]).predict(t), "还没有训练"),
        (lambda t: leads.LeadModel(["n"]).summary, "还没有训练"),
        (lambda t: leads.LeadModel(["n"]).fit(t, [1] * 40), "outcome 全是 1"),
        (lambda t: leads.LeadModel(["n"]).fit(t, [0, 1]), "outcome 有 2 个值，应有 40 个，与表的各行一一对应"),
        (lambda t: leads.LeadModel(["n"]).fit(t, [0, 1, 2, 1] * 10), "outcome 第 3 个值是 2"),
        (lambda t: leads.LeadModel(["day"]).fit(t, [0, 1] * 20), "列 day 是日期.*天数或月份"),
        (lambda t: leads.LeadModel(["id"]).fit(t, [0, 1] * 20), "列 id 有 40 种不同的文字，像是编号"),
        (lambda t: leads.LeadModel(["empty"]).fit(t, [0, 1] * 20), "列 empty 没有一个数"),
    ],
)
def test_model_errors(call, words):
    table = pd.DataFrame(
        {
            "n": np.arange(40.0),
            "day": pd.date_range("2025-01-01", periods=40),
            "id": [f"L{number}" for number in range(40)],
            "empty": np.full(40, np.nan),
        }
    )
    with pytest.raises(CourseError, match=words):
        call(table)


# --- whom to call -----------------------------------------------------------------------------------------


def test_call_list_takes_the_best_and_breaks_ties_by_id():
    scores = pd.Series({"L3": 5, "L1": 5, "L2": 9, "L4": 1})
    assert leads.call_list(scores, 3).to_list() == ["L2", "L1", "L3"]
    assert len(leads.call_list(scores, 0)) == 0
    assert len(leads.call_list(scores, 99)) == 4
    with pytest.raises(CourseError, match="scores 应是以线索编号为索引的 Series，现在是 list"):
        leads.call_list([1, 2], 1)
