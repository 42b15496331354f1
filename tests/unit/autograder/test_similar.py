"""Similar work: copies are found however they are dressed, independent work and given code are left alone."""

import io
import itertools
import random
import re

import pytest
from copydetect.detector import CodeFingerprint, compare_files
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from autograder import report, similar, statistics
from autograder.records import Fingerprint, Record
from tests.notebooks.a04_answers import RIGHT
from tests.notebooks.playing import Assignment

STUB = "# 在这里写你的代码\nraise NotImplementedError\n"


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, str]]:
    """Three independent right solutions of a04: task -> code."""
    a04 = Assignment("a04-segmentation/segmentation.ipynb")
    reference = {task: a04.solution(task) for task in a04.tasks}
    return {"reference": reference} | {
        name: {task: str(RIGHT[task][place][1]) for task in reference} for name, place in (("library", 0), ("own", 1))
    }


@pytest.fixture(scope="module")
def reference(answers) -> dict[str, str]:
    return answers["reference"]


def record(student: str, code: dict[str, str], extra: str = "", file: str = "") -> Record:
    """A submission with ``code`` (task -> solution); ``extra`` is a cell of the student's own in the first task."""
    cells = []
    for number, (task, text) in enumerate(code.items()):
        cells.append(cell(f"{task}-solution", text, solution=True, grade=False))
        if extra and number == 0:
            cells.append(cell("own-1", extra))
        cells.append(cell(f"{task}-test", "", solution=False, grade=True, grade_id=f"{task}-test"))
    made_from = Fingerprint(file or student, "t", "d", "e")
    return Record("a", student, "n", made_from, "", "", [], [], [], [], 1, 1, 1, {"cells": cells})


def cell(name: str, source: str, **marks) -> dict:
    return {"id": name, "cell_type": "code", "source": source, "metadata": {"nbgrader": marks} if marks else {}}


def pair_of(one: dict[str, str], two: dict[str, str], **settings) -> similar.Pair | None:
    found = similar.similar([record("ann", one), record("bob", two)], {}, **settings)
    return found[0] if found else None


def renamed(code: str) -> str:
    names = (
        "lines net valid quintile values ranks ordered kinds ranked before ascending dormant rest fifth groups features"
    )
    for number, name in enumerate(names.split()):
        code = re.sub(rf"(?<![\w.\"']){name}(?![\w\"'])", f"n{number}_longer", code)
    return code


def commented(code: str) -> str:
    return "# 我自己写的\n" + "".join(
        f"{line}  # 第 {n} 行\n" if line.strip() else "\n\n" for n, line in enumerate(code.split("\n"))
    )


def reflowed(code: str) -> str:
    return code.replace(", ", ",").replace(" = ", "=").replace("(\n", "(").replace('"', "'")


def reordered(code: str) -> str:
    return "\n\n".join(reversed(code.split("\n\n")))


def personal(seed: int, lines: int = 40) -> str:
    """Code that nobody else writes."""
    rng = random.Random(seed)

    def term(depth: int) -> str:
        if depth == 0:
            return rng.choice(["x", "t", str(rng.randint(1, 99))])
        shape = rng.choice(["{}.m({})", "({} - {})", "[{}, {}]", "f({}, k={})", "{}[{}]", "({} if y else {})"])
        return shape.format(term(depth - 1), term(depth - 1))

    return "\n".join(f"v = {term(3)}" for _ in range(lines))


@pytest.mark.parametrize("dress", [renamed, commented, reflowed, lambda code: commented(renamed(code))])
def test_names_comments_and_layout_hide_nothing(reference, dress):
    copy = {task: dress(code) for task, code in reference.items()}
    assert copy != reference
    found = pair_of(reference, copy)
    assert found is not None
    assert found.share == 1
    assert found.cells == tuple(reference)


def test_another_order_of_statements_hides_little(reference):
    copy = {task: reordered(code) for task, code in reference.items()}
    found = pair_of(reference, copy)
    assert found is not None
    assert found.share > 0.9


def test_code_moved_to_a_cell_of_ones_own_is_found(reference):
    moved = record("bob", dict.fromkeys(reference, "pass"), extra="\n".join(reference.values()))
    (found,) = similar.similar([record("ann", reference), moved], {})
    assert found.share > 0.95


def test_independent_solutions_are_far_from_a_copy(answers):
    for one, two in itertools.combinations(answers.values(), 2):
        assert pair_of(one, two) is None
        near = pair_of(one, two, least=0.01)
        assert near is None or near.share < 0.35


def test_a_copied_task_in_other_work_is_named(answers):
    mixed = answers["own"] | {"a04-3": renamed(answers["reference"]["a04-3"])}
    found = pair_of(answers["reference"], mixed, least=0.2)
    assert found is not None
    assert "a04-3" in found.cells
    assert not {"a04-1", "a04-5", "a04-6"} & set(found.cells)
    assert found.fragments[0].task == "a04-3"


def test_a_small_work_copied_from_a_large_one_is_found(answers):
    part = {"a04-1": answers["reference"]["a04-1"]}
    found = pair_of(part, answers["reference"])
    assert found is not None
    assert found.share > 0.9
    assert found.cells == ("a04-1",)


def test_given_code_alone_makes_no_pair(reference):
    released = {f"{task}-solution": code for task, code in reference.items()}
    everybody = [record(name, reference) for name in ("ann", "bob")]
    assert similar.similar(everybody, {}) != []
    assert similar.similar(everybody, released) == []


def test_given_code_copied_to_another_cell_makes_no_pair(reference):
    released = {"intro": "\n".join(reference.values())}
    code = "\n".join(reference.values())
    assert similar.similar([record(name, {"a-1": code}) for name in ("ann", "bob")], released) == []


