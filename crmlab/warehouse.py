"""SQL over the course's tables, cubes, and RFM of order lines that do not fit into memory: DuckDB behind three functions.

Source of the cube: J. Gray et al., "Data Cube: A Relational Aggregation Operator Generalizing Group-By, Cross-Tab, and
Sub-Totals", *Data Mining and Knowledge Discovery* 1, 1997, 29-53.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab import inputs, rfm
from crmlab.errors import CourseError
from crmlab.i18n import _

if TYPE_CHECKING:
    import duckdb

__all__ = ["AGGREGATES", "cube", "query", "rfm_segments"]

AGGREGATES = ("sum", "mean", "min", "max", "count", "nunique")
_SQL = {"sum": "sum({0})", "mean": "avg({0})", "min": "min({0})", "max": "max({0})"} | {
    "count": "count({0})",
    "nunique": "count(DISTINCT {0})",
}
_MEMORY = "2GB"  # more is spilled to disk


def query(tables: Mapping[str, pd.DataFrame], sql: str) -> pd.DataFrame:
    """The answer of one SELECT over tables by name.

    Parameters
    ----------
    tables : frames by name: a data set (``data.load("ecommerce").frames``) or a dict
    sql : a SELECT in DuckDB's dialect

    Raises
    ------
    CourseError : the statement is wrong; the message is DuckDB's, with the place.

    >>> query({"orders": pd.DataFrame({"customer": ["C1", "C1"], "amount": [3, 4]})},
    ...       "SELECT customer, sum(amount)::INT AS amount FROM orders GROUP BY customer")
      customer  amount
    0       C1       7
    """
    import duckdb

    with _connect() as connection:
        for name, table in tables.items():
            connection.register(name, inputs.frame(table, _("表 {name} ").format(name=name)))
        try:
            return connection.sql(sql).df()
        except duckdb.Error as error:
            raise CourseError(_("这条 SQL 无法执行：{error}").format(error=str(error).strip())) from error


def cube(
    facts: pd.DataFrame,
    dimensions: Sequence[str],
    measures: Mapping[str, str],
    *,
    rollup: bool = False,
) -> pd.DataFrame:
    """Measures by every combination of the dimensions, with all sub-totals.

    Parameters
    ----------
    facts : DataFrame, one row a fact (an order line, a call, ...)
    dimensions : columns to group by
    measures : column → one of :data:`AGGREGATES`
    rollup : only the sub-totals from left to right (year, year + month, ...) instead of all combinations

    Returns
    -------
    DataFrame: the dimensions (missing where they are summed over), ``level`` (number of dimensions kept) and the measures,
    the grand total first.

    >>> sales = pd.DataFrame({"region": ["华东", "华东", "华南"], "channel": ["直播", "搜索", "搜索"], "amount": [3, 4, 5]})
    >>> cube(sales, ["region", "channel"], {"amount": "sum"})["amount"].astype(int).to_list()
    [12, 7, 5, 9, 3, 4, 3, 5]
    """
    inputs.frame(facts, _("事实表"), [*dimensions, *measures])
    if not dimensions:
        raise CourseError(_("dimensions 是空的：请至少给出一个维度列"))
    picked = [
        _SQL[inputs.choice(how, _("{column} 的汇总方式").format(column=column), AGGREGATES)].format(_name(column))
        + f" AS {_name(column)}"
        for column, how in measures.items()
    ]
    columns = ", ".join(map(_name, dimensions))
    level = " + ".join(f"(1 - GROUPING({_name(dimension)}))" for dimension in dimensions)
    groups = ", ".join(f"GROUPING({_name(dimension)})" for dimension in dimensions)
    sql = (
        f"SELECT {columns}, {level} AS level, {', '.join(picked)} FROM facts "
        f"GROUP BY {'ROLLUP' if rollup else 'CUBE'} ({columns}) ORDER BY level, {groups}, {columns}"
    )
    return query({"facts": facts}, sql)


def rfm_segments(
    lines: str | Path,
    as_of: Any,
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
) -> pd.DataFrame:
    """RFM, scores and segments from order lines in Parquet files, without loading the lines.

    The same numbers as :func:`crmlab.rfm.rfm`, :func:`~crmlab.rfm.score` and :func:`~crmlab.rfm.segment` give; only the
    table of customers comes into memory.

    Parameters
    ----------
    lines : path of a Parquet file, or a pattern such as ``"lines/*.parquet"``; one row an order line
    as_of : date-like, the day from which recency counts back
    customer, date, amount : names of the columns

    Returns
    -------
    DataFrame, index sorted by customer id: ``recency``, ``frequency``, ``monetary``, ``r``, ``f``, ``m``, ``segment``.

    Raises
    ------
    CourseError : the file or a column is missing; a missing value, a negative amount or a date after ``as_of``; fewer
        than five customers.

    >>> import duckdb
    >>> bought = pd.DataFrame({"customer_id": ["C1", "C2", "C3", "C4", "C5"], "amount": [10, 20, 30, 40, 50],
    ...                        "date": pd.date_range("2025-12-01", periods=5)})
    >>> with TemporaryDirectory() as folder:
    ...     duckdb.from_df(bought).write_parquet(f"{folder}/lines.parquet")
    ...     found = rfm_segments(f"{folder}/*.parquet", "2025-12-31")
    >>> found.loc[["C1", "C5"], ["recency", "r", "f", "m", "segment"]]
                 recency  r  f  m segment
    customer_id
    C1                30  1  1  1  一般挽留客户
    C5                26  5  5  5  重要价值客户
    """
    import duckdb

    day = inputs.day(as_of, "as_of")
    with TemporaryDirectory() as spill, _connect(**_config(spill)) as connection:
        try:
            connection.read_parquet(str(lines)).project(
                f"{_name(customer)} AS customer, CAST({_name(date)} AS DATE) AS day, CAST({_name(amount)} AS DOUBLE) AS amount"
            ).create_view("lines")
        except duckdb.Error as error:
            raise CourseError(
                _("{path} 无法读取，或缺少列 {columns} 之一：{error}").format(
                    path=lines, columns=_("、").join((customer, date, amount)), error=str(error).splitlines()[0]
                )
            ) from error
        _check(connection, day, {"customer": customer, "day": date, "amount": amount})
        connection.execute(_CUSTOMERS, [day.date()])
        found = connection.sql(_SCORES.format(bins=rfm.BINS)).df()
    if len(found) < rfm.BINS:
        raise CourseError(_("只有 {n} 位客户，分不成 {bins} 档：请使用更多客户").format(n=len(found), bins=rfm.BINS))
    found = found.set_index(pd.Index(found.pop("customer"), name=customer))
    return found.assign(segment=rfm.segment(found))


def _connect(**config: Any) -> "duckdb.DuckDBPyConnection":
    import duckdb

    connection = duckdb.connect(config=config)
    connection.execute("SET enable_progress_bar = false")  # it would write into the notebook's output
    return connection


def _config(spill: str) -> dict[str, Any]:
    return {"memory_limit": _MEMORY, "temp_directory": spill, "preserve_insertion_order": False}


# Days first: two plain groupings cost less than one that counts different days, and can be spilled.
_CUSTOMERS = """
CREATE TABLE customers AS
SELECT customer, CAST($1 - max(day) AS BIGINT) AS recency, count(*) AS frequency, round(sum(amount), 6) AS monetary
FROM (SELECT customer, day, sum(amount) AS amount FROM lines GROUP BY customer, day) GROUP BY customer
"""
# The place of each customer among n, cut into equal parts as pandas.qcut cuts ranks: place k of n belongs to part
# ceil((k - 1) * parts / (n - 1)).
_SCORES = """
WITH placed AS (
    SELECT *, count(*) OVER () - 1 AS last,
           row_number() OVER (ORDER BY recency, customer) - 1 AS by_r,
           row_number() OVER (ORDER BY frequency, customer) - 1 AS by_f,
           row_number() OVER (ORDER BY monetary, customer) - 1 AS by_m
    FROM customers)
