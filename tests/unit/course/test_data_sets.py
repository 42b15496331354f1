"""What holds for every data set of the course."""

import re
from pathlib import Path

import pandas as pd
import pytest

from course import data as building
from crmlab import data, generate
from crmlab.paths import course_root

LARGEST = 6_000_000  # bytes of one data set: the whole course stays quick to clone


@pytest.mark.parametrize("name", generate.NAMES)
def test_a_rebuild_is_sound_and_gives_the_committed_bytes(name: str, tmp_path: Path) -> None:
    folder = course_root() / "datasets" / name
    rows = building.build(name, tmp_path)
    built = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert built == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sum(map(len, built.values())) < LARGEST
    assert all(count > 0 for count in rows.values())
    assert building.validate(name, tmp_path) == []


@pytest.mark.parametrize("name", generate.NAMES)
def test_a_draw_is_like_what_is_published(name: str) -> None:
    published, mine = data.load(name), data.draw(name, "s2025001")
    assert list(mine) == list(published)
    assert mine.as_of == published.as_of == generate.recipe(name).as_of
    for table in published:
        assert mine[table].dtypes.to_dict() == published[table].dtypes.to_dict(), table
        missing = {column for column in mine[table] if mine[table][column].isna().any()}
        declared = {
            field["name"]
            for resource in data.package(name)["resources"]
            if resource["name"] == table
            for field in resource["schema"]["fields"]
            if not field.get("constraints", {}).get("required")
        }
        assert missing <= declared, table


@pytest.mark.parametrize("name", generate.NAMES)
def test_each_student_gets_tables_of_his_own(name: str) -> None:
    mine, again, other = (data.draw(name, student) for student in ("s2025001", " S2025001 ", "s2025002"))
    for table in mine:
        pd.testing.assert_frame_equal(mine[table], again[table])
    assert any(not mine[table].equals(other[table]) for table in mine)


@pytest.mark.parametrize("name", generate.NAMES)
def test_the_truth_is_one_table_by_id(name: str) -> None:
    truth = data.truth(name)
    assert truth.index.is_unique
    assert truth.index.name
    assert len(truth.columns) > 0


@pytest.mark.parametrize("name", generate.NAMES)
def test_the_example_on_the_card_runs(name: str) -> None:
    card = (course_root() / "datasets" / name / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    found: dict[str, object] = {}
    exec(code, found)
    assert any(isinstance(value, data.Tables) and value.name == name for value in found.values())


@pytest.mark.parametrize("name", generate.NAMES)
def test_every_column_is_explained(name: str) -> None:
    described = data.package(name)
    assert described["title"]
    assert {licence["name"] for licence in described["licenses"]} == {"CC-BY-4.0"}
    for resource in described["resources"]:
        assert resource["description"].endswith("。"), resource["name"]
        for field in resource["schema"]["fields"]:
            assert len(field.get("description", "")) >= 2, (resource["name"], field["name"])
