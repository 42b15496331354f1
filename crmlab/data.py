"""The course's data sets: the published tables, and tables drawn for one student.

    shop = data.load("ecommerce")
    mine = data.draw("ecommerce", data.student_id())
    mine.orders.head()

What a column is called and means stands in ``datasets/<name>/datapackage.json`` alone.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from crmlab import generate
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.paths import course_root

__all__ = ["Tables", "check_student_id", "draw", "load", "names", "package", "purchases", "student_id", "truth"]

_DTYPES = {
    "string": "str",
    "integer": "int64",
    "number": "float64",
    "boolean": "bool",
    "date": "datetime64[us]",
    "datetime": "datetime64[us]",
}
_STUDENT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
SOLD = ("completed", "partly_returned")


@dataclass(frozen=True, repr=False, eq=False)
class Tables:
    """The tables of one data set: ``shop.orders`` or ``shop["orders"]``; iterating gives their names.

    Attributes:
        name: name of the data set.
        as_of: day at whose end the data were taken (midnight Timestamp of that day).
        frames: the tables by name.

    >>> shop = load("ecommerce")
    >>> list(shop)
    ['customers', 'products', 'orders', 'items', 'reviews', 'referrals']
    >>> shop.orders is shop["orders"], shop.as_of
    (True, Timestamp('2025-12-31 00:00:00'))
    """

    name: str
    as_of: pd.Timestamp
    frames: Mapping[str, pd.DataFrame]

    def __getattr__(self, table: str) -> pd.DataFrame:
        # Copying and pickling ask for attributes before ``frames`` is there.
        frames = vars(self).get("frames", {})
        if table in frames:
            return frames[table]
        raise AttributeError(self._missing(table))

    def __getitem__(self, table: str) -> pd.DataFrame:
        if table in self.frames:
            return self.frames[table]
        raise CourseError(self._missing(table))

    def __iter__(self) -> Iterator[str]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *self.frames])

    def __repr__(self) -> str:
        sizes = _("、").join(_("{table} {rows} 行").format(table=t, rows=len(f)) for t, f in self.frames.items())
        return _("<{name}：{sizes}；截至 {as_of}>").format(name=self.name, sizes=sizes, as_of=self.as_of.date())

    def _missing(self, table: str) -> str:
        known = _("、").join(vars(self).get("frames", {}))
        return _("数据集 {name} 中没有表“{table}”，可用的表：{known}。").format(
            name=vars(self).get("name", "?"), table=table, known=known
        )


def names() -> list[str]:
    """Names of the data sets of the course: those described and those that can be generated.

    >>> "ecommerce" in names(), "微店" in names()
    (True, False)
    """
    described = {path.parent.name for path in (course_root() / "datasets").glob("*/datapackage.json")}
    return sorted(described | set(generate.NAMES))


def package(name: str) -> dict[str, Any]:
    """The Frictionless description of a data set.

    Raises:
        CourseError: unknown name, or the description can't be read.

    >>> customers = package("ecommerce")["resources"][0]
    >>> [field["name"] for field in customers["schema"]["fields"]]
    ['customer_id', 'region', 'age_band', 'channel', 'member_since', 'marketing_consent']
    """
    _check_name(name, names())
    path = _folder(name) / "datapackage.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            _("数据集 {name} 的说明文件 {path} 无法读取（{error}），请从课程仓库恢复这个文件。").format(
                name=name, path=path, error=error
            )
        ) from error


def load(name: str) -> Tables:
    """The published data set.

    Each file is held against the size and the SHA-256 in ``datapackage.json`` before it is read, so that half
    a file never becomes a wrong answer.

    Args:
        name: e.g. "ecommerce".

    Raises:
        CourseError: unknown name; a file is missing, cut off or changed.

    >>> load("ecommerce").customers["channel"].value_counts().idxmax()
    '自然搜索'
    """
    described = package(name)
    frames = {resource["name"]: _read(name, resource) for resource in described["resources"]}
    return Tables(name, pd.Timestamp(described["as_of"]), frames)


def draw(name: str, student_id: str) -> Tables:
    """Tables of the same structure with other customers (orders, calls, ...), drawn for one student.

    The same student always gets the same tables; the draw is seeded by SHA-256 of the data set's name and the
    normalised student id.

    Raises:
        CourseError: unknown name, or not a student id.

    >>> mine, neighbours = draw("ecommerce", "S2026001"), draw("ecommerce", "S2026002")
    >>> len(mine.customers), len(neighbours.customers)
    (1000, 1000)
    >>> mine.customers["customer_id"].iloc[0], neighbours.customers["customer_id"].iloc[0]
    ('C61001', 'C52001')
    """
    _check_name(name, list(generate.NAMES))
    recipe = generate.recipe(name)
    digest = hashlib.sha256(f"{name}\n{check_student_id(student_id)}".encode()).digest()
    # Numbers start elsewhere too: an answer copied from a neighbour mostly names customers who are not there.
    first_number = 10_001 + 1_000 * (digest[0] % 89)
    tables, _truth = recipe.generate(int.from_bytes(digest[1:9], "big"), recipe.drawn, first_number)
    dtypes = {resource["name"]: _dtypes(resource) for resource in package(name)["resources"]}
    frames = {table: tables[table].astype(dtypes[table]) for table in dtypes}
    return Tables(name, recipe.as_of, frames)


def truth(name: str) -> pd.DataFrame:
    """What really lies behind the published data set: known, because the course generated it.

    Real data never come with their truth; here it shows how near a model came.

    Returns:
        One row a unit, as the data card says (for ``ecommerce``: rate, drop-out, loyalty ... of each customer).

    Raises:
        CourseError: unknown name.

    >>> truth("ecommerce")["loyalty"].value_counts().index.sort_values().to_list()
    ['latent', 'loyal', 'none', 'spurious']
    """
    _check_name(name, list(generate.NAMES))
    recipe = generate.recipe(name)
    return recipe.generate(recipe.seed, recipe.size, 1)[1].frame()


def check_student_id(text: str) -> str:
    """The student id in its normal form: no blanks around it, lower case.

    Raises:
        CourseError: it isn't 1-32 letters, digits, dots, underscores or hyphens with a letter or digit first.

    >>> check_student_id(" S2026001 ")
    's2026001'
    """
    normal = text.strip().lower() if isinstance(text, str) and text.isascii() else ""
    if not _STUDENT_ID.fullmatch(normal):
        raise CourseError(
            _(
                "学号 {text} 不可用：应是带引号的文字，由 1–32 个英文字母、数字、点、下划线或连字符组成，"
                "并以字母或数字开头。"
            ).format(text=repr(text)[:60])
        )
    return normal


def student_id() -> str:
    """Who works in this notebook: as the grader or the hub says, else "demo".

    Raises:
        CourseError: the name set there is no student id.

    >>> draw("ecommerce", student_id()).customers.shape  # the tables of whoever works here
    (1000, 6)
    """
    return check_student_id(os.environ.get("CRM_STUDENT_ID") or os.environ.get("JUPYTERHUB_USER") or "demo")


def purchases(tables: Tables) -> pd.DataFrame:
    """What was really sold: one row an order, cancelled and fully returned orders left out.

    The amount of an order is the sum over its lines of
    ``unit_price * (1 - discount) * (quantity - returned_quantity)``.

    Returns:
        customer_id, order_id, date (midnight Timestamp), amount (yuan), by time of order.

    Raises:
        CourseError: not the tables of a shop.

    >>> shop = load("ecommerce")
    >>> sold = purchases(shop)
    >>> len(shop.orders) - len(sold)  # cancelled or sent back as a whole
    2539
    >>> sold.head(2)
      customer_id order_id       date  amount
    0      C00002  O000001 2024-01-01   118.6
    1      C00004  O000002 2024-01-01   160.8
    """
    if not isinstance(tables, Tables) or not {"orders", "items"} <= set(tables):
        raise CourseError(
            _('purchases 需要整个数据集（含 orders 与 items 两张表），例如 purchases(load("ecommerce"))。')
        )
    items = tables["items"]
    kept = items["quantity"] - items["returned_quantity"]
    net = (items["unit_price"] * (1 - items["discount"]) * kept).groupby(items["order_id"]).sum()
    sold = tables["orders"].loc[tables["orders"]["status"].isin(SOLD)]
    return pd.DataFrame(
        {
            "customer_id": sold["customer_id"],
            "order_id": sold["order_id"],
            "date": sold["ordered_at"].dt.normalize(),
            # Every price is a whole number of fen; rounding takes only the noise of binary fractions away.
            "amount": sold["order_id"].map(net).round(2),
        }
    ).reset_index(drop=True)


def _folder(name: str) -> Path:
    return course_root() / "datasets" / name


def _check_name(name: str, known: list[str]) -> None:
    if name not in known:
        raise CourseError(
            _("没有名为“{name}”的数据集，可用的有：{known}；请检查拼写。").format(name=name, known=_("、").join(known))
        )


def _dtypes(resource: dict[str, Any]) -> dict[str, str]:
    return {field["name"]: _dtype(field) for field in resource["schema"]["fields"]}


def _dtype(field: dict[str, Any]) -> str:
    """Whole numbers that may be missing need a type of their own; floats and dates have a missing value."""
    return "Int64" if field["type"] == "integer" and not _required(field) else _DTYPES[field["type"]]


def _required(field: dict[str, Any]) -> bool:
    return bool(field.get("constraints", {}).get("required"))


def _read(name: str, resource: dict[str, Any]) -> pd.DataFrame:
    content = _checked(name, resource)
    dtypes = _dtypes(resource)
    moments = [column for column, dtype in dtypes.items() if dtype.startswith("datetime")]
    plain = {column: dtype for column, dtype in dtypes.items() if column not in moments}
    # An empty promotion is the text "", not a missing value; an empty number or day is missing.
    gaps = {field["name"]: [""] for field in resource["schema"]["fields"] if not _required(field)}
    gaps = {column: empty for column, empty in gaps.items() if dtypes[column] != "str"}
    frame = pd.read_csv(
        BytesIO(content),
        dtype=plain,
        parse_dates=moments,
        keep_default_na=False,
        na_values=gaps,
        na_filter=bool(gaps),
        float_precision="round_trip",  # the very numbers that were generated
    )
    return frame.astype({column: dtypes[column] for column in moments})


def _checked(name: str, resource: dict[str, Any]) -> bytes:
    """The bytes of a resource's file, if they are those that were built."""
    path, remedy = _folder(name) / resource["path"], f"course data build {name}"
    if not path.is_file():
        raise CourseError(
            _("数据集 {name} 缺少文件 {file}（应有 {expected} 字节），请运行 {remedy} 重新生成。").format(
                name=name, file=path, expected=resource["bytes"], remedy=remedy
            )
        )
    content = path.read_bytes()
    if len(content) != resource["bytes"]:
        raise CourseError(
            _(
                "数据集 {name} 的文件 {file} 不完整或被改动：应有 {expected} 字节，实有 {found} 字节，"
                "请运行 {remedy} 重新生成。"
            ).format(name=name, file=path, expected=resource["bytes"], found=len(content), remedy=remedy)
        )
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != resource["hash"]:
        raise CourseError(
            _(
                "数据集 {name} 的文件 {file} 被改动：字节数（{expected}）相同但内容与校验值不符，"
                "请运行 {remedy} 重新生成。"
            ).format(name=name, file=path, expected=resource["bytes"], remedy=remedy)
        )
    return content
