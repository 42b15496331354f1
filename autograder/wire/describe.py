"""Decoded values in a few words, for reports."""

from typing import Any

import numpy as np
import pandas as pd

from autograder.wire.views import Axes, Figure, Function, Opaque, Widget
from crmlab.i18n import _


def describe(value: Any) -> str:
    """A few words on a decoded value, e.g. "DataFrame，812 行 × 4 列"."""
    if isinstance(value, pd.DataFrame):
        return _("DataFrame，{rows} 行 × {columns} 列").format(rows=len(value), columns=value.shape[1])
    if isinstance(value, pd.Series):
        return _("Series，{n} 个值").format(n=len(value))
    if isinstance(value, pd.Index):
        return _("索引，{n} 个值").format(n=len(value))
    if isinstance(value, np.ndarray):
        return _("数组，形状 {shape}").format(shape=" × ".join(map(str, value.shape)) or "()")
    if isinstance(value, str):
        return _("文字，{n} 字").format(n=len(value))
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | complex | np.number):
        return _("数 {number}").format(number=_short(value))
    return _describe_container(value)


def _short(number: Any) -> str:
    """A number in at most some twelve characters; a huge integer as a power of ten."""
    try:
        return f"{number:.6g}"
    except (OverflowError, TypeError, ValueError):
        return str(number)[:40]


def _describe_container(value: Any) -> str:
    match value:
        case list():
            return _("列表，{n} 项").format(n=len(value))
        case tuple():
            return _("元组，{n} 项").format(n=len(value))
        case set() | frozenset():
            return _("集合，{n} 项").format(n=len(value))
        case dict():
            return _("字典，{n} 个键").format(n=len(value))
        case Function():
            return _("函数")
        case Figure():
            return _("图，{n} 个坐标系").format(n=len(value.axes))
        case Axes():
            return _("一个坐标系")
        case Widget():
            return _("控件 {kind}").format(kind=value.kind)
        case Opaque():
            return _describe_opaque(value)
    return type(value).__name__


def _describe_opaque(value: Opaque) -> str:
    kind = type(value).__name__
    match value.reason:
        case "large":
            return _("太大而不能传递的对象 {kind}").format(kind=kind)
        case "deep":
            return _("嵌套太深而不能传递的对象 {kind}").format(kind=kind)
        case "cyclic":
            return _("包含自身而不能传递的对象 {kind}").format(kind=kind)
        case "broken":
            return _("读取时出错的对象 {kind}").format(kind=kind)
    return _("不能传递的对象 {kind}").format(kind=kind)
