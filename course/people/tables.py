"""Class lists as schools export them: CSV in several encodings and separators, or Excel. Cells become plain text."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmlab.errors import CourseError
from crmlab.i18n import _

SEPARATORS = (",", "\t", ";", "，")
LARGEST = 20 << 20
EXACT_DIGITS = 15
"""Excel keeps no more digits of a number."""


@dataclass(frozen=True)
class Cell:
    """A cell's text, without blanks around it, and what is wrong with it, if anything is."""

    text: str
    fault: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of the table that is not blank. Numbers count from 1, as an editor or Excel shows them."""

    number: int
    cells: tuple[Cell, ...]


def read_table(path: Path) -> list[Line]:
    """The lines of a ``.csv``, ``.txt``, ``.tsv`` or ``.xlsx`` file, blank ones left out.

    :raises CourseError: if the file can't be read as a table.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as error:
        raise CourseError(_("读不到文件 {path}：{reason}。").format(path=path, reason=error.strerror)) from None
    if content is None:
        raise CourseError(_("文件 {path} 超过 20 MB，不像一份班级名单。").format(path=path))
    lines = _excel(path, content) if _is_excel(path, content) else _text(path, content)
    return [line for line in lines if any(cell.text or cell.fault for cell in line.cells)]


def _is_excel(path: Path, content: bytes) -> bool:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise CourseError(_("{path} 是旧版 Excel 格式（.xls）；请另存为 .xlsx 或 CSV 再导入。").format(path=path))
    return path.suffix.lower() in (".xlsx", ".xlsm") or content.startswith(b"PK\x03\x04")


# --- text ------------------------------------------------------------------------------------------------------------


def _text(path: Path, content: bytes) -> Iterator[Line]:
    text = _decoded(path, content)
    # "strict" tells a quote that is never closed, which would swallow the rest of the list.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    number = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise CourseError(_broken_line(path, number, str(error))) from None
        if row is None:
            return
        yield Line(number, tuple(_text_cell(value) for value in row))
        number = reader.line_num + 1


def _broken_line(path: Path, number: int, reason: str) -> str:
    return _("{path} 第 {number} 行的引号不成对，或引号后面还有别的内容（{reason}）。").format(
        path=path, number=number, reason=reason
    )


def _decoded(path: Path, content: bytes) -> str:
    """UTF-8, with or without a byte order mark, UTF-16 with one (Excel's "Unicode text"), or GB 18030 (GBK, GB 2312)."""
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CourseError(_("认不出 {path} 的编码；请另存为 UTF-8 编码的 CSV 再导入。").format(path=path))


def _separator(text: str) -> str:
    """The separator that occurs most in the first line that has any; a comma if none does."""
    for line in text.splitlines():
        counts = {separator: line.count(separator) for separator in SEPARATORS}
        if any(counts.values()):
            return max(counts, key=lambda separator: counts[separator])
    return ","


def _text_cell(value: str) -> Cell:
    text = value.strip()
    if text.startswith('="') and text.endswith('"') and '"' not in text[2:-1] and len(text) > 2:
        return Cell(text[2:-1].strip())  # how exports keep Excel from dropping leading zeros
    return Cell(text, _formula() if text.startswith("=") else None)


# --- Excel -----------------------------------------------------------------------------------------------------------


def _excel(path: Path, content: bytes) -> Iterator[Line]:
    """The lines of the sheet that is shown when the file is opened."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        sheet = book.active
        rows = list(sheet.iter_rows()) if sheet is not None else []
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError, EOFError):
        raise CourseError(
            _("{path} 不是完好的 Excel 文件；请用 Excel 打开后另存一份再导入。").format(path=path)
        ) from None
    for number, row in enumerate(rows, 1):
        yield Line(number, tuple(_excel_cell(cell) for cell in row))


def _excel_cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell("")
    if cell.data_type == "f":
        return Cell(str(value), _formula())
    if cell.data_type == "s" or isinstance(value, str):
        return Cell(str(value).strip(), _error_value() if cell.data_type == "e" else None)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, cell.number_format or "")
    return Cell(str(value), _("是日期或逻辑值，请把这一格设为文本再填写"))


def _number(value: int | float, shown_as: str) -> Cell:
    """A student number that Excel took for a number, as Excel shows it."""
    if value != int(value):
        return Cell(str(value), _("是小数，请检查"))
    digits = str(int(value))
    if len(digits.lstrip("-")) > EXACT_DIGITS:
        return Cell(digits, _("超过 15 位，Excel 已经改动了末尾几位；请把这一列设为文本，重新填写"))
    # The format 00000000 shows 00123 for the number 123.
    return Cell(digits.zfill(len(shown_as)) if shown_as and set(shown_as) == {"0"} else digits)


def _formula() -> str:
    return _("是公式，请改成它的值")


def _error_value() -> str:
    return _("是 Excel 的错误值，请改正")
