"""Randomised campaigns of an online retailer in the last quarter of 2025, with the true effect of each customer known.

Each customer is a mixture of four kinds (principal strata of the potential outcomes): persuadables buy only if they get
the coupon, sure things buy anyway, lost causes never, sleeping dogs only if left alone. The chances of the kinds are a
multinomial logit of what is known before the campaign and of a hidden love of bargains; uplift = P(persuadable) -
P(sleeping dog). The kinds follow N. J. Radcliffe, "Using Control Groups to Target on Predicted Lift", *Direct Marketing
Analytics Journal*, 2007; the lost rows of one campaign A. Fabijan et al., "Diagnosing Sample Ratio Mismatch in Online
Controlled Experiments", *KDD*, 2019.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Objects = NDArray[np.object_]

KINDS = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
COUPON, THREE_ARMS, FAULTY = "CP01", "CP02", "CP03"  # the campaigns tested on single customers

# Customers
_REGIONS = ("华东", "华南", "华北", "华中", "西南", "东北", "西北")
_REGION_WEIGHTS = (0.34, 0.18, 0.15, 0.13, 0.10, 0.06, 0.04)
_AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
_AGE_WEIGHTS = (0.18, 0.34, 0.24, 0.15, 0.09)
_CATEGORIES = ("食品", "家居日用", "美妆个护", "母婴", "服饰鞋包", "数码配件", "图书文具", "运动户外")
_CATEGORY_WEIGHTS = (0.20, 0.18, 0.15, 0.09, 0.17, 0.09, 0.05, 0.07)
_LONGEST, _PAST_CAMPAIGNS = 365, 8  # days since the last purchase; campaigns of the year before
_CONSENT = 0.7
# Kinds: intercept and weights of (recency, frequency, bargain, age, app); lost causes are the yardstick, all 0
_LOGITS = np.array(
    [
        (-2.20, -0.10, -0.40, 1.35, -0.35, -0.30),  # persuadable
        (-2.35, -0.85, 0.95, -0.10, 0.00, 0.55),  # sure thing
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),  # lost cause
        (-3.70, -0.20, 0.80, -1.10, 0.60, -0.20),  # sleeping dog
    ]
)
# Answers
_SPEND_SPREAD = 0.45  # of ln(spend) around the customer's usual order
_USES = (1.0, 0.6)  # chance that a persuadable, a sure thing uses the coupon when buying
_VISITS = (0.12, 0.22)  # of those who do not buy: without, with a message
_LEAVES = np.array([0.002, 0.003, 0.008, 0.09])  # chance to unsubscribe after a message, by kind
_STRENGTH = {"control": 0.0, "reminder": 0.1, "coupon_10": 0.5, "coupon_20": 1.0, "brand_sms": 0.0}
_ENLISTED = 0.45  # share of all customers taken into CP02 and into CP03
_LOST_DAYS, _LOST_SHARE = 60, 0.8  # CP03: of the treated not seen for so long, so many rows were never written
# Messages of December
_FIRST_SEND, _SEND_DAYS = np.datetime64("2025-12-01", "D"), 28
_CLICK, _CLICK_FATIGUE = -2.1, 0.30  # logit of a click, less so much for each message of the last 7 days
_QUIT, _QUIT_FATIGUE = -6.2, 0.50  # logit of unsubscribing, more by so much
_CHANNELS = ("短信", "邮件", "App 推送")
# Daily tests of landing pages
_TESTS, _TEST_DAYS, _REAL, _REAL_LIFT = 30, 14, 3, 0.25
_NOVEL_LIFT, _NOVEL_DAYS = 0.9, 2.5  # lift of the first day of the novelty, fading at this pace
_NOVELTY = "页面加入抽奖转盘"
_CHANGES = (
    "按钮由橙色改为绿色",
    "主图换成生活场景",
    "标题写出满减金额",
    "倒计时放到首屏",
    "去掉轮播图",
    "评价移到价格下方",
    "字号放大一号",
    "首屏加客服入口",
    "商品由两列改一列",
    "运费说明移到首屏",
    "按钮文字改为“立即领取”",
    "加入会员价对比",
    "背景由白色改浅灰",
    "推荐商品由六个减到三个",
    "视频代替主图",
    "价格去掉小数",
    "加入已售件数",
    "优惠券改为弹窗",
    "详情默认收起",
    "导航栏固定在底部",
    "缩短介绍文字",
    "加入售后承诺",
    "收藏按钮移到右上",
    "规格选择默认展开",
    "页脚去掉友情链接",
    "首图改为白底",
    "加入配送时间",
    "标题缩到一行",
    "评分用星形显示",
)

_CAMPAIGNS = (
    (COUPON, "国庆回访券", "发给全部可联系客户；一半发 20 元券，一半不发", "2025-10-09"),
    (THREE_ARMS, "双11 预热四组试验", "抽取部分可联系客户，四组各四分之一，比较提醒、10 元券和 20 元券", "2025-11-03"),
    (FAULTY, "品牌短信试验", "抽取部分可联系客户；计划一半发品牌短信，一半不发", "2025-11-24"),
)
_ARMS = pd.DataFrame(
    [
        (COUPON, "control", 0.5, 0.0, 0.0, "不发任何信息"),
        (COUPON, "coupon_20", 0.5, 0.5, 20.0, "短信加 20 元无门槛券，14 天内有效"),
        (THREE_ARMS, "control", 0.25, 0.0, 0.0, "不发任何信息"),
        (THREE_ARMS, "reminder", 0.25, 0.5, 0.0, "只发活动提醒，不带券"),
        (THREE_ARMS, "coupon_10", 0.25, 0.5, 10.0, "短信加 10 元无门槛券，14 天内有效"),
        (THREE_ARMS, "coupon_20", 0.25, 0.5, 20.0, "短信加 20 元无门槛券，14 天内有效"),
        (FAULTY, "control", 0.5, 0.0, 0.0, "不发任何信息"),
        (FAULTY, "brand_sms", 0.5, 0.5, 0.0, "只讲品牌故事的短信，不带券"),
    ],
    columns=["campaign_id", "arm", "planned_share", "contact_cost", "coupon_value", "message"],
)
MARGIN = 0.3  # margin of the goods as a share of the spend


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says.

    Attributes:
        customer_id: in the order of the customers table.
        kind: how the customer answers to the 20-yuan coupon of CP01, one of :data:`KINDS`.
        buys_alone, buys_with_coupon: the two potential outcomes of CP01, of which only one is ever seen.
        p_alone, p_with_coupon: chances of these outcomes.
        uplift: p_with_coupon - p_alone.
        bargain: hidden love of bargains, mean 0, standard deviation 1.
        tests: index campaign_id of the daily tests, ``effect`` ("none", "real", "novelty"), ``lift`` (relative, on
            the first day), ``rate`` of page A.

    >>> generate(1, 100)[1].frame()["kind"].isin(KINDS).all()
    np.True_
    """

    customer_id: Objects
    kind: Objects
    buys_alone: Bools
    buys_with_coupon: Bools
    p_alone: Floats
    p_with_coupon: Floats
    uplift: Floats
    bargain: Floats
    tests: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a customer, index customer_id."""
        columns = {name: values for name, values in vars(self).items() if name != "tests"}
        return pd.DataFrame(columns).set_index("customer_id")


@dataclass(frozen=True)
class _People:
    """Customers as they stand on 2025-09-30; arrays of equal length."""

    recency: Ints
    frequency: Ints
    order_value: Floats
    age: Ints
    app: Bools
    responses: Ints
    consent: Bools
    activity: Floats
    bargain: Floats
    chances: Floats  # of the four kinds, shape (n, 4)

    def kinds(self, rng: np.random.Generator) -> Ints:
        """A kind for each customer, drawn anew for each campaign."""
        return (rng.random((len(self.chances), 1)) > np.cumsum(self.chances, axis=1)[:, :3]).sum(axis=1)


def generate(seed: int, size: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The retailer's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        size: how many customers there are.
        first_number: number in the id of the first customer.

    Returns:
        customers, campaigns, arms, assignments, responses, touches, email_daily by name, and the truth.

    >>> tables, truth = generate(1, 200)
    >>> list(tables)
    ['customers', 'campaigns', 'arms', 'assignments', 'responses', 'touches', 'email_daily']
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    ids = numbered("C", first_number, size)
    people = _people(streams[0], size)
    customers = _customer_table(streams[1], people, ids)
    experiments, kind, reachable = _experiments(streams[2], people, ids)
    tests = _page_tests(streams[3])
    tables = {
        "customers": customers,
        "campaigns": _campaign_table(tests),
        "arms": _ARMS.copy(),
        "assignments": experiments[["campaign_id", "customer_id", "arm", "sent_at"]],
        "responses": experiments.drop(columns=["arm", "sent_at"]),
        "touches": _touches(streams[4], people, ids, reachable),
        "email_daily": _daily_counts(streams[3], tests),
    }
    return tables, _truth(people, ids, kind, tests)


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / values.std()


def _people(rng: np.random.Generator, count: int) -> _People:
    activity, bargain = rng.standard_normal((2, count))
    frequency = 1 + rng.poisson(np.exp(0.9 + 0.65 * activity))
    recency = np.minimum(1 + rng.exponential(260 / (1 + frequency)), _LONGEST).astype(np.int64)
    age = np.searchsorted(np.cumsum(_AGE_WEIGHTS)[:-1], rng.random(count))
    app = rng.random(count) < 1 / (1 + np.exp(0.2 - 0.5 * activity + 0.35 * (age - 1.5)))
    keen = 1 / (1 + np.exp(1.3 - 1.3 * bargain - 0.2 * activity))
    features = np.column_stack(
        [_standard(np.log(recency)), _standard(np.log(frequency)), bargain, _standard(age.astype(float)), app - 0.5]
    )
    odds = np.exp(_LOGITS[:, 0] + features @ _LOGITS[:, 1:].T)
    return _People(
        recency=recency,
        frequency=frequency,
        order_value=np.exp(rng.normal(5.15, 0.5, count)),
        age=age,
        app=app,
        responses=rng.binomial(_PAST_CAMPAIGNS, keen),
        consent=rng.random(count) < _CONSENT,
        activity=activity,
        bargain=bargain,
        chances=odds / odds.sum(axis=1, keepdims=True),
    )


def _customer_table(rng: np.random.Generator, people: _People, ids: Objects) -> pd.DataFrame:
    count = len(ids)
    mean_order = people.order_value * np.exp(rng.normal(0, 0.45, count) / np.sqrt(people.frequency))
    return pd.DataFrame(
        {
            "customer_id": ids,
            "recency": people.recency,
            "frequency": people.frequency,
            "monetary": np.round(people.frequency * mean_order, 2),
            "category": np.array(_CATEGORIES, dtype=object)[rng.choice(len(_CATEGORIES), count, p=_CATEGORY_WEIGHTS)],
            "region": np.array(_REGIONS, dtype=object)[rng.choice(len(_REGIONS), count, p=_REGION_WEIGHTS)],
            "age_band": np.array(_AGES, dtype=object)[people.age],
            "app_user": people.app,
            "past_responses": people.responses,
            "marketing_consent": people.consent,
        }
    )


# ------------------------------------------------------------------------------------------------- experiments


def _experiments(rng: np.random.Generator, people: _People, ids: Objects) -> tuple[pd.DataFrame, Ints, Bools]:
    """Assignments with their answers, everybody's kind in CP01, and who may still be written to in December."""
    reachable = people.consent.copy()
    found = []
    first_kind = np.zeros(len(ids), dtype=np.int64)
    for number, (campaign, _name, _description, day) in enumerate(_CAMPAIGNS):
        arms = _ARMS[_ARMS["campaign_id"] == campaign]
        pool = np.flatnonzero(reachable)
        if number:
            pool = np.sort(rng.permutation(pool)[: round(_ENLISTED * len(ids))])
        # Complete randomisation: groups of equal size, dealt out in random order.
        arm = rng.permutation(np.arange(len(pool)) % len(arms))
        kind = people.kinds(rng)
        if not number:
            first_kind = kind
        table = _answers(rng, people, pool, arm, kind[pool], arms, day)
        reachable[pool[table["unsubscribed"].to_numpy()]] = False
        if campaign == FAULTY:
            table = table[~_lost(rng, people.recency[pool], arm)]
        found.append(table.assign(customer_id=ids[table["customer_id"]]))
    return pd.concat(found, ignore_index=True), first_kind, reachable


