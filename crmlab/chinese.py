"""What the library knows of the Chinese language: words and patterns that it looks for in the data.

They are no messages: whoever translates the course leaves them alone, for the names, addresses, questions and
questionnaires that they work on stay Chinese.
"""

import re

__all__ = [
    "ABSOLUTE",
    "ASKING",
    "BUILDING",
    "BUILDINGS",
    "DOUBLE_NEGATION",
    "FIRST_IDEOGRAPH",
    "GENDERS",
    "JOINING",
    "LEADING",
    "NOTHING",
    "NO_NEGATION",
    "NUMBER",
    "NUMBER_SIGN",
    "ONE_WORD",
    "PRIVATE",
    "PROVINCES",
    "REGION_TAIL",
    "ROOMS",
    "STOP_WORDS",
    "TITLES",
    "TRADE_WORDS",
    "VAGUE",
]

FIRST_IDEOGRAPH = "\u4e00"

# ------------------------------------------------------------------------------- names, addresses (identity)

NOTHING = {"", "-", "--", "/", "无", "没有", "未知", "不详", "空", "null", "none", "nan", "n/a", "na", "test", "测试"}
TITLES = re.compile(r"(先生|女士|小姐|太太|老师|同学|经理|主任|师傅|老板)+$")
GENDERS = {"男": "男", "m": "男", "male": "男", "1": "男", "先生": "男"} | dict.fromkeys(
    ("女", "f", "female", "2", "女士", "小姐"), "女"
)
REGION_TAIL = re.compile(r"(?<=..)(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|自治州|地区|省|市|盟)$")
PROVINCES: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\w+)",
        "京=北京 津=天津 沪=上海 渝=重庆 冀=河北 晋=山西 蒙=内蒙古 内蒙=内蒙古 辽=辽宁 吉=吉林 黑=黑龙江 苏=江苏 浙=浙江 皖=安徽 闽=福建 "
        "赣=江西 鲁=山东 豫=河南 鄂=湖北 湘=湖南 粤=广东 桂=广西 琼=海南 川=四川 蜀=四川 贵=贵州 黔=贵州 云=云南 滇=云南 藏=西藏 "
        "陕=陕西 秦=陕西 甘=甘肃 陇=甘肃 青=青海 宁=宁夏 新=新疆 港=香港 澳=澳门 台=台湾",
    )
)
NUMBER_SIGN, NUMBER = re.compile("[號#]"), "号"
BUILDINGS, BUILDING = re.compile("号楼|幢|座"), "栋"
ROOMS = re.compile("(室|房)+$")

# --------------------------------------------------------------------------------------- questions (faq)

# Words of the trade that the general dictionary cuts apart.
TRADE_WORDS = (
    "运费险 优惠券 优惠码 购物车 礼品卡 收货地址 收货人 运单号 送货上门 上门取件 七天无理由 无理由退货 到货提醒 满减 秒杀 拼团 定金 尾款 "
    "预售 保价 差价 包邮 代付 免密支付 对公转账 专用发票 专票 普票 抬头 税号 冲红 换开 积分商城 会员日 付费会员 家庭账户 等级 生日礼 验证码 "
    "闪退 缓存 注销 人工客服 企业账户 账期 对账单 起订量 询价 授信 额度 限购 换货 退货 退款 补发 漏发 错发 签收 驿站 客服"
)
# Words that stand in every question and so tell nothing; bigrams are cut at the phrases of asking.
STOP_WORDS = frozenset(
    word
    for line in (
        "的 了 吗 呢 啊 吧 呀 嘛 哦 么 我 你 您 我们 你们 他 它 这 那 这个 那个 是 在 有 和 就 都 也 还 又 给 让 把 被 跟 与 或 及 请 请问",
        "一下 一个 怎么 怎样 如何 什么 什么时候 可以 能 能不能 要 想 会 不 没 没有 说 为什么 怎么办 咋 啥 哪 哪里 多少 多少钱 几 谢谢 你好 亲 急",
        "上 下 里 后 时 到 去 来 个 为 以 用 从 对 但 并 再 很 太 才 只 即可 东西 不了 行不行 弄 找 点 买",
    )
    for word in line.split()
)
ASKING = re.compile(
    "为什么|什么时候|怎么办|怎么样?|怎样|如何|什么|多少钱?|哪里|在哪|可以|能不能|能|请问|一下|东西|不了|咋|啥|[的了吗呢啊吧呀嘛我你您]"
)

# ------------------------------------------------------------------------------- wording of items (survey)

# Words that contain 和, 与, 及 without joining two things.
ONE_WORD = re.compile(
    "和谐|和蔼|和气|和解|温和|柔和|缓和|随和|饱和|参与|与否|与其|与众不同|(?<!以)及时|及格|及早|涉及|普及|提及|来得及|来不及"
)
JOINING = re.compile("以及|并且|而且|同时|又|[和与及、]")
LEADING = re.compile(
    "难道|众所周知|显然|毫无疑问|大家都|人人都|专家认为|广受好评|著名的|领先的|优秀的|您不觉得|您不认为|是不是也"
)
DOUBLE_NEGATION = re.compile("不得不|并非不|不无|没有不|[不没无未]([^，。？]{0,6})[不没无未]")
# No negation: 是不是, 有没有 (a plain question), and words that only look like one.
NO_NEGATION = re.compile("(.)[不没]\\1|未来|无论|不仅|不但|不过|不错")
VAGUE = re.compile("经常|常常|有时|偶尔|通常|很少|近来|最近")
ABSOLUTE = re.compile("总是|从来|从不|所有|任何|完全|绝对|每次|永远")
PRIVATE = re.compile("身份证|手机号|电话号码|家庭住址|详细地址|银行卡|密码|家庭收入|体重")
