"""Quizzes: read with clear errors, and HTML that works without script and kernel."""

import re

import pytest

from course import model
from crmlab import quiz
from crmlab.errors import CourseError

GOOD = """
[[items]]
question = "1 < 2？"
options = [{ text = "是", right = true, why = "小的在左。" }, { text = "否", why = "看反了。" }]
"""


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_COURSE_ROOT", str(tmp_path))
    (tmp_path / "chapters").mkdir()
    return tmp_path / "chapters" / "99-test.quiz.toml"


def test_reads_items(chapter):
    chapter.write_text(GOOD, "utf-8")
    (item,) = quiz.items("99-test")
    assert item.question == "1 < 2？"
    assert [option.right for option in item.options] == [True, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[items]", "不是有效的 TOML"),
        (GOOD.replace("question", "ask"), "第 1 题的写法不对"),
        (GOOD.replace("why", "because"), "第 1 题的写法不对"),
        (GOOD.replace("right = true, ", ""), "0 个正确答案"),
        (GOOD.replace('text = "否"', 'text = "否", right = true'), "2 个正确答案"),
    ],
)
def test_bad_files_are_told(chapter, text, told):
    chapter.write_text(text, "utf-8")
    with pytest.raises(CourseError, match=told):
        quiz.items("99-test")


def test_a_missing_file_is_told(chapter):
    with pytest.raises(CourseError, match=r"没有 99-test\.quiz\.toml"):
        quiz.items("99-test")


def test_html_escapes_labels_and_needs_no_script(chapter):
    chapter.write_text(GOOD, "utf-8")
    page = quiz.to_html("99-test", quiz.items("99-test"))
    assert "1 &lt; 2？" in page
    assert "<script" not in page
    assert "onclick" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<label for="([^"]+)"', page)) <= set(ids)
    assert 'type="reset"' in page


def test_keys_belong_to_the_quiz_not_to_jupyterlab(chapter):
    chapter.write_text(GOOD, "utf-8")
    page = quiz.to_html("99-test", quiz.items("99-test"))
    assert '<form class="crm-quiz" autocomplete="off" method="dialog"' in page, "Enter would load the page anew"
    focusable = re.findall(r"<(?:input|button)\b[^>]*>", page)
    assert len(focusable) == 3
    assert all('data-lm-suppress-shortcuts="true"' in tag for tag in focusable), "arrows would move to the next cell"


@pytest.mark.parametrize("chapter_id", [c.id for c in model.load().written_chapters()])
def test_course_quizzes_give_a_reason_for_every_option(chapter_id):
    questions = quiz.items(chapter_id)
    assert len(questions) >= 6
    for item in questions:
        assert len({option.text for option in item.options}) == len(item.options)
        assert all(len(option.why) >= 8 for option in item.options), item.question
    places = {next(i for i, option in enumerate(item.options) if option.right) for item in questions}
    assert len(places) > 1, "the right answer must not always stand at the same place"
