"""Answers to a04-segmentation: see tests/notebooks/answers.py for what the names mean."""

from tests.notebooks.answers import Code, swap, then

WRONG: dict[str, list[tuple[str, Code, float, str]]] = {
    "a04-1": [
        ("cancelled orders kept", swap((' & (shop.orders["status"] != "cancelled")', "")), 2.5, "已取消"),
        (
            "orders after the as-of date kept",
            swap(("dt.normalize() <= AS_OF)", 'dt.normalize() <= "2025-12-31")')),
            2.5,
            "10 月",
        ),
        (
            "fully returned orders kept",
            swap(('purchases["amount"].round(2) > 0', 'purchases["amount"] > -1')),
            2.5,
            "全部退货",
        ),
        (
            "returns not deducted",
            swap(('(i["quantity"] - i["returned_quantity"])', 'i["quantity"]')),
            1.75,
            "退掉的数量",
        ),
        ("discount not deducted", swap((' * (1 - i["discount"])', "")), 2.25, "折扣没有扣除"),
        (
            "time of day kept",
            swap(('date=lambda p: p["ordered_at"].dt.normalize()', 'date=lambda p: p["ordered_at"]')),
            2.75,
            "时刻",
        ),
        (
            "one row a line, not an order",
            "purchases = shop.items.merge(shop.orders).assign(date=lambda p: p['ordered_at'], amount=1.0)",
            0,
            "重复",
        ),
    ],
    "a04-2": [
        (
            "recency to the end of the data",
            swap(('(AS_OF - rfm_table["last"])', '(pd.Timestamp("2025-12-31") - rfm_table["last"])')),
            3.25,
            "数据的最后一天",
        ),
        (
            "recency as in BTYD",
            then('g = purchases.groupby("customer_id")["date"]\nrfm_table["recency"] = (g.max() - g.min()).dt.days'),
            2.875,
            "t_x",
        ),
        (
            "recency from the first purchase",
            then('rfm_table["recency"] = (AS_OF - purchases.groupby("customer_id")["date"].min()).dt.days'),
            2.875,
            "第一次购买",
        ),
        (
            "frequency counts orders",
            swap(('frequency=("date", "nunique")', 'frequency=("order_id", "count")')),
            3.5,
            "订单数",
        ),
        ("frequency without the first purchase", then('rfm_table["frequency"] -= 1'), 0, "不小于 1"),
        ("monetary is the mean", swap(('monetary=("amount", "sum")', 'monetary=("amount", "mean")')), 3.5, "平均每单"),
        ("members who never bought", then('rfm_table = rfm_table.reindex(shop.customers["customer_id"])'), 0, "缺失值"),
    ],
    "a04-3": [
        (
            "recency the wrong way round",
            swap(('"r": quintile(-ordered["recency"])', '"r": quintile(ordered["recency"])')),
            3.25,
            "方向反了",
        ),
        ("everything the wrong way round", swap(("ranks = values", "ranks = (-values)")), 1.75, "方向反了"),
        ("ties share their rank", swap(('rank(method="first")', 'rank(method="average")')), 3.0, "并列"),
        (
            "equal width instead of equal size",
            swap(
                ('ranks = values.rank(method="first")', "ranks = values - values.min() + 1e-9"),
                ("/ len(values) * 5", "/ ranks.max() * 5"),
            ),
            1.75,
            "等宽",
        ),
        (
            "3 counts as high",
            swap(("m >= 4", "m >= 3"), ("r >= 4", "r >= 3"), ("f >= 4", "f >= 3")),
            3.5,
            "3 分也被算成",
        ),
        (
            "only 5 counts as high",
            swap(("m >= 4", "m >= 5"), ("r >= 4", "r >= 5"), ("f >= 4", "f >= 5")),
            3.5,
            "4 分没有算成",
        ),
        (
            "keeping and winning back exchanged",
            swap(('(0, 1): "保持"', '(0, 1): "挽留"'), ('(0, 0): "挽留"', '(0, 0): "保持"')),
            3.0,
            "类别与你的分数",
        ),
    ],
    "a04-4": [
        (
            "cumulative share with the customer",
            swap(("before = (ranked.cumsum() - ranked)", "before = ranked.cumsum()")),
            2.25,
            "包含本人",
        ),
        (
            "cut by number of customers",
            then(
                "place = pd.Series(np.arange(n) / n, index=ranked.index)\nabc = pd.Series(np.select([place < .2, place < .5], ['A', 'B'], 'C'), index=ranked.index)"
            ),
            1.875,
            "按人数",
        ),
        ("sorted ascending", swap(("ascending=False", "ascending=True")), 0, ""),
        (
            "share of the lowest fifth",
            swap(("ranked.head(round(0.2 * n))", "ranked.tail(round(0.2 * n))")),
            2.25,
            "最低的 20 %",
        ),
        ("per cent instead of share", then("top20_share *= 100"), 0, "在 0 与 1 之间"),
        ("twice the area under the curve", then("gini = 1 - gini"), 2.625, "1 去减"),
        ("Gini with the wrong order", swap(("ranked.to_numpy()[::-1]", "ranked.to_numpy()")), 0, "在 0 与 1 之间"),
    ],
    "a04-5": [
        (
            "VIP taken from all customers",
            swap(
                ('rest = ordered.loc[~dormant, "monetary"]', 'rest = ordered["monetary"]'),
                (
                    'tier[dormant] = "休眠"\ntier[fifth.index[fifth == 5]] = "VIP"',
                    'tier[fifth.index[fifth == 5]] = "VIP"\ntier[dormant] = "休眠"',
                ),
            ),
            2.75,
            "取自全体",
        ),
        (
            "VIP before dormant",
            swap(('rest = ordered.loc[~dormant, "monetary"]', 'rest = ordered["monetary"]')),
            2.5,
            "休眠的判断优先",
        ),
        (
            "VIP by frequency",
            swap(('rest = ordered.loc[~dormant, "monetary"]', 'rest = ordered.loc[~dormant, "frequency"]')),
            2.5,
            "按次数",
        ),
        ("half a year is 90 days", swap(("> WINDOW", "> 90")), 1.5, "先判断休眠"),
        (
            "revenue share from means",
            swap(('"revenue": groups.sum()', '"revenue": groups.mean()')),
            3.5,
            "人均金额之比",
        ),
        ("shares as per cent", then("tier_table[['customer_share', 'revenue_share']] *= 100"), 0, "0.99"),
    ],
    "a04-6": [
        (
            "raw numbers",
            swap(("StandardScaler().fit_transform(np.log1p(rfm_table))", "rfm_table.to_numpy()")),
            1.875,
            "几乎只看钱",
        ),
        ("no logarithm", swap(("np.log1p(rfm_table)", "rfm_table")), 2.25, "没有取对数"),
        (
            "logarithm but not scaled",
            swap(("StandardScaler().fit_transform(np.log1p(rfm_table))", "np.log1p(rfm_table).to_numpy()")),
            3.25,
            "标准化",
        ),
        (
            "random groups",
            swap(
                (
                    "pd.Series(KMeans(k, n_init=10, random_state=0).fit_predict(features), index=rfm_table.index)",
                    "pd.Series(np.arange(len(rfm_table)) % k, index=rfm_table.index)",
                )
            ),
            2.5,
            "不够紧凑",
        ),
        (
            "silhouette of the raw numbers",
            swap(("silhouette_score(features, clusters)", "silhouette_score(rfm_table, clusters)")),
            3.0,
            "没有取对数或没有标准化",
        ),
        ("medians in the profile", swap((".groupby(clusters).mean()", ".groupby(clusters).median()")), 3.625, "中位数"),
        (
            "standardised numbers in the profile",
            swap(
                (
                    "rfm_table.groupby(clusters).mean()",
                    "pd.DataFrame(features, index=rfm_table.index, columns=rfm_table.columns).groupby(clusters).mean()",
                )
            ),
            3.625,
            "标准化后的数",
        ),
        (
            "share from means",
            then("profile['revenue_share'] = profile['monetary'] / profile['monetary'].sum()"),
            3.75,
            "人均金额之比",
        ),
        ("k out of range", swap(("k = 4", "k = 12")), 0, "在 3 与 6 之间"),
    ],
}

