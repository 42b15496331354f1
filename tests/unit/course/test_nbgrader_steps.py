"""nbgrader's programs grade with this course's grader, and its pages neither leak nor run what students wrote."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from autograder.nbgrader_steps import SecureAutograde, StripInstructorCells, harmless_markdown
from autograder.records import Fingerprint, Record
from autograder.runner import Summary
from autograder.submission import secret_of
from course.hub.classroom import Classroom
from course.hub.release import nbgrader_api, release
from crmlab.errors import CourseError
from crmlab.paths import course_root
from tests.notebooks.a04_answers import WRONG
from tests.notebooks.playing import Assignment

ASSIGNMENT, NOTEBOOK = "a04-segmentation", "segmentation"
A04 = Assignment(f"{ASSIGNMENT}/{NOTEBOOK}.ipynb")

HOSTILE = """
<script>pwn()</script> <img src="pwn" onerror="pwn()"> <img src="/hub/logout?pwn"> [x](javascript:pwn\\(\\)) [y]: pwn
<iframe src="//pwn.example"></iframe> <svg onload="pwn()"><script>pwn()</script></svg> <style>.pwn {}</style>
<form action="pwn"><input name="pwn"></form> <meta http-equiv="refresh" content="0; url=pwn"> <p id="pwn" class="pwn">x</p>
<a href="JavaScript:pwn()">x</a> <a href="data:text/html,pwn">x</a> ![x](https://pwn.example/x.png) <pwn:link rel=pwn>

```pwn" onmouseover="pwn()
x
```
"""
HONEST = """
**重点** $a<b$ 与 $$\\sum_{i=1}^n x_i$$ [链接](https://example.org/a)　<a href="/book/book/glossary.html#term-rfm">RFM</a>

| 级别 | 人数 |
|:---|---:|
| VIP | 12 |

```python
def f(x): return x < 1
```

### BEGIN HIDDEN TESTS
"""
DISPLAYS = """
from IPython.display import HTML, Javascript, Latex, Markdown, SVG, display
display(HTML(PWN), metadata={"text/html": {"isolated": True}})
display(Markdown(PWN), Latex("$pwn$ " + PWN), Javascript("pwn()"), SVG("<svg onload='pwn()'></svg>"))
display({"application/vnd.jupyter.widget-view+json": {"model_id": "pwn"}, "text/html": PWN}, raw=True)
display({"image/png": "pwn' onerror='pwn()"}, raw=True)
print(PWN)
pd.DataFrame({"人数": [1, 2]})
"""
FORGED = """
from IPython.display import display
print("✓ 全部正确　得分 4")
display({"text/plain": "4"}, raw=True)
get_ipython().displayhook(4.0)
4
"""


# --- grading goes one way --------------------------------------------------------------------------------------------


def hand_in(room: Classroom, student: str, content: str = "") -> None:
    folder = room.course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{NOTEBOOK}.ipynb").write_text(content, "utf-8")


class Grader:
    """In the place of the course's grader: notes what it is asked for."""

    def __init__(self, outcome: Summary | CourseError) -> None:
        self.outcome, self.asked = outcome, []

    def __call__(self, assignment: str, students: Any, force: bool) -> Summary:
        self.asked.append((assignment, list(students), force))
        if isinstance(self.outcome, CourseError):
            raise self.outcome
        return self.outcome


def use(monkeypatch: pytest.MonkeyPatch, outcome: Summary | CourseError) -> tuple[Any, Grader]:
    """nbgrader's interface as the course configures it, then with another grader."""
    api, grader = nbgrader_api(), Grader(outcome)
    monkeypatch.setattr(SecureAutograde, "grade", staticmethod(grader))
    return api, grader


def test_formgraders_button_asks_the_courses_grader(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    for student in ("student01", "student02", "other"):
        hand_in(classroom, student)
    api, grader = use(monkeypatch, Summary())
    assert api.autograde(ASSIGNMENT, "student02")["success"]
    assert api.autograde(ASSIGNMENT, "student*", force=False)["success"]
    assert grader.asked == [
        (ASSIGNMENT, ["student02"], True),
        (ASSIGNMENT, ["student01", "student02"], False),
    ]


def test_what_failed_is_told_and_what_needs_a_person_is_logged(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(classroom, "student01")
    look = Record(
        ASSIGNMENT, "student09", NOTEBOOK, Fingerprint("", "", "", ""), "", "", [], ["请看看"], [], [], 0, 0, 0, {}
    )
    api, _grader = use(monkeypatch, Summary(graded=[look], failed={"student01": "隔离环境没有打开。"}))
    result = api.autograde(ASSIGNMENT, "*")
    assert not result["success"]
    assert "没有评成　student01：隔离环境没有打开。" in result["log"]
    assert "需要人看　student09：请看看" in result["log"]
    api, _grader = use(monkeypatch, CourseError("成绩册写不了。"))
    assert "成绩册写不了。" in api.autograde(ASSIGNMENT, "student01")["log"]


def test_no_submission_is_one_sentence(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    api, grader = use(monkeypatch, Summary())
    result = api.autograde(ASSIGNMENT, "student01")
    assert not result["success"]
    assert f"没有找到作业 {ASSIGNMENT} 的提交" in result["log"]
    assert grader.asked == []


def test_nbgraders_command_asks_it_too(classroom: Classroom, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.apps import AutogradeApp

    hand_in(classroom, "student01")
    _api, grader = use(monkeypatch, CourseError("成绩册写不了。"))
    monkeypatch.chdir(course_root())
    command = AutogradeApp()
    command.initialize([ASSIGNMENT, "--student", "student01"])
    monkeypatch.setattr(SecureAutograde, "grade", staticmethod(grader))  # the command has read the configuration anew
    with pytest.raises(SystemExit, match="1"):
        command.start()
    assert grader.asked == [(ASSIGNMENT, ["student01"], False)]


def test_teachers_cells_are_stripped() -> None:
    cells = [new_markdown_cell("keep"), new_markdown_cell("go", metadata={"tags": ["instructor"]})]
    stripped, _resources = StripInstructorCells().preprocess(nbformat.v4.new_notebook(cells=cells), {})
    assert [cell.source for cell in stripped.cells] == ["keep"]


# --- a graded class and its pages ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """Hostile work and wrong work of all kinds, graded by the real grader as formgrader does it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_CLASSROOM", str(tmp_path_factory.mktemp("graded")))
        room = Classroom.here()
        room.create()
        released = release(ASSIGNMENT) / f"{NOTEBOOK}.ipynb"
        for student, answers in {**wrong_answers(), "hostile": hostile_answers()}.items():
            notebook = nbformat.read(released, as_version=4)
            put_in(notebook, answers)
            if student == "hostile":
                make_hostile(notebook)
            hand_in(room, student, nbformat.writes(notebook))
        result = nbgrader_api().autograde(ASSIGNMENT, "*")
        assert result["success"], result
        yield room


def whole(task: str, code: Any) -> str:
    return code(A04.solution(task)) if callable(code) else code


def wrong_answers() -> dict[str, dict[str, str]]:
    return {
        "misconceived": {task: whole(task, rows[0][1]) for task, rows in WRONG.items()},
        "malformed": {task: whole(task, rows[-1][1]) for task, rows in WRONG.items()},
        "untouched": {},
        "crashed": {task: f"{A04.solution(task)}\n1 / 0" if task != "a04-1" else "1 / 0" for task in A04.tasks},
        "unfit": {  # what breaks a test in its middle
            **{task: A04.solution(task) for task in A04.tasks},
            "a04-1": f"{A04.solution('a04-1')}\npurchases['date'] = [[]] * len(purchases)",
            "a04-3": f"{A04.solution('a04-3')}\nsegments = segments.map(lambda name: [name])",
            "a04-6": f"{A04.solution('a04-6')}\nprofile['monetary'] = 'viel'",
        },
    }


def hostile_answers() -> dict[str, str]:
    answers = {task: A04.solution(task) for task in A04.tasks}
    answers["a04-1"] += f"\nPWN = {HOSTILE!r}\n{DISPLAYS}"
    answers["a04-2"] = FORGED  # no answer, but output that looks like a test's
    answers["a04-7-memo"] = HOSTILE + HONEST
    return answers


def put_in(notebook: Any, answers: dict[str, str]) -> None:
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = answers.get(grade_id.removesuffix("-solution"), cell.source)


def make_hostile(notebook: Any) -> None:
    """Cells of the student's own, and tests with output and attachments forged in the file."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/html": "<script>pwn()</script>"})]
            cell.metadata.tags = ["pwn"]
    own = [new_markdown_cell(HOSTILE + HONEST), new_raw_cell(HOSTILE), new_code_cell(FORGED)]
    own[0].attachments = {"x.png": {"image/svg+xml": "pwn"}}
    notebook.cells += own


def feedback(room: Classroom, student: str) -> str:
    result = nbgrader_api().generate_feedback(ASSIGNMENT, student, force=True)
    assert result["success"], result
    return (room.course / "feedback" / student / ASSIGNMENT / f"{NOTEBOOK}.html").read_text("utf-8")


def formgraders_page(room: Classroom, student: str) -> str:
    """What formgrader's handler writes: its exporter, with its configuration."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

    file = room.course / "autograded" / student / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    resources = dict.fromkeys(("index", "total"), 0) | dict.fromkeys(("base_url", "notebook_id", "submission_id"), "x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(course_root() / "course/hub/jupyter"))  # as the spawner does
        patch.chdir(course_root())
        extension = FormgradeExtension()
        extension.root_dir = str(room.course)
        extension.initialize([], root=str(course_root()))
        assert extension.debug is False  # the page would show the gradebook's address
        page, _resources = HTMLExporter(config=extension.config).from_filename(str(file), resources=resources)
    assert "scoring-buttons" in page
    return page


PAGES = pytest.mark.parametrize("page_of", [feedback, formgraders_page])


@PAGES
def test_nothing_of_a_students_runs_or_loads_on_a_page(graded: Classroom, page_of: Any) -> None:
    tree = BeautifulSoup(page_of(graded, "hostile"), "html.parser")
    assert "pwn()" in tree.get_text()  # it is shown: as code, and as printed text
    values = [str(value) for tag in tree.find_all(True) for value in tag.attrs.values()]
    assert [value for value in values if "pwn" in value] == []
    running = tree.find_all(["script", "style", "iframe", "object", "embed", "svg", "math", "meta", "form", "link"])
    assert [tag for tag in running if "pwn" in str(tag)] == []
    notebook = tree.select_one("#notebook-container")
    assert notebook is not None
    assert not [name for tag in notebook.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert notebook.find_all(["script", "style", "iframe", "object", "embed", "svg", "form", "meta", "link"]) == []


@PAGES
def test_what_belongs_into_an_answer_survives(graded: Classroom, page_of: Any) -> None:
    tree = BeautifulSoup(page_of(graded, "hostile"), "html.parser")
    assert tree.find("strong", string="重点")
    assert "$a<b$" in tree.get_text()
    assert "$$\\sum_{i=1}^n x_i$$" in tree.get_text()
    links = {link.get("href") for link in tree.find_all("a")}
    assert {"https://example.org/a", "/book/book/glossary.html#term-rfm"} <= links
    cell = tree.find("td", string="12")
    assert cell is not None
    assert cell["style"] == "text-align:right"
    assert tree.find("table", class_="dataframe")
    assert tree.select("div.highlight span.k")


@PAGES
def test_a_tests_output_is_the_judges_alone(graded: Classroom, page_of: Any) -> None:
    """A student's output that looks like a test's stays with the student's cell, and earns nothing."""
    file = graded.course / "autograded/hostile" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    cells = {cell.id: cell for cell in nbformat.read(file, as_version=4).cells}
    assert "全部正确" in str(cells["a04-2-solution"].outputs)
    (output,) = cells["a04-2-test"].outputs
    assert output.output_type == "error"
    assert "找不到 `rfm_table`" in output.evalue
    for task in A04.tasks:
        assert "全部正确" not in str(cells[f"{task}-test"].outputs)
        assert "pwn" not in str(cells[f"{task}-test"])
    notebook = nbgrader_api().gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, "hostile")
    assert {grade.name: grade.auto_score for grade in notebook.grades}["a04-2-test"] == 0
    assert "找不到 `rfm_table`" in BeautifulSoup(page_of(graded, "hostile"), "html.parser").get_text()


# --- feedback tells what failed, and nothing more --------------------------------------------------------------------

REGION = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)


def hidden_lines() -> set[str]:
    """Lines that stand only in hidden tests."""
    code = "\n".join(cell.source for cell in A04.cells)
    hidden = {line.strip() for found in REGION.findall(code) for line in found.splitlines()}
    return {line for line in hidden - {line.strip() for line in REGION.sub("", code).splitlines()} if len(line) > 20}


@pytest.mark.parametrize("student", [*wrong_answers(), "hostile"])
def test_feedback_shows_no_hidden_test_no_path_and_no_traceback_of_the_grader(graded: Classroom, student: str) -> None:
    text = BeautifulSoup(feedback(graded, student), "html.parser").get_text()
    assert [line for line in hidden_lines() if line in text] == []
    for secret in (str(course_root()), sys.prefix, str(graded.folder), "<test>", "judge.py", "checks.py", "own_rfm"):
        assert secret not in text


def test_feedback_says_points_hints_and_errors_in_chinese(graded: Classroom) -> None:
    text = BeautifulSoup(feedback(graded, "misconceived"), "html.parser").get_text()
    for told in ("得分", "检查 a04-1-test", "2.5 / 3 分", "已取消", "你的回答", "◐"):
        assert told in text
    for english in ("Score", "Grade cell", "Student's answer", "Test cell", "(Top)"):
        assert english not in text
    assert "ZeroDivisionError" in BeautifulSoup(feedback(graded, "crashed"), "html.parser").get_text()


def test_a_broken_test_is_told_without_its_inside(graded: Classroom) -> None:
    records = sorted((graded.records / ASSIGNMENT / "unfit").glob("*.json"))
    assert "测试第" in records[-1].read_text("utf-8")  # the teacher reads where
    text = BeautifulSoup(feedback(graded, "unfit"), "html.parser").get_text()
    assert "没法检查" in text
    assert "测试第" not in text


def test_a_teachers_comment_is_on_the_page(graded: Classroom) -> None:
    book = nbgrader_api().gradebook
    comment = book.find_comment("a04-7-memo", NOTEBOOK, ASSIGNMENT, "misconceived")
    comment.manual_comment = "数字**很好**，风险还要具体。"
    book.db.commit()
    tree = BeautifulSoup(feedback(graded, "misconceived"), "html.parser")
    assert tree.find("strong", string="很好")
    assert "评语：" in tree.get_text()


def test_feedback_goes_out_though_a_submission_came_without_the_exchanges_files(graded: Classroom) -> None:
    """nbgrader would stop at the first such folder and release nobody's."""
    feedback(graded, "untouched")
    result = nbgrader_api().release_feedback(ASSIGNMENT)
    assert result["success"], result
    assert len(list((graded.exchange / "crm" / "feedback").glob("*/*.html"))) >= 1


def test_the_way_back_is_taken_from_a_real_file_with_a_real_secret(tmp_path: Path) -> None:
    file = tmp_path / "submission_secret.txt"
    assert secret_of(tmp_path) == b""
    file.write_text("../../x")
    assert secret_of(tmp_path) == b""
    file.write_text("0f" * 64)
    assert secret_of(tmp_path) == b"0f" * 64
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")
    assert secret_of(tmp_path) == b""


def test_markdown_filter_keeps_text() -> None:
    assert harmless_markdown("a < b & c") == "<p>a &lt; b &amp; c</p>\n"


def test_pages_are_made_from_this_courses_templates(graded: Classroom) -> None:
    """MathJax of the book, none from outside; formulas lose links."""
    for page in (feedback(graded, "hostile"), formgraders_page(graded, "hostile")):
        sources = {tag["src"] for tag in BeautifulSoup(page, "html.parser").select("script[src]")}
        assert all(source.startswith(("/book/", "x/")) for source in sources), sources
        assert "harmless" in page
