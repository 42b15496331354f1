"""The customer master data of an invented firm, put together from three systems that never agreed on anything.

Persons are drawn first, with phone, e-mail, home and family; then each leaves one to four records in the web shop, the
stores and the contact centre. A record shows the person as of its last update (old phone, old home), and each system
spoils it in its own way, at the rates in ``_NAME``, ``_PHONE`` and the like (the idea of synthetic record-linkage data
after Christen, *Data Matching*, Springer, 2012). Hard negatives are planted: families on one phone, twins, namesakes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate import people
from crmlab.generate.recipe import Recipe, numbered

Objects = NDArray[np.object_]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Dates = NDArray[np.datetime64]

_START, _END = np.datetime64("2022-01-01"), np.datetime64("2025-12-31")
_DAYS = int((_END - _START).astype(int)) + 1

# How many records a person leaves, and where
_RECORDS = (0.67, 0.23, 0.08, 0.02)  # 1, 2, 3, 4: 1.45 on average
SOURCES = ("网店", "门店", "客服")
_SOURCE_SHARE = (0.48, 0.30, 0.22)
# Persons
_IN_FAMILY, _SHARED_PHONE, _SHARED_SURNAME = 0.22, 0.45, 0.6
_NAMESAKES, _TWINS = 0.12, 0.008
_CHANGED_PHONE, _MOVED = 0.22, 0.20  # of persons, some day in the four years
# What goes wrong with a field, by source (网店, 门店, 客服); the rest is right as written
_NAME = {
    "blank": (0.03, 0.08, 0.02),  # 王 芳
    "title": (0.01, 0.05, 0.10),  # 王芳女士
    "surname": (0.00, 0.03, 0.08),  # 王女士
    "homophone": (0.01, 0.07, 0.12),  # 王方
    "swap": (0.01, 0.02, 0.01),  # 王晓小
    "missing": (0.10, 0.01, 0.03),
}
_PHONE = {
    "prefix": (0.02, 0.02, 0.55),  # +86
    "separators": (0.02, 0.30, 0.05),
    "full_width": (0.03, 0.06, 0.00),
    "digit": (0.01, 0.05, 0.02),  # one digit wrong
    "swap": (0.01, 0.03, 0.01),  # two neighbours swapped
    "short": (0.00, 0.03, 0.00),
    "filler": (0.01, 0.04, 0.01),  # 16100000000
    "missing": (0.04, 0.05, 0.00),
}
_EMAIL = {
    "case": (0.05, 0.03, 0.30),
    "blank": (0.04, 0.02, 0.03),
    "typo": (0.02, 0.03, 0.04),
    "no_at": (0.01, 0.02, 0.02),
    "missing": (0.12, 0.72, 0.45),
}
_BIRTH = {
    "slash": (0.03, 0.20, 0.10),
    "dot": (0.00, 0.25, 0.05),
    "chinese": (0.02, 0.20, 0.05),
    "compact": (0.05, 0.05, 0.10),
    "swap": (0.01, 0.02, 0.02),  # day and month
    "filler": (0.08, 0.02, 0.00),  # 1990-01-01
    "missing": (0.35, 0.12, 0.50),
}
_ADDRESS = {
    "punctuated": (0.10, 0.10, 0.05),
    "other_words": (0.10, 0.25, 0.05),  # 3号楼502室 for 3栋502
    "short": (0.05, 0.20, 0.05),  # without flat
    "missing": (0.05, 0.25, 0.60),
}
_CONSENT = (0.62, 0.48, 0.30)
_CONSENT_UNDATED, _MARKETED_WITHOUT = 0.06, 0.05
_FILLER_PHONES = ("16100000000", "11111111111", "16111111111")

_CITIES = (
    ("上海", "上海", 10),
    ("浙江", "杭州", 9),
    ("浙江", "宁波", 4),
    ("江苏", "南京", 6),
    ("江苏", "苏州", 6),
    ("安徽", "合肥", 4),
    ("广东", "广州", 8),
    ("广东", "深圳", 8),
    ("福建", "厦门", 3),
    ("北京", "北京", 9),
    ("山东", "青岛", 4),
    ("湖北", "武汉", 6),
    ("湖南", "长沙", 4),
    ("河南", "郑州", 4),
    ("四川", "成都", 7),
    ("重庆", "重庆", 4),
    ("陕西", "西安", 3),
    ("辽宁", "沈阳", 2),
)
_LONG_PROVINCES = {"上海": "上海市", "北京": "北京市", "重庆": "重庆市"}
_LETTERS = {"浙江": "浙", "广东": "粤", "上海": "沪", "北京": "京", "四川": "川", "湖北": "鄂"}
_STREETS = (
    "青禾路",
    "白鹭街",
    "云岭路",
    "东湾路",
    "望海街",
    "金沙路",
    "谷雨巷",
    "长汀路",
    "秋实街",
    "南浦大道",
    "晨光路",
    "松原路",
)
_SYLLABLES = "an bai chen dan fei gao hui jia ke lin mei ning ou ping qi rui shan tao wei xin yan zhi"
_MAIL_HOSTS = ("mail.example.com", "post.example.com", "example.cn", "example.org", "inbox.example.net")  # reserved
_INTERESTS = ("家居日用", "食品生鲜", "美妆个护", "母婴", "数码家电", "户外运动", "慢病护理")
_INTEREST_WEIGHTS = {
    30: (0.18, 0.20, 0.24, 0.06, 0.20, 0.12, 0.00),
    45: (0.22, 0.22, 0.16, 0.24, 0.10, 0.06, 0.00),
    60: (0.30, 0.30, 0.10, 0.06, 0.10, 0.08, 0.06),
    200: (0.24, 0.30, 0.03, 0.06, 0.05, 0.02, 0.30),
}
_SOUNDS_ALIKE = (
    "伟玮 芳方 敏闽 静婧 丽莉 强蔷 军君 洋扬 勇永 艳燕 杰洁 涛韬 明铭 霞暇 平萍 刚钢 桂贵 英瑛 玉钰 兰岚 红虹 建健 文雯 "
    "辉晖 力立 波博 斌彬 宇羽 浩皓 凯楷 琳林 雪学 梅玫 晨辰 曦熙 欣心 怡仪 佳嘉 瑞睿 轩萱 梓紫 涵晗 思斯 远媛 诚成 雨语 "
    "桐彤 子紫 墨默 俊骏 馨欣 志智 鹏朋 晓小 东冬 家佳 豪浩 玲凌 秀绣 云芸 新欣 宏洪 琪淇 书淑 瑶遥 景璟 清青 妍研 雅亚 亦一 "
    "凡帆 张章 陈程 黄王 吴武 徐许 沈申 余于 萧肖 蒋江 姜江 汪王 石时 付傅 程陈 许徐 于余 江姜 武吴"
)
_HOMOPHONES = {pair[0]: pair[1] for pair in _SOUNDS_ALIKE.split()}
_GIFTS = ("保温杯", "雨伞", "护手霜", "帆布袋", "香薰蜡烛")

# The register of processing: field, purpose, legal basis, sensitive, needed for the purpose
_REGISTER = (
    ("姓名", "订单履行", "履行合同所必需", False, True),
    ("手机号", "订单履行", "履行合同所必需", False, True),
    ("收货地址", "订单履行", "履行合同所必需", False, True),
    ("身份证号", "订单履行", "履行合同所必需", True, False),
    ("银行账户", "售后退款", "履行合同所必需", True, True),
    ("订单编号", "售后退款", "履行合同所必需", False, True),
    ("电子邮箱", "开具发票", "履行合同所必需", False, True),
    ("纳税人识别号", "开具发票", "法定义务", False, True),
    ("手机号", "营销推送", "同意", False, True),
    ("通讯录", "营销推送", "同意", False, False),
    ("出生日期", "生日关怀", "同意", False, True),
    ("婚姻状况", "生日关怀", "同意", False, False),
    ("浏览记录", "商品推荐", "同意", False, True),
    ("慢病用药记录", "商品推荐", "同意", True, False),
    ("通话录音", "服务质量检查", "同意", False, True),
    ("人脸图像", "门店客流统计", "同意", True, False),
)
_CONSENT_BASIS, _OVERDUE, _SHORT_OF_CONSENT = "同意", 4, 3


@dataclass(frozen=True)
class Truth:
    """Who each record and each leaked row really is, and what was done to it (arrays of equal length).

    Attributes:
        record_id: ids of the records table, then of the outside table.
        person_id: the person; strangers in the outside table have persons of their own.
        name, phone, email, birth, address: what went wrong with the field ("" for nothing), e.g. "homophone", "digit".
        old_phone, old_address: the record was last updated before the person changed it.

    >>> from crmlab import data
    >>> data.truth("masterdata").loc["R00001", "person_id"][0]
    'P'
    """

    record_id: Objects
    person_id: Objects
    name: Objects
    phone: Objects
    email: Objects
    birth: Objects
    address: Objects
    old_phone: Bools
    old_address: Bools

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a record, index record_id."""
        return pd.DataFrame(vars(self)).set_index("record_id")