RIGHT: dict[str, list[tuple[str, Code]]] = {
    "a04-1": [
        ("the course library", "purchases = data.purchases(shop)\npurchases = purchases[purchases['date'] <= AS_OF]"),
        (
            "merge first, other row order, key as index",
            "t = shop.items.merge(shop.orders, on='order_id').query('status != \"cancelled\"')\n"
            "t = t[t['ordered_at'] < AS_OF + pd.Timedelta(days=1)]\n"
            "t['date'] = t['ordered_at'].dt.floor('D')\n"
            "t['amount'] = t.eval('unit_price * (quantity - returned_quantity) * (1 - discount)')\n"
            "purchases = t.groupby('order_id').agg(amount=('amount', 'sum'), date=('date', 'first'),\n"
            "    customer_id=('customer_id', 'first')).query('amount > 0.001').sample(frac=1, random_state=1)",
        ),
    ],
    "a04-2": [
        ("the course library", "from crmlab import rfm as r\nrfm_table = r.rfm(purchases, AS_OF)"),
        (
            "a column as key, floats, other order",
            "g = purchases.groupby('customer_id')\n"
            "rfm_table = pd.DataFrame({'monetary': g['amount'].sum(), 'frequency': g['date'].nunique().astype(float),\n"
            "    'recency': (AS_OF - g['date'].max()) / pd.Timedelta(days=1)}).reset_index().iloc[::-1]",
        ),
    ],
    "a04-3": [
        (
            "the course library",
            "from crmlab import rfm as r\nscores = r.score(rfm_table)\nsegments = r.segment(scores)",
        ),
        (
            "qcut with categorical labels, segments by map",
            "o = rfm_table.sort_index()\n"
            "scores = pd.DataFrame({'r': pd.qcut(o['recency'].rank(method='first'), 5, labels=[5, 4, 3, 2, 1]),\n"
            "    'f': pd.qcut(o['frequency'].rank(method='first'), 5, labels=[1, 2, 3, 4, 5]),\n"
            "    'm': pd.qcut(o['monetary'].rank(method='first'), 5, labels=[1, 2, 3, 4, 5])}).astype(int)\n"
            "high = (scores > 3).astype(int).astype(str).agg(''.join, axis=1)\n"
            "segments = high.map({'111': '重要价值客户', '101': '重要发展客户', '011': '重要保持客户', '001': '重要挽留客户',\n"
            "    '110': '一般价值客户', '100': '一般发展客户', '010': '一般保持客户', '000': '一般挽留客户'})",
        ),
    ],
    "a04-4": [
        (
            "the course library",
            "from crmlab import pareto as p\nm = rfm_table['monetary']\n"
            "abc, top20_share, gini = p.abc_classes(m), p.top_share(m, 0.2), p.gini(m)",
        ),
        (
            "pairwise Gini, quantile for the top fifth, NumPy numbers",
            "m = rfm_table['monetary'].sort_values(ascending=False)\n"
            "x = m.to_numpy()\n"
            "gini = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())\n"
            "top20_share = x[x >= np.quantile(x, 0.8)].sum() / x.sum()\n"
            "b = m.cumsum().shift(fill_value=0) / m.sum()\n"
            "abc = pd.cut(b, [-1, 0.8, 0.95, 2], right=False, labels=['A', 'B', 'C'])",
        ),
    ],
    "a04-5": [
        (
            "the course library",
            "from crmlab import tiers as t\ntier = t.tiers(rfm_table, WINDOW)\n"
            "tier_table = rfm_table.groupby(tier)['monetary'].agg(customers='size', money='sum')\n"
            "tier_table['customer_share'] = tier_table['customers'] / len(tier)\n"
            "tier_table['revenue_share'] = tier_table['money'] / tier_table['money'].sum()",
        ),
        (
            "np.select and nlargest, key as column",
            "live = rfm_table[rfm_table['recency'] <= WINDOW]\n"
            "vip = live.nlargest(round(len(live) / 5), 'monetary').index\n"
            "tier = pd.Series(np.select([rfm_table['recency'] > WINDOW, rfm_table.index.isin(vip)], ['休眠', 'VIP'], '普通'), index=rfm_table.index)\n"
            "g = rfm_table.assign(tier=tier).groupby('tier')['monetary']\n"
            "tier_table = pd.DataFrame({'revenue_share': g.sum() / rfm_table['monetary'].sum(), 'customers': g.size(),\n"
            "    'customer_share': g.size() / len(rfm_table)}).reset_index()",
        ),
    ],
    "a04-6": [
        (
            "the course library, labels from 1",
            "from crmlab import clusters as c\nk = 3\nmodel = c.KMeansSegments(k).fit(rfm_table)\nclusters = model.labels_\n"
            "from sklearn.metrics import silhouette_score\n"
            "silhouette = silhouette_score(c.features(rfm_table), clusters)\n"
            "profile = model.profile().rename(columns={'mean_recency': 'recency', 'mean_frequency': 'frequency', 'mean_monetary': 'monetary'})",
        ),
        (
            "own scaling with ddof 1, names as labels, another k and seed",
            "k = np.int64(5)\nx = np.log1p(rfm_table)\nx = (x - x.mean()) / x.std()\n"
            "clusters = pd.Series(KMeans(5, n_init=20, random_state=7).fit_predict(x), index=x.index).map('群{}'.format)\n"
            "silhouette = float(silhouette_score(x, clusters))\n"
            "profile = rfm_table.groupby(clusters).agg(recency=('recency', 'mean'), frequency=('frequency', 'mean'),\n"
            "    monetary=('monetary', 'mean'), customers=('monetary', 'size'), revenue_share=('monetary', 'sum'))\n"
            "profile['revenue_share'] /= profile['revenue_share'].sum()",
        ),
    ],
}

PRODUCTS = {
    "a04-1": ["purchases"],
    "a04-2": ["rfm_table"],
    "a04-3": ["scores", "segments"],
    "a04-4": ["abc", "top20_share", "gini"],
    "a04-5": ["tier", "tier_table"],
    "a04-6": ["k", "clusters", "silhouette", "profile"],
}

EARLY = ("a04-1", "returns not deducted")