def _answers(
    rng: np.random.Generator, people: _People, pool: Ints, arm: Ints, kind: Ints, arms: pd.DataFrame, day: str
) -> pd.DataFrame:
    """What each customer of a campaign does within 14 days; customers still as row numbers."""
    count = len(pool)
    names = arms["arm"].to_numpy(dtype=object)[arm]
    strength = np.array([_STRENGTH[name] for name in arms["arm"]])[arm]
    contacted = names != "control"
    # The offer works on as many of those it can work on as it is strong.
    works = rng.random(count) < strength
    converted = (kind == 1) | ((kind == 0) & works) | ((kind == 3) & ~works)
    coupon = arms["coupon_value"].to_numpy()[arm] > 0
    used = converted & coupon & (rng.random(count) < np.where(kind == 0, *_USES))
    spend = people.order_value[pool] * np.exp(rng.normal(0, _SPEND_SPREAD, count))
    sent = np.datetime64(day, "m") + (600 + rng.integers(0, 60, count)).astype("timedelta64[m]")
    return pd.DataFrame(
        {
            "campaign_id": arms["campaign_id"].iloc[0],
            "customer_id": pool,
            "arm": names,
            "sent_at": np.where(contacted, sent, np.datetime64("NaT")).astype("datetime64[us]"),
            "visited": converted | (rng.random(count) < np.where(contacted, _VISITS[1], _VISITS[0])),
            "converted": converted,
            "spend": np.where(converted, np.round(np.maximum(spend, 30), 2), 0.0),
            "coupon_used": used,
            "unsubscribed": contacted & (rng.random(count) < _LEAVES[kind]),
        }
    )


