"""Chinese review texts, composed of what customers talk about: goods, delivery, service, packing, price."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from crmlab.generate import catalogue

SILENT = "此用户没有填写评价。"  # what the shop shows when stars came without words
_SILENT_SHARE = 0.08  # of five-star reviews

# What a customer can say about the goods: subject -> (which goods, phrases bad, mixed, good).
_SUBJECTS: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    "吃": (
        "混合坚果 手工牛肉干 五谷杂粮 苏式糕点 山野蜂蜜",
        (
            ("味道发苦，跟描述差远了", "收到时离到期只剩半个月", "吃起来有股怪味", "分量明显不足"),
            ("味道中规中矩", "稍微有点甜", "口感一般，没有想象中惊艳", "新鲜度还可以，分量少了点"),
            (
                "味道很香，孩子抢着吃",
                "日期新鲜，口感很好",
                "甜度刚刚好，一点不腻",
                "料很足，吃得出是好原料",
                "送长辈，长辈说好吃",
            ),
        ),
    ),
    "喝": (
        "高山绿茶 挂耳咖啡 纯牛奶",
        (
            ("喝着有股霉味", "味道淡得像水", "收到时离到期只剩半个月", "喝完肚子不舒服"),
            ("味道一般，日常喝可以", "香气淡了一点", "口感偏涩，能接受", "味道和以前喝的差不多"),
            ("香气很足，口感顺", "日期新鲜，味道纯正", "每天早上一杯，离不开了", "同事喝了都来问"),
        ),
    ),
    "布": (
        "纯棉浴巾 四件套 乳胶枕 羊毛围巾 中筒袜",
        (
            ("洗一次就掉毛", "味道刺鼻，晾了一周还有", "掉色严重，把别的都染了", "薄得透光，跟图片两回事"),
            ("料子一般，凑合用", "颜色比图片深一点", "厚度刚够，冬天差点意思", "有几处线头，自己剪剪就好"),
            ("手感柔软，全家都换了", "料子厚实，洗了不变形", "没有异味，放心", "颜色耐看，摸着舒服"),
        ),
    ),
    "用": (
        "收纳箱 保温杯 晾衣架 奶瓶 辅食碗 运动水壶",
        (
            ("用了三天就裂了", "塑料味太重，不敢用", "做工毛糙，边角会划手", "尺寸和页面写的对不上"),
            ("做工一般，能用", "颜色比图片深一点", "材质普通，凑合着用吧", "大小合适，就是有一点点味道"),
            ("用料厚实，很耐用", "没有异味，放心", "尺寸刚好，很实用", "设计贴心，清洗也方便"),
        ),
    ),
    "洗": (
        "洗衣液 洗发水 洁面乳 湿巾",
        (
            ("味道刺鼻，像过期的", "洗完发红发痒", "瓶口漏液，洒了一半", "洗不干净，还不如清水"),
            ("清洁力一般", "香味偏浓，其他正常", "用着还行，没有特别的感觉", "泡沫少一点，能用"),
            ("洗得干净，味道淡淡的", "很温和，用了不刺激", "用量省，一瓶能用很久", "全家都在用，放心"),
        ),
    ),
    "护肤": (
        "保湿面霜 防晒乳 补水面膜 护手霜 精华液",
        (
            ("用完发红发痒", "搓泥严重，完全没法用", "用了两周一点效果都没有", "又油又闷，长了一脸痘"),
            ("效果不明显，再观察一阵", "质地有点黏，冬天用可以", "用着还行，没有特别的感觉", "香味偏浓，其他正常"),
            ("质地清爽，吸收快", "用了半个月，皮肤细了不少", "很温和，用了不刺激", "敏感肌用着也没问题"),
        ),
    ),
    "电": (
        "电动牙刷 台灯 充电宝 无线耳机 机械键盘 数据线 手机支架 无线鼠标 智能手环 平板电脑",
        (
            ("用两天就坏了", "接触不良，时好时坏", "发热厉害，不敢用", "有划痕，像是翻新的"),
            ("功能正常，手感一般", "能用，说明书写得太简单", "做工还行，略重", "这个档次也只能这样"),
            ("做工扎实，手感不错", "用了一个月，一直很稳定", "小巧轻便，出差带着方便", "上手简单，功能够用"),
        ),
    ),
    "婴": (
        "纸尿裤 连体衣",
        (
            ("宝宝用了起红疹，不敢再用", "线头很多，不放心给孩子用", "摸着很硬，宝宝一穿就哭"),
            ("质量一般，应急可以", "尺码偏小，建议买大一号", "还行吧，和超市的差不多"),
            ("很柔软，宝宝穿着舒服", "没有味道，妈妈放心", "做工细，贴身也不磨", "透气，宝宝没再红屁股"),
        ),
    ),
    "童": (
        "积木玩具 推车",
        (
            ("有个零件卡住了，差点夹到手", "边角有毛刺，不敢给孩子碰", "少了零件，装不起来"),
            ("孩子玩了两天就没兴趣了", "组装有点麻烦", "质量一般，对得起价钱"),
            ("孩子特别喜欢，天天要玩", "做工细，边角都圆滑", "结实，家里两个娃轮着用", "装起来简单，十分钟搞定"),
        ),
    ),
    "衣": (
        "纯棉T恤 牛仔裤 连衣裙 羽绒服 速干衣",
        (
            (
                "洗一次就缩水变形",
                "掉色严重，把别的衣服都染了",
                "和图片完全是两个颜色",
                "穿一周就开线了",
                "尺码偏得离谱",
            ),
            ("版型一般，料子还行", "颜色有一点色差，能接受", "稍微有点薄", "尺码偏大，建议拍小一码"),
            (
                "版型好，上身显瘦",
                "面料舒服，不起球",
                "尺码很准，按平时穿的买就行",
                "走线整齐，做工精细",
                "颜色耐看，同事都问在哪买的",
            ),
        ),
    ),
    "鞋": (
        "休闲鞋 跑步鞋",
        (
            ("鞋底硬，走一天脚疼", "穿两周就开胶", "一只大一只小", "胶水味太重"),
            ("鞋型还行，略重", "尺码偏小，建议买大一码", "透气性一般"),
            ("很轻，透气也好", "包裹性好，走一天不累", "尺码很准，鞋底软", "好搭衣服，天天穿"),
        ),
    ),
    "包": (
        "双肩包 登山包",
        (
            ("拉链一拉就坏", "肩带开线了", "下小雨就渗水", "异味很大，晾了半个月"),
            ("容量比想象的小", "做工一般，平时用够了", "样子还行，隔层少了点"),
            ("容量大，隔层合理", "背着不勒肩", "结实，出门一周没问题", "拉链顺滑，走线整齐"),
        ),
    ),
    "书": (
        "绘本套装 小说选集 考试用书 画册",
        (
            ("印刷模糊，有好几页看不清", "书页粘连，一翻就掉", "少发了一册", "错别字多得看不下去"),
            ("内容一般，随便翻翻", "纸张普通，字有点小", "封面有轻微折痕，不影响看"),
            ("印刷清楚，纸张很好", "内容实在，一口气看完", "装帧漂亮，适合送人", "拿到手就放不下"),
        ),
    ),
    "文具": (
        "笔记本 中性笔 手账套装 地球仪 书法套装",
        (
            ("做工粗糙，一碰就掉漆", "没用几天就坏了", "和图片差太多，像地摊货", "到手就缺了配件"),
            ("中规中矩，能用", "样子好看，质量一般", "比想象的小一点"),
            ("做工精致，孩子很喜欢", "好用，又买来送同学", "颜值高，摆在桌上好看", "用着顺手，细节到位"),
        ),
    ),
    "运动": (
        "瑜伽垫 露营帐篷 羽毛球拍 跳绳",
        (
            ("第一次用就断了", "味道太大，晾了一周还有", "做工太差，缝线都歪的", "没用几次就变形了"),
            ("入门用可以，要求别太高", "重量还行，收起来有点麻烦", "做工一般，周末用用够了"),
            ("新手也能很快上手", "结实，用了一个季度没问题", "轻便，收起来不占地方", "质量好，朋友试了也要买"),
        ),
    ),
}
# Everything else: aspect -> phrases (bad, mixed, good).
_OTHER_PHRASES: dict[str, tuple[tuple[str, ...], ...]] = {
    "物流": (
        (
            "等了十天才到",
            "物流信息三天不更新",
            "快递放在门外雨里，也不打电话",
            "发货拖了一周",
            "派送改了两次时间都没来",
        ),
        ("物流速度一般", "发货晚了一天，送得还算快", "大促期间慢一点，能理解", "要自己去驿站取，有点远"),
        (
            "第二天就到了，真快",
            "发货快，路上一直有更新",
            "快递员送货上门，态度很好",
            "下单当天就发货了",
            "大促也没耽误，三天就收到",
        ),
    ),
    "客服": (
        (
            "客服半天不回，回了也是套话",
            "联系售后一直推脱",
            "问尺寸答非所问",
            "说好补发，到现在没消息",
            "退货要我自己出运费，还不讲理",
        ),
        ("客服回复慢，最后算是解决了", "客服有问必答，就是太公式化", "售后流程有点长", "问了两次才说清楚"),
        (
            "客服耐心，问什么都答得清楚",
            "有点小问题，客服马上就给补发了",
            "售后很爽快，不扯皮",
            "客服推荐的型号正合适",
            "半夜问也有人回",
        ),
    ),
    "包装": (
        (
            "盒子压扁了，里面也碰坏了",
            "就套了一层塑料袋",
            "封口是开的，像被人拆过",
            "包装漏了，弄得到处都是",
            "里面没有任何缓冲",
        ),
        ("包装简单，东西没坏", "外箱有点破，里面完好", "包装一般，自己用无所谓", "胶带缠得太多，不好拆"),
        (
            "包装严实，一点没磕碰",
            "盒子很漂亮，可以直接送人",
            "包得仔细，每件都有气泡膜",
            "包装简洁环保，喜欢",
            "封装完好，看着就放心",
        ),
    ),
    "价格": (
        (
            "刚买完就降价，感觉被坑",
            "这个质量不值这个价",
            "先涨价再打折，没意思",
            "比楼下超市还贵",
            "优惠券说好能用，结账又用不了",
        ),
        ("价格适中", "不做活动有点贵", "一分钱一分货吧", "凑单算下来也没便宜多少"),
        ("价格实惠，性价比很高", "活动价买的，很划算", "比实体店便宜不少", "这个价位没有更好的了", "券后价很香"),
    ),
}
# Stars 1..5 -> ways to open and to close; "" is the commonest way.
_OPENINGS = (
    ("", "", "非常失望，", "差评！", "真的很生气，", "不推荐，"),
    ("", "", "不太满意，", "有点失望，", "和预期差得多，", "说实话，"),
    ("", "", "", "一般般吧，", "怎么说呢，", "中等水平，"),
    ("", "", "", "总体不错，", "整体满意，", "还可以，"),
    ("", "", "", "很满意，", "非常好，", "好评！", "没让人失望，"),
)
_CLOSINGS = (
    ("。", "。", "！", "，不会再来了。", "，已经申请退款。", "，大家慎重。"),
    ("。", "。", "，希望改进。", "，下次不一定买了。", "，两颗星不能再多了。"),
    ("。", "。", "。", "，看看以后吧。", "，凑合。", "，不好不坏。"),
    ("。", "。", "。", "，还会再看看别的。", "，推荐。", "，值得一试。"),
    ("。", "。", "！", "，还会再来！", "，推荐给朋友了。", "，值得买。", "～"),
)
# Stars 1..5 -> chances of tones (bad, mixed, good) of the first and of the second phrase.
_FIRST_TONE = np.array([[1, 0, 0], [0.85, 0.15, 0], [0.1, 0.7, 0.2], [0, 0.1, 0.9], [0, 0, 1]])
_SECOND_TONE = np.array([[0.9, 0.1, 0], [0.5, 0.4, 0.1], [0.45, 0.35, 0.2], [0, 0.5, 0.5], [0, 0, 1]])
_SECOND_PHRASE_SHARE = np.array([0.6, 0.6, 0.75, 0.6, 0.45])
_GOODS_FIRST_SHARE = 0.65  # most reviews speak of the goods first

_ASPECTS = len(_OTHER_PHRASES)


def _flatten(groups: list[tuple[str, ...]]) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]:
    """All phrases in one array, with the start and the size of each group."""
    sizes = np.array([len(group) for group in groups])
    return np.array([phrase for group in groups for phrase in group], dtype=object), np.cumsum(sizes) - sizes, sizes


_PHRASES = _flatten(
    [tones for _, phrases in _SUBJECTS.values() for tones in phrases]
    + [tones for aspect in _OTHER_PHRASES.values() for tones in aspect]
)
_OPENING_POOL = _flatten(list(_OPENINGS))
_CLOSING_POOL = _flatten(list(_CLOSINGS))


def _pick(
    rng: np.random.Generator,
    pool: tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]],
    group: NDArray[np.int64],
) -> NDArray[np.object_]:
    phrases, start, size = pool
    return phrases[start[group] + (rng.random(len(group)) * size[group]).astype(np.int64)]


def _tone(rng: np.random.Generator, chances: NDArray[np.float64], stars: NDArray[np.int64]) -> NDArray[np.int64]:
    edges = np.cumsum(chances, axis=1)[stars - 1, :2]
    return (rng.random(len(stars))[:, None] >= edges).sum(axis=1)


@cache
def _subject_of_products() -> NDArray[np.int64]:
    """For each row of the products table, what can be said about it (index in ``_SUBJECTS``)."""
    subject = {good: index for index, (goods, _) in enumerate(_SUBJECTS.values()) for good in goods.split()}
    return np.array([subject[name.split()[0]] for name in catalogue.products().name])


def texts(rng: np.random.Generator, stars: NDArray[np.int64], product: NDArray[np.int64]) -> NDArray[np.object_]:
    """One review text for each pair of stars (1-5) and product (row of the products table).

    A text has one or two phrases on different aspects whose tone follows the stars.

    >>> texts(np.random.default_rng(1), stars=np.array([1, 5]), product=np.array([0, 0])).tolist()
    ['没用几天就坏了。发货拖了一周。', '好评！包得仔细，每件都有气泡膜。售后很爽快，不扯皮！']
    """
    count, subject = len(stars), _subject_of_products()[product]
    other = rng.integers(0, _ASPECTS, count)
    second_other = (other + rng.integers(1, _ASPECTS, count)) % _ASPECTS
    goods_first = rng.random(count) < _GOODS_FIRST_SHARE
    first_group = np.where(goods_first, subject, len(_SUBJECTS) + other) * 3 + _tone(rng, _FIRST_TONE, stars)
    second_group = (len(_SUBJECTS) + second_other) * 3 + _tone(rng, _SECOND_TONE, stars)
    second = np.where(
        rng.random(count) < _SECOND_PHRASE_SHARE[stars - 1], "。" + _pick(rng, _PHRASES, second_group), ""
    )
    text = _pick(rng, _OPENING_POOL, stars - 1) + _pick(rng, _PHRASES, first_group) + second
    text = text + _pick(rng, _CLOSING_POOL, stars - 1)
    silent = (stars == 5) & (rng.random(count) < _SILENT_SHARE)
    return np.where(silent, SILENT, text)
