"""A survey of laptop owners on one campus, generated from a known satisfaction model.

Behind the answers stands a structural model of the kind of the ACSI (Fornell, Johnson, Anderson, Cha & Bryant, 1996)
and its European sister: image, expectation, perceived quality (hardware and service), value, satisfaction, complaints
and loyalty, tied by :data:`PATHS`. Every latent has mean 0 and variance 1 over the campus; three or four items show
it on a scale from 1 to 10. All 12,000 owners are simulated and would answer honestly; who really answers depends on
grade, gender and satisfaction, and a few of those who do are not in earnest.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# --- the model: latents in causal order, and how much one standard deviation of the cause moves the effect
LATENTS = ("image", "expectation", "hardware", "service", "value", "satisfaction", "complaint", "loyalty")
PATHS = {
    ("image", "expectation"): 0.55,
    ("expectation", "hardware"): 0.35,
    ("expectation", "service"): 0.30,
    ("expectation", "value"): 0.10,
    ("hardware", "value"): 0.45,
    ("service", "value"): 0.25,
    ("image", "satisfaction"): 0.15,
    ("expectation", "satisfaction"): 0.0,  # in the theory, not in the data
    ("hardware", "satisfaction"): 0.25,
    ("service", "satisfaction"): 0.20,
    ("value", "satisfaction"): 0.40,
    ("satisfaction", "complaint"): -0.50,
    ("image", "loyalty"): 0.15,
    ("satisfaction", "loyalty"): 0.60,
    ("complaint", "loyalty"): -0.10,
}
_LOADING, _ITEM_SD = 0.87, 1.75  # correlation of an item with its latent; spread on the scale from 1 to 10
_LEVELS = dict(zip(LATENTS, (7.1, 7.5, 6.8, 6.2, 6.5, 6.8, 3.3, 6.2), strict=True))

# --- items of the main questionnaire: code, text, reverse
_ITEMS = {
    "image": (
        ("image1", "这个品牌在同学中口碑好", False),
        ("image2", "这个品牌值得信任", False),
        ("image3", "这个品牌比别的品牌有实力", False),
        ("image4", "我听到过这个品牌的坏消息", True),
    ),
    "expectation": (
        ("expectation1", "买之前，我对这台电脑整体期望高", False),
        ("expectation2", "买之前，我以为它的性能会好", False),
        ("expectation3", "买之前，我以为它的售后会好", False),
    ),
    "hardware": (
        ("hardware1", "这台电脑运行流畅", False),
        ("hardware2", "屏幕看着舒服", False),
        ("hardware3", "电池够我用一天课", False),
        ("hardware4", "这台电脑容易卡顿", True),
    ),
    "service": (
        ("service1", "遇到问题，售后解决得快", False),
        ("service2", "售后人员懂技术", False),
        ("service3", "维修网点容易找到", False),
        ("service4", "售后的事要我反复催才有人管", True),
    ),
    "value": (
        ("value1", "以这样的质量，价格合理", False),
        ("value2", "以这样的价格，质量令人满意", False),
        ("value3", "这台电脑买得值", False),
    ),
    "satisfaction": (
        ("satisfaction1", "总的来说，我对这台电脑满意", False),
        ("satisfaction2", "它达到了我买之前的期望", False),
        ("satisfaction3", "它接近我心中理想的电脑", False),
    ),
    "complaint": (
        ("complaint1", "我向商家抱怨过这台电脑", False),
        ("complaint2", "我向同学抱怨过这台电脑", False),
        ("complaint3", "我想过投诉", False),
    ),
    "loyalty": (
        ("loyalty1", "下一台电脑我还会买这个品牌", False),
        ("loyalty2", "我会把这个品牌推荐给同学", False),
        ("loyalty3", "别的品牌便宜一点，我就会换", True),
    ),
}
_REVERSE = np.array([reverse for block in _ITEMS.values() for _code, _text, reverse in block])
_CODES = [code for block in _ITEMS.values() for code, _text, _reverse in block]
_OWNER = np.array([LATENTS.index(latent) for latent, block in _ITEMS.items() for _item in block])

# --- campus: owners by grade and gender
GRADES, GENDERS = ("大一", "大二", "大三", "大四", "研究生"), ("男", "女")
_OWNERS = np.array([[1520, 1380], [1450, 1310], [1400, 1260], [1340, 1190], [630, 520]])
_MAJORS = ("计算机与电子", "其他理工", "经济管理", "人文艺术", "医学与农学")
_MAJOR_WEIGHTS = ((0.30, 0.30, 0.16, 0.12, 0.12), (0.14, 0.18, 0.28, 0.25, 0.15))  # by gender
_MONTHS_AT_ENTRY = (3, 15, 27, 39, 27)  # of those who bought when their grade came to the campus
# --- brands: invented. Across owners the three effects average 0 and are uncorrelated, so that no brand
# stands between a cause and its effect.
BRANDS = ("云砚", "栎舟", "朔光", "青隼", "禾屿")
_BRAND_SHARES = np.array([0.32, 0.24, 0.18, 0.16, 0.10])
_BRAND_EFFECTS = {
    "image": np.array([0.66, 0.06, -0.24, -0.54, -0.94]),
    "hardware": np.array([-0.22, 0.51, 0.37, -0.86, 0.19]),
    "service": np.array([0.05, -0.46, 0.73, -0.11, -0.19]),
}
_BRAND_PRICES = np.array([6200.0, 5800.0, 5400.0, 4300.0, 6900.0])
_CAMPUS_SHOP = 0  # the brand that the shop on campus sells: its accessories are bought out of convenience
_OLD_AGE, _DEAR = -0.045, 0.25  # hardware per month of age; per standard deviation of log price within the brand
# --- who answers: log odds
_WILLING, _WILLING_GRADE, _WILLING_FEMALE = -0.95, np.array([1.1, 0.5, -0.1, -1.1, -0.7]), 0.4
_WILLING_SATISFIED = 0.25  # per standard deviation of satisfaction: weighting by grade and gender cannot know it
_KINDS = ("honest", "straight", "speeder", "copy")
_DISHONEST = (0.025, 0.025, 0.015)  # shares of straight-liners, speeders, copies
_RIGHT_ANSWER = 3  # to the attention check
# --- what else follows from the latents
_NPS_LEVEL, _NPS_SATISFIED, _NPS_LOYAL, _NPS_NOISE = 7.0, 1.0, 0.55, 0.75
_FLAT, _STEEP_SLOPE, _FLAT_SLOPE = 0.7, 1.8, 0.1  # zone of indifference, in standard deviations of satisfaction
_GAPS = {  # item nonresponse
    "value2": 0.02,
    "complaint2": 0.02,
    "loyalty3": 0.03,
    "hardware3": 0.015,
}
_SERVICE_SKIPPED = (0.15, 0.01)  # all four questions: by those who never used it, by those who did
_NO_PRICE, _IN_THOUSANDS = 0.05, 0.012  # price left out, or told in thousands of yuan
_START, _DAYS = np.datetime64("2025-11-10"), 33

# --- second part of the questionnaire
FEATURES = {  # true class of each feature for most students
    "稳定不死机": "M",
    "续航满一天": "O",
    "机身轻于 1.3 千克": "A",
    "独立显卡": "I",
    "键盘彩灯": "I",
    "预装推广软件": "R",
}
_GRAPHICS, _GRAPHICS_MAJOR, _GRAPHICS_CLASS = "独立显卡", 0, "O"  # what it is to students of computing
_SURE = 0.66  # share whose own class is that of most
_KANO_CELLS = {
    "A": [(1, 2), (1, 3), (1, 4)],
    "O": [(1, 5)],
    "M": [(2, 5), (3, 5), (4, 5)],
    "I": [(2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (4, 3), (4, 4)],
    "R": [(5, 1), (5, 2), (5, 3), (3, 1), (2, 1)],
    "Q": [(1, 1), (5, 5)],
}
_OTHER_CLASSES = (("A", 0.22), ("O", 0.22), ("M", 0.22), ("I", 0.24), ("R", 0.06), ("Q", 0.04))
ATTRIBUTES = {  # stated importance, performance (means, 1 to 5), pull: correlation of performance with satisfaction
    "性能": (4.5, 4.0, 0.50),
    "屏幕": (4.3, 4.1, 0.35),
    "续航": (4.5, 2.9, 0.40),
    "散热与噪声": (4.4, 3.0, 0.40),
    "便携": (4.3, 4.0, 0.30),
    "外观": (3.2, 4.0, 0.72),
    "接口": (3.4, 3.1, 0.10),
    "售后服务": (4.4, 3.0, 0.40),
    "价格": (4.6, 3.9, 0.10),
    "扩展升级": (3.0, 3.0, 0.05),
}
SERVQUAL_GAPS = {"有形性": -0.2, "可靠性": -1.1, "响应性": -1.5, "保证性": -0.6, "移情性": -0.9}
_SERVQUAL_SIZES = (4, 5, 4, 4, 5)
_SERVQUAL_WEIGHTS = (11.0, 32.0, 25.0, 18.0, 14.0)
_SERVQUAL_TEXTS = (
    "维修设备先进",
    "服务台看着整洁",
    "服务人员穿着得体",
    "宣传单页清楚易读",
    "答应了的时间能做到",
    "顾客有困难时真心帮忙",
    "第一次就把电脑修好",
    "按约定的时间交还电脑",
    "维修记录准确",
    "告诉顾客什么时候修好",
    "很快就有人接待",
    "总是愿意帮忙",
    "再忙也会回应顾客",
    "服务人员让人信得过",
    "把电脑交给他们放心",
    "服务人员有礼貌",
    "服务人员懂得多，能答上问题",
    "给顾客个别的关注",
    "营业时间方便学生",
    "有人专门跟进我的问题",
    "把顾客的利益放在心上",
    "明白我的具体需要",
)
# --- judges of the weights
INDICATOR_WEIGHTS = {"性能": 0.30, "续航": 0.22, "价格": 0.18, "售后": 0.13, "便携": 0.11, "外观": 0.06}
_JUDGES, _EXPERTS = 12, 4
_OWN_VIEW, _UNSURE = 0.15, 0.2  # spread of log weights between judges, of log ratios within one
_CONTRADICTORY = (4, 9)  # row numbers of the judges who turn one judgement round


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says.

    Attributes:
        respondent_id: in the order of the respondents table.
        kind: "honest", "straight" (the same number throughout), "speeder" (at random) or "copy" (sent in twice).
        latents: true scores, one column a latent, mean 0 and standard deviation 1 over the campus.
        brand: brand of the respondent's laptop.
        brands: by brand ``owners`` and ``satisfaction``, the mean of the three satisfaction items over *all* owners on
            the campus, had everybody answered honestly.
        satisfaction: the same mean over the whole campus.
        contradictory: ids of the judges who turned one judgement round.

    >>> truth = generate(1, 100)[1]
    >>> truth.brands["satisfaction"].idxmax(), truth.contradictory
    ('朔光', ('J05', 'J10'))
    """

    respondent_id: NDArray[np.object_]
    kind: NDArray[np.object_]
    latents: pd.DataFrame
    brand: NDArray[np.object_]
    brands: pd.DataFrame
    satisfaction: float
    contradictory: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """One row a respondent: ``kind``, the true scores, and the true mean satisfaction of all owners of the
        respondent's brand (``brand_satisfaction``) and of the campus (``campus_satisfaction``)."""
        return self.latents.set_axis(pd.Index(self.respondent_id, name="respondent_id")).assign(
            kind=self.kind,
            brand_satisfaction=self.brands["satisfaction"].loc[self.brand].to_numpy(),
            campus_satisfaction=self.satisfaction,
        )


