"""Pseudonyms, masks, k-anonymity and the attack: published examples, laws, errors that name the column."""

import hashlib
import hmac

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import privacy
from crmlab.errors import CourseError

KEY = "0123456789abcdef"

# --------------------------------------------------------------------------------------------------------- pseudonyms


def test_a_pseudonym_is_hmac_sha256():
    found = privacy.pseudonym(pd.Series(["16112345678", None], index=[4, 7], name="phone"), KEY, length=64)
    assert found[4] == hmac.new(KEY.encode(), b"16112345678", hashlib.sha256).hexdigest()
    assert pd.isna(found[7])
    assert found.name == "phone"
    assert privacy.pseudonym(["16112345678"], KEY.encode())[0] == found[4][:16]


def test_same_key_same_pseudonym_other_key_another():
    one, same, other = (privacy.pseudonym([1, 2, 1], key) for key in (KEY, KEY, KEY[::-1]))
    assert one.to_list() == same.to_list()
    assert one[0] == one[2] != one[1]
    assert not set(one) & set(other)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=20))
def test_pseudonyms_tell_values_apart_and_join_again(values):
    found = privacy.pseudonym(values, KEY)
    assert found.nunique() == len(set(values))
    assert found.str.fullmatch("[0-9a-f]{16}").all()


@pytest.mark.parametrize("key", ["", "short", None, 1234567890123456])
def test_a_key_is_required(key):
    with pytest.raises(CourseError, match="key 应是至少 16 个字符的密钥"):
        privacy.pseudonym(["a"], key)


def test_pseudonym_errors():
    with pytest.raises(TypeError):
        privacy.pseudonym(["a"])
    with pytest.raises(CourseError, match="length 应在 8 到 64 之间，现在是 4"):
        privacy.pseudonym(["a"], KEY, length=4)
    with pytest.raises(CourseError, match="values 应是一列值"):
        privacy.pseudonym("16112345678", KEY)


def test_two_values_with_one_pseudonym_are_refused(monkeypatch):
    class Constant:
        def hexdigest(self):
            return "0" * 64

    monkeypatch.setattr(privacy.hmac, "new", lambda *_args: Constant())
    with pytest.raises(CourseError, match="两个不同的值得到了同一个假名：请加大 length，现在是 16"):
        privacy.pseudonym(["a", "b"], KEY)


def test_plain_hashes_of_phones_are_opened_and_keyed_ones_are_not():
    phones = pd.Series(["16112345678", "16112340000", "16499999999", None], index=list("abcd"))
    cracked = privacy.crack_hash(privacy.plain_hash(phones), privacy.phone_space("1611234"))
    assert cracked["a":"b"].to_list() == ["16112345678", "16112340000"]
    assert cracked["c":"d"].isna().all()
    assert privacy.plain_hash(phones)["a"] == hashlib.sha256(b"16112345678").hexdigest()
    keyed = privacy.pseudonym(phones, KEY, length=64)
    assert privacy.crack_hash(keyed, privacy.phone_space("1611234")).isna().all()


def test_phone_space():
    assert list(privacy.phone_space("1611234567")) == [f"1611234567{digit}" for digit in range(10)]
    assert list(privacy.phone_space("123", 3)) == ["123"]
    for prefix in ("16", "16a12345678", "161123456789"):
        with pytest.raises(CourseError, match=f"prefix 应是数字.*现在是 {prefix}"):
            privacy.phone_space(prefix)


# --------------------------------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("name", "张伟", "张*"),
        ("name", "欧阳娜娜", "欧***"),
        ("name", "张", "张*"),
        ("phone", "16112341234", "161****1234"),
        ("phone", "12345", "*****"),
        ("email", "li.na@example.com", "l***@example.com"),
        ("email", "lina", "***"),
        ("address", "青禾路18号3栋502", "青禾路******"),
    ],
)
def test_masks(kind, value, masked):
    assert privacy.mask([value, None], kind)[0] == masked
    assert pd.isna(privacy.mask([value, None], kind)[1])