@dataclass(frozen=True)
class _Persons:
    name: Objects
    gender: Objects
    birth: Dates
    phone: Objects
    old_phone: Objects
    changed_phone: Dates  # the day; before the start for those who never did
    email: Objects
    city: Ints
    address: Objects
    old_address: Objects
    moved: Dates
    interest: Objects
    household: Ints  # who lives together has the same number


@dataclass(frozen=True)
class _Records:
    """One value a record, in the order of creation; ``kind[field]`` says what goes wrong with the field."""

    person: Ints
    source: Ints
    created: Dates
    updated: Dates
    old_phone: Bools
    old_address: Bools
    kind: dict[str, Objects]


def generate(seed: int, persons: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The firm's tables and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        persons: how many persons have at least one record (about 1.45 records each).
        first_number: number in the ids of the first record and of the first person.

    Returns:
        records, labelled_pairs, outside, register, needs, companies, quotes, shipments, statements, and the truth.

    >>> tables, truth = generate(1, 50)
    >>> len(tables["records"]) > 50, truth.frame()["person_id"].nunique() >= 50
    (True, True)
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(6)]
    leaked = round(0.21 * persons)
    strangers = leaked // 4
    everyone = _persons(streams[0], persons + strangers)
    records = _records(streams[1], everyone, persons)
    ids = numbered("R", first_number, len(records.person))
    outside, listed = _outside(streams[3], everyone, persons, leaked, strangers)
    register, needs = _register(streams[4], persons)
    tables = {
        "records": _record_table(streams[2], everyone, records, ids),
        "labelled_pairs": _labelled_pairs(streams[3], everyone, records, ids, leaked),
        "outside": outside,
        "register": register,
        "needs": needs,
        **_company_tables(streams[5], max(persons // 35, 12)),
    }
    return tables, _truth(everyone, records, ids, outside, listed, first_number)


# ------------------------------------------------------------------------------------------------------------ persons


def _persons(rng: np.random.Generator, count: int) -> _Persons:
    name, phone = people.person_names(rng, count), people.phones(rng, 2 * count)
    age = np.clip(rng.gamma(6.5, 5.6, count) + 8, 16, 84)
    namesake = np.flatnonzero(rng.random(count) < _NAMESAKES)
    name[namesake] = name[rng.integers(0, count, len(namesake))]
    birth = _END - np.floor(age * 365.25).astype("timedelta64[D]")
    persons = _Persons(
        name=name,
        gender=np.where(rng.random(count) < 0.54, "女", "男").astype(object),
        birth=birth,
        phone=phone[:count],
        old_phone=phone[count:],
        changed_phone=_some_day(rng, count, _CHANGED_PHONE),
        email=_emails(rng, count),
        city=rng.choice(len(_CITIES), count, p=_city_weights()),
        address=_addresses(rng, count),
        old_address=_addresses(rng, count),
        moved=_some_day(rng, count, _MOVED),
        interest=_interests(rng, birth),
        household=np.arange(count),
    )
    _found_families(rng, persons)
    return persons


def _found_families(rng: np.random.Generator, persons: _Persons) -> None:
    """Ties members to hosts, who stay as they are: one home, perhaps one phone, perhaps one family name, some twins."""
    order = rng.permutation(len(persons.name))
    members = order[: round(_IN_FAMILY * len(order))]
    hosts = rng.choice(order[len(members) :], len(members), replace=False)
    for array in (persons.city, persons.address, persons.old_address, persons.moved, persons.household):
        array[members] = array[hosts]
    shares = rng.random(len(members)) < _SHARED_PHONE
    for array in (persons.phone, persons.old_phone, persons.changed_phone):
        array[members[shares]] = array[hosts[shares]]
    name, kin = persons.name, rng.random(len(members)) < _SHARED_SURNAME
    name[members[kin]] = [name[h][0] + name[m][1:] for m, h in zip(members[kin], hosts[kin], strict=True)]
    twins = round(_TWINS * len(order))
    persons.birth[members[:twins]] = persons.birth[hosts[:twins]]
    name[members[:twins]] = [_twin(rng, name[h]) for h in hosts[:twins]]


def _city_weights() -> NDArray[np.float64]:
    weights = np.array([weight for _province, _city, weight in _CITIES], dtype=float)
    return weights / weights.sum()


def _addresses(rng: np.random.Generator, count: int) -> Objects:
    street = rng.integers(0, len(_STREETS), count)
    house, block, floor, flat = (rng.integers(1, top, count) for top in (300, 20, 28, 5))
    parts = zip(street, house, block, floor, flat, strict=True)
    return np.array([f"{_STREETS[s]}{h}号{b}栋{f}{r:02d}" for s, h, b, f, r in parts], dtype=object)


def _emails(rng: np.random.Generator, count: int) -> Objects:
    words = _SYLLABLES.split()
    first, second = rng.integers(0, len(words), (2, count))
    digits, host = rng.integers(10, 9999, count), rng.integers(0, len(_MAIL_HOSTS), count)
    parts = zip(first, second, digits, host, strict=True)
    return np.array([f"{words[a]}{words[b]}{d}@{_MAIL_HOSTS[h]}" for a, b, d, h in parts], dtype=object)


def _some_day(rng: np.random.Generator, count: int, share: float) -> Dates:
    """A day in the four years for a share of persons, a day before all records for the others."""
    day = _START + rng.integers(0, _DAYS, count).astype("timedelta64[D]")
    return np.where(rng.random(count) < share, day, _START - np.timedelta64(1, "D"))


def _twin(rng: np.random.Generator, name: str) -> str:
    """A twin's name: same family name, same first character, another last one."""
    other = people.person_names(rng, 1)[0][-1]
    return name[0] + (name[1] if len(name) == 3 else "") + other


def _interests(rng: np.random.Generator, birth: Dates) -> Objects:
    age = ((_END - birth).astype(int) / 365.25).astype(int)
    band = np.searchsorted(list(_INTEREST_WEIGHTS), age, side="right")
    edges = np.cumsum(list(_INTEREST_WEIGHTS.values()), axis=1)[band]
    picked = (rng.random(len(age))[:, None] > edges).sum(axis=1)
    return np.array(_INTERESTS, dtype=object)[np.minimum(picked, len(_INTERESTS) - 1)]


# ------------------------------------------------------------------------------------------------------------ records


def _records(rng: np.random.Generator, everyone: _Persons, count: int) -> _Records:
    person = np.repeat(np.arange(count), rng.choice(len(_RECORDS), count, p=_RECORDS) + 1)
    created = _START + rng.integers(0, _DAYS, len(person)).astype("timedelta64[D]")
    order = np.lexsort((person, created))
    person, created = person[order], created[order]
    later = np.floor(rng.exponential(160, len(person)) * (rng.random(len(person)) < 0.7)).astype("timedelta64[D]")
    updated = np.minimum(created + later, _END)
    source = rng.choice(len(SOURCES), len(person), p=_SOURCE_SHARE)
    rates = {"name": _NAME, "phone": _PHONE, "email": _EMAIL, "birth": _BIRTH, "address": _ADDRESS}
    return _Records(
        person=person,
        source=source,
        created=created,
        updated=updated,
        old_phone=updated < everyone.changed_phone[person],
        old_address=updated < everyone.moved[person],
        kind={field: _kinds(rng, rate, source) for field, rate in rates.items()},
    )


def _kinds(rng: np.random.Generator, rates: dict[str, tuple[float, float, float]], source: Ints) -> Objects:
    """What goes wrong with one field of each record; "" for nothing."""
    edges = np.cumsum(np.array(list(rates.values())), axis=0)[:, source]
    picked = (rng.random(len(source)) > edges).sum(axis=0)
    return np.array([*rates, ""], dtype=object)[picked]


def _record_table(rng: np.random.Generator, everyone: _Persons, records: _Records, ids: Objects) -> pd.DataFrame:
    who, count, kind = records.person, len(ids), records.kind
    consent = rng.random(count) < np.array(_CONSENT)[records.source]
    undated = rng.random(count) < _CONSENT_UNDATED
    phone = np.where(records.old_phone, everyone.old_phone[who], everyone.phone[who])
    address = np.where(records.old_address, everyone.old_address[who], everyone.address[who])
    province, city = _regions(rng, everyone.city[who], records.source)
    table = pd.DataFrame(
        {
            "record_id": ids,
            "source": np.array(SOURCES, dtype=object)[records.source],
            "name": _spoilt(rng, _spoil_name, everyone.name[who], kind["name"], everyone.gender[who]),
            "gender": _genders(rng, everyone.gender[who], records.source),
            "birth": _spoilt(rng, _spoil_birth, everyone.birth[who].astype(object), kind["birth"]),
            "phone": _spoilt(rng, _spoil_phone, phone, kind["phone"]),
            "email": _spoilt(rng, _spoil_email, everyone.email[who], kind["email"]),
            "province": province,
            "city": city,
            "address": _spoilt(rng, _spoil_address, address, kind["address"]),
            "interest": everyone.interest[who],
            "spend": np.round(rng.lognormal(6.2, 1.0, count), 2),
            "created_at": records.created.astype("datetime64[us]"),
            "updated_at": records.updated.astype("datetime64[us]"),
            "marketing_consent": consent,
            "consent_at": np.where(consent & ~undated, records.created, np.datetime64("NaT")).astype("datetime64[us]"),
        }
    )
    return table.assign(purposes=_purposes(rng, consent))


def _purposes(rng: np.random.Generator, consent: Bools) -> list[str]:
    """What the record is used for: some are sent advertisements without having agreed."""
    member = rng.random(len(consent)) < 0.7
    marketed = np.where(consent, rng.random(len(consent)) < 0.9, rng.random(len(consent)) < _MARKETED_WITHOUT)
    names = np.array(["", "；会员服务", "；营销推送", "；会员服务；营销推送"], dtype=object)
    return ["订单履行" + more for more in names[member + 2 * marketed]]


def _spoilt(
    rng: np.random.Generator, spoil: Callable[..., str], values: Objects, kinds: Objects, *more: Objects
) -> list[str]:
    return [spoil(rng, *cell) for cell in zip(values, kinds, *more, strict=True)]


def _spoil_name(rng: np.random.Generator, name: str, kind: str, gender: str) -> str:
    title = "女士" if gender == "女" else "先生"
    match kind:
        case "blank":
            return name[0] + ("　" if rng.random() < 0.5 else " ") + name[1:]
        case "title":
            return name + title
        case "surname":
            return name[0] + title
        case "homophone":
            places = [i for i, character in enumerate(name) if character in _HOMOPHONES]
            at = int(rng.choice(places)) if places else len(name)
            return name[:at] + _HOMOPHONES.get(name[at : at + 1], "") + name[at + 1 :]
        case "swap":
            return name[0] + name[:0:-1]
        case "missing":
            return ""
    return name


def _spoil_phone(rng: np.random.Generator, phone: str, kind: str) -> str:
    match kind:
        case "prefix":
            return "+86" + (" " if rng.random() < 0.5 else "") + phone
        case "separators":
            return (" " if rng.random() < 0.4 else "-").join((phone[:3], phone[3:7], phone[7:]))
        case "full_width":
            return phone.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
        case "digit":
            at = int(rng.integers(3, 11))
            return phone[:at] + str((int(phone[at]) + int(rng.integers(1, 10))) % 10) + phone[at + 1 :]
        case "swap":
            at = int(rng.integers(3, 10))
            return phone[:at] + phone[at + 1] + phone[at] + phone[at + 2 :]
        case "short":
            at = int(rng.integers(3, 11))
            return phone[:at] + phone[at + 1 :]
        case "filler":
            return _FILLER_PHONES[int(rng.integers(0, len(_FILLER_PHONES)))]
        case "missing":
            return ""
    return phone


def _spoil_email(rng: np.random.Generator, email: str, kind: str) -> str:
    match kind:
        case "case":
            return email.upper() if rng.random() < 0.5 else email.capitalize()
        case "blank":
            return f" {email}" if rng.random() < 0.5 else f"{email} "
        case "typo":
            at = int(rng.integers(1, email.index("@") - 1))
            return email[:at] + email[at + 1] + email[at] + email[at + 2 :]
        case "no_at":
            return email.replace("@", "")
        case "missing":
            return ""
    return email


def _spoil_birth(rng: np.random.Generator, birth: "np.datetime64", kind: str) -> str:
    year, month, day = (int(part) for part in str(birth).split("-"))
    match kind:
        case "slash":
            return f"{year}/{month}/{day}"
        case "dot":
            return f"{year}.{month:02d}.{day:02d}"
        case "chinese":
            return f"{year}年{month}月{day}日"
        case "compact":
            return f"{year}{month:02d}{day:02d}"
        case "swap" if day <= 12:
            return f"{year}-{day:02d}-{month:02d}"
        case "filler":
            return "1990-01-01"
        case "missing":
            return ""
    return f"{year}-{month:02d}-{day:02d}"


def _spoil_address(rng: np.random.Generator, address: str, kind: str) -> str:
    match kind:
        case "punctuated":
            return address.replace("号", " 号，").replace("栋", "栋 ")
        case "other_words":
            return address.replace("栋", "号楼" if rng.random() < 0.5 else "幢") + "室"
        case "short":
            return address.split("栋")[0] + "栋"
        case "missing":
            return ""
    return address


def _genders(rng: np.random.Generator, gender: Objects, source: Ints) -> Objects:
    """The web shop writes M and F, the contact centre 1 and 2; some nobody asked."""
    woman = gender == "女"
    written = np.where(source == 0, np.where(woman, "F", "M"), np.where(source == 1, gender, np.where(woman, "2", "1")))
    return np.where(rng.random(len(gender)) < 0.12, "", written).astype(object)


def _regions(rng: np.random.Generator, city: Ints, source: Ints) -> tuple[Objects, Objects]:
    """The web shop writes 浙江省 杭州市, stores 浙江 杭州, the contact centre sometimes only 浙."""
    style, gap = rng.random(len(city)), rng.random(len(city))
    provinces, cities = [], []
    for row, system, how, lost in zip(city, source, style, gap, strict=True):
        province, name, _weight = _CITIES[row]
        long = system == 0 and how < 0.92
        letter = system == 2 and how < 0.35
        provinces.append(
            _LONG_PROVINCES.get(province, province + "省")
            if long
            else _LETTERS.get(province, province)
            if letter
            else province
        )
        cities.append("" if lost < 0.04 else name + "市" if long else name)
    return np.array(provinces, dtype=object), np.array(cities, dtype=object)


# ----------------------------------------------------------------------------------------- labels, leak, register


def _labelled_pairs(
    rng: np.random.Generator, everyone: _Persons, records: _Records, ids: Objects, count: int
) -> pd.DataFrame:
    """Pairs that a clerk has looked at: picked to teach, so nearly half are matches and many others are hard."""
    who = records.person
    same = _pairs_by(who)
    tricky = np.concatenate([_pairs_by(everyone.name[who]), _pairs_by(everyone.household[who])])
    tricky = np.unique(tricky[who[tricky[:, 0]] != who[tricky[:, 1]]], axis=0)
    random = np.sort(rng.integers(0, len(who), (2 * count, 2)), axis=1)
    random = np.unique(random[who[random[:, 0]] != who[random[:, 1]]], axis=0)
    wanted = (round(0.45 * count), round(0.3 * count))
    parts = [rng.permutation(pairs)[:n] for pairs, n in zip((same, tricky), wanted, strict=True)]
    taken = {tuple(pair) for pair in parts[1]}
    easy = np.array([pair for pair in rng.permutation(random) if tuple(pair) not in taken])
    pairs = rng.permutation(np.concatenate([*parts, easy[: count - len(parts[0]) - len(parts[1])]]))
    return pd.DataFrame(
        {
            "pair_id": numbered("B", 1, len(pairs), 4),
            "left": ids[pairs[:, 0]],
            "right": ids[pairs[:, 1]],
            "same_person": who[pairs[:, 0]] == who[pairs[:, 1]],
        }
    )


def _pairs_by(key: NDArray) -> Ints:
    """Row numbers of all pairs with the same key, shape (pairs, 2)."""
    table = pd.DataFrame({"key": key, "row": np.arange(len(key))})
    table = table[table.groupby("key")["row"].transform("size") > 1]
    pairs = table.merge(table, on="key")[["row_x", "row_y"]].to_numpy()
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _outside(
    rng: np.random.Generator, everyone: _Persons, own: int, count: int, strangers: int
) -> tuple[pd.DataFrame, Ints]:
    """The list that a gift-sending contractor leaked: mostly customers of the firm, some not."""
    person = rng.permutation(np.concatenate([rng.permutation(own)[: count - strangers], own + np.arange(strangers)]))
    month = everyone.birth[person].astype("datetime64[M]").astype(int) % 12
    sent = (np.datetime64("2025-01") + month).astype("datetime64[D]") + rng.integers(0, 26, count).astype(
        "timedelta64[D]"
    )
    table = pd.DataFrame(
        {
            "outside_id": numbered("L", 1, count, 4),
            "name": everyone.name[person],
            "gender": everyone.gender[person],
            "birth": everyone.birth[person].astype("datetime64[us]"),
            "phone": everyone.phone[person],
            "city": np.array([city for _province, city, _weight in _CITIES], dtype=object)[everyone.city[person]],
            "gift": np.array(_GIFTS, dtype=object)[rng.integers(0, len(_GIFTS), count)],
            "sent_on": sent.astype("datetime64[us]"),
        }
    )
    return table, person


def _register(rng: np.random.Generator, persons: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = pd.DataFrame(_REGISTER, columns=["field", "purpose", "legal_basis", "sensitive", "needed"])
    count = len(table)
    overdue = rng.permutation(count)[:_OVERDUE]
    agreed = table["legal_basis"].eq(_CONSENT_BASIS).to_numpy()
    short = rng.permutation(np.flatnonzero(agreed))[:_SHORT_OF_CONSENT]
    until = _END + rng.integers(60, 1500, count).astype("timedelta64[D]")
    until[overdue] = _END - rng.integers(20, 700, _OVERDUE).astype("timedelta64[D]")
    until[overdue[0]] = np.datetime64("NaT")  # nobody ever set a term
    held = rng.integers(persons // 5, persons, count)
    consented = np.where(agreed, held, 0)
    consented[short] -= np.maximum(1, (held[short] * rng.uniform(0.02, 0.3, _SHORT_OF_CONSENT)).astype(int))
    register = table.drop(columns="needed").assign(
        item_id=numbered("I", 1, count, 2),
        separate_consent=table["sensitive"] & (rng.random(count) < 0.4),
        held=held,
        consented=consented,
        retention_until=until.astype("datetime64[us]"),
    )
    needs = table.loc[table["needed"], ["purpose", "field"]].reset_index(drop=True)
    columns = ["item_id", "field", "purpose", "legal_basis", "sensitive", "separate_consent", "held", "consented"]
    return register[[*columns, "retention_until"]], needs


# ------------------------------------------------------------------------------------------------ company customers


def _company_tables(rng: np.random.Generator, count: int) -> dict[str, pd.DataFrame]:
    """Firms that ship with the company: before the deal (quotes), in it (shipments), after it (statements)."""
    ids = numbered("K", 1, count, 3)
    size = rng.lognormal(0, 0.8, count)
    companies = pd.DataFrame(
        {
            "company_id": ids,
            "name": people.company_names(rng, count),
            "industry": np.array(["服装", "食品", "电子", "家居", "医药"], dtype=object)[rng.integers(0, 5, count)],
            "city": np.array([city for _p, city, _w in _CITIES], dtype=object)[
                rng.choice(len(_CITIES), count, p=_city_weights())
            ],
            "contact": people.person_names(rng, count),
            "phone": people.phones(rng, count),
            "since": (_START + rng.integers(0, 1000, count).astype("timedelta64[D]")).astype("datetime64[us]"),
        }
    )
    quotes = _quotes(rng, ids, size)
    shipments = _shipments(rng, quotes, companies.set_index("company_id")["city"])
    return {
        "companies": companies,
        "quotes": quotes,
        "shipments": shipments,
        "statements": _statements(rng, shipments, ids),
    }


def _quotes(rng: np.random.Generator, ids: Objects, size: NDArray[np.float64]) -> pd.DataFrame:
    company = np.repeat(np.arange(len(ids)), 1 + rng.poisson(2.2 * size))
    day = np.datetime64("2025-01-01") + rng.integers(0, 330, len(company)).astype("timedelta64[D]")
    order = np.lexsort((company, day))
    company, day = company[order], day[order]
    return pd.DataFrame(
        {
            "quote_id": numbered("Q", 1, len(company), 4),
            "company_id": ids[company],
            "quoted_on": day.astype("datetime64[us]"),
            "destination": np.array([city for _p, city, _w in _CITIES], dtype=object)[
                rng.integers(0, len(_CITIES), len(company))
            ],
            "price_per_kg": np.round(rng.uniform(0.8, 4.5, len(company)), 2),
            "won": rng.random(len(company)) < 0.55,
        }
    )


def _shipments(rng: np.random.Generator, quotes: pd.DataFrame, home: pd.Series) -> pd.DataFrame:
    won = quotes[quotes["won"]]
    row = np.repeat(np.arange(len(won)), 1 + rng.poisson(3.0, len(won)))
    quoted = won["quoted_on"].to_numpy().astype("datetime64[D]")[row]
    sent = np.minimum(quoted + rng.integers(2, 90, len(row)).astype("timedelta64[D]"), _END)
    order = np.lexsort((row, sent))
    row, sent = row[order], sent[order]
    weight = np.ceil(rng.lognormal(5.0, 0.8, len(row))).astype(int)
    took = (1 + rng.poisson(1.6, len(row))).astype("timedelta64[D]")
    arrived = np.where(sent + took > _END, np.datetime64("NaT"), sent + took)
    return pd.DataFrame(
        {
            "shipment_id": numbered("S", 1, len(row), 5),
            "company_id": won["company_id"].to_numpy()[row],
            "quote_id": won["quote_id"].to_numpy()[row],
            "origin": home.loc[won["company_id"].to_numpy()[row]].to_numpy(),
            "shipped_on": sent.astype("datetime64[us]"),
            "delivered_on": arrived.astype("datetime64[us]"),
            "weight_kg": weight,
            "freight": np.round(weight * won["price_per_kg"].to_numpy()[row], 2),
            "damaged": rng.random(len(row)) < 0.03,
        }
    )


def _statements(rng: np.random.Generator, shipments: pd.DataFrame, ids: Objects) -> pd.DataFrame:
    """One statement a firm and month with shipments: due 30 days after its end, paid as the firm's habit is."""
    month = shipments["shipped_on"].dt.to_period("M")
    table = shipments.groupby(["company_id", month])["freight"].sum().round(2).reset_index()
    table = table.rename(columns={"shipped_on": "month", "freight": "amount"}).sort_values(["month", "company_id"])
    end = table["month"].dt.end_time.dt.normalize().to_numpy().astype("datetime64[D]")
    due = end + np.timedelta64(30, "D")
    habit = pd.Series(rng.normal(2, 14, len(ids)), index=ids)
    late = np.rint(habit.loc[table["company_id"]].to_numpy() + rng.normal(0, 6, len(table))).astype("timedelta64[D]")
    paid = np.maximum(due + late, end + np.timedelta64(1, "D"))
    paid = np.where(paid > _END, np.datetime64("NaT"), paid)
    return pd.DataFrame(
        {
            "statement_id": numbered("T", 1, len(table), 4),
            "company_id": table["company_id"].to_numpy(),
            "month": table["month"].dt.strftime("%Y-%m").to_numpy(),
            "amount": table["amount"].to_numpy(),
            "due_on": due.astype("datetime64[us]"),
            "paid_on": paid.astype("datetime64[us]"),
        }
    )


def _truth(
    everyone: _Persons, records: _Records, ids: Objects, outside: pd.DataFrame, listed: Ints, first_number: int
) -> Truth:
    persons = numbered("P", first_number, len(everyone.name))
    nothing = np.full(len(listed), "", dtype=object)
    no = np.zeros(len(listed), dtype=bool)
    return Truth(
        record_id=np.concatenate([ids, outside["outside_id"].to_numpy(dtype=object)]),
        person_id=persons[np.concatenate([records.person, listed])],
        **{field: np.concatenate([kind, nothing]) for field, kind in records.kind.items()},
        old_phone=np.concatenate([records.old_phone, no]),
        old_address=np.concatenate([records.old_address, no]),
    )


RECIPE = Recipe(generate=generate, seed=20260303, size=2800, drawn=560, as_of=pd.Timestamp("2025-12-31"))