def test_short_answers_make_no_pair():
    assert pair_of({"a-1": "k = 4\nprint(k)"}, {"a-1": "k = 4\nprint(k)"}) is None


def test_what_many_wrote_does_not_count(reference):
    """Nine of nine use the textbook's code, each with work of one's own; two of them share that too."""
    common = "\n".join(reference.values())
    own = {f"s{i}": personal(i) for i in range(8)} | {"s8": personal(7)}
    records = [record(name, {"a-1": common, "a-2": code}) for name, code in own.items()]
    found = similar.similar(records, {})
    assert [(pair.first, pair.second) for pair in found] == [("s7", "s8")]
    assert found[0].cells == ("a-2",)


def test_a_clique_does_not_hide_itself_by_its_number(reference):
    """Three of five with the same code are one voice, not the course's pattern."""
    records = [
        record(name, {"a-1": renamed(text)})
        for name, text in zip("abc", ["\n".join(reference.values())] * 3, strict=True)
    ]
    records += [record(name, {"a-1": personal(place)}) for place, name in enumerate("de")]
    assert [(pair.first, pair.second) for pair in similar.similar(records, {})] == [("a", "b"), ("a", "c"), ("b", "c")]


def test_the_same_file_is_told_even_if_short():
    code = {"a-1": "k = 4"}
    (found,) = similar.similar([record("bob", code, file="f"), record("ann", code, file="f"), record("cat", code)], {})
    assert (found.first, found.second, found.same_file, found.share) == ("ann", "bob", True, 1)
    assert "完全相同" in similar.next_step(found)


def test_the_same_untouched_file_is_no_pair():
    released = {"a-1-solution": STUB}
    assert similar.similar([record(name, {"a-1": STUB.strip()}, file="f") for name in "ab"], released) == []


@pytest.mark.parametrize("records", [[], [record("ann", {"a-1": "x = 1"})], [record("ann", {}), record("bob", {})]])
def test_nobody_to_compare_with_gives_none(records):
    assert similar.similar(records, {"a-1-solution": STUB}) == []


def test_tokens_and_share_are_those_of_the_library(answers):
    """Without anything given, for one cell each: what copydetect's own comparison says."""
    one, two = ("\n".join(answers[name].values()) for name in ("reference", "own"))
    prints = [
        CodeFingerprint("x.py", similar.GRAM, 1, fp=io.StringIO(text))
        for text in (one + personal(1), two + personal(1))
    ]
    tokens, shares, _slices = compare_files(*prints)
    found = pair_of({"a-1": prints[0].raw_code}, {"a-1": prints[1].raw_code}, least=0.01)
    assert found is not None
    assert found.share == pytest.approx(max(shares))
    assert found.tokens <= tokens


def test_fragments_stand_side_by_side_as_written(reference):
    found = pair_of({"a-1": "# 开头\n\n" + reference["a04-5"]}, {"a-1": "\n\nx = 1\n" + renamed(reference["a04-5"])})
    assert found is not None
    first, second = found.fragments[0].first.split("\n"), found.fragments[0].second.split("\n")
    assert first[0] == "ordered = rfm_table.sort_index()"
    assert second[0] == renamed(first[0])
    assert 'tier[dormant] = "休眠"' in first
    assert renamed('tier[dormant] = "休眠"') in second


def test_at_most_five_short_fragments(reference):
    long = "\n".join(personal(1, 200).splitlines()) + "\ny = '" + "长" * 5000 + "'"
    pieces = {f"a-{i}": personal(i) for i in range(7)} | {"b": long}
    found = pair_of(pieces, pieces)
    assert found is not None
    assert len(found.fragments) == 5
    for fragment in found.fragments:
        assert len(fragment.first.split("\n")) <= 15
        assert max(map(len, fragment.first.split("\n"))) <= 161


@settings(max_examples=15)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 3), min_size=2, max_size=6))
def test_order_of_records_changes_nothing(shuffler, seeds):
    records = [record(f"s{i}", {"a-1": personal(seed, 12)}) for i, seed in enumerate(seeds)]
    first = similar.similar(records, {})
    shuffler.shuffle(records)
    assert similar.similar(records, {}) == first
    assert all(0 <= pair.share <= 1 and pair.first < pair.second for pair in first)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_can_be_compared(one, two):
    base = personal(1, 10)
    found = similar.similar(
        [record("ann", {"a-1": one + "\n" + base}), record("bob", {"a-1": two + "\n" + base})], {}, 0.01
    )
    assert all(pair.fragments for pair in found)


HOSTILE = "x = '<script>alert(1)</script>'  # \u202e </pre><img src=x onerror=y>"


def test_page_escapes_code_and_turns_no_writing(reference):
    code = {"a-1": "\n".join(f"{HOSTILE}\nv{i} = [f(x, {i}), g.h(x)[{i}:], {{'k': {i}}}]" for i in range(9))}
    pairs = similar.similar([record("ann<b>", code), record("bob", code)], {})
    page = report.page(statistics.statistics([]), pairs, "作业")
    assert "&lt;script&gt;" in page
    assert "ann&lt;b&gt;" in page
    for forbidden in ("<script", "<img", "<b>", "\u202e", "http:", "https:"):
        assert forbidden not in page


def test_every_pair_stands_beside_what_to_do_next(reference):
    pairs = similar.similar([record(name, reference) for name in ("ann", "bob")], {})
    console = Console(width=220, record=True, file=io.StringIO())
    console.print(similar.table(pairs))
    text = console.export_text()
    assert "ann · bob" in text
    assert "100%" in text
    assert "再分别请两人讲讲自己的思路" in text
    assert "线索，不是结论" in text
    assert similar.next_step(pairs[0]) in report.page(statistics.statistics([]), pairs, "作业")
