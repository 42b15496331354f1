"""FAQ search: terms, BM25 by hand, its laws, evaluation, errors."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab import faq
from crmlab.errors import CourseError

SMALL = pd.DataFrame(
    {
        "faq_id": ["F1", "F2", "F3"],
        "question": ["怎样申请开发票？", "退款什么时候到账？", "怎样申请退货退款？"],
        "answer": ["在订单详情点申请发票。", "银行卡三至七个工作日。", "点申请售后，验收后退款。"],
    }
)

# --------------------------------------------------------------------------------------------------------------- terms


@pytest.mark.parametrize(
    ("text", "method", "terms"),
    [
        ("我的ＡＰＰ闪退了！", "words", ["app", "闪退"]),
        ("运费险怎么赔", "words", ["运费险", "赔"]),
        ("运费险怎么赔", "bigram", ["运费", "费险", "赔"]),
        ("3期免息", "bigram", ["3", "期免", "免息"]),
        ("能退款吗", "bigram", ["退款"]),
        ("退款", "hybrid", ["退款", "退款"]),
        ("怎么办？", "words", []),
        ("", "hybrid", []),
    ],
)
def test_terms(text, method, terms):
    assert faq.tokens(text, method) == terms


def test_synonyms_replace_the_longest_word_and_spare_the_standard():
    table = {"券": "优惠券", "退钱": "退款", "码": "尺码", "优惠码": "优惠码"}
    assert faq.tokens("优惠券", "bigram", table) == faq.tokens("券", "bigram", table) == ["优惠", "惠券"]
    assert faq.tokens("优惠码", "bigram", table) == ["优惠", "惠码"]
    frame = pd.DataFrame({"word": ["APP"], "standard": ["应用"]})
    assert faq.tokens("app", "words", frame) == ["应用"]


@given(st.text("退款发票的怎么a1 ？，", max_size=12), st.sampled_from(faq.METHODS))
def test_terms_are_never_empty_and_come_from_the_text(text, method):
    terms = faq.tokens(text, method)
    assert all(term and term in text for term in terms)
    assert faq.tokens(text.upper(), method) == terms


def test_jieba_leaves_no_file_and_writes_nothing(tmp_path):
    code = "from crmlab import faq; print(faq.tokens('退款什么时候到账'))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert run.stderr == ""
    assert "'退款'" in run.stdout
    assert list(tmp_path.iterdir()) == []
    assert tempfile.gettempdir() != str(tmp_path)


def test_importing_the_module_does_not_load_jieba():
    code = "import sys, crmlab.faq; print('jieba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# ---------------------------------------------------------------------------------------------------------------- BM25


def test_bm25_by_hand():
    """Two entries of one field; k1 1.2, b .75, tf and lengths counted by hand."""
    table = pd.DataFrame({"faq_id": ["A", "B"], "question": ["发票 发票", "退货 运费 发票"], "answer": ["", ""]})
    search = faq.FaqSearch(title_weight=1).fit(table)
    idf = {"发票": np.log(1 + 0.5 / 2.5), "运费": np.log(1 + 1.5 / 1.5)}
    assert search.terms_["df"].to_dict() == {"发票": 2, "运费": 1, "退货": 1}
    assert search.terms_["idf"].to_dict() == pytest.approx({**idf, "退货": idf["运费"]})
    first = idf["发票"] * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 2 / 2.5))
    second = idf["发票"] * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / 2.5))
    found = search.search("发票")
    assert found["faq_id"].to_list() == ["A", "B"]
    assert found["score"].to_list() == pytest.approx([first, second])
    both = search.search("运费发票")
    third = idf["运费"] * 1 * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / 2.5))
    assert both["score"].to_list() == pytest.approx([second + third, first])
    assert both["coverage"].to_list() == pytest.approx([1, idf["发票"] / (idf["发票"] + idf["运费"])])


def test_k1_0_counts_no_repeats_and_b_0_no_length():
    table = pd.DataFrame(
        {"faq_id": ["A", "B"], "question": ["发票 发票 发票", "发票 退货 运费 地址"], "answer": ["", ""]}
    )
    equal = faq.FaqSearch(k1=0).fit(table).search("发票")["score"]
    assert equal[1] == pytest.approx(equal[2])
    flat = faq.FaqSearch(b=0, title_weight=1).fit(
        pd.DataFrame({"faq_id": ["A", "B"], "question": ["发票", "发票 退货 运费"], "answer": ["", ""]})
    )
    score = flat.search("发票")["score"]
    assert score[1] == pytest.approx(score[2])


def test_title_weight_0_searches_answers_only():
    search = faq.FaqSearch(title_weight=0).fit(SMALL)
    assert search.search("到账").empty
    assert search.search("银行卡")["faq_id"].to_list() == ["F2"]


def test_search_result():
    found = faq.FaqSearch("bigram").fit(SMALL).search("退货能退款吗", n=2)
    assert list(found.index) == [1, 2]
    assert found.index.name == "rank"
    assert found.loc[1, ["faq_id", "question", "matched"]].to_list() == ["F3", "怎样申请退货退款？", "退货、退款"]
    assert found.loc[1, "coverage"] == pytest.approx(1)
    assert found["score"].is_monotonic_decreasing


def test_terms_nobody_uses_lower_coverage_and_floor_says_no_answer():
    search = faq.FaqSearch().fit(SMALL)
    weak = search.search("退款机票酒店")
    assert 0 < weak.loc[1, "coverage"] < 0.4
    assert search.search("退款机票酒店", floor=0.5).empty
    assert search.search("天气").empty
    assert search.search("").empty
    assert search.search("").columns.to_list() == ["faq_id", "question", "score", "coverage", "matched"]


def test_synonyms_find_what_words_miss():
    assert faq.FaqSearch().fit(SMALL).search("退钱").empty
    found = faq.FaqSearch(synonyms={"退钱": "退款"}).fit(SMALL).search("退钱")
    assert sorted(found["faq_id"]) == ["F2", "F3"]
    assert (found["matched"] == "退款").all()


@settings(max_examples=30)
@given(st.permutations([0, 1, 2]), st.sampled_from(["退款", "申请发票", "银行卡退货"]), st.sampled_from(faq.METHODS))
def test_scores_do_not_depend_on_the_order_of_entries(order, query, method):
    there = faq.FaqSearch(method).fit(SMALL).search(query).set_index("faq_id")["score"]
    back = faq.FaqSearch(method).fit(SMALL.iloc[order]).search(query).set_index("faq_id")["score"]
    pd.testing.assert_series_equal(there.sort_index(), back.sort_index())


@settings(max_examples=30)
@given(st.text("退款发票申请银行卡", min_size=1, max_size=6), st.sampled_from(faq.METHODS))
def test_coverage_is_a_share_and_repeating_the_query_changes_nothing(query, method):
    search = faq.FaqSearch(method).fit(SMALL)
    found = search.search(query)
    assert found["coverage"].between(0, 1 + 1e-12).all()
    pd.testing.assert_frame_equal(search.search(f"{query}，{query}"), found)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: faq.FaqSearch("ngram"), "method 应是 words、bigram、hybrid 之一，现在是 'ngram'"),
        (lambda: faq.FaqSearch(b=2), "b 应在 0 到 1 之间"),
        (lambda: faq.FaqSearch(k1=-1), "k1 应不小于 0"),
        (lambda: faq.FaqSearch(synonyms={"退钱": ""}), "同义词表应是"),
        (lambda: faq.FaqSearch(synonyms=["退钱"]), "同义词表应是"),
        (lambda: faq.FaqSearch(synonyms=pd.DataFrame({"word": ["a"]})), "同义词表缺少列 standard"),
        (lambda: faq.FaqSearch().search("退款"), "还没有建立索引"),
        (lambda: faq.FaqSearch().fit(SMALL).search(5), "要搜索的应是一段文字，现在是 5"),
        (lambda: faq.FaqSearch().fit(SMALL).search("退款", n=0), "n 应不小于 1"),
        (lambda: faq.FaqSearch().fit(SMALL).search("退款", floor=2), "floor 应在 0 到 1 之间"),
        (lambda: faq.FaqSearch().fit(SMALL.drop(columns="answer")), "FAQ 表缺少列 answer"),
        (lambda: faq.FaqSearch().fit(SMALL.assign(faq_id="F1")), "第 2 行的 'F1' 重复出现"),
        (lambda: faq.tokens(None), "要搜索的应是一段文字"),
    ],
)
def test_search_errors(call, told):
    with pytest.raises(CourseError, match=told):
        call()


# ---------------------------------------------------------------------------------------------------------- evaluation

QUERIES = pd.DataFrame(
    {"query": ["开发票", "申请退款", "退款到账", "发票退货", "今天天气"], "faq_id": ["F1", "F2", "F2", "F1", ""]},
    index=list("abcde"),
)


def test_evaluation_by_hand():
    search = faq.FaqSearch().fit(SMALL)
    quality = faq.evaluate(search, QUERIES)
    ranks = quality.queries["rank"].to_list()
    assert ranks[0] == 1
    assert ranks[1] > 1  # F3 says 申请 and 退款 both
    answerable = [rank for rank in ranks[:4] if not pd.isna(rank)]
    assert quality.hit1 == sum(rank == 1 for rank in answerable) / 4
    assert quality.hit3 == sum(rank <= 3 for rank in answerable) / 4
    assert quality.mrr == pytest.approx(sum(1 / rank for rank in answerable) / 4)
    assert quality.rejected == 1
    assert "b" in quality.failures.index
    assert "e" not in quality.failures.index
    assert quality.queries.loc["e", ["found", "coverage"]].to_list() == ["", 0.0]


def test_a_floor_trades_wrong_answers_for_silence():
    search = faq.FaqSearch().fit(SMALL)
    odd = pd.DataFrame({"query": ["机票退款酒店", "退款到账"], "faq_id": ["", "F2"]})
    assert faq.evaluate(search, odd).rejected == 0
    strict = faq.evaluate(search, odd, floor=0.9)
    assert (strict.rejected, strict.hit1) == (1, 1)
    silent = faq.evaluate(search, pd.DataFrame({"query": ["退款机票"], "faq_id": ["F2"]}), floor=1)
    assert (silent.hit1, silent.mrr) == (0, 0)
    assert np.isnan(silent.rejected)


def test_evaluate_names_the_answer_that_is_not_there():
    with pytest.raises(CourseError, match="列 faq_id 第 2 行的 'F9' 不在 FAQ 里"):
        faq.evaluate(faq.FaqSearch().fit(SMALL), QUERIES.assign(faq_id=["F1", "F9", "F2", "", ""]))


def test_tune_tries_every_combination():
    found = faq.tune(SMALL, QUERIES, method=["words", "bigram"], b=[0, 0.75], synonyms=[None, {"到账": "退款"}])
    assert len(found) == 8
    assert found["mrr"].is_monotonic_decreasing
    assert set(found["synonyms"]) == {"有", "无"}
    row = found[(found["method"] == "bigram") & (found["b"] == 0.75) & (found["synonyms"] == "无")].iloc[0]
    alone = faq.evaluate(faq.FaqSearch("bigram").fit(SMALL), QUERIES)
    assert row[["hit1", "hit3", "mrr"]].to_list() == [alone.hit1, alone.hit3, alone.mrr]


def test_tune_errors():
    with pytest.raises(CourseError, match="要调的参数 应是 method、k1"):
        faq.tune(SMALL, QUERIES, k2=[1])
    with pytest.raises(CourseError, match="b 应是要试的几个值的列表"):
        faq.tune(SMALL, QUERIES, b=0.5)