def _lost(rng: np.random.Generator, recency: Ints, arm: Ints) -> Bools:
    """Rows of CP03 never written: undeliverable messages, mostly to customers long not seen, left no trace."""
    return (arm == 1) & (recency > _LOST_DAYS) & (rng.random(len(arm)) < _LOST_SHARE)


def _truth(people: _People, ids: Objects, kind: Ints, tests: pd.DataFrame) -> Truth:
    persuadable, sure, _lost_cause, dog = people.chances.T
    return Truth(
        customer_id=ids,
        kind=np.array(KINDS, dtype=object)[kind],
        buys_alone=(kind == 1) | (kind == 3),
        buys_with_coupon=(kind == 0) | (kind == 1),
        p_alone=sure + dog,
        p_with_coupon=sure + persuadable,
        uplift=persuadable - dog,
        bargain=people.bargain,
        tests=tests[["effect", "lift", "rate"]],
    )


# --------------------------------------------------------------------------------------- frequency of contact


def _touches(rng: np.random.Generator, people: _People, ids: Objects, reachable: Bools) -> pd.DataFrame:
    """Messages of December, day by day: the shop writes most to the active, who click more; each message tires."""
    who = np.flatnonzero(reachable)
    count = len(who)
    active = people.activity[who]
    pace = np.minimum(0.085 * np.exp(0.75 * active + rng.normal(0, 0.8, count)), 0.85)  # messages a day
    taste = _CLICK + 1.0 * active + rng.normal(0, 0.4, count)
    sent = np.zeros((_SEND_DAYS, count), dtype=bool)
    clicked, left = sent.copy(), sent.copy()
    for today in range(_SEND_DAYS):
        earlier = sent[max(today - 6, 0) : today].sum(axis=0)
        sent[today] = (rng.random(count) < pace) & ~left[:today].any(axis=0)
        clicked[today] = sent[today] & (rng.random(count) < 1 / (1 + np.exp(_CLICK_FATIGUE * earlier - taste)))
        left[today] = sent[today] & (rng.random(count) < 1 / (1 + np.exp(-_QUIT - _QUIT_FATIGUE * earlier)))
    day, person = np.nonzero(sent)
    minute = 540 + rng.integers(0, 660, len(day))
    moment = (_FIRST_SEND + day).astype("datetime64[us]") + minute.astype("timedelta64[m]")
    table = pd.DataFrame(
        {
            "customer_id": ids[who[person]],
            "sent_at": moment,
            "channel": np.array(_CHANNELS, dtype=object)[
                np.where(people.app[who[person]], rng.integers(0, 3, len(day)), rng.integers(0, 2, len(day)))
            ],
            "clicked": clicked[day, person],
            "unsubscribed": left[day, person],
        }
    )
    return table.sort_values(["sent_at", "customer_id"], ignore_index=True)


