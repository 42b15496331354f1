"""Answers to a05-clv: see tests/notebooks/answers.py for what the names mean."""

from tests.notebooks.answers import Code, swap, then

WRONG: dict[str, list[tuple[str, Code, float, str]]] = {
    "a05-1": [
        ("revenue for margin", swap(("historic = MARGIN * ", "historic = ")), 3.5, "不是毛利"),
        (
            "margin of a mean order",
            swap(('["amount"].sum()\n\nactive', '["amount"].mean()\n\nactive')),
            3.25,
            "平均每单",
        ),
        (
            "members who never bought",
            then("historic = historic.reindex(shop.customers['customer_id'], fill_value=0.0)"),
            3.75,
            "从没买过",
        ),
        (
            "history only until the calibration ends",
            then(
                "early = purchases[purchases['date'] <= CALIBRATION_END]\n"
                "historic = MARGIN * early.groupby('customer_id')['amount'].sum()"
            ),
            3.5,
            "校准期末",
        ),
        ("numbers of customers for shares", then("cohort_active = active"), 3.5, "这是人数"),
        ("quarters to come filled with 0", then("cohort_active = cohort_active.fillna(0)"), 3.5, "没有观察到"),
        (
            "compared with the quarter before",
            then("cohort_active = active.div(active.shift(axis=1))\ncohort_active[0] = 1.0"),
            3.25,
            "上一季度",
        ),
        ("churn for retention", then("cohort_active = 1 - cohort_active"), 3.25, "没有买的比例"),
        (
            "cohorts that are not observed for a year",
            swap(("observed = earned[3].notna()", "observed = earned[0].notna()")),
            3.375,
            "没有观察满",
        ),
        (
            "everything up to today",
            swap(("earned.loc[observed, range(4)].sum(axis=1)", "earned.loc[observed].sum(axis=1)")),
            3.375,
            "累计到了今天",
        ),
        (
            "revenue of the cohorts",
            swap(("earned = MARGIN * clv.cohorts", "earned = clv.cohorts")),
            3.375,
            "不是毛利",
        ),
        (
            "the quarter of the first purchase left out",
            swap(("range(4)", "range(1, 5)"), ("earned[3]", "earned[3]")),
            3.0625,
            "年龄从 0 数起",
        ),
        (
            "by purchase, not by customer",
            swap(
                (
                    "cohort_value = first_year / size",
                    "cohort_value = first_year / active.loc[observed, range(4)].sum(axis=1)",
                ),
                (
                    "first_year_value = first_year.sum() / size.sum()",
                    "first_year_value = (cohort_value * size).sum() / size.sum()",
                ),
            ),
            3.0625,
            "人次",
        ),
        ("average of averages", then("first_year_value = cohort_value.mean()"), 3.625, "平均数的平均"),
        ("everybody's mean", then("first_year_value = historic.mean()"), 3.4375, "全部客户至今"),
        ("months for quarters", then("cohort_active = clv.cohorts(purchases, 'M')"), 0, "8 行"),
    ],
    "a05-2": [
        (
            "churn for retention",
            swap(("retention = len(stayed) / len(before)", "retention = 1 - len(stayed) / len(before)")),
            4.4375,
            "流失率",
        ),
        (
            "buyers of 2025 per buyer of 2024",
            swap(("len(stayed) / len(before)", "purchases.loc[year == 2025, 'customer_id'].nunique() / len(before)")),
            0,
            "在 0 与 1 之间",
        ),
        (
            "share of the buyers of 2025",
            swap(("len(stayed) / len(before)", "len(stayed) / purchases.loc[year == 2025, 'customer_id'].nunique()")),
            4.4375,
            "分母用了 2025 年",
        ),
        (
            "members instead of buyers",
            swap(("len(stayed) / len(before)", "len(stayed) / (shop.customers['member_since'].dt.year == 2024).sum()")),
            4.625,
            "注册的会员",
        ),
        ("revenue for margin", swap(("yearly_margin = MARGIN * ", "yearly_margin = ")), 4.625, "不是毛利"),
        (
            "churn counted twice",
            swap(('of_stayed["amount"].sum() / len(stayed)', 'of_stayed["amount"].sum() / len(before)')),
            4.625,
            "扣两次",
        ),
        (
            "new customers in the margin",
            swap(
                (
                    'of_stayed["amount"].sum() / len(stayed)',
                    "purchases[year == 2025].groupby('customer_id')['amount'].sum().mean()",
                )
            ),
            4.625,
            "新来的客户",
        ),
        (
            "margin of 2024",
            swap(("(year == 2025) & purchases", "(year == 2024) & purchases")),
            4.625,
            "2024 年的毛利",
        ),
        (
            "advance and renewal exchanged",
            then("conventions['advance'], conventions['renewal'] = conventions['renewal'], conventions['advance']"),
            4.0,
            "另一种约定",
        ),
        (
            "everything by the course's own convention",
            swap(("DISCOUNT, name) for", 'DISCOUNT, "renewal") for')),
            4.0,
            "第一笔毛利",
        ),
        (
            "no discounting",
            swap(
                (
                    "clv.simple_clv(yearly_margin, retention, DISCOUNT, name)",
                    "clv.simple_clv(yearly_margin, retention, 0, name)",
                )
            ),
            3.875,
            "没有贴现",
        ),
        (
            "the conventions misread",
            then('matching = {"甲": "renewal", "乙": "arrears", "丙": "advance"}'),
            4.25,
            "情形甲",
        ),
        ("endless for five years", then("five_years = conventions['renewal']"), 4.625, "还是无限期"),
        (
            "a payment today among the five",
            then("five_years = clv.simple_clv(yearly_margin, retention, DISCOUNT, 'advance', 5)"),
            4.75,
            "今天的一笔",
        ),
        ("annual rate over twelve", swap(("(1 + DISCOUNT) ** (1 / 12) - 1", "DISCOUNT / 12")), 4.85, "利滚利"),
        ("annual retention every month", swap(("retention ** (1 / 12)", "retention")), 4.625, "当成了月保持率"),
        ("retention over twelve", swap(("retention ** (1 / 12)", "retention / 12")), 4.625, "开 12 次方"),
        ("churn over twelve", swap(("retention ** (1 / 12)", "1 - (1 - retention) / 12")), 4.75, "流失率除以 12"),
        (
            "annual discount every month",
            swap((" ** (1 / 12), rate_month)", " ** (1 / 12), DISCOUNT)")),
            4.625,
            "当成了月贴现率",
        ),
    ],
    "a05-3": [
        (
            "annual members among them",
            swap(('(members["plan"] == "monthly") & ', "")),
            0,
            "一年才续一次费",
        ),
        (
            "members not observed for a year",
            swap((' & (members["joined_at"] <= "2024-12-31")', "")),
            3.0625,
            "没有观察满 12 个月",
        ),
        (
            "shares instead of survivors",
            then("survivors = [count / survivors[0] for count in survivors]"),
            3.375,
            "要人数",
        ),
        (
            "who leaves on the day is still there",
            swap(('group["left_at"] > group', 'group["left_at"] >= group')),
            0,
            "第一天",
        ),
        (
            "months of thirty days",
            swap(("pd.DateOffset(months=t)", "pd.Timedelta(days=30 * t)")),
            3.375,
            "固定天数",
        ),
        (
            "alpha and beta exchanged",
            then("sbg = {'alpha': sbg['beta'], 'beta': sbg['alpha']}"),
            3.5,
            "对调",
        ),
        (
            "fitted to half a year",
            then("sbg = clv.ShiftedBetaGeometric().fit(survivors[:7]).params_"),
            3.5,
            "没有用全部的人数",
        ),
        ("parameters from the book", then("sbg = {'alpha': 0.668, 'beta': 3.806}"), 3.0, "没有到达最大似然"),
        (
            "a constant rate of retention",
            then("survival_24 = (survivors[12] / survivors[0]) ** 2"),
            3.4375,
            "越来越稳",
        ),
        ("retention for survival", then("survival_24 = contract.retention(24)"), 3.4375, "保持率"),
        (
            "monthly rate is a twelfth",
            swap(("clv.monthly_rate(DISCOUNT)", "DISCOUNT / 12")),
            3.5,
            "除以 12",
        ),
        ("annual rate every month", swap(("clv.monthly_rate(DISCOUNT)", "DISCOUNT")), 3.25, "当成了月贴现率"),
        ("the first month left out", then("member_value -= MEMBER_MARGIN"), 3.5, "第一个月"),
        (
            "value with constant retention",
            then(
                "keep = (survivors[12] / survivors[0]) ** (1 / 12)\n"
                "member_value = clv.simple_clv(MEMBER_MARGIN, keep, clv.monthly_rate(DISCOUNT), 'advance')"
            ),
            3.25,
            "被低估",
        ),
        ("a number that grows", then("survivors[5] = survivors[4] + 3"), 0, "越来越少"),
    ],
    "a05-4": [
        ("the first purchase counted", then('summary["x"] += 1'), 3.5, "RFM 的 F"),
        (
            "orders counted, not days",
            then(
                'orders_before = purchases[purchases["date"] <= CALIBRATION_END]\n'
                'summary["x"] = orders_before.groupby("customer_id").size() - 1'
            ),
            3.5,
            "同一天的几单",
        ),
        ("RFM recency", then('summary["t_x"] = summary["T"] - summary["t_x"]'), 3.25, "RFM 的 recency"),
        ("days for weeks", then('summary[["t_x", "T"]] *= 7'), 3.125, "单位是天"),
        ("T to the end of the data", then('summary["T"] += HOLDOUT_WEEKS'), 3.625, "算到了今天"),
        (
            "the holdout leaks in",
            swap(("CALIBRATION_END", "TODAY")),
            1.0625,
            "留出期的购买混进来了",
        ),
        (
            "clock from registration",
            then(
                'since = shop.customers.set_index("customer_id")["member_since"].reindex(summary.index)\n'
                'summary["T"] = (CALIBRATION_END - since).dt.days / 7'
            ),
            3.625,
            "从注册日",
        ),
        (
            "first day in the mean",
            then(
                'before_end = purchases[purchases["date"] <= CALIBRATION_END]\n'
                'by_day = before_end.groupby(["customer_id", "date"])["amount"].sum()\n'
                'summary["monetary"] = by_day.groupby("customer_id").mean().where(summary["x"] > 0)'
            ),
            3.625,
            "首购日的钱",
        ),
        ("sum for mean", then('summary["monetary"] *= summary["x"]'), 3.4375, "这是合计"),
        ("margin too early", then('summary["monetary"] *= MARGIN'), 3.625, "乘了毛利率"),
        ("days against weeks", then('summary["t_x"] *= 7'), 0, "t_x 大于 T"),
    ],
    "a05-5": [
        ("fitted to those who came back", swap(("fit(summary)", 'fit(summary[summary["x"] > 0])')), 3.875, "回头客"),
        (
            "the holdout leaks into the fit",
            swap(("fit(summary)", "fit(clv.summary_from_orders(purchases, TODAY))")),
            3.875,
            "泄漏",
        ),
        (
            "fitted in days",
            swap(
                (
                    "params = model.params_",
                    'params = clv.BetaGeoNBD().fit(summary["x"], 7 * summary["t_x"], 7 * summary["T"]).params_',
                )
            ),
            4.25,
            "时间单位是天",
        ),
        (
            "parameters from the book",
            then('params = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}'),
            3.5,
            "没有到达最大似然",
        ),
        ("nobody who bought once is alive", then('p_alive = p_alive.where(summary["x"] > 0, 0)'), 4.5, "只买过一次"),
        ("a verdict for a chance", then("p_alive = (p_alive >= 0.5).astype(int)"), 4.25, "要概率"),
        (
            "RFM recency for t_x",
            then(
                'p_alive = model.p_alive(summary["x"], (summary["T"] - summary["t_x"]).where(summary["x"] > 0, 0), summary["T"])'
            ),
            4.25,
            "RFM 的 recency",
        ),
        (
            "the forecast of a new customer for all",
            swap(
                (
                    "model.expected_purchases(HOLDOUT_WEEKS, *history)",
                    "pd.Series(model.expected_purchases(HOLDOUT_WEEKS), index=summary.index)",
                )
            ),
            4.25,
            "人人一个数",
        ),
        ("184 weeks", swap(("expected_purchases(HOLDOUT_WEEKS", "expected_purchases(184")), 4.5, "184 周"),
        (
            "the past goes on",
            swap(
                (
                    "model.expected_purchases(HOLDOUT_WEEKS, *history)",
                    "(summary['x'] / summary['T'] * HOLDOUT_WEEKS).where(summary['T'] > 0, 0)",
                )
            ),
            4.25,
            "过去的速率照搬",
        ),
        (
            "those who did not buy are missing",
            then(
                "actual = actual[actual > 0]\nbacktest = {'bias': predicted.sum() / actual.sum() - 1,\n"
                "    'mae': (predicted - actual).abs().mean(), 'naive_mae': (naive - actual).abs().mean()}"
            ),
            4.625,
            "不见了",
        ),
        (
            "orders of the holdout",
            swap(
                (
                    'clv.holdout_from_orders(purchases, CALIBRATION_END, TODAY)["purchases"]',
                    "purchases[purchases['date'] > CALIBRATION_END].groupby('customer_id').size().reindex(summary.index, fill_value=0)",
                )
            ),
            4.625,
            "数的是订单数",
        ),
        ("the wrong way round", then("backtest['bias'] = actual.sum() / predicted.sum() - 1"), 4.875, "比反了"),
        ("errors that cancel", then("backtest['mae'] = (predicted - actual).mean()"), 4.8125, "绝对值"),
        ("root of squares", then("backtest['naive_mae'] = ((naive - actual) ** 2).mean() ** 0.5"), 4.875, "均方根"),
        ("the model itself", then("params = model"), 0, "params_"),
    ],
    "a05-6": [
        (
            "customers without repeat purchases as 0 yuan",
            then('correlation = summary["x"].corr(summary["monetary"].fillna(0))'),
            3.625,
            "以 0 元算",
        ),
        (
            "correlation with the total",
            then('correlation = repeat["x"].corr(repeat["x"] * repeat["monetary"])'),
            3.625,
            "次数与合计",
        ),
        (
            "margins in the spend model",
            then(
                "spend_params = clv.GammaGamma().fit(repeat['x'], MARGIN * repeat['monetary']).params_\n"
                "spend = clv.GammaGamma(spend_params)\n"
                "value_12m = clv.clv(model, spend, summary.assign(monetary=MARGIN * summary['monetary']), **ways)['clv'] / MARGIN"
            ),
            3.5,
            "先乘了毛利率",
        ),
        (
            "parameters from the book",
            then('spend_params = {"p": 6.25, "q": 3.74, "gamma": 15.44}'),
            3.0,
            "没有到达最大似然",
        ),
        (
            "number of purchases ignored",
            then(
                "spend_params = clv.GammaGamma().fit(np.ones(len(repeat)), repeat['monetary']).params_\n"
                "spend = clv.GammaGamma(spend_params)\nvalue_12m = clv.clv(model, spend, summary, **ways)['clv']\n"
                "cap = MARGIN * spend.expected_spend() + clv.clv(model, spend, newcomer, **ways)['clv'].iloc[0]"
            ),
            3.25,
            "忘了次数",
        ),
        ("revenue for margin", then("value_12m = value_12m / MARGIN"), 3.25, "不是毛利"),
        (
            "annual rate over twelve",
            then(
                "value_12m = clv.clv(model, spend, summary, **{**ways, 'discount': (1 + DISCOUNT / 12) ** 12 - 1})['clv']"
            ),
            3.625,
            "除以 12",
        ),
        (
            "not discounted",
            then("value_12m = clv.clv(model, spend, summary, **{**ways, 'discount': 0})['clv']"),
            3.25,
            "没有贴现",
        ),
        (
            "a month of four weeks",
            then("value_12m = clv.clv(model, spend, summary, **{**ways, 'periods_per_month': 4})['clv']"),
            3.625,
            "4 周",
        ),
        (
            "months for weeks",
            then("value_12m = clv.clv(model, spend, summary, **{**ways, 'periods_per_month': 1})['clv']"),
            2.875,
            "是一周",
        ),
        (
            "everybody's own mean",
            then(
                "full = clv.clv(model, spend, summary, **ways)\n"
                "value_12m = (full['clv'] / full['spend'] * summary['monetary']).fillna(0)"
            ),
            3.25,
            "自己的平均消费",
        ),
        ("alive counted twice", then("value_12m = value_12m * p_alive"), 3.25, "条件期望里已经有"),
        ("the first purchase left out", then("cap -= MARGIN * spend.expected_spend()"), 3.5, "漏了首购"),
        ("the mean of customers there are", then("cap = value_12m.mean()"), 3.25, "现有客户的平均"),
        ("the cap in revenue", then("cap /= MARGIN"), 3.5, "花得起的是毛利"),
    ],
}