SELECT customer, recency, frequency, monetary,
       {bins} + 1 - greatest(1, (by_r * {bins} + last - 1) // last) AS r,
       greatest(1, (by_f * {bins} + last - 1) // last) AS f,
       greatest(1, (by_m * {bins} + last - 1) // last) AS m
FROM placed ORDER BY customer
"""
_PROBLEMS = """
SELECT count(*) FILTER (customer IS NULL), count(*) FILTER (day IS NULL), count(*) FILTER (amount IS NULL),
       count(*) FILTER (amount < 0 OR NOT isfinite(amount)), count(*) FILTER (day > $1), count(*)
FROM lines
"""


def _check(connection: "duckdb.DuckDBPyConnection", as_of: pd.Timestamp, names: dict[str, str]) -> None:
    """A CourseError if a line is unsound: one pass over the files that counts what is wrong."""
    found = connection.execute(_PROBLEMS, [as_of.date()]).fetchone() or ()
    no_customer, no_day, no_amount, bad_amount, late, lines = found
    if lines == 0:
        raise CourseError(_("文件里没有一行数据：请检查导出的条件"))
    for column, rows in ((names["customer"], no_customer), (names["day"], no_day), (names["amount"], no_amount)):
        if rows:
            raise CourseError(_("列 {column} 有 {rows} 行是空值：请先补上或去掉").format(column=column, rows=rows))
    if bad_amount:
        raise CourseError(
            _("列 {column} 有 {rows} 行是负数或不是有限的数：退款请从原订单里扣除").format(
                column=names["amount"], rows=bad_amount
            )
        )
    if late:
        raise CourseError(
            _("列 {column} 有 {rows} 行晚于截止日 {as_of:%Y-%m-%d}：请先筛掉，或改用更晚的截止日").format(
                column=names["day"], rows=late, as_of=as_of
            )
        )


def _name(column: str) -> str:
    """A column's name as SQL quotes it."""
    return '"' + column.replace('"', '""') + '"'
