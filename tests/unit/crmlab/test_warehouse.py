"""SQL, cubes, and RFM of files: the same numbers as pandas gives."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmlab import data, rfm, warehouse
from crmlab.errors import CourseError

SALES = pd.DataFrame(
    {
        "region": ["华东", "华东", "华南", "华南", "华南"],
        "channel": ["直播", "搜索", "搜索", "搜索", "直播"],
        "order": ["O1", "O2", "O3", "O3", "O4"],
        "amount": [3.0, 4.0, 5.0, 6.0, 7.0],
    }
)


@pytest.fixture(scope="module")
def buys() -> pd.DataFrame:
    return data.purchases(data.load("ecommerce"))


@pytest.fixture
def lines(buys: pd.DataFrame, tmp_path: Path) -> Path:
    return saved(buys, tmp_path / "lines.parquet")


def saved(table: pd.DataFrame, path: Path) -> Path:
    table.to_parquet(path)
    return path


# --- SQL and cubes ----------------------------------------------------------------------------------------


def test_sql_joins_the_tables_of_a_data_set() -> None:
    shop = data.load("ecommerce")
    found = warehouse.query(
        shop.frames, "SELECT channel, count(*) AS n FROM customers GROUP BY channel ORDER BY n DESC, channel"
    )
    counts = shop.customers["channel"].value_counts()
    assert dict(zip(found["channel"], found["n"], strict=True)) == counts.to_dict()


@pytest.mark.parametrize("sql", ["SELECT nothing FROM sales", "SELEC 1"])
def test_wrong_sql_is_told(sql: str) -> None:
    with pytest.raises(CourseError, match=r"这条 SQL 无法执行："):
        warehouse.query({"sales": SALES}, sql)


def test_cube_has_every_sub_total() -> None:
    table = warehouse.cube(SALES, ["region", "channel"], {"amount": "sum", "order": "nunique"})
    assert table["level"].to_list() == [0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert table.loc[0, ["amount", "order"]].to_list() == [25.0, 4]
    regions = table[(table["level"] == 1) & table["region"].notna()].set_index("region")
    assert regions["amount"].to_dict() == {"华东": 7.0, "华南": 18.0}
    assert regions["order"].to_dict() == {"华东": 2, "华南": 2}
    leaf = table[(table["region"] == "华南") & (table["channel"] == "搜索")]
    assert leaf[["amount", "order"]].to_numpy().tolist() == [[11.0, 1]]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 99)), min_size=1, max_size=20))
@settings(max_examples=20)
def test_each_level_of_a_roll_up_sums_to_the_total(rows: list[tuple[str, str, int]]) -> None:
    table = warehouse.cube(pd.DataFrame(rows, columns=["p", "q", "v"]), ["p", "q"], {"v": "sum"}, rollup=True)
    assert set(table.groupby("level")["v"].sum()) == {sum(row[2] for row in rows)}
    assert not ((table["level"] == 1) & table["p"].isna()).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SALES, ["city"], {"amount": "sum"}), r"事实表缺少列 city"),
        ((SALES, [], {"amount": "sum"}), r"dimensions 是空的"),
        ((SALES, ["region"], {"amount": "total"}), r"amount 的汇总方式 应是 sum、.*现在是 'total'"),
    ],
)
def test_bad_cubes(arguments: tuple, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        warehouse.cube(*arguments)


# --- RFM of files -----------------------------------------------------------------------------------------


def test_the_same_numbers_as_pandas(lines: Path, buys: pd.DataFrame) -> None:
    found = warehouse.rfm_segments(lines, "2025-12-31")
    table = rfm.rfm(buys, "2025-12-31")
    scores = rfm.score(table)
    expected = table.join(scores).assign(segment=rfm.segment(scores))
    pd.testing.assert_frame_equal(found, expected)


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 12),
            st.dates(pd.Timestamp("2025-01-01").date(), pd.Timestamp("2025-12-31").date()),
            st.integers(0, 9),
        ),
        min_size=40,
        max_size=90,
    )
)
def test_ties_are_cut_as_pandas_cuts_them(rows: list[tuple], tmp_path_factory: pytest.TempPathFactory) -> None:
    table = pd.DataFrame(rows, columns=["who", "when", "worth"]).astype({"when": "datetime64[us]", "worth": float})
    assume(table["who"].nunique() >= 5)
    path = saved(table, tmp_path_factory.mktemp("ties") / "lines.parquet")
    columns = {"customer": "who", "date": "when", "amount": "worth"}
    found = warehouse.rfm_segments(path, "2025-12-31", **columns)
    expected = rfm.score(rfm.rfm(table, "2025-12-31", **columns))
    pd.testing.assert_frame_equal(found[["r", "f", "m"]], expected)


def test_several_files_by_pattern(buys: pd.DataFrame, tmp_path: Path) -> None:
    for part in range(3):
        saved(buys.iloc[part::3], tmp_path / f"part-{part}.parquet")
    found = warehouse.rfm_segments(tmp_path / "part-*.parquet", "2025-12-31")
    assert found["monetary"].sum() == pytest.approx(buys["amount"].sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount": -1.0}, r"列 amount 有 1 行是负数"),
        ({"amount": None}, r"列 amount 有 1 行是空值"),
        ({"customer_id": None}, r"列 customer_id 有 1 行是空值"),
        ({"date": pd.NaT}, r"列 date 有 1 行是空值"),
        ({"date": pd.Timestamp("2026-02-01")}, r"列 date 有 1 行晚于截止日 2025-12-31"),
    ],
)
def test_unsound_lines(buys: pd.DataFrame, tmp_path: Path, change: dict, message: str) -> None:
    table = buys.head(100).copy()
    for column, value in change.items():
        table.loc[7, column] = value
    with pytest.raises(CourseError, match=message):
        warehouse.rfm_segments(saved(table, tmp_path / "lines.parquet"), "2025-12-31")


def test_unreadable_files(buys: pd.DataFrame, lines: Path, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"none\.parquet 无法读取"):
        warehouse.rfm_segments(tmp_path / "none.parquet", "2025-12-31")
    with pytest.raises(CourseError, match=r"缺少列 who、date、amount 之一"):
        warehouse.rfm_segments(lines, "2025-12-31", customer="who")
    with pytest.raises(CourseError, match=r"文件里没有一行数据"):
        warehouse.rfm_segments(saved(buys.head(0), tmp_path / "empty.parquet"), "2025-12-31")
    few = buys[buys["customer_id"].isin(buys["customer_id"].unique()[:3])]
    with pytest.raises(CourseError, match=r"只有 3 位客户，分不成 5 档"):
        warehouse.rfm_segments(saved(few, tmp_path / "few.parquet"), "2025-12-31")
