"""Plausible Chinese names, firms and phone numbers that belong to nobody: the common stock of the generators.

Names are put together at random from common family names and characters. Phone numbers start with 161 or 164, blocks
that no operator has given out.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["company_names", "person_names", "phones"]

_FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红建文辉力波斌宇浩凯琳雪梅晨曦欣怡佳瑞轩梓涵思远嘉诚雨桐子墨"
    "一诺俊熙可馨若彤志鹏海燕晓东春燕国庆家豪美玲永健秀云立新宏图安琪书瑶景行清妍博雅天宇亦凡乐然"
)
_PLACES = ("云岭", "东湾", "南浦", "北辰", "西岭", "临江", "望海", "青禾", "白鹭", "长汀", "金沙", "松原里")
_STEMS = [
    "启航",
    "恒信",
    "瑞丰",
    "博远",
    "华晟",
    "嘉禾",
    "联创",
    "众合",
    "鼎元",
    "汇通",
    "天禾",
    "锦程",
    "宏泰",
    "远景",
    "明德",
    "思源",
    "卓立",
    "和顺",
    "星联",
    "光谱",
    "新越",
    "广源",
    "中恒",
    "利达",
    "凯旋",
    "安泰",
    "雅集",
    "优品",
    "百川",
    "千帆",
    "万里",
    "云帆",
    "晨光里",
    "谷雨",
    "立夏",
    "秋实",
    "冬青",
]


def person_names(rng: np.random.Generator, count: int) -> NDArray[np.object_]:
    """Names of persons, shape (count,): a family name and one or two characters; some repeat, as in life.

    >>> person_names(np.random.default_rng(1), 2).tolist()
    ['丁玲天', '卢敏涛']
    """
    family = rng.integers(0, len(_FAMILY), count)
    given = rng.integers(0, len(_GIVEN), (count, 2))
    single = rng.random(count) < 0.2
    return np.array(
        [_FAMILY[f] + _GIVEN[a] + ("" if s else _GIVEN[b]) for f, (a, b), s in zip(family, given, single, strict=True)],
        dtype=object,
    )


def company_names(
    rng: np.random.Generator, count: int, trades: tuple[str, ...] = ("商贸", "科技", "物流", "电子", "食品")
) -> NDArray[np.object_]:
    """Different names of firms, shape (count,): invented place + stem + trade + legal form.

    >>> company_names(np.random.default_rng(1), 2, ("物流",)).tolist()
    ['长汀宏泰物流有限公司', '北辰中恒物流有限责任公司']
    """
    forms = ("有限公司", "有限责任公司", "股份有限公司")
    sizes = (len(_PLACES), len(_STEMS), len(trades), len(forms))
    if count > np.prod(sizes):
        raise ValueError(f"only {np.prod(sizes)} different names can be put together, {count} wanted")
    picked = rng.permutation(int(np.prod(sizes)))[:count]
    place, stem, trade, form = np.unravel_index(picked, sizes)
    return np.array(
        [_PLACES[p] + _STEMS[s] + trades[t] + forms[f] for p, s, t, f in zip(place, stem, trade, form, strict=True)],
        dtype=object,
    )


def phones(rng: np.random.Generator, count: int) -> NDArray[np.object_]:
    """Different eleven-digit numbers that nobody has, shape (count,).

    >>> phones(np.random.default_rng(1), 1).tolist()
    ['16447318869']
    """
    tails = rng.choice(100_000_000, count, replace=False)
    heads = np.where(rng.random(count) < 0.5, "161", "164")
    return np.array([f"{head}{tail:08d}" for head, tail in zip(heads, tails, strict=True)], dtype=object)