def test_unknown_mask():
    with pytest.raises(CourseError, match="kind 应是 name、phone、email、address 之一，现在是 'id'"):
        privacy.mask(["a"], "id")


# ------------------------------------------------------------------------------------------------------ generalisation


def test_steps():
    days = pd.Series(pd.to_datetime(["1990-05-03", None]), index=[3, 5])
    assert privacy.by_month(days)[3] == "1990-05"
    assert privacy.by_year()(days)[3] == "1990"
    assert privacy.by_year(10)(days)[3] == "1990-1999"
    assert all(pd.isna(step(days)[5]) for step in (privacy.by_month, privacy.by_year(), privacy.by_year(10)))
    assert privacy.by_band(10, origin=5)(pd.Series([4, 5, 14, np.nan])).to_list()[:3] == ["-5-4", "5-14", "5-14"]
    assert pd.isna(privacy.by_band(10)(pd.Series([np.nan]))[0])
    assert privacy.hidden(days).to_list() == ["*", "*"]
    assert privacy.by_prefix(3)(pd.Series(["13053", None]))[0] == "130*"
    with pytest.raises(CourseError, match="列 city 的 '苏州' 在上级对照表里没有上级"):
        privacy.by_parent({"杭州": "浙江"})(pd.Series(["杭州", "苏州"], name="city"))
    assert pd.isna(privacy.by_parent({"杭州": "浙江"})(pd.Series(["杭州", None]))[1])


# -------------------------------------------------------------------------------------------------------- k-anonymity

# The "three-diverse" patients of Machanavajjhala et al. (2007), their figures 1 to 3.
PATIENTS = pd.DataFrame(
    {
        "zip": [
            "13053",
            "13068",
            "13068",
            "13053",
            "14853",
            "14853",
            "14850",
            "14850",
            "13053",
            "13053",
            "13068",
            "13068",
        ],
        "age": [28, 29, 21, 23, 50, 55, 47, 49, 31, 37, 36, 35],
        "condition": ["心脏", "心脏", "感染", "感染", "癌", "心脏", "感染", "感染", "癌", "癌", "癌", "癌"],
    }
)


def generalised_patients():
    age = np.select([PATIENTS["age"] < 30, PATIENTS["age"] >= 40], ["<30", ">=40"], "3*")
    return PATIENTS.assign(zip=PATIENTS["zip"].str[:3] + "**", age=age)


def test_four_anonymous_patients_of_the_l_diversity_paper():
    found = privacy.k_anonymity(generalised_patients(), ["zip", "age"], "condition")
    assert (found.k, found.l, found.rows) == (4, 1, 12)  # the class of people in their thirties has cancer only
    assert len(found.classes) == 3
    assert found.classes["values"].to_list() == [1, 2, 3]
    assert found.t == pytest.approx(1 - 5 / 12)
    assert (found.share_below(5), found.share_below(4)) == (1.0, 0.0)


def test_raw_patients_are_unique():
    found = privacy.k_anonymity(PATIENTS, ["zip", "age"])
    assert (found.k, found.l, found.t) == (1, None, None)
    assert found.share_below(2) == 1


def test_a_missing_value_is_a_value_of_its_own():
    found = privacy.k_anonymity(pd.DataFrame({"city": ["杭州", None, None]}), ["city"])
    assert found.classes["size"].to_list() == [1, 2]


tables = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from("ab")), min_size=1, max_size=30).map(
    lambda rows: pd.DataFrame(rows, columns=["x", "y", "ill"])
)


@settings(max_examples=25)
@given(tables)
def test_fewer_quasi_identifiers_never_lower_k(table):
    both = privacy.k_anonymity(table, ["x", "y"], "ill")
    one = privacy.k_anonymity(table, ["x"], "ill")
    assert one.k >= both.k
    assert one.l >= both.l
    assert one.t <= both.t + 1e-9
    assert both.classes["size"].sum() == len(table)
    assert both.l <= both.k
    assert 0 <= both.t <= 1