FIT = """
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1
"""

RIGHT: dict[str, list[tuple[str, Code]]] = {
    "a05-1": [
        (
            "by hand with pivots, quarters as texts, key as a column",
            "q = purchases['date'].dt.year * 4 + purchases['date'].dt.quarter - 1\n"
            "start = q.groupby(purchases['customer_id']).transform('min')\n"
            "rows = purchases.assign(age=q - start, cohort=(start // 4).astype(str) + 'Q' + (start % 4 + 1).astype(str))\n"
            "people = rows.pivot_table(index='cohort', columns='age', values='customer_id', aggfunc='nunique')\n"
            "size = rows.groupby('cohort')['customer_id'].nunique()\n"
            "cohort_active = (people.T / size).T.iloc[::-1].reset_index()\n"
            "rows['gain'] = 0.35 * rows['amount']\n"
            "old = rows[(rows['age'] < 4) & (rows['cohort'] <= '2025Q1')]\n"
            "cohort_value = old.groupby('cohort')['gain'].sum() / size[size.index <= '2025Q1']\n"
            "first_year_value = old['gain'].sum() / old['customer_id'].nunique()\n"
            "historic = rows.groupby('customer_id')['gain'].sum().sample(frac=1, random_state=3)",
        ),
        (
            "quarters as days, NumPy numbers, other names",
            "historic = (purchases['amount'] * MARGIN).groupby(purchases['customer_id']).sum().rename('毛利')\n"
            "n, s = clv.cohorts(purchases, 'Q'), clv.cohorts(purchases, 'Q', 'amount')\n"
            "cohort_active = n.apply(lambda row: row / row[0], axis=1)\n"
            "cohort_active.index = cohort_active.index.to_timestamp()\n"
            "gain = (s[[0, 1, 2, 3]].dropna().sum(axis=1) * MARGIN)\n"
            "cohort_value = gain / n.loc[gain.index, 0]\n"
            "first_year_value = np.average(cohort_value, weights=n.loc[gain.index, 0])\n"
            "cohort_active.columns = [int(c) for c in cohort_active.columns]",
        ),
    ],
    "a05-2": [
        (
            "sums by hand",
            "y = purchases.assign(year=purchases['date'].dt.year).pivot_table(\n"
            "    index='customer_id', columns='year', values='amount', aggfunc='sum')\n"
            "old = y[y[2024].notna()]\n"
            "retention = old[2025].notna().mean()\n"
            "yearly_margin = 0.35 * old[2025].mean()\n"
            "t = np.arange(1, 4000)\n"
            "k = (retention / 1.1) ** t\n"
            "conventions = pd.Series({'arrears': yearly_margin * (k / retention).sum(), 'renewal': yearly_margin * k.sum(),\n"
            "    'advance': yearly_margin * (1 + k.sum())})\n"
            "matching = pd.Series({'丙': 'arrears', '乙': 'renewal', '甲': 'advance'})\n"
            "five_years = yearly_margin * k[:5].sum()\n"
            "rate_month = np.exp(np.log(1.1) / 12) - 1\n"
            "value_month = yearly_margin / 12 * ((retention ** (1 / 12) / (1 + rate_month)) ** t).sum()",
        ),
        (
            "closed forms",
            "a = purchases[purchases['date'] < '2025-01-01']\n"
            "b = purchases[purchases['date'] >= '2025-01-01']\n"
            "back = b[b['customer_id'].isin(a['customer_id'])]\n"
            "retention = np.float64(back['customer_id'].nunique() / a['customer_id'].nunique())\n"
            "yearly_margin = (back.groupby('customer_id')['amount'].sum() * MARGIN).mean()\n"
            "m, r, d = yearly_margin, retention, DISCOUNT\n"
            "conventions = {'renewal': m * r / (1 + d - r), 'advance': m * (1 + d) / (1 + d - r), 'arrears': m / (1 + d - r)}\n"
            "matching = dict(甲='advance', 乙='renewal', 丙='arrears')\n"
            "five_years = sum(m * r**t / (1 + d) ** t for t in range(1, 6))\n"
            "rate_month = clv.monthly_rate(d)\n"
            "q = r ** (1 / 12)\n"
            "value_month = m / 12 * q / (1 + rate_month - q)",
        ),
    ],
    "a05-3": [
        (
            "calendar months, own likelihood, Nelder-Mead, a series of 600 months",
            FIT + "g = members.query(\"plan == 'monthly' and joined_at < '2025-01-01'\")\n"
            "stay = (g['left_at'].dt.year - g['joined_at'].dt.year) * 12 + g['left_at'].dt.month - g['joined_at'].dt.month\n"
            "survivors = pd.Series({t: (stay.isna() | (stay > t)).sum() for t in range(12, -1, -1)})\n"
            "n = survivors.sort_index().to_numpy(float)\n"
            "def loss(z):\n"
            "    a, b = np.exp(z)\n"
            "    t = np.arange(1, 13)\n"
            "    return -((n[:-1] - n[1:]) @ (betaln(a + 1, b + t - 1) - betaln(a, b)) + n[12] * (betaln(a, b + 12) - betaln(a, b)))\n"
            "a, b = np.exp(minimize(loss, [0.0, 2.0], method='Nelder-Mead').x)\n"
            "sbg = pd.Series({'beta': b, 'alpha': a})\n"
            "s = np.exp(betaln(a, b + np.arange(6000)) - betaln(a, b))\n"
            "survival_24 = s[24]\n"
            "member_value = 12 * (s / 1.1 ** (np.arange(6000) / 12)).sum()",
        ),
        (
            "an array, rounded parameters",
            "g = members[members['plan'].eq('monthly') & members['joined_at'].dt.year.eq(2024)]\n"
            "days = [g['joined_at'] + pd.DateOffset(months=t) for t in range(13)]\n"
            "survivors = np.array([len(g) - (g['left_at'] <= day).sum() for day in days])\n"
            "found = clv.ShiftedBetaGeometric().fit(survivors)\n"
            "sbg = {key: round(value, 4) for key, value in found.params_.items()}\n"
            "survival_24 = np.float64(found.survival(24))\n"
            "rate_of_a_month = 1.1 ** (1 / 12) - 1\n"
            "member_value = MEMBER_MARGIN * (1 + found.derl(1, rate_of_a_month) / (1 + rate_of_a_month))",
        ),
    ],
    "a05-4": [
        (
            "by hand, 0 for no mean, key as a column, other order",
            "d = purchases[purchases['date'] <= CALIBRATION_END].groupby(['customer_id', 'date'], as_index=False)['amount'].sum()\n"
            "d['first'] = d.groupby('customer_id')['date'].transform('min')\n"
            "g = d.groupby('customer_id')\n"
            "summary = pd.DataFrame({'T': (CALIBRATION_END - g['date'].min()) / pd.Timedelta(weeks=1),\n"
            "    't_x': (g['date'].max() - g['date'].min()) / pd.Timedelta(weeks=1), 'x': g.size() - 1.0})\n"
            "summary['monetary'] = d[d['date'] > d['first']].groupby('customer_id')['amount'].mean()\n"
            "summary = summary.fillna(0).sample(frac=1, random_state=5).reset_index()",
        ),
        (
            "agg with more columns",
            "d = purchases.query('date <= @CALIBRATION_END').groupby(['customer_id', 'date'])['amount'].sum().reset_index()\n"
            "summary = d.groupby('customer_id').agg(first=('date', 'min'), last=('date', 'max'), frequency=('date', 'size'),\n"
            "    total=('amount', 'sum'), opening=('amount', 'first'))\n"
            "summary['x'] = summary['frequency'] - 1\n"
            "summary['t_x'] = (summary['last'] - summary['first']).dt.days / 7\n"
            "summary['T'] = (CALIBRATION_END - summary['first']).dt.days / 7\n"
            "summary['monetary'] = (summary['total'] - summary['opening']) / summary['x'].where(summary['x'] > 0)",
        ),
    ],
    "a05-5": [
        (
            "own likelihood and formulas, Nelder-Mead",
            FIT + "x, tx, T = (summary[c].to_numpy(float) for c in ('x', 't_x', 'T'))\n"
            "def loss(z):\n"
            "    r, al, a, b = np.exp(z)\n"
            "    one = gammaln(r + x) - gammaln(r) + r * np.log(al) + betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(al + T)\n"
            "    two = np.log(a / (b + np.maximum(x, 1) - 1)) + (r + x) * np.log((al + T) / (al + tx))\n"
            "    return -(one + np.where(x > 0, np.logaddexp(0, two), 0)).sum()\n"
            "z = minimize(loss, np.zeros(4), method='Nelder-Mead', options={'maxiter': 6000, 'maxfev': 6000, 'xatol': 1e-7, 'fatol': 1e-9}).x\n"
            "r, al, a, b = np.exp(z)\n"
            "params = pd.Series({'a': a, 'b': b, 'r': r, 'alpha': al})\n"
            "odds = np.where(x > 0, a / (b + np.maximum(x, 1) - 1) * ((al + T) / (al + tx)) ** (r + x), 0)\n"
            "p_alive = pd.Series(1 / (1 + odds), index=summary.index).iloc[::-1]\n"
            "t = 184 / 7\n"
            "f = hyp2f1(r + x, b + x, a + b + x - 1, t / (al + T + t))\n"
            "predicted = pd.Series((a + b + x - 1) / (a - 1) * (1 - ((al + T) / (al + T + t)) ** (r + x) * f) / (1 + odds), index=summary.index)\n"
            "late = purchases[purchases['date'] > CALIBRATION_END].groupby('customer_id')['date'].nunique()\n"
            "actual = late.reindex(summary.index).fillna(0)\n"
            "old = pd.Series(np.where(T > 0, x / np.maximum(T, 1e-9) * t, 0), index=summary.index)\n"
            "backtest = pd.Series({'mae': np.abs(predicted - actual).mean(), 'naive_mae': np.abs(old - actual).mean(),\n"
            "    'bias': (predicted.sum() - actual.sum()) / actual.sum()})\n"
            "model = clv.BetaGeoNBD(dict(params))",
        ),
        (
            "the library, rounded parameters, integers",
            "model = clv.BetaGeoNBD().fit(summary['x'], summary['t_x'], summary['T'])\n"
            "params = {name: round(value, 5) for name, value in model.params_.items()}\n"
            "p_alive = model.p_alive(x=summary['x'], t_x=summary['t_x'], T=summary['T']).round(5)\n"
            "predicted = model.expected_purchases(26 + 2 / 7, summary['x'], summary['t_x'], summary['T'])\n"
            "actual = pd.Series({c: 0 for c in summary.index})\n"
            "days = purchases[purchases['date'] > CALIBRATION_END].drop_duplicates(['customer_id', 'date'])['customer_id'].value_counts()\n"
            "actual = actual.add(days.reindex(actual.index), fill_value=0).astype(int)\n"
            "T = summary['T'].replace(0, np.inf)\n"
            "backtest = dict(bias=np.float64(predicted.mean() / actual.mean() - 1), mae=abs(predicted - actual).mean(),\n"
            "    naive_mae=abs(summary['x'] / T * HOLDOUT_WEEKS - actual).mean())",
        ),
    ],
    "a05-6": [
        (
            "own likelihood, month by month",
            FIT + "k = summary[summary['x'] > 0]\n"
            "x, m = k['x'].to_numpy(float), k['monetary'].to_numpy(float)\n"
            "correlation = np.corrcoef(x, m)[0, 1]\n"
            "def loss(z):\n"
            "    p, q, v = np.exp(z)\n"
            "    return -(gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v) + (p * x - 1) * np.log(m)\n"
            "        + p * x * np.log(x) - (p * x + q) * np.log(v + x * m)).sum()\n"
            "p, q, v = np.exp(minimize(loss, [1.0, 1.0, 4.0], method='Nelder-Mead', options={'maxiter': 5000, 'maxfev': 5000, 'xatol': 1e-7, 'fatol': 1e-9}).x)\n"
            "spend_params = {'gamma': v, 'q': q, 'p': p}\n"
            "h = summary['x'], summary['t_x'], summary['T']\n"
            "each = p * (v + summary['x'] * summary['monetary'].fillna(0)) / (p * summary['x'] + q - 1)\n"
            "value_12m, cap, before, new = 0, 0.35 * p * v / (q - 1), 0, 0\n"
            "for month in range(1, 13):\n"
            "    until = model.expected_purchases(month * 365.25 / 84, *h)\n"
            "    fresh = model.expected_purchases(month * 365.25 / 84)\n"
            "    value_12m = value_12m + 0.35 * each * (until - before) / 1.1 ** (month / 12)\n"
            "    cap += 0.35 * p * v / (q - 1) * (fresh - new) / 1.1 ** (month / 12)\n"
            "    before, new = until, fresh",
        ),
        (
            "the library's defaults, Series of parameters, other order",
            "spend = clv.GammaGamma().fit(summary)\n"
            "correlation = spend.correlation_\n"
            "spend_params = pd.Series(spend.params_)\n"
            "value_12m = clv.clv(model, spend, summary, margin=MARGIN)['clv'].iloc[::-1]\n"
            "one = pd.DataFrame({'x': [0.0], 't_x': [0.0], 'T': [0.0], 'monetary': [0.0]}, index=['new'])\n"
            "table = clv.clv(model, spend, one, margin=MARGIN)\n"
            "cap = (table['clv'] + MARGIN * table['spend'])['new']",
        ),
    ],
}

PRODUCTS = {
    "a05-1": ["historic", "cohort_active", "cohort_value", "first_year_value"],
    "a05-2": ["retention", "yearly_margin", "conventions", "matching", "five_years", "rate_month", "value_month"],
    "a05-3": ["survivors", "sbg", "survival_24", "member_value"],
    "a05-4": ["summary"],
    "a05-5": ["params", "p_alive", "predicted", "actual", "backtest"],
    "a05-6": ["correlation", "spend_params", "value_12m", "cap"],
}

EARLY = ("a05-4", "clock from registration")
