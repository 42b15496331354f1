"""The shop's catalogue: the same 320 products in the published data set and in every draw."""

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SEED = 618
BANDS = 5  # price bands in a category
PER_BAND = 8  # products in a band, from best-seller to shelf-warmer
_ZIPF_EXPONENT = 0.9

# category -> (five variants, eight goods with lowest and highest list price in yuan)
_GOODS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, float, float], ...]]] = {
    "食品": (
        ("尝鲜装", "分享装", "家庭装", "礼盒装", "随手装"),
        (
            ("混合坚果", 29, 139),
            ("高山绿茶", 39, 269),
            ("手工牛肉干", 35, 119),
            ("五谷杂粮", 19, 79),
            ("挂耳咖啡", 29, 129),
            ("纯牛奶", 39, 99),
            ("苏式糕点", 19, 89),
            ("山野蜂蜜", 39, 159),
        ),
    ),
    "家居日用": (
        ("基础款", "经典款", "升级款", "轻享款", "礼盒款"),
        (
            ("收纳箱", 25, 119),
            ("纯棉浴巾", 29, 129),
            ("四件套", 139, 499),
            ("保温杯", 39, 159),
            ("晾衣架", 19, 139),
            ("乳胶枕", 79, 299),
            ("洗衣液", 19, 69),
            ("台灯", 49, 259),
        ),
    ),
    "美妆个护": (
        ("基础款", "温和款", "升级款", "旅行款", "礼盒款"),
        (
            ("洁面乳", 29, 119),
            ("保湿面霜", 59, 359),
            ("防晒乳", 39, 189),
            ("洗发水", 29, 99),
            ("补水面膜", 39, 169),
            ("电动牙刷", 89, 399),
            ("护手霜", 15, 59),
            ("精华液", 99, 499),
        ),
    ),
    "母婴": (
        ("基础款", "亲肤款", "经典款", "升级款", "礼盒款"),
        (
            ("纸尿裤", 59, 199),
            ("湿巾", 15, 69),
            ("连体衣", 49, 159),
            ("奶瓶", 39, 149),
            ("绘本套装", 39, 199),
            ("积木玩具", 49, 299),
            ("推车", 299, 1299),
            ("辅食碗", 19, 89),
        ),
    ),
    "服饰鞋包": (
        ("基础款", "经典款", "复古款", "轻薄款", "新季款"),
        (
            ("纯棉T恤", 39, 129),
            ("牛仔裤", 99, 299),
            ("连衣裙", 129, 459),
            ("羽绒服", 299, 1199),
            ("休闲鞋", 99, 399),
            ("双肩包", 79, 359),
            ("羊毛围巾", 69, 259),
            ("中筒袜", 15, 59),
        ),
    ),
    "数码配件": (
        ("标准版", "青春版", "便携版", "升级版", "专业版"),
        (
            ("充电宝", 59, 259),
            ("无线耳机", 99, 899),
            ("机械键盘", 149, 799),
            ("数据线", 15, 59),
            ("手机支架", 15, 79),
            ("无线鼠标", 39, 259),
            ("智能手环", 129, 599),
            ("平板电脑", 999, 2999),
        ),
    ),
    "图书文具": (
        ("标准版", "学生版", "升级版", "典藏版", "礼盒版"),
        (
            ("小说选集", 25, 89),
            ("考试用书", 29, 119),
            ("笔记本", 9, 49),
            ("中性笔", 9, 39),
            ("手账套装", 29, 129),
            ("画册", 49, 229),
            ("地球仪", 49, 199),
            ("书法套装", 39, 299),
        ),
    ),
    "运动户外": (
        ("入门款", "进阶款", "专业款", "轻量款", "经典款"),
        (
            ("瑜伽垫", 39, 199),
            ("跑步鞋", 159, 699),
            ("速干衣", 59, 199),
            ("登山包", 129, 599),
            ("露营帐篷", 199, 1299),
            ("羽毛球拍", 79, 499),
            ("跳绳", 15, 69),
            ("运动水壶", 25, 119),
        ),
    ),
}
CATEGORIES = tuple(_GOODS)
# Share of lines that come back, by category: clothes do not fit, food is not sent back.
RETURN_RATES = np.array([0.008, 0.025, 0.022, 0.02, 0.1, 0.045, 0.012, 0.05])


def _shelf_price(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Prices as shops write them: 19.90 below 100 yuan, 129.00 above. Always whole tenths of a yuan."""
    small = np.floor(price) - 0.1
    large = np.round(price / 10) * 10 - 1
    return np.where(price < 100, small, large).round(2)


@cache
def _catalogue() -> pd.DataFrame:
    rng = np.random.default_rng(_SEED)
    rows = [
        (category, f"{good} {variant}", low, high)
        for category, (variants, goods) in _GOODS.items()
        for good, low, high in goods
        for variant in variants
    ]
    order = rng.permutation(len(rows))  # ids tell nothing about category or price
    table = pd.DataFrame([rows[i] for i in order], columns=["category", "name", "low", "high"])
    spread = rng.random(len(table))
    table["list_price"] = _shelf_price((table.low * (table.high / table.low) ** spread).to_numpy())
    table.insert(0, "product_id", [f"P{number:04d}" for number in range(1, len(table) + 1)])
    return table[["product_id", "category", "name", "list_price"]]


def products() -> pd.DataFrame:
    """The products table: product_id, category, name, list_price (yuan).

    >>> table = products()
    >>> len(table), table["category"].nunique()
    (320, 8)
    """
    return _catalogue().copy()


@cache
def shelves() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where a product stands: rows of the products table, and the upper price edge of the bands.

    Returns:
        ``place[category, band, rank]`` (8 x 5 x 8), rank 0 the best-seller; ``edges[category, band]`` (8 x 4).
    """
    table = _catalogue()
    rng = np.random.default_rng(_SEED + 1)
    place = np.empty((len(CATEGORIES), BANDS, PER_BAND), dtype=np.int64)
    edges = np.empty((len(CATEGORIES), BANDS - 1))
    for index, category in enumerate(CATEGORIES):
        rows = table.index[table.category == category].to_numpy()
        prices = table.list_price.to_numpy()[rows]
        banded = rows[np.argsort(prices, kind="stable")].reshape(BANDS, PER_BAND)
        edges[index] = table.list_price.to_numpy()[banded[1:, 0]]
        place[index] = rng.permuted(banded, axis=1)
    return place, edges


def popularity() -> NDArray[np.float64]:
    """Cumulative share of sales by rank in a band: a Zipf law, the long tail of the shop.

    >>> popularity().round(2).tolist()  # the best-seller of a band makes up a third of its sales
    [0.34, 0.52, 0.65, 0.74, 0.82, 0.89, 0.95, 1.0]
    """
    weights = 1 / np.arange(1, PER_BAND + 1) ** _ZIPF_EXPONENT
    return np.cumsum(weights) / weights.sum()