@settings(max_examples=25)
@given(tables, st.integers(1, 4))
def test_suppression_leaves_k_anonymous_rows_as_they_were(table, k):
    left = privacy.suppress(table, ["x", "y"], k)
    pd.testing.assert_frame_equal(left, table.loc[left.index])
    if len(left):
        assert privacy.k_anonymity(left, ["x", "y"]).k >= k
    gone = privacy.k_anonymity(table, ["x", "y"]).share_below(k)
    assert len(left) == round(len(table) * (1 - gone))


# ----------------------------------------------------------------------------------------------------- generalise_to

HALF = privacy.by_band(2)


def test_the_least_loss_is_found():
    table = pd.DataFrame({"x": [0, 1, 2, 3] * 2, "y": list("aaaabbbb")})
    found = privacy.generalise_to(table, 2, {"x": [HALF, privacy.hidden], "y": [privacy.hidden]})
    assert found.levels == {"x": 1, "y": 0}
    assert (found.loss, found.k, found.suppressed) == (0.25, 2, 0)
    assert found.table["x"].to_list() == ["0-1", "0-1", "2-3", "2-3"] * 2
    assert table["x"].to_list() == [0, 1, 2, 3] * 2


def test_leaving_out_an_odd_row_may_be_cheaper():
    table = pd.DataFrame({"x": [1] * 9 + [7]})
    assert privacy.generalise_to(table, 2, {"x": [privacy.hidden]}).levels == {"x": 1}
    found = privacy.generalise_to(table, 2, {"x": [privacy.hidden]}, max_suppressed=0.1)
    assert (found.levels, found.suppressed, len(found.table), found.loss) == ({"x": 0}, 0.1, 9, 0)


def test_among_equal_losses_the_fewest_rows_go():
    table = pd.DataFrame({"x": [1] * 8 + [2, 3, 3], "y": list("aaaabbbbaba")})
    found = privacy.generalise_to(table, 2, {"x": [privacy.hidden], "y": [privacy.hidden]}, max_suppressed=0.2)
    assert found.levels == {"x": 1, "y": 0}
    assert found.suppressed == 0


@settings(max_examples=25)
@given(tables, st.integers(1, 3))
def test_the_result_is_k_anonymous_and_costs_more_for_greater_k(table, k):
    steps = {"x": [HALF, privacy.hidden], "y": [privacy.hidden]}
    if len(table) < k + 1:
        return
    found, harder = (privacy.generalise_to(table, size, steps) for size in (k, k + 1))
    assert found.k == privacy.k_anonymity(found.table, ["x", "y"]).k >= k
    assert harder.loss >= found.loss
    assert len(found.table) == len(table)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: privacy.generalise_to(PATIENTS, 13, {"age": [privacy.hidden]}), "达不到 k = 13"),
        (lambda: privacy.generalise_to(PATIENTS, 0, {"age": []}), "k 应不小于 1"),
        (lambda: privacy.generalise_to(PATIENTS, 2, {"fax": []}), "缺少列 fax"),
        (lambda: privacy.generalise_to(PATIENTS, 2, {}), "准标识列应是至少一列"),
        (lambda: privacy.generalise_to(PATIENTS, 2, {"age": []}, max_suppressed=1), "max_suppressed 应"),
        (lambda: privacy.k_anonymity(PATIENTS, "age"), "准标识列应是至少一列的列名清单"),
        (lambda: privacy.k_anonymity(PATIENTS, ["age"], "fax"), "缺少列 fax"),
        (
            lambda: privacy.k_anonymity(PATIENTS.assign(condition=None), ["age"], "condition"),
            "列 condition 第 1 行是空值",
        ),
    ],
)
def test_anonymity_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# -------------------------------------------------------------------------------------------------------------- attack


