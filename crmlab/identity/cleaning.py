"""Every value in its normal form, and how good the data were before.

A value that cannot be read, or says nothing (无, 未知, test), becomes missing: no value is better than a wrong one.

Source: P. Christen, *Data Matching*, Springer, 2012, chapter 3 (standardisation, data quality).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from crmlab import chinese, inputs
from crmlab.i18n import _

Cleaner = Callable[[Any], pd.Series]

_BRACKETS = re.compile(r"[(\[【〔<].*?[)\]】〕>]")
_EMAIL = re.compile(r"[^@]+@[^@.]+(\.[^@.]+)*\.[a-z]{2,}")
_EXCEL_EPOCH = date(1899, 12, 30)


def clean_name(values: Any) -> pd.Series:
    """Names of persons without blanks, titles, remarks in brackets, digits; full width becomes half width.

    Returns
    -------
    Series of text, same index; missing where nothing is left. 王女士 becomes 王: half a name is still evidence.

    >>> clean_name(["王　芳", "李 娜 女士", "张伟（备用）", "未知"]).to_list()
    ['王芳', '李娜', '张伟', nan]
    """
    return _each(values, _name)


def clean_phone(values: Any) -> pd.Series:
    """Mobile numbers as eleven digits, without +86, blanks and hyphens.

    Returns
    -------
    Series of text, same index; missing for any other length, a number that no mobile can have, and the fillers that
    staff key in to get past a required field (the last eight digits all the same).

    >>> clean_phone(["+86 161-1234-5678", "１６１１２３４５６７８", "1611234567", "16100000000"]).to_list()
    ['16112345678', '16112345678', nan, nan]
    """
    return _each(values, _phone)


def clean_email(values: Any) -> pd.Series:
    """E-mail addresses in lower case and without blanks; missing where it cannot be an address.

    >>> clean_email([" Li.Na@Mail.Example.COM ", "lina＠example。com", "lina.example.com"]).to_list()
    ['li.na@mail.example.com', 'lina@example.com', nan]
    """
    return _each(values, _email)


def clean_address(values: Any) -> pd.Series:
    """Addresses without blanks and punctuation, 幢 / 座 / 号楼 all written 栋, a final 室 dropped.

    >>> clean_address(["青禾路 18 号，3 幢 502 室", "青禾路１８号3号楼502"]).to_list()
    ['青禾路18号3栋502', '青禾路18号3栋502']
    """
    return _each(values, _address)


def clean_region(values: Any) -> pd.Series:
    """Provinces and cities by their short names: 浙江省 → 浙江, 广西壮族自治区 → 广西, 沪 → 上海, 杭州市 → 杭州.

    >>> clean_region(["浙江省", "粤", "内蒙古自治区", "杭州市", ""]).to_list()
    ['浙江', '广东', '内蒙古', '杭州', nan]
    """
    return _each(values, _region)


def clean_gender(values: Any) -> pd.Series:
    """男 or 女 from 男 / M / male / 1 / 先生 and 女 / F / female / 2 / 女士; anything else is missing.

    >>> clean_gender(["M", "女", 1, "保密"]).to_list()
    ['男', '女', '男', nan]
    """
    return _each(values, lambda text: chinese.GENDERS.get(text.lower()))


def clean_date(values: Any) -> pd.Series:
    """Dates from the ways people and systems write them.

    Read are 1990-5-3, 1990/5/3, 1990.5.3, 1990年5月3日, 19900503, with or without a time of day, five digits as
    Excel's day number, and a year at the end where only one order of day and month is possible (25/12/1990).

    Returns
    -------
    Series of datetime64, same index; missing where it is no date, or where it could be two (03/05/1990):
    a guessed birthday is worse than none.

    >>> clean_date(["1990年5月3日", "1990.05.03", "19900503", "32996", "25/12/1990", "03/05/1990"]).dt.date.to_list()
    [datetime.date(1990, 5, 3), datetime.date(1990, 5, 3), datetime.date(1990, 5, 3), datetime.date(1990, 5, 3),
     datetime.date(1990, 12, 25), NaT]
    """
    series = inputs.series(values, "values")
    if pd.api.types.is_datetime64_any_dtype(series):
        return series.dt.tz_localize(None).dt.normalize()
    return pd.to_datetime(pd.Series([_date(_text(value)) for value in series], index=series.index, name=series.name))


CLEANERS: dict[str, Cleaner] = {
    "name": clean_name,
    "gender": clean_gender,
    "birth": clean_date,
    "phone": clean_phone,
    "email": clean_email,
    "province": clean_region,
    "city": clean_region,
    "address": clean_address,
}


def clean(
    records: pd.DataFrame,
    cleaners: Mapping[str, Cleaner] | None = None,
    *,
    fillers: Mapping[str, Sequence[Any]] | None = None,
) -> pd.DataFrame:
    """The records with every known column in its normal form; other columns stay as they are.

    Parameters
    ----------
    records : DataFrame, one row a record
    cleaners : function for each column to clean; by default :data:`CLEANERS`, for those columns that are there
    fillers : values that only look like data, by column, to be missing afterwards, such as the birthday 1990-01-01
        that a form suggests (:func:`profile` shows the most frequent value); left in, they make strangers alike

    >>> clean(pd.DataFrame({"record_id": ["R1"], "name": ["王 芳"], "phone": ["+8616112345678"]})).iloc[0].to_list()
    ['R1', '王芳', '16112345678']
    """
    inputs.frame(records, _("客户记录"), [*(cleaners or ()), *(fillers or ())])
    used = _cleaners_for(records, cleaners)
    cleaned = records.assign(**{column: cleaner(records[column]) for column, cleaner in used.items()})
    for column, values in (fillers or {}).items():
        same_kind = used.get(column, pd.Series)(list(values))  # 1990/1/1 as the cleaned column writes it
        cleaned[column] = cleaned[column].mask(cleaned[column].isin(same_kind.dropna()))
    return cleaned


def profile(records: pd.DataFrame, cleaners: Mapping[str, Cleaner] | None = None) -> pd.DataFrame:
    """Data quality column by column, before cleaning.

    Returns
    -------
    DataFrame, one row a column (shares 0-1, missing where the measure has no meaning):

    - ``complete``: share of rows with a value (blanks and words like 未知 are none)
    - ``valid``: of those, the share that the column's cleaner can read
    - ``standard``: of those, the share already written in the normal form (consistency)
    - ``unique``: different values, after cleaning, as a share of the readable ones
    - ``top``, ``top_share``: the most frequent value as written and its share: fillers stand out

    >>> table = pd.DataFrame({"phone": ["16112345678", "+86 16112345678", "12345", "未知"]})
    >>> profile(table)[["complete", "valid", "standard", "unique"]].round(3).values.tolist()
    [[0.75, 0.667, 0.333, 0.5]]
    """
    inputs.frame(records, _("客户记录"), cleaners or ())
    used = _cleaners_for(records, cleaners)
    rows = [_column_profile(records[column], used.get(column)) for column in records]
    return pd.DataFrame(rows, index=pd.Index(records.columns, name="column"))


def _column_profile(values: pd.Series, cleaner: Cleaner | None) -> dict[str, Any]:
    written = pd.Series([_text(value) for value in values], index=values.index, dtype=object)
    filled = written.notna()
    if not filled.any():
        return {"complete": 0.0} | dict.fromkeys(("valid", "standard", "unique", "top", "top_share"), np.nan)
    raw = values[filled].astype(str)
    cleaned = values[filled] if cleaner is None else cleaner(values[filled])
    readable = cleaned.notna()
    normal = cleaned.dt.strftime("%Y-%m-%d") if pd.api.types.is_datetime64_any_dtype(cleaned) else cleaned.astype(str)
    counts = raw.value_counts()
    return {
        "complete": filled.mean(),
        "valid": np.nan if cleaner is None else readable.mean(),
        "standard": np.nan if cleaner is None else (readable & (raw == normal)).mean(),
        "unique": cleaned[readable].nunique() / max(readable.sum(), 1),
        "top": counts.index[0],
        "top_share": counts.iloc[0] / len(raw),
    }


def _cleaners_for(records: pd.DataFrame, cleaners: Mapping[str, Cleaner] | None) -> Mapping[str, Cleaner]:
    if cleaners is not None:
        return cleaners
    return {column: cleaner for column, cleaner in CLEANERS.items() if column in records.columns}


def _each(values: Any, normal: Callable[[str], str | None]) -> pd.Series:
    series = inputs.series(values, "values")
    found = [normal(text) or None if text else None for text in map(_text, series)]
    return pd.Series(found, index=series.index, name=series.name, dtype="str")


def _text(value: Any) -> str | None:
    """The value as half-width text without blanks around it; None if it says nothing."""
    if pd.isna(value):
        return None
    if isinstance(value, (float, np.floating)) and value.is_integer():
        value = int(value)  # a spreadsheet turns 16112345678 into 16112345678.0
    text = unicodedata.normalize("NFKC", str(value)).strip()
    return None if text.lower() in chinese.NOTHING else text


def _name(text: str) -> str:
    bare = re.sub(r"[^\w·]|[\d_]", "", _BRACKETS.sub("", text))
    return chinese.TITLES.sub("", bare) or bare


def _phone(text: str) -> str | None:
    digits = re.sub(r"^(0086|86|0)(?=1\d{10}$)", "", re.sub(r"\D", "", text))
    return digits if re.fullmatch(r"1[3-9]\d{9}", digits) and len(set(digits[3:])) > 1 else None


def _email(text: str) -> str | None:
    bare = re.sub(r"\s", "", text).lower().replace("。", ".")
    return bare if _EMAIL.fullmatch(bare) else None


def _address(text: str) -> str:
    bare = re.sub(r"[\s,，.。;；、()\-]", "", text)
    return chinese.ROOMS.sub("", chinese.BUILDINGS.sub(chinese.BUILDING, chinese.NUMBER_SIGN.sub(chinese.NUMBER, bare)))


def _region(text: str) -> str:
    bare = chinese.REGION_TAIL.sub("", re.sub(r"\s", "", text))
    return chinese.PROVINCES.get(bare, bare)


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    if re.fullmatch(r"\d{5}", text):
        return _EXCEL_EPOCH + timedelta(days=int(text))
    found = re.match(r"(\d{4})(\d\d)(\d\d)$", text) or re.match(r"(\d{1,4})\D+?(\d{1,2})\D+?(\d{1,4})(?!\d)", text)
    if not found:
        return None
    first, middle, last = map(int, found.groups())
    if first > 99:
        readings = {(first, middle, last)}
    else:
        readings = {(last, middle, first), (last, first, middle)} if last > 99 else set()
    days = [day for day in map(_day, readings) if day]
    return days[0] if len(days) == 1 else None


def _day(parts: tuple[int, int, int]) -> date | None:
    try:
        return date(*parts) if parts[0] >= 1900 else None
    except ValueError:
        return None
