"""Notebook files: lines in the JSON text, the one form, editions."""

import json
from pathlib import Path
from typing import Any

import pytest

from course import notebooks
from course.model import CourseFileError
from course.notebooks import Json


def notebook(*cells: Json, **top: Any) -> Json:
    return {"cells": list(cells), "metadata": notebooks.METADATA, "nbformat": 4, "nbformat_minor": 5, **top}


def markdown(source: str, cell_id: str = "m1", **metadata: Any) -> Json:
    return {"cell_type": "markdown", "id": cell_id, "metadata": metadata, "source": source.splitlines(keepends=True)}


def code(source: str, cell_id: str = "c1", **metadata: Any) -> Json:
    extra = {"outputs": [], "execution_count": None}
    return {**markdown(source, cell_id, **metadata), "cell_type": "code", **extra}


def written(folder: Path, data: Json, **layout: Any) -> Path:
    path = folder / "n.ipynb"
    path.write_text(json.dumps(data, ensure_ascii=False, **layout) if layout else notebooks.dumps(data), "utf-8")
    return path


def used() -> Json:
    """A notebook as it comes from a day of work."""
    return notebook(
        markdown("# 标题\n正文", "a", collapsed=True),
        code("1 + 1", "a", tags=["ex-04-1"], scrolled=True)
        | {"outputs": [{"output_type": "execute_result", "data": {}, "metadata": {}, "execution_count": 3}]}
        | {"execution_count": 3},
        code("2", "bad id!", nbgrader={"grade": True}, crm={"objectives": ["CO1"]}),
        metadata={**notebooks.METADATA, "widgets": {}, "kernelspec": {"name": "conda-env"}},
    )


# ---------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("layout", [{"indent": 1}, {"indent": 4}, {"separators": (",", ":")}, {"sort_keys": True}])
def test_cells_are_found_in_any_layout(tmp_path: Path, layout: dict[str, Any]) -> None:
    decoy = '"cells": [{"id": "x"}]'
    path = written(
        tmp_path, notebook(markdown(decoy, "a"), code("x = {}\ny = []", "b"), other={"cells": [1]}), **layout
    )
    read = notebooks.read(path, "n.ipynb")
    assert [cell.id for cell in read.cells] == ["a", "b"]
    assert [json.JSONDecoder().raw_decode(read.text, cell.start)[0]["id"] for cell in read.cells] == ["a", "b"]
    assert read.cells[0].source == decoy


def test_lines_point_into_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, notebook(markdown("# 一\n\n重复的话", "a"), code("x = 1\npath = '重复的话'", "b")))
    read = notebooks.read(path, "n.ipynb")
    lines = read.text.splitlines()
    first, second = read.cells
    assert lines[read.line(first) - 1].strip() == "{"
    assert "重复的话" in lines[read.line(first, "重复的话") - 1]
    assert "path" in lines[read.line(second, "path = '重复的话'") - 1]
    assert read.line(first, "path") == read.line(first)  # of another cell, so the cell itself
    assert str(read.finding(second, "错")).startswith(f"n.ipynb:{read.line(second)}: ")


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ('{\n "cells": [\n  {', 3, "JSON"),
        ("[]", 1, "不是 notebook"),
        ('{"cells": 3}', 1, "不是 notebook"),
        ('{"cells": [], "nbformat": 4, "nbformat_minor": 4}', 1, "4.5"),
    ],
)
def test_broken_files(tmp_path: Path, text: str, line: int, part: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseFileError) as caught:
        notebooks.read(path, "n.ipynb")
    assert str(caught.value).startswith(f"n.ipynb:{line}: ")
    assert part in str(caught.value)


# --------------------------------------------------------------------------------------------------------- one form


def test_strip_brings_the_one_form(tmp_path: Path) -> None:
    path = written(tmp_path, used(), indent=4)
    assert notebooks.strip(path)
    kept = notebooks.read(path, "n.ipynb")
    assert list(notebooks.form_findings(kept)) == []
    assert kept.data["metadata"] == notebooks.METADATA
    assert [cell.source for cell in kept.cells] == ["# 标题\n正文", "1 + 1", "2"]
    assert [cell.metadata for cell in kept.cells] == [
        {},
        {"tags": ["ex-04-1"]},
        {"crm": {"objectives": ["CO1"]}, "nbgrader": {"grade": True}},
    ]
    assert kept.cells[0].id == "a"
    assert len({cell.id for cell in kept.cells}) == 3


def test_strip_twice_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, used())
    notebooks.strip(path)
    before = path.read_bytes()
    assert not notebooks.strip(path)
    assert path.read_bytes() == before
    other = tmp_path / "other"
    other.mkdir()
    again = written(other, used())
    notebooks.strip(again)
    assert again.read_bytes() == before  # made-up ids depend on the content alone


def test_layout_is_nbformats(tmp_path: Path) -> None:
    import nbformat

    path = written(tmp_path, notebook(markdown("# 题\n\n文", "a"), code("x = 1", "b", tags=["quiz"])))
    text = path.read_text(encoding="utf-8")
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text
    nbformat.validate(json.loads(text))


def test_attachments_are_kept() -> None:
    cell = markdown("![图](attachment:a.png)") | {"attachments": {"a.png": {"image/png": "AA=="}}}
    assert notebooks.canonical(notebook(cell))["cells"][0]["attachments"] == cell["attachments"]


def test_form_findings_name_cell_and_remedy(tmp_path: Path) -> None:
    read = notebooks.read(written(tmp_path, used()), "chapters/n.ipynb")
    told = [str(finding) for finding in notebooks.form_findings(read)]
    first, second, third = (read.line(cell) for cell in read.cells)
    for line, part in (
        (first, "collapsed"),
        (second, "scrolled"),
        (second, "带着输出"),
        (second, "运行序号"),
        (second, "id a 重复"),
        (third, "没有合格的 id"),
        (read.line_of("metadata"), "kernelspec"),
    ):
        assert any(s.startswith(f"chapters/n.ipynb:{line}: ") and part in s for s in told), (part, told)
    assert all("course strip chapters/n.ipynb" in sentence for sentence in told)


# --------------------------------------------------------------------------------------------------------- editions


def test_teachers_cells_can_be_left_out() -> None:
    data = notebook(markdown("学生", "a"), markdown("教师", "b", tags=["instructor"]))
    assert [cell["id"] for cell in notebooks.without_tag(data)["cells"]] == ["a"]
    assert len(data["cells"]) == 2


def test_markdown_can_be_mapped() -> None:
    data = notebook(markdown("a\nb"), code("a"))
    changed = notebooks.map_markdown(data, str.upper)
    assert [notebooks.source_of(cell) for cell in changed["cells"]] == ["A\nB", "a"]
    assert notebooks.source_of(data["cells"][0]) == "a\nb"
