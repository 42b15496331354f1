"""Loading, drawing and checking data sets."""

import copy
import hashlib
import pickle
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course import data as building
from course.cli import app
from crmlab import data
from crmlab.errors import CourseError
from crmlab.paths import course_root

STUDENT_IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,31}", fullmatch=True)
# A change here changes the marks of students who already work: raise the version in datapackage.json.
DRAW_OF_DEMO = "7c55124d6ae40629309fcfb5aca2294b63f0128801f8345ea64e598852302903"


@pytest.fixture(scope="module")
def shop() -> data.Tables:
    return data.load("ecommerce")


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data set that a test may damage, where ``load`` looks for it."""
    folder = tmp_path / "datasets" / "ecommerce"
    shutil.copytree(course_root() / "datasets" / "ecommerce", folder)
    monkeypatch.setenv("CRM_COURSE_ROOT", str(tmp_path))
    return folder


def fingerprint(tables: data.Tables) -> str:
    schemas = {resource["name"]: resource["schema"] for resource in data.package(tables.name)["resources"]}
    content = b"".join(building.csv_bytes(tables[table], schemas[table]) for table in schemas)
    return hashlib.sha256(content).hexdigest()


# --- Tables -----------------------------------------------------------------------------------------------


def test_tables_by_attribute_and_item(shop: data.Tables) -> None:
    assert list(shop) == ["customers", "products", "orders", "items", "reviews", "referrals"]
    assert len(shop) == 6
    assert shop.orders is shop["orders"]
    assert "orders" in shop
    assert "orders" in dir(shop)
    assert shop.name == "ecommerce"
    assert shop.as_of == pd.Timestamp("2025-12-31")
    assert len(repr(shop)) < 160
    assert "40077" in repr(shop)


def test_tables_are_frozen_and_can_be_copied(shop: data.Tables) -> None:
    with pytest.raises(AttributeError):
        shop.name = "other"  # type: ignore[misc]
    for other in (copy.copy(shop), pickle.loads(pickle.dumps(shop))):
        pd.testing.assert_frame_equal(other.orders, shop.orders)


def test_wrong_table_names_the_right_ones(shop: data.Tables) -> None:
    with pytest.raises(AttributeError, match=r"没有表“order”，可用的表：customers、products、orders"):
        _ = shop.order
    with pytest.raises(CourseError, match=r"没有表“order”"):
        shop["order"]
    assert not hasattr(shop, "order")


def test_dtypes_follow_the_schema(shop: data.Tables) -> None:
    assert shop.customers["customer_id"].dtype == "str"
    assert shop.customers["marketing_consent"].dtype == "bool"
    assert shop.customers["member_since"].dtype == "datetime64[us]"
    assert shop.orders["ordered_at"].dtype == "datetime64[us]"
    assert shop.items["quantity"].dtype == "int64"
    assert shop.items["unit_price"].dtype == "float64"
    assert not any(frame.isna().any().any() for frame in shop.frames.values())
    assert (shop.orders["promotion"] == "").any()


# --- load -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ecomerce", "", "../datasets/ecommerce", "ECOMMERCE"])
def test_unknown_data_set(name: str) -> None:
    for function in (data.load, data.package, lambda wrong: data.draw(wrong, "demo")):
        with pytest.raises(CourseError, match=r"可用的有：.*ecommerce"):
            function(name)
    with pytest.raises(CourseError, match=r"没有生成程序.*ecommerce"):
        building.build(name)


def test_half_a_file(damaged: Path) -> None:
    path = damaged / "orders.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError) as caught:
        data.load("ecommerce")
    message = str(caught.value)
    for part in ("ecommerce", str(path), str(len(whole)), str(len(whole) // 2), "course data build ecommerce"):
        assert part in message
    assert message.count("。") == 1


def test_missing_file(damaged: Path) -> None:
    (damaged / "items.csv").unlink()
    with pytest.raises(CourseError, match=r"缺少文件 .*items\.csv.*course data build ecommerce"):
        data.load("ecommerce")


def test_edited_file_of_the_same_size(damaged: Path) -> None:
    path = damaged / "orders.csv"
    path.write_bytes(path.read_bytes().replace(b"completed", b"Completed", 1))
    with pytest.raises(CourseError, match=r"orders\.csv 被改动.*course data build ecommerce"):
        data.load("ecommerce")


@pytest.mark.parametrize("content", [None, "{", ""])
def test_broken_description(damaged: Path, content: str | None) -> None:
    path = damaged / "datapackage.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(CourseError, match=r"说明文件 .*datapackage\.json 无法读取"):
        data.load("ecommerce")


# --- draw and student ids ---------------------------------------------------------------------------------


def test_draw_is_pinned() -> None:
    assert fingerprint(data.draw("ecommerce", "demo")) == DRAW_OF_DEMO


def test_draw_has_the_structure_of_the_published_data(shop: data.Tables) -> None:
    mine = data.draw("ecommerce", "s2025001")
    assert list(mine) == list(shop)
    assert mine.as_of == shop.as_of
    for table in shop:
        pd.testing.assert_series_equal(mine[table].dtypes, shop[table].dtypes)
    pd.testing.assert_frame_equal(mine.products, shop.products)
    assert len(mine.customers) == 1000
    assert not set(mine.customers["customer_id"]) & set(shop.customers["customer_id"])


@settings(max_examples=12)
@given(STUDENT_IDS)
def test_same_student_same_draw(student: str) -> None:
    first, second = data.draw("ecommerce", student), data.draw("ecommerce", f" {student.upper()}\n")
    for table in first:
        pd.testing.assert_frame_equal(first[table], second[table])


@settings(max_examples=12)
@given(STUDENT_IDS, STUDENT_IDS)
def test_two_students_differ(one: str, other: str) -> None:
    if one != other:
        ours, theirs = (data.purchases(data.draw("ecommerce", student)) for student in (one, other))
        assert not ours.equals(theirs)


@pytest.mark.parametrize(
    "text", ["../x", "张 三", "", "   ", "a" * 40, "A B", "x/y", ".hidden", "-x", "a\x00b", "a\nb", "\u212a", "ａ"]
)
def test_strange_student_ids(text: str) -> None:
    for function in (data.check_student_id, lambda wrong: data.draw("ecommerce", wrong)):
        with pytest.raises(CourseError, match=r"^学号 .* 不可用：[^。\n]*。$"):
            function(text)


@pytest.mark.parametrize("value", [20250001, None, b"s1"])
def test_student_id_must_be_text(value: object) -> None:
    with pytest.raises(CourseError, match="带引号的文字"):
        data.check_student_id(value)  # type: ignore[arg-type]


@given(st.text(max_size=50))
def test_any_text_is_normalised_or_refused(text: str) -> None:
    try:
        normal = data.check_student_id(text)
    except CourseError:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,31}", normal)
    assert data.check_student_id(normal) == normal


def test_student_id_of_this_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_STUDENT_ID", raising=False)
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    assert data.student_id() == "demo"
    monkeypatch.setenv("JUPYTERHUB_USER", "S01")
    assert data.student_id() == "s01"
    monkeypatch.setenv("CRM_STUDENT_ID", "s02")
    assert data.student_id() == "s02"
    monkeypatch.setenv("CRM_STUDENT_ID", "../s02")
    with pytest.raises(CourseError):
        data.student_id()


# --- purchases --------------------------------------------------------------------------------------------


def small_shop() -> data.Tables:
    """Four orders of one customer: kept, partly returned, returned, cancelled."""
    orders = pd.DataFrame(
        {
            "order_id": ["O1", "O2", "O3", "O4"],
            "customer_id": ["C1"] * 4,
            "ordered_at": pd.to_datetime(
                ["2025-01-02 23:59", "2025-03-04 00:00", "2025-05-06 12:00", "2025-07-08 12:00"]
            ),
            "status": ["completed", "partly_returned", "returned", "cancelled"],
        }
    )
    items = pd.DataFrame(
        {
            "order_id": ["O1", "O1", "O2", "O3", "O4"],
            "quantity": [2, 1, 3, 1, 1],
            "unit_price": [19.9, 100.0, 10.0, 50.0, 60.0],
            "discount": [0.3, 0.0, 0.1, 0.0, 0.0],
            "returned_quantity": [0, 0, 1, 1, 0],
        }
    )
    return data.Tables("small", pd.Timestamp("2025-12-31"), {"orders": orders, "items": items})


def test_purchases_by_hand() -> None:
    found = data.purchases(small_shop())
    assert found.columns.tolist() == ["customer_id", "order_id", "date", "amount"]
    assert found["order_id"].tolist() == ["O1", "O2"]
    assert found["amount"].tolist() == [127.86, 18.0]
    assert found["date"].tolist() == [pd.Timestamp("2025-01-02"), pd.Timestamp("2025-03-04")]


def test_purchases_of_the_shop(shop: data.Tables) -> None:
    found = data.purchases(shop)
    assert found["order_id"].is_unique
    assert (found["amount"] > 0).all()
    assert (found["date"] == found["date"].dt.normalize()).all()
    assert found.index.equals(pd.RangeIndex(len(found)))


@pytest.mark.parametrize("wrong", [None, pd.DataFrame(), data.Tables("x", pd.Timestamp("2025-12-31"), {})])
def test_purchases_need_a_shop(wrong: object) -> None:
    with pytest.raises(CourseError, match="orders 与 items"):
        data.purchases(wrong)  # type: ignore[arg-type]


# --- build and check --------------------------------------------------------------------------------------


def test_rebuild_gives_the_same_bytes(tmp_path: Path) -> None:
    committed = course_root() / "datasets" / "ecommerce"
    building.build("ecommerce", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in committed.iterdir()}
    for path in committed.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_build_without_a_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="无法写入"):
        building.build("ecommerce", tmp_path / "file")


def test_build_needs_the_marks_of_the_card(damaged: Path) -> None:
    (damaged / "README.md").write_text("# 数据卡\n")
    (damaged / "orders.csv").unlink()
    with pytest.raises(CourseError, match=r"数据卡 .*README\.md"):
        building.build("ecommerce")
    assert not (damaged / "orders.csv").exists(), "nothing is written before all is known to be well"


def test_published_package_is_valid() -> None:
    assert building.validate("ecommerce") == []


def test_check_tells_what_is_wrong(damaged: Path) -> None:
    """A small package of the same schema, so that the check takes no time."""
    for table in ("orders", "items", "reviews", "referrals"):
        path = damaged / f"{table}.csv"
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:6]), encoding="utf-8")
    (damaged / "products.csv").unlink()
    path = damaged / "referrals.csv"
    path.write_text(re.sub(r"C\d{5},C\d{5}", "C99999,C00001", path.read_text(encoding="utf-8")), encoding="utf-8")
    path = damaged / "orders.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("completed", "done", 1), encoding="utf-8")
    found = "\n".join(building.validate("ecommerce"))
    assert "products.csv：文件无法读取" in found
    assert "orders.csv：字节数与 datapackage.json 不符" in found
    assert "orders.csv 第 2 行 列 status：值违反约束" in found
    assert "referrals.csv 第 3 行 列 referred_id：值应唯一却重复" in found
    assert "referrals.csv 第 2 行：外键在被引用的表中不存在" in found


# --- the commands -----------------------------------------------------------------------------------------


def test_catalogue_of_data_sets() -> None:
    shown = CliRunner().invoke(app, ["data", "list"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for part in ("ecommerce", "网店客户与订单", "orders\N{NO-BREAK SPACE}40,077", "04、05"):
        assert part in shown.output


def test_check_of_some_data_sets(damaged: Path) -> None:
    assert CliRunner().invoke(app, ["data", "check", "ecommerce"]).output == "数据集 ecommerce 完好。\n"
    (damaged / "products.csv").write_bytes(b"product_id\n")
    told = CliRunner().invoke(app, ["data", "check", "ecommerce"])
    assert told.exit_code == 1
    assert "ecommerce：products.csv：字节数与 datapackage.json 不符" in told.output
    (damaged / "products.csv").write_bytes(b"product_id\n\xb2\n")
    told = CliRunner().invoke(app, ["data", "check", "ecommerce"])
    assert "ecommerce：products.csv：有不是 UTF-8 的字节" in told.output


def test_build_of_a_data_set(damaged: Path) -> None:
    before = (damaged / "reviews.csv").read_bytes()
    (damaged / "reviews.csv").unlink()
    told = CliRunner().invoke(app, ["data", "build", "ecommerce"])
    assert told.output.startswith("ecommerce：customers 5000 行、products 320 行")
    assert (damaged / "reviews.csv").read_bytes() == before
