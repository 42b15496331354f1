"""Cleaning, duplicate matching and merging: hand-made cases, laws, and errors that name the row."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import identity
from crmlab.errors import CourseError

# ------------------------------------------------------------------------------------------------------------ cleaning


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("王芳", "王芳"),
        (" 王　芳 ", "王芳"),
        ("王芳女士", "王芳"),
        ("张伟先生（备用）", "张伟"),
        ("张伟2", "张伟"),
        ("Ｌｉ Ｎａ", "LiNa"),
        ("迪丽·热巴", "迪丽·热巴"),
        ("王女士", "王"),
        ("先生", "先生"),
        ("未知", None),
        ("　", None),
        (None, None),
    ],
)
def test_names(written, clean):
    found = identity.clean_name([written])[0]
    assert (None if pd.isna(found) else found) == clean


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("16112345678", "16112345678"),
        ("+86 161-1234-5678", "16112345678"),
        ("0086 16112345678", "16112345678"),
        ("016112345678", "16112345678"),
        ("１６１１２３４５６７８", "16112345678"),
        (16112345678, "16112345678"),
        (16112345678.0, "16112345678"),
        ("1611234567", None),
        ("161123456789", None),
        ("21112345678", None),
        ("16100000000", None),
        ("11111111111", None),
        ("", None),
        (np.nan, None),
    ],
)
def test_phones(written, clean):
    found = identity.clean_phone([written])[0]
    assert (None if pd.isna(found) else found) == clean


def test_other_fields():
    assert identity.clean_email(["A.b@Example.COM ", "a b@c.cn"]).to_list() == ["a.b@example.com", "ab@c.cn"]
    assert identity.clean_email(["a@b", "@x.com", "a@x..com"]).isna().all()
    assert identity.clean_region(["新疆维吾尔自治区", "香港特别行政区", "上海市", "川", "吉林省", "吉"]).to_list() == [
        "新疆",
        "香港",
        "上海",
        "四川",
        "吉林",
        "吉林",
    ]
    assert identity.clean_gender(["Female", "m", "2", "女士"]).to_list() == ["女", "男", "女", "女"]
    assert identity.clean_address(["青禾路18號(3#楼)502室"])[0] == "青禾路18号3栋502"


@pytest.mark.parametrize(
    "written",
    ["1990-05-03", "1990/5/3", "1990.05.03", "19900503", "1990年5月3日", "1990-05-03 08:30", "1990-5-3", "32996"],
)
def test_one_day_in_many_ways(written):
    assert identity.clean_date([written])[0] == pd.Timestamp("1990-05-03")


@pytest.mark.parametrize(
    "written", ["03/05/1990", "1990-13-01", "1990-02-30", "昨天", "90-05-03", "1890-01-01", "1990"]
)
def test_what_is_no_day_or_could_be_two_is_missing(written):
    assert identity.clean_date([written]).isna().all()


def test_year_last_is_read_where_only_one_order_is_possible():
    found = identity.clean_date(["25/12/1990", "12/25/1990", "05/05/1990"])
    assert found.to_list() == [pd.Timestamp("1990-12-25")] * 2 + [pd.Timestamp("1990-05-05")]


def test_dates_that_are_dates_already_stay():
    days = pd.Series(pd.to_datetime(["1990-05-03 08:00", None]), name="birth", index=[7, 9])
    found = identity.clean_date(days)
    assert found[7] == pd.Timestamp("1990-05-03")
    assert found.isna()[9]
    assert (found.name, list(found.index)) == ("birth", [7, 9])


@given(
    st.dates(dt.date(1930, 1, 1), dt.date(2020, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d"]),
)
def test_every_written_day_comes_back(day, form):
    assert identity.clean_date([day.strftime(form)])[0].date() == day


@given(
    st.text("王芳先生女士 　()（）1６-+@.ＡbＣ号室栋楼#", max_size=12),
    st.sampled_from([identity.clean_name, identity.clean_phone, identity.clean_email, identity.clean_address]),
)
def test_cleaning_twice_is_cleaning_once(text, cleaner):
    once = cleaner([text])
    pd.testing.assert_series_equal(cleaner(once), once)


def test_clean_touches_known_columns_only_and_no_input():
    table = pd.DataFrame({"record_id": ["R1"], "name": ["王 芳"], "remark": [" x "]}, index=[5])
    before = table.copy()
    found = identity.clean(table)
    assert found.loc[5].to_list() == ["R1", "王芳", " x "]
    pd.testing.assert_frame_equal(table, before)
    assert identity.clean(table, {"remark": identity.clean_name}).loc[5].to_list() == ["R1", "王 芳", "x"]


def test_fillers_become_missing_however_they_are_written():
    table = pd.DataFrame({"birth": ["1990-01-01", "1990/1/1", "1990-01-02"], "level": [0, 1, 2], "phone": ["1"] * 3})
    found = identity.clean(table, fillers={"birth": ["1990.01.01"], "level": [0]})
    assert found["birth"].isna().to_list() == [True, True, False]
    assert found["level"].isna().to_list() == [True, False, False]
    with pytest.raises(CourseError, match="缺少列 fax"):
        identity.clean(table, fillers={"fax": [0]})


def test_profile_measures_the_four_dimensions():
    table = pd.DataFrame(
        {
            "phone": ["16112345678", "161-1234-5678", "123", "", "无"],
            "birth": ["1990-05-03", "1990/5/3", "x", "1990-05-03", ""],
            "level": [1, 1, 2, 2, 2],
            "empty": [""] * 5,
        }
    )
    found = identity.profile(table)
    assert found.loc["phone", ["complete", "valid", "standard", "unique"]].to_list() == pytest.approx(
        [0.6, 2 / 3, 1 / 3, 0.5]
    )
    assert found.loc["birth", ["complete", "valid", "standard", "unique"]].to_list() == pytest.approx(
        [0.8, 0.75, 0.5, 1 / 3]
    )
    assert found.loc["level", "complete"] == 1
    assert found.loc["level", ["valid", "standard"]].isna().all()
    assert (found.loc["level", "top"], found.loc["level", "top_share"]) == ("2", 0.6)
    assert found.loc["empty", "complete"] == 0


@pytest.mark.parametrize("values", ["16112345678", {"a": 1}, pd.DataFrame({"a": [1]}), [[1, 2]]])
def test_a_column_is_wanted(values):
    with pytest.raises(CourseError, match="一列值"):
        identity.clean_phone(values)


# --------------------------------------------------------------------------------------------------------------- pairs

RECORDS = pd.DataFrame(
    {
        "record_id": ["R1", "R2", "R3", "R4", "R5"],
        "name": ["王芳", "王芳", "李娜", "李娜", None],
        "phone": ["16112345678", "16112345678", "16112345678", "16400000001", None],
        "city": ["杭州", "杭州", "杭州", "宁波", "杭州"],
        "birth": pd.to_datetime(["1990-01-02", "1990-01-02", None, "1985-03-04", None]),
    }
)
PERSONS = pd.Series({"R1": "P1", "R2": "P1", "R3": "P2", "R4": "P2", "R5": "P2"})


def as_set(pairs):
    return {frozenset(pair) for pair in pairs[["left", "right"]].itertuples(index=False)}


def test_candidate_pairs_share_a_key():
    pairs = identity.candidate_pairs(RECORDS, ["phone", "name"])
    assert pairs.values.tolist() == [
        ["R1", "R2", "phone、name"],
        ["R1", "R3", "phone"],
        ["R2", "R3", "phone"],
        ["R3", "R4", "name"],
    ]
    own = identity.candidate_pairs(RECORDS, {"town": lambda records: records["city"]})
    assert len(own) == 6
    assert "R4" not in set(own["left"]) | set(own["right"])


def test_default_keys_are_those_whose_columns_are_there():
    assert as_set(identity.candidate_pairs(RECORDS)) == as_set(identity.candidate_pairs(RECORDS, ["phone", "name"]))
    assert len(identity.candidate_pairs(RECORDS[["record_id", "birth"]])) == 1
    with pytest.raises(CourseError, match="可以用来分块的列"):
        identity.candidate_pairs(RECORDS[["record_id", "city"]])


def test_a_key_that_too_many_share_is_passed_over():
    assert len(identity.candidate_pairs(RECORDS, ["city"], max_block=3)) == 0
    report = identity.blocking_report(RECORDS, PERSONS, ["city", "name"], max_block=3)
    assert report["skipped"].to_dict() == {"city": 4, "name": 0, "合计": 4}


def test_blocking_report():
    report = identity.blocking_report(RECORDS, PERSONS, ["phone", "name"])
    assert report["pairs"].to_dict() == {"phone": 3, "name": 2, "合计": 4}
    assert report["recall"].to_list() == pytest.approx([1 / 4, 2 / 4, 2 / 4])
    assert report["reduction"].to_list() == pytest.approx([0.7, 0.8, 0.6])


def test_blocking_report_with_nothing_to_find():
    report = identity.blocking_report(RECORDS.head(1), pd.Series({"R1": "P1"}), ["phone"])
    assert report["recall"].isna().all()


@settings(max_examples=25)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=25))
def test_pairs_of_persons_number_n_choose_2_each(people):
    persons = pd.Series(people, index=[f"R{i:02d}" for i in range(len(people))])
    sizes = persons.value_counts()
    pairs = identity.pairs_of(persons)
    assert len(pairs) == (sizes * (sizes - 1) / 2).sum()
    assert (persons[pairs["left"]].to_numpy() == persons[pairs["right"]].to_numpy()).all()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: identity.candidate_pairs(RECORDS, ["fax"]), "缺少列 fax"),
        (lambda: identity.candidate_pairs(RECORDS.assign(record_id="R1")), "第 2 行的 'R1' 重复出现"),
        (lambda: identity.candidate_pairs(RECORDS, max_block=1), "max_block 应不小于 2"),
        (lambda: identity.pairs_of(["P1"]), "persons 应是以记录编号为索引"),
        (lambda: identity.blocking_report(RECORDS, PERSONS.drop("R3")), "记录 R3 没有对应的人"),
        (lambda: identity.blocking_report(RECORDS, ["P1"]), "persons 应是以记录编号为索引的 Series"),
    ],
)
def test_pair_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# ----------------------------------------------------------------------------------------------------------- similarity

PAIRS = pd.DataFrame({"left": ["R1", "R1", "R3"], "right": ["R2", "R3", "R4"]}, index=[3, 5, 8])


def test_similarity_by_field():
    found = identity.similarity(RECORDS, PAIRS)
    assert list(found.columns) == ["left", "right", "name", "birth", "phone", "city"]
    assert list(found.index) == [3, 5, 8]
    assert found["name"].to_list() == [1, 0, 1]
    assert found["phone"].to_list() == pytest.approx([1, 1, 2 / 11])
    assert found["city"].to_list() == [1, 1, 0]
    assert found["birth"].isna().to_list() == [False, True, True]


def test_a_swap_of_neighbours_is_one_edit():
    table = pd.DataFrame({"record_id": ["a", "b"], "phone": ["16112345678", "16112345687"]})
    found = identity.similarity(table, pd.DataFrame({"left": ["a"], "right": ["b"]}))
    assert found["phone"][0] == pytest.approx(10 / 11)


def test_similarity_of_chosen_fields_and_unknown_columns():
    found = identity.similarity(RECORDS.assign(remark="甲乙"), PAIRS, ["remark"])
    assert found["remark"].to_list() == [1, 1, 1]


def test_an_address_without_the_flat_is_still_like():
    table = pd.DataFrame({"record_id": ["a", "b"], "address": ["青禾路18号3栋502", "青禾路18号3栋"]})
    found = identity.similarity(table, pd.DataFrame({"left": ["a"], "right": ["b"]}))["address"][0]
    assert found == pytest.approx(2 * 8 / (8 + 11))


texts = st.lists(st.text("王李张芳伟", min_size=1, max_size=4), min_size=2, max_size=8)


@settings(max_examples=25)
@given(texts)
def test_similarity_is_symmetric_between_0_and_1_and_1_only_if_equal(names):
    table = pd.DataFrame({"record_id": [f"R{i}" for i in range(len(names))], "name": names, "address": names})
    pairs = identity.pairs_of(pd.Series("P", index=table["record_id"]))
    there = identity.similarity(table, pairs)
    back = identity.similarity(table, pairs.rename(columns={"left": "right", "right": "left"}))
    for field in ("name", "address"):
        assert there[field].between(0, 1).all()
        np.testing.assert_allclose(there[field], back[field])
        equal = [names[int(a[1:])] == names[int(b[1:])] for a, b in zip(pairs["left"], pairs["right"], strict=True)]
        assert ((there[field] == 1) == equal).all()


def test_similarity_names_the_pair_that_is_not_there():
    with pytest.raises(CourseError, match="第 2 行的 R9 不在客户记录里"):
        identity.similarity(RECORDS, pd.DataFrame({"left": ["R1", "R9"], "right": ["R2", "R1"]}))


# --------------------------------------------------------------------------------------------------------------- scores

LIKENESS = pd.DataFrame(
    {"left": list("abc"), "right": list("xyz"), "name": [1, 0.5, np.nan], "phone": [0, 1, np.nan]}, index=[4, 2, 9]
)


def test_weighted_score_leaves_missing_fields_out():
    assert identity.weighted_score(LIKENESS, {"name": 1, "phone": 3}).to_dict() == {4: 0.25, 2: 0.875, 9: 0.0}
    half = LIKENESS.assign(phone=np.nan)
    assert identity.weighted_score(half, {"name": 1, "phone": 3}).to_dict() == {4: 1.0, 2: 0.5, 9: 0.0}
    assert identity.weighted_score(LIKENESS).to_list() == pytest.approx([3 / 7, (1.5 + 4) / 7, 0])


@pytest.mark.parametrize(
    ("table", "weights", "told"),
    [
        (LIKENESS, {"fax": 1}, "缺少列 fax"),
        (LIKENESS, {"name": 0, "phone": 0}, "weights 全是 0"),
        (LIKENESS, {"name": -1}, "weights 第 1 个值是 -1"),
        (LIKENESS[["left", "right"]], None, "没有可比较的列"),
        (LIKENESS.assign(name=[1, 1.5, 0]), None, "列 name 第 2 行的 1.5 不是 0 到 1"),
        (LIKENESS.assign(name=["一", 1, 0]), None, "列 name 第 1 行的 '一' 不是 0 到 1"),
    ],
)
def test_weighted_score_errors(table, weights, told):
    with pytest.raises(CourseError, match=told):
        identity.weighted_score(table, weights)


def planted(n=6000, seed=3):
    """Likeness with known m and u: two fields, levels drawn independently given the truth; a fifth are matches."""
    rng = np.random.default_rng(seed)
    m = {"name": [0.05, 0.10, 0.85], "phone": [0.10, 0.10, 0.80], "city": [0.02, 0.03, 0.95]}
    u = {"name": [0.90, 0.05, 0.05], "phone": [0.97, 0.02, 0.01], "city": [0.70, 0.10, 0.20]}
    same = rng.random(n) < 0.2
    draw = {field: np.where(same, rng.choice(3, n, p=m[field]), rng.choice(3, n, p=u[field])) for field in m}
    likeness = np.array([0.0, 0.9, 1.0])
    table = pd.DataFrame(
        {"left": np.arange(n), "right": np.arange(n)} | {field: likeness[at] for field, at in draw.items()}
    )
    return table, same, m, u


@pytest.mark.parametrize("labelled", [True, False])
def test_fellegi_sunter_finds_the_planted_probabilities(labelled):
    table, same, m, u = planted()
    model = identity.FellegiSunter().fit(table, same if labelled else None)
    assert model.prior_ == pytest.approx(0.2, abs=0.03)
    for field in m:
        assert model.params_.loc[field, "m"].to_list() == pytest.approx(m[field], abs=0.04)
        assert model.params_.loc[field, "u"].to_list() == pytest.approx(u[field], abs=0.03)
    assert (model.iterations_ == 0) == labelled
    sums = model.params_.groupby(level="field").sum()
    assert sums.to_numpy() == pytest.approx(1)


def test_score_adds_the_weights_and_missing_weighs_nothing():
    table, same, _m, _u = planted()
    model = identity.FellegiSunter().fit(table, same)
    weight = model.summary["weight"]
    pairs = pd.DataFrame(
        {
            "left": [1, 1, 1],
            "right": [2, 2, 2],
            "name": [1, 0.9, np.nan],
            "phone": [0, np.nan, np.nan],
            "city": [1, 0, np.nan],
        }
    )
    expected = [
        weight["name", "相同"] + weight["phone", "不同"] + weight["city", "相同"],
        weight["name", "相近"] + weight["city", "不同"],
        0.0,
    ]
    assert model.score(pairs).to_list() == pytest.approx(expected)
    assert model.probability(pairs)[2] == pytest.approx(model.prior_)
    odds = model.probability(pairs) / (1 - model.probability(pairs))
    assert odds.to_list() == pytest.approx(model.prior_ / (1 - model.prior_) * 2 ** np.array(expected))


def test_weights_by_hand():
    """Two matches agree; of two others one agrees: m = 2.5 / 3.5, u = 1.5 / 3.5, weight log2(5 / 3)."""
    pairs = pd.DataFrame({"left": range(4), "right": range(4), "city": [1.0, 1.0, 1.0, 0.0]})
    model = identity.FellegiSunter().fit(pairs, [1, 1, 0, 0])
    assert model.params_.loc[("city", "相同")].to_list() == pytest.approx([2.5 / 3.5, 1.5 / 3.5])
    assert model.summary.loc[("city", "相同"), "weight"] == pytest.approx(np.log2(5 / 3))
    assert model.summary["pairs"].to_list() == [1, 0, 3]
    m, u = model.params_.loc["city", "m"], model.params_.loc["city", "u"]
    by_hand = 3 * np.log(0.5 * m["相同"] + 0.5 * u["相同"]) + np.log(0.5 * m["不同"] + 0.5 * u["不同"])
    assert model.log_likelihood_ == pytest.approx(by_hand)


def test_prior_and_near_can_be_set():
    table, same, _m, _u = planted(500)
    assert identity.FellegiSunter().fit(table, same, prior=0.01).prior_ == 0.01
    strict = identity.FellegiSunter({"name": 0.95}).fit(table, same)
    assert strict.summary.loc[("name", "相近"), "pairs"] == 0


def test_labels_may_be_of_any_kind_and_row_order_does_not_matter():
    table, same, _m, _u = planted(400)
    model = identity.FellegiSunter().fit(table, pd.Series(same, index=table.index[::-1]))
    shuffled = table.sample(frac=1, random_state=1)
    again = identity.FellegiSunter().fit(shuffled, same[shuffled.index].astype(int).tolist())
    pd.testing.assert_frame_equal(model.params_, again.params_)


def test_plot_draws_every_field():
    table, same, _m, _u = planted(300)
    figure = identity.FellegiSunter().fit(table, same).plot()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["city", "phone", "name"]
    assert "“phone”相同最有说服力" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: identity.FellegiSunter({"name": 1.2}), r"near\['name'\]"),
        (lambda: identity.FellegiSunter().score(LIKENESS), "还没有拟合"),
        (lambda: identity.FellegiSunter().summary, "还没有拟合"),
        (lambda: identity.FellegiSunter().fit(LIKENESS, [1, 0]), "same 应有 3 个数，现在有 2 个"),
        (lambda: identity.FellegiSunter().fit(LIKENESS, [1, 1, 1]), "两种都要有"),
        (lambda: identity.FellegiSunter().fit(LIKENESS, [1, 0, 2]), "same 应是 True / False"),
        (lambda: identity.FellegiSunter().fit(LIKENESS, [1, 0, 0], prior=1), "prior 应大于 0"),
        (lambda: identity.FellegiSunter().fit(LIKENESS, max_iterations=0), "max_iterations 应不小于 1"),
        (
            lambda: identity.FellegiSunter().fit(LIKENESS, [1, 0, 0]).score(LIKENESS.drop(columns="phone")),
            "缺少列 phone",
        ),
    ],
)
def test_model_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# ------------------------------------------------------------------------------------------------- decision, evaluation

THREE = pd.DataFrame({"left": ["R1", "R2", "R3"], "right": ["R2", "R3", "R4"]})


def test_match_sorts_and_sends_the_doubtful_to_a_human():
    found = identity.match(THREE, [0.5, 0.9, 0.1], 0.8, review=0.4)
    assert found.values.tolist() == [["R2", "R3", 0.9, "同一人"], ["R1", "R2", 0.5, "人工核对"]]
    assert len(identity.match(THREE, [0.5, 0.9, 0.1], 0.8)) == 1
    assert len(identity.match(THREE, [0.5, 0.9, 0.1], 0.95)) == 0
    with pytest.raises(CourseError, match=r"review 应不大于 0\.8，现在是 0\.9"):
        identity.match(THREE, [0.5, 0.9, 0.1], 0.8, review=0.9)


def test_clusters_join_chains_but_not_pairs_for_review():
    ids = ["R1", "R2", "R3", "R4", "R5"]
    assert identity.clusters(THREE.head(2), ids).to_list() == ["G00001", "G00001", "G00001", "G00002", "G00003"]
    doubtful = identity.match(THREE, [0.5, 0.9, 0.9], 0.8, review=0.4)
    assert identity.clusters(doubtful, ids).to_list() == ["G00001", "G00002", "G00002", "G00002", "G00003"]
    assert identity.clusters(THREE.head(0), ids).nunique() == 5


def test_cluster_errors():
    with pytest.raises(CourseError, match="R4 不在 ids 里"):
        identity.clusters(THREE, ["R1", "R2", "R3"])
    with pytest.raises(CourseError, match="重复出现"):
        identity.clusters(THREE, ["R1", "R1"])
    with pytest.raises(CourseError, match="left 与 right"):
        identity.clusters([("R1", "R2")], ["R1", "R2"])


def test_evaluate_by_hand():
    found = pd.DataFrame({"left": ["R2", "R3", "R1"], "right": ["R1", "R1", "R4"]})
    quality = identity.evaluate(found, pd.Series({"R1": "P1", "R2": "P1", "R3": "P1", "R4": "P2"}))
    assert (quality.precision, quality.recall, quality.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (quality.found, quality.true, quality.right) == (3, 3, 2)


def test_evaluate_at_the_edges():
    nothing = identity.evaluate(THREE.head(0), THREE)
    assert np.isnan(nothing.precision)
    assert (nothing.recall, nothing.f1) == (0, 0)
    assert np.isnan(identity.evaluate(THREE, THREE.head(0)).recall)
    with pytest.raises(CourseError, match="left 与 right"):
        identity.evaluate(["R1"], THREE)


assignments = st.lists(st.integers(0, 5), min_size=2, max_size=20)


@settings(max_examples=25)
@given(assignments, st.integers(1, 5))
def test_evaluation_laws(people, shift):
    ids = [f"R{i}" for i in range(len(people))]
    true = pd.Series(people, index=ids)
    perfect = identity.evaluate(identity.pairs_of(true), true)
    if perfect.true:
        assert (perfect.precision, perfect.recall, perfect.f1) == (1, 1, 1)
    guess = pd.Series([(person * shift + place) % 3 for place, person in enumerate(people)], index=ids)
    there, back = identity.evaluate(guess, true), identity.evaluate(true, guess)
    assert (there.right, there.found, there.true) == (back.right, back.true, back.found)
    assert there.right <= min(there.found, there.true)
    recovered = identity.clusters(identity.pairs_of(true), ids)
    assert identity.evaluate(recovered, true).f1 in (0.0, 1.0)
    assert recovered.nunique() == true.nunique()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_a_higher_threshold_never_finds_more(rows):
    pairs = pd.DataFrame({"left": [f"a{i}" for i in range(len(rows))], "right": [f"b{i}" for i in range(len(rows))]})
    score, right = zip(*rows, strict=True)
    table = identity.sweep(pairs, list(score), pairs[list(right)])
    assert (table["found"].diff().dropna() <= 0).all()
    assert (table["recall"].dropna().diff().dropna() <= 0).all()
    assert len(table) == 101
    cut = table.index[50]
    by_hand = identity.evaluate(identity.match(pairs, list(score), float(cut)), pairs[list(right)])
    assert (table["found"].iloc[50], table["right"].iloc[50]) == (by_hand.found, by_hand.right)


# -------------------------------------------------------------------------------------------------------------- merging

TWO = pd.DataFrame(
    {
        "record_id": ["R1", "R2", "R3"],
        "name": ["王芳", "", "李娜"],
        "address": ["青禾路18号3栋502", "青禾路18号", "东湾路1号"],
        "consent": [False, True, True],
        "spend": [10.0, 5.5, 1.0],
        "created_at": pd.to_datetime(["2023-01-01", "2022-01-01", "2024-01-01"]),
        "updated_at": pd.to_datetime(["2024-01-01", "2025-01-01", "2024-01-01"]),
    }
)
WHO = pd.Series({"R1": "G1", "R2": "G1", "R3": "G2"})


def test_newest_value_that_is_not_empty_survives():
    golden = identity.merge(TWO, WHO).golden
    assert golden.loc["G1", ["name", "address", "consent", "spend"]].to_list() == ["王芳", "青禾路18号", True, 5.5]
    assert golden.loc["G1", ["records", "record_ids"]].to_list() == [2, "R1、R2"]
    assert golden.loc["G2", ["records", "record_ids"]].to_list() == [1, "R3"]


def test_other_rules_for_some_columns():
    rules = {"address": "longest", "consent": "strictest", "spend": "sum", "created_at": "oldest"}
    merged = identity.merge(TWO, WHO, rules=rules)
    assert merged.golden.loc["G1", ["address", "consent", "spend"]].to_list() == ["青禾路18号3栋502", False, 15.5]
    assert merged.golden.loc["G1", "created_at"] == pd.Timestamp("2023-01-01")  # of the record updated first
    assert merged.lost[["record_id", "column"]].values.tolist() == [
        ["R2", "address"],
        ["R2", "consent"],
        ["R2", "created_at"],
    ]


def test_nothing_is_lost_unseen():
    merged = identity.merge(TWO, WHO)
    lost = merged.lost.set_index(["record_id", "column"])
    assert lost.loc[("R1", "address"), ["value", "kept"]].to_list() == ["青禾路18号3栋502", "青禾路18号"]
    assert lost.loc[("R1", "consent"), ["value", "kept"]].to_list() == [False, True]
    assert ("R2", "name") not in lost.index
    assert not (merged.lost["person"] == "G2").any()


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["", "甲", "乙", "丙"]),
            st.dates(dt.date(2024, 1, 1), dt.date(2024, 1, 5)),
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
def test_every_value_is_kept_or_listed_as_lost_whatever_the_order(rows, random):
    table = pd.DataFrame(rows, columns=["who", "name", "updated_at"]).assign(
        record_id=[f"R{i:02d}" for i in range(len(rows))]
    )
    persons = table.set_index("record_id")["who"]
    merged = identity.merge(table.drop(columns="who"), persons)
    for record, who, name in table[["record_id", "who", "name"]].itertuples(index=False):
        kept = merged.golden.loc[who, "name"] == name
        listed = ((merged.lost["record_id"] == record) & (merged.lost["value"] == name)).any()
        assert name == "" or kept != listed
    order = list(table.index)
    random.shuffle(order)
    again = identity.merge(table.drop(columns="who").loc[order], persons)
    pd.testing.assert_series_equal(again.golden["name"], merged.golden["name"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: identity.merge(TWO, WHO.drop("R2")), "记录 R2 没有对应的人"),
        (lambda: identity.merge(TWO, WHO, rules={"fax": "newest"}), "缺少列 fax"),
        (lambda: identity.merge(TWO, WHO, rules={"name": "best"}), "rules 应是 newest、oldest"),
        (lambda: identity.merge(TWO.assign(updated_at="昨天"), WHO), "列 updated_at 第 1 行的 '昨天' 不是日期"),
    ],
)
def test_merge_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()