@dataclass(frozen=True)
class _Campus:
    """All owners, in the order of grade and gender."""

    grade: Ints
    gender: Ints
    major: Ints
    brand: Ints
    months: Ints
    price: Floats
    latents: Floats  # (owners, latents)
    items: Ints  # (owners, items): what each would answer in earnest

    def latent(self, name: str) -> Floats:
        return self.latents[:, LATENTS.index(name)]


@dataclass(frozen=True)
class _Returns:
    """Questionnaires that came back, by time: row number of the person, kind (of ``_KINDS``), minute since the start."""

    person: Ints
    kind: Ints
    minute: Ints
    original: Ints  # position of the questionnaire it copies, else its own
    invited: Ints  # persons


def generate(seed: int, size: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The survey's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        size: how many questionnaires come back (of 12,000 owners; at most about 3,000).
        first_number: number in the id of the first respondent.

    Returns:
        respondents, answers, items, kano, importance, servqual, judgements, multiples, population by name, and the
        truth.

    >>> tables, truth = generate(1, 100)
    >>> len(tables["answers"]), truth.kind.tolist().count("copy")
    (100, 2)
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    campus = _campus(streams[0])
    back = _returns(streams[1], campus, size)
    ids = numbered("S", first_number, size, 5)
    answers = _answers(streams[2], campus, back)
    respondents = _respondent_table(streams[3], campus, back, ids, answers[:, 0])
    serious = back.kind == 0
    part = streams[4].random(size)  # which second part a respondent got
    judges, contradictory = _judge_tables(streams[8])
    tables = {
        "respondents": respondents,
        "answers": _answer_table(streams[2], campus, back, ids, answers, respondents["used_service"].to_numpy()),
        "items": _item_table(),
        "kano": _kano_table(streams[5], campus, back, ids, serious & (part < 0.42)),
        "importance": _importance_table(streams[6], campus, back, ids, serious & (part > 0.58)),
        "servqual": _servqual_table(streams[7], campus, back, ids, serious & respondents["used_service"].to_numpy()),
        **judges,
        "population": _population_table(campus, back),
    }
    return tables, _truth(campus, back, ids, contradictory)


# ------------------------------------------------------------------------------------------------------------ campus


def _campus(rng: np.random.Generator) -> _Campus:
    stratum = np.repeat(np.arange(_OWNERS.size), _OWNERS.ravel())
    grade, gender = np.divmod(stratum, len(GENDERS))
    count = len(stratum)
    weights = np.cumsum(_MAJOR_WEIGHTS, axis=1)[gender]
    major = np.minimum((rng.random(count)[:, None] >= weights).sum(axis=1), len(_MAJORS) - 1)
    brand = rng.choice(len(BRANDS), count, p=_BRAND_SHARES)
    at_entry = np.array(_MONTHS_AT_ENTRY)[grade]
    months = np.where(rng.random(count) < 0.65, at_entry, rng.integers(1, 40, count)) + rng.integers(-2, 3, count)
    months = np.clip(months, 1, 60)
    dear = rng.standard_normal(count)
    latents = _latents(rng, brand, months, dear)
    price = np.rint(_BRAND_PRICES[brand] * np.exp(0.2 * dear) / 100) * 100 - 1
    return _Campus(grade, gender, major, brand, months, price, latents, _items(rng, latents))


def _latents(rng: np.random.Generator, brand: Ints, months: Ints, dear: Floats) -> Floats:
    """True scores (owners, latents): paths + brand and machine + the noise that brings the variance to 1."""
    scores: dict[str, Floats] = {}
    for latent in LATENTS:
        known = _BRAND_EFFECTS.get(latent, np.zeros(len(BRANDS)))[brand].copy()
        if latent == "hardware":
            known += _OLD_AGE * (months - months.mean()) + _DEAR * dear
        for (cause, effect), strength in PATHS.items():
            if effect == latent:
                known += strength * scores[cause]
        known -= known.mean()
        scores[latent] = known + np.sqrt(1 - known.var()) * rng.standard_normal(len(brand))
    return np.column_stack([scores[latent] for latent in LATENTS])


def _items(rng: np.random.Generator, latents: Floats) -> Ints:
    """What everybody would answer in earnest: the latent seen through noise, on a scale from 1 to 10."""
    noise = rng.standard_normal((len(latents), len(_OWNER)))
    seen = _LOADING * latents[:, _OWNER] + np.sqrt(1 - _LOADING**2) * noise
    ease = 0.25 * np.sin(np.arange(len(_OWNER)))  # items differ in how easily one agrees, the same in every draw
    level = np.array([_LEVELS[latent] for latent in LATENTS])[_OWNER] + ease
    answers = np.clip(np.rint(level + _ITEM_SD * seen), 1, 10).astype(np.int64)
    return np.where(_REVERSE, 11 - answers, answers)


# ----------------------------------------------------------------------------------------------------- who answers how


def _returns(rng: np.random.Generator, campus: _Campus, size: int) -> _Returns:
    """Invitations go out in random order until enough questionnaires are back."""
    straight, speeders, copies = (round(share * size) for share in _DISHONEST)
    count = len(campus.grade)
    odds = (
        _WILLING
        + _WILLING_GRADE[campus.grade]
        + _WILLING_FEMALE * campus.gender
        + _WILLING_SATISFIED * campus.latent("satisfaction")
    )
    order = rng.permutation(count)
    willing = np.flatnonzero(rng.random(count) < 1 / (1 + np.exp(-odds[order])))[: size - copies]
    person = order[willing]
    kind = np.zeros(len(person), dtype=np.int64)
    careless = rng.permutation(len(person))[: straight + speeders]
    kind[careless[:straight]], kind[careless[straight:]] = 1, 2
    minute = np.sort(_minutes(rng, len(person)))
    original = rng.choice(np.flatnonzero(kind == 0), copies, replace=False)
    person = np.concatenate([person, person[original]])
    kind = np.concatenate([kind, np.full(copies, 3)])
    again = np.minimum(minute[original] + rng.integers(3, 120, copies), 1440 * _DAYS - 1)
    minute = np.concatenate([minute, again])
    by_time = np.argsort(minute, kind="stable")
    place = np.argsort(by_time)  # where each questionnaire stands by time
    source = np.concatenate([np.arange(len(willing)), original])
    return _Returns(person[by_time], kind[by_time], minute[by_time], place[source][by_time], order[: willing[-1] + 1])


def _minutes(rng: np.random.Generator, count: int) -> Ints:
    """When they answer: most soon after the start, in the evening."""
    days = np.exp(-np.arange(_DAYS) / 12)
    hours = np.array([1, 0, 0, 0, 0, 0, 0, 1, 3, 4, 5, 5, 8, 6, 4, 4, 4, 5, 6, 7, 9, 11, 9, 4], dtype=float)
    day = rng.choice(_DAYS, count, p=days / days.sum())
    hour = rng.choice(24, count, p=hours / hours.sum())
    return day * 1440 + hour * 60 + rng.integers(0, 60, count)


def _answers(rng: np.random.Generator, campus: _Campus, back: _Returns) -> Ints:
    """The main questionnaire as it came back, without gaps: shape (questionnaires, items)."""
    answers = campus.items[back.person].copy()
    straight, speeder = back.kind == 1, back.kind == 2
    answers[straight] = rng.choice([5, 6, 7, 8, 9, 10], (straight.sum(), 1), p=[0.15, 0.15, 0.2, 0.25, 0.1, 0.15])
    answers[speeder] = rng.integers(1, 11, (speeder.sum(), len(_CODES)))
    return answers


def _respondent_table(
    rng: np.random.Generator, campus: _Campus, back: _Returns, ids: NDArray[np.object_], first_answer: Ints
) -> pd.DataFrame:
    count, who = len(ids), back.person
    seconds = _seconds(rng, back.kind)
    attention = np.where(rng.random(count) < 0.985, _RIGHT_ANSWER, rng.integers(1, 11, count))
    attention = np.select(
        [back.kind == 1, back.kind == 2], [first_answer, rng.integers(1, 11, count)], attention[back.original]
    )
    months = pd.array(campus.months[who], dtype="Int64")
    months[rng.random(count) < 0.02] = pd.NA
    odds = -0.35 + 0.02 * (campus.months[who] - 20) - 0.3 * campus.latent("hardware")[who]
    bought = 0.35 * campus.latent("loyalty")[who] + 0.8 * (campus.brand[who] == _CAMPUS_SHOP) - 0.3
    table = pd.DataFrame(
        {
            "respondent_id": ids,
            "answered_at": _START.astype("datetime64[us]") + back.minute.astype("timedelta64[m]"),
            "grade": np.array(GRADES, dtype=object)[campus.grade[who]],
            "gender": np.array(GENDERS, dtype=object)[campus.gender[who]],
            "major": np.array(_MAJORS, dtype=object)[campus.major[who]],
            "brand": np.array(BRANDS, dtype=object)[campus.brand[who]],
            "price": _told_price(rng, campus.price[who], back.kind),
            "months_owned": months,
            "used_service": rng.random(count) < 1 / (1 + np.exp(-odds)),
            "same_brand_items": np.minimum(rng.poisson(np.exp(bought)), 12),
            "seconds": seconds,
            "attention": attention,
        }
    )
    return _as_original(table, back, ("price", "months_owned", "used_service", "same_brand_items"))


def _told_price(rng: np.random.Generator, price: Floats, kind: Ints) -> Floats:
    """The price as it was filled in: by some not at all, by a few in thousands of yuan."""
    told = np.where(rng.random(len(price)) < _NO_PRICE, np.nan, price)
    candidates = rng.permutation(np.flatnonzero(~np.isnan(told) & (kind == 0)))
    slips = candidates[: round(_IN_THOUSANDS * len(price))]
    told[slips] = np.round(told[slips] / 1000, 1)
    return told


def _seconds(rng: np.random.Generator, kind: Ints) -> Ints:
    earnest = 235 * np.exp(0.33 * rng.standard_normal(len(kind)))
    careless = 80 * np.exp(0.4 * rng.standard_normal(len(kind)))
    hurried = rng.uniform(16, 50, len(kind))
    return np.maximum(np.select([kind == 1, kind == 2], [careless, hurried], earnest), 12).astype(np.int64)


def _as_original(table: pd.DataFrame, back: _Returns, columns: tuple[str, ...]) -> pd.DataFrame:
    """Who sends a questionnaire twice says the same twice."""
    return table.assign(**{column: table[column].iloc[back.original].array for column in columns})


def _answer_table(
    rng: np.random.Generator,
    campus: _Campus,
    back: _Returns,
    ids: NDArray[np.object_],
    answers: Ints,
    used_service: Bools,
) -> pd.DataFrame:
    """The main questionnaire with its gaps, and the 0-10 question of the NPS."""
    columns: dict[str, object] = {"respondent_id": ids}
    careless = (back.kind == 1) | (back.kind == 2)
    skips_service = rng.random(len(ids)) < np.where(used_service, _SERVICE_SKIPPED[1], _SERVICE_SKIPPED[0])
    for place, code in enumerate(_CODES):
        gap = skips_service if code.startswith("service") else rng.random(len(ids)) < _GAPS.get(code, 0.0)
        values = pd.array(answers[:, place], dtype="Int64")
        values[gap & ~careless] = pd.NA
        columns[code] = values
    columns["nps"] = _recommendation(rng, campus, back, answers)
    return _as_original(pd.DataFrame(columns), back, (*_CODES, "nps"))


def _recommendation(rng: np.random.Generator, campus: _Campus, back: _Returns, answers: Ints) -> Ints:
    """0-10: moved by satisfaction where it is low or high, hardly between (zone of indifference), and by loyalty."""
    satisfied = campus.latent("satisfaction")[back.person]
    inside = np.clip(satisfied, -_FLAT, _FLAT)
    pull = _FLAT_SLOPE * inside + _STEEP_SLOPE * (satisfied - inside)
    noise = _NPS_NOISE * rng.standard_normal(len(satisfied))
    loyal = _NPS_LOYAL * campus.latent("loyalty")[back.person]
    earnest = np.clip(np.rint(_NPS_LEVEL + _NPS_SATISFIED * pull + loyal + noise), 0, 10).astype(np.int64)
    at_random = rng.integers(0, 11, len(satisfied))
    return np.select([back.kind == 1, back.kind == 2], [answers[:, 0], at_random], earnest)


def _item_table() -> pd.DataFrame:
    main = [("answers", latent, *item) for latent, block in _ITEMS.items() for item in block]
    dimensions = np.repeat(list(SERVQUAL_GAPS), _SERVQUAL_SIZES)
    service = [
        ("servqual", dimension, f"{number:02d}", text, False)
        for number, (dimension, text) in enumerate(zip(dimensions, _SERVQUAL_TEXTS, strict=True), 1)
    ]
    table = pd.DataFrame(main + service, columns=["table", "construct", "item", "text", "reverse"])
    return table[["item", "table", "construct", "text", "reverse"]]


# --------------------------------------------------------------------------------------------------- second part, desk


def _kano_table(
    rng: np.random.Generator, campus: _Campus, back: _Returns, ids: NDArray[np.object_], asked: Bools
) -> pd.DataFrame:
    computing = campus.major[back.person[asked]] == _GRAPHICS_MAJOR
    who = np.repeat(ids[asked], len(FEATURES))
    feature = np.tile(list(FEATURES), asked.sum())
    most = np.tile(list(FEATURES.values()), asked.sum())
    most[(feature == _GRAPHICS) & np.repeat(computing, len(FEATURES))] = _GRAPHICS_CLASS
    names, shares = zip(*_OTHER_CLASSES, strict=True)
    own = np.where(rng.random(len(who)) < _SURE, most, rng.choice(names, len(who), p=shares))
    pick = rng.random(len(who))
    cells = np.array([_KANO_CELLS[c][int(u * len(_KANO_CELLS[c]))] for c, u in zip(own, pick, strict=True)])
    return pd.DataFrame(
        {"respondent_id": who, "feature": feature, "functional": cells[:, 0], "dysfunctional": cells[:, 1]}
    )


def _importance_table(
    rng: np.random.Generator, campus: _Campus, back: _Returns, ids: NDArray[np.object_], asked: Bools
) -> pd.DataFrame:
    """Stated importance and performance of ten attributes; performance follows satisfaction as strongly as it pulls."""
    stated, performed, pull = np.array(list(ATTRIBUTES.values())).T
    count = int(asked.sum())
    generous = 0.35 * rng.standard_normal((count, 1))  # to some everything is important
    importance = stated + generous + 0.6 * rng.standard_normal((count, len(ATTRIBUTES)))
    satisfied = campus.latent("satisfaction")[back.person[asked]][:, None]
    noise = rng.standard_normal((count, len(ATTRIBUTES)))
    performance = performed + 0.9 * (pull * satisfied + np.sqrt(1 - pull**2) * noise)
    return pd.DataFrame(
        {
            "respondent_id": np.repeat(ids[asked], len(ATTRIBUTES)),
            "attribute": np.tile(list(ATTRIBUTES), count),
            "importance": np.clip(np.rint(importance), 1, 5).astype(np.int64).ravel(),
            "performance": np.clip(np.rint(performance), 1, 5).astype(np.int64).ravel(),
        }
    )


def _servqual_table(
    rng: np.random.Generator, campus: _Campus, back: _Returns, ids: NDArray[np.object_], users: Bools
) -> pd.DataFrame:
    """Expectation and perception of the service desk, 1-7, by some of those who used it, and 100 points of weight."""
    asked = users & (rng.random(len(users)) < 0.7)
    count, items = int(asked.sum()), len(_SERVQUAL_TEXTS)
    served = campus.latent("service")[back.person[asked]][:, None]
    gap = np.repeat(list(SERVQUAL_GAPS.values()), _SERVQUAL_SIZES)
    hope = 5.7 + 0.45 * rng.standard_normal((count, 1)) + 0.55 * rng.standard_normal((count, items))
    found = 5.7 + gap + 0.6 * served + 0.75 * rng.standard_normal((count, items))
    points = rng.dirichlet(np.array(_SERVQUAL_WEIGHTS) * 0.6, count) * 100
    weights = np.rint(points[:, :-1] / 5).astype(np.int64) * 5  # people think in fives
    over = np.maximum(weights.sum(axis=1) - 100, 0)
    weights[np.arange(count), weights.argmax(axis=1)] -= over
    weights = np.column_stack([weights, 100 - weights.sum(axis=1)])
    columns: dict[str, object] = {"respondent_id": ids[asked]}
    for letter, opinion, gaps in (("e", hope, 0.0), ("p", found, 0.004)):
        answers = np.clip(np.rint(opinion), 1, 7).astype(np.int64)
        for item in range(items):
            values = pd.array(answers[:, item], dtype="Int64")
            values[rng.random(count) < gaps] = pd.NA
            columns[f"{letter}{item + 1:02d}"] = values
    names = ("w_tangibles", "w_reliability", "w_responsiveness", "w_assurance", "w_empathy")
    return pd.DataFrame({**columns, **dict(zip(names, weights.T, strict=True))})


# ------------------------------------------------------------------------------------------------------------- weights


def _judge_tables(rng: np.random.Generator) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Pairwise judgements on Saaty's scale and direct multiples of twelve judges who nearly agree."""
    names, true = list(INDICATOR_WEIGHTS), np.array(list(INDICATOR_WEIGHTS.values()))
    judges = numbered("J", 1, _JUDGES, 2)
    group = np.where(np.arange(_JUDGES) < _EXPERTS, "专家", "学生")
    own = true * np.exp(_OWN_VIEW * rng.standard_normal((_JUDGES, len(names))))
    first, second = np.triu_indices(len(names), 1)
    turn = rng.random((_JUDGES, len(first))) < 0.5  # who is named first must not tell who wins
    left, right = np.where(turn, second, first), np.where(turn, first, second)
    rows = np.arange(_JUDGES)[:, None]
    ratio = own[rows, left] / own[rows, right] * np.exp(_UNSURE * rng.standard_normal(turn.shape))
    for judge in _CONTRADICTORY:
        slip = np.argmax(np.abs(np.log(ratio[judge])))
        far = max(ratio[judge, slip], 1 / ratio[judge, slip], 5.0)
        ratio[judge, slip] = 1 / far if ratio[judge, slip] > 1 else far
    strength = np.clip(np.rint(np.maximum(ratio, 1 / ratio)), 1, 9).astype(np.int64)
    label = np.array(names, dtype=object)
    winner = np.where(strength == 1, "", np.where(ratio > 1, label[left], label[right]))
    judgements = pd.DataFrame(
        {
            "judge_id": np.repeat(judges, len(first)),
            "group": np.repeat(group, len(first)),
            "first": label[left].ravel(),
            "second": label[right].ravel(),
            "winner": winner.ravel(),
            "intensity": strength.ravel(),
        }
    )
    return {"judgements": judgements, "multiples": _multiples(judges, own)}, tuple(judges[list(_CONTRADICTORY)])


def _multiples(judges: NDArray[np.object_], own: Floats) -> pd.DataFrame:
    """How many times as important as the least important one, in halves."""
    multiple = np.maximum(np.rint(2 * own / own.min(axis=1, keepdims=True)) / 2, 1.0)
    return pd.DataFrame(
        {
            "judge_id": np.repeat(judges, own.shape[1]),
            "indicator": np.tile(list(INDICATOR_WEIGHTS), len(judges)),
            "multiple": multiple.ravel(),
        }
    )


def _population_table(campus: _Campus, back: _Returns) -> pd.DataFrame:
    stratum = len(GENDERS) * campus.grade[back.invited] + campus.gender[back.invited]
    return pd.DataFrame(
        {
            "grade": np.repeat(GRADES, len(GENDERS)),
            "gender": np.tile(GENDERS, len(GRADES)),
            "owners": _OWNERS.ravel(),
            "invited": np.bincount(stratum, minlength=_OWNERS.size),
        }
    )


def _truth(campus: _Campus, back: _Returns, ids: NDArray[np.object_], contradictory: tuple[str, ...]) -> Truth:
    asked = LATENTS.index("satisfaction") == _OWNER
    score = campus.items[:, asked].mean(axis=1)
    owners = np.bincount(campus.brand, minlength=len(BRANDS))
    means = np.bincount(campus.brand, score, len(BRANDS)) / owners
    return Truth(
        respondent_id=ids,
        kind=np.array(_KINDS, dtype=object)[back.kind],
        latents=pd.DataFrame(campus.latents[back.person], columns=list(LATENTS)),
        brand=np.array(BRANDS, dtype=object)[campus.brand[back.person]],
        brands=pd.DataFrame({"owners": owners, "satisfaction": means}, index=pd.Index(BRANDS, name="brand")),
        satisfaction=float(score.mean()),
        contradictory=contradictory,
    )


RECIPE = Recipe(generate=generate, seed=20260107, size=1200, drawn=300, as_of=pd.Timestamp("2025-12-31"))