# --------------------------------------------------------------------------------------------- daily page tests


def _page_tests(rng: np.random.Generator) -> pd.DataFrame:
    """Tests of landing pages, index campaign_id; most changes change nothing."""
    effect = rng.permutation(["novelty", *["real"] * _REAL, *["none"] * (_TESTS - _REAL - 1)])
    changes = iter(rng.permutation(_CHANGES))
    return pd.DataFrame(
        {
            "effect": effect.astype(object),
            "change": [_NOVELTY if kind == "novelty" else str(next(changes)) for kind in effect],
            "lift": np.select([effect == "novelty", effect == "real"], [_NOVEL_LIFT, _REAL_LIFT], 0.0),
            "rate": rng.uniform(0.04, 0.07, _TESTS),
            "start": np.datetime64("2025-10-01") + np.sort(rng.integers(0, 92 - _TEST_DAYS, _TESTS)),
        },
        index=pd.Index(numbered("PT", 1, _TESTS, 2), name="campaign_id"),
    )


def _daily_counts(rng: np.random.Generator, tests: pd.DataFrame) -> pd.DataFrame:
    """Visitors and buyers of each test, day and page: arrays of shape (tests, days, 2)."""
    day = np.arange(_TEST_DAYS)
    fade = np.where(tests["effect"].to_numpy()[:, None] == "novelty", np.exp(-day / _NOVEL_DAYS), 1.0)
    lift = tests["lift"].to_numpy()[:, None] * fade
    rate = tests["rate"].to_numpy()[:, None, None] * np.stack([np.ones(lift.shape), 1 + lift], axis=-1)
    visitors = rng.poisson(rng.uniform(700, 1000, _TESTS)[:, None, None], rate.shape)
    test, when, page = (place.ravel() for place in np.indices(rate.shape))
    start = tests["start"].to_numpy().astype("datetime64[D]")
    return pd.DataFrame(
        {
            "campaign_id": tests.index.to_numpy(dtype=object)[test],
            "day": when + 1,
            "date": (start[test] + when).astype("datetime64[us]"),
            "variant": np.array(["A", "B"], dtype=object)[page],
            "visitors": visitors.ravel(),
            "conversions": rng.binomial(visitors, rate).ravel(),
        }
    )


def _campaign_table(tests: pd.DataFrame) -> pd.DataFrame:
    experiments = pd.DataFrame(_CAMPAIGNS, columns=["campaign_id", "name", "description", "starts_on"])
    pages = pd.DataFrame(
        {
            "campaign_id": tests.index,
            "name": "落地页测试：" + tests["change"],
            "description": "邮件落地页 A 为原版，B 为改版，访客随机各半，连续 14 天",
            "starts_on": tests["start"],
        }
    )
    table = pd.concat([experiments.astype({"starts_on": "datetime64[us]"}), pages], ignore_index=True)
    table["kind"] = np.where(table["campaign_id"].str.startswith("CP"), "客户试验", "页面测试")
    table["starts_on"] = table["starts_on"].astype("datetime64[us]")
    table["margin"] = MARGIN
    return table


RECIPE = Recipe(generate=generate, seed=20261011, size=8000, drawn=2000, as_of=pd.Timestamp("2025-12-31"))