def test_only_what_is_unique_on_both_sides_is_linked():
    published = pd.DataFrame({"birth": [1, 1, 2, 3, np.nan], "ill": list("abcde")}, index=list("pqrst"))
    outside = pd.DataFrame({"birth": [1, 2, 3, 3, np.nan], "name": list("vwxyz")})
    found = privacy.reidentify(published, outside, ["birth"])
    assert found.links.values.tolist() == [["r", 1]]
    assert (found.share, found.outside_share) == (0.2, 0.2)


@settings(max_examples=25)
@given(tables)
def test_k_anonymity_of_two_stops_the_attack(table):
    people = table.drop_duplicates(["x", "y"])
    safe = privacy.suppress(table, ["x", "y"], 2)
    raw = privacy.reidentify(table, people, ["x", "y"])
    assert raw.share == privacy.k_anonymity(table, ["x", "y"]).share_below(2)
    if len(safe):
        assert privacy.reidentify(safe, people, ["x", "y"]).share == 0


def test_attack_errors():
    with pytest.raises(CourseError, match="外部名单缺少列 birth"):
        privacy.reidentify(pd.DataFrame({"birth": [1]}), pd.DataFrame({"name": ["a"]}), ["birth"])


# ------------------------------------------------------------------------------------------------------------- the law


def register(**changes):
    row = {
        "field": "手机号",
        "purpose": "营销推送",
        "legal_basis": "同意",
        "sensitive": False,
        "separate_consent": False,
        "held": 10,
        "consented": 10,
        "retention_until": pd.Timestamp("2026-12-31"),
    }
    return pd.DataFrame([row, row | changes])


NEEDS = pd.DataFrame({"purpose": ["营销推送"], "field": ["手机号"]})


@pytest.mark.parametrize(
    ("changes", "articles"),
    [
        ({}, []),
        ({"field": "通讯录"}, [6]),
        ({"consented": 9}, [13]),
        ({"consented": 0, "legal_basis": "履行合同所必需"}, []),
        ({"retention_until": pd.NaT}, [19]),
        ({"sensitive": True}, [29]),
        ({"sensitive": True, "separate_consent": True}, []),
        ({"retention_until": pd.Timestamp("2025-12-30")}, [47]),
        ({"retention_until": pd.Timestamp("2025-12-31")}, []),
        ({"field": "人脸", "sensitive": True, "consented": 1, "retention_until": pd.NaT}, [6, 13, 19, 29]),
    ],
)
def test_each_breach_is_found_with_its_article(changes, articles):
    found = privacy.check_register(register(**changes), "2025-12-31", NEEDS)
    assert found["article"].to_list() == articles
    assert (found["row"] == 2).all()
    assert (found["rule"] == [privacy.ARTICLES[article] for article in articles]).all()


def test_needs_are_checked_only_if_given():
    assert privacy.check_register(register(field="通讯录"), "2025-12-31").empty


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: privacy.check_register(register(held=-1), "2025-12-31"), "列 held 第 2 行是 -1"),
        (lambda: privacy.check_register(register(), "昨天"), "检查日 '昨天' 不是日期"),
        (lambda: privacy.check_register(register(retention_until="永久"), "2025-12-31"), "第 2 行的 '永久' 不是日期"),
        (lambda: privacy.check_register(register(), "2025-12-31", pd.DataFrame({"purpose": ["x"]})), "缺少列 field"),
        (lambda: privacy.check_register(register().drop(columns="held"), "2025-12-31"), "处理登记表缺少列 held"),
    ],
)
def test_register_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


def test_advertisements_need_a_consent_that_can_be_proved():
    table = pd.DataFrame(
        {"ok": [True, True, False, False], "day": ["2025-01-01", None, None, "2025-01-01"]}, index=[9, 8, 7, 6]
    )
    assert privacy.may_contact(table, consent="ok", consent_at="day").to_dict() == {
        9: True,
        8: False,
        7: False,
        6: False,
    }
