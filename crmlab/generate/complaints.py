"""Complaints of an invented retailer with shops and an app, 2025: what customers wrote, how it was handled, what came of it.

A text is put together from clauses of a customer's own words: how it began, what happened, what made it worse, what is
wanted. Satisfaction after the handling follows justice theory (S. S. Tax, S. W. Brown & M. Chandrashekaran, "Customer
Evaluations of Service Complaint Experiences", *Journal of Marketing* 62 (2), 1998): how promptly and how well people
were dealt with, how fair the compensation was, how bad the damage; the coefficients stand in :data:`EFFECTS`. Buying
again follows satisfaction. Handled excellently, a mild complaint leaves a customer more satisfied than no complaint; a
severe one never does.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab.generate.people import person_names
from crmlab.generate.recipe import Recipe, numbered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = NDArray[np.object_]

START = np.datetime64("2025-01-01")
DAYS = 365

# ------------------------------------------------------------------------------------------------------ the mechanism

KINDS = ("质量", "物流", "服务态度", "价格促销", "售后退换", "隐私骚扰")
_KIND_SHARE = np.array([0.23, 0.21, 0.13, 0.15, 0.17, 0.11])
_SEVERITY_SHARE = np.array([[0.40, 0.42, 0.18], [0.52, 0.38, 0.10], [0.55, 0.36, 0.09], [0.62, 0.32, 0.06],
                            [0.45, 0.43, 0.12], [0.42, 0.42, 0.16]])  # fmt: skip
# Causes that a handler may enter, by kind.
_CAUSES = (
    ("个别瑕疵", "供应商品控", "保存不当", "描述不符"),
    ("承运商延误", "分拣错误", "包装不足", "末端派送"),
    ("人手不足", "培训不足", "个人态度", "流程推诿"),
    ("规则不清", "系统计价错误", "门店执行错误", "宣传夸大"),
    ("财务审核慢", "政策执行不一", "配件短缺", "系统故障"),
    ("默认授权", "退订失效", "员工违规", "信息泄露"),
)
BATCH_CAUSE, BATCH_PRODUCT, BATCH = "批次缺陷", "养生壶", ("2025-09-08", "2025-10-31")
_BATCH_SHARE = 0.06  # of all tickets
BATCH_KNOWN = "2025-10-16"  # until then handlers took each case for a single flaw
_MISLABELLED, _VAGUE, _SECOND_MATTER = 0.04, 0.06, 0.22
# Channel: share, median minutes to the first response.
_CHANNELS = ("在线客服", "电话", "App工单", "门店", "社交平台", "12315转办")
_CHANNEL_SHARE = (0.34, 0.24, 0.20, 0.11, 0.07, 0.04)
_CHANNEL_MINUTES = np.array([14.0, 8.0, 75.0, 15.0, 120.0, 420.0])
_DESK = (9, 22)  # o'clock: at night nobody answers
TIERS = ("VIP", "普通", "新客")
_TIER_SHARE = (0.15, 0.60, 0.25)
_HANDLERS, _TEAMS = 14, ("线上组", "电话组", "门店组")

STEPS = ("listen", "empathise", "apologise", "solve", "follow_up")
_STEP_LOGIT = np.array([2.2, 0.5, 1.3, 1.7, -0.1])  # of an average handler
_SKILL_IN_STEPS, _SKILL_IN_TIME = 0.9, 0.30
_FAIR_SHARE = np.array([0.10, 0.35, 1.00])  # of the order's amount, by severity
# Satisfaction after the handling (before rounding, 1-5): base, per doubling of the response time beyond an hour, per
# share of the five steps, per square root of compensation ÷ fair compensation (at most 1), per level of severity above 1.
EFFECTS = {"base": 1.5, "doubling": -0.15, "steps": 2.0, "fairness": 0.9, "severity": -0.7}
_NOISE = 0.5
_REPURCHASE = {"base": -0.55, "satisfaction": 0.8, "VIP": 0.6, "普通": 0.0, "新客": -0.5}  # logit, satisfaction - 3
_PEER_MEAN, _PEER_SD, _PEERS = 4.1, 0.75, 0.5  # customers without a complaint; their number, by ticket
WINDOW = 90  # days

# Category -> product: price, clauses on what can be wrong with it.
_GOODS: dict[str, dict[str, tuple[float, str]]] = {
    "生鲜食品": {
        "车厘子礼盒": (128, "打开一看三分之一是烂的 个头比图片小了一圈，摸着发软 底下一层全长了白毛"),
        "土鸡蛋": (39, "三十个里碎了{n}个，蛋液流了一箱 打开有股臭味，蛋黄是散的 说是散养的，跟普通鸡蛋一个样"),
        "冷鲜牛腱": (98, "颜色发黑，一闻就是酸的 解冻之后缩了一半，全是水 真空袋鼓得像个球，我都没敢拆"),
        "酸奶": (52, "盖子一掀就是鼓包的 还有两天过期才发给我 喝着发苦，倒出来有絮状的东西"),
        "坚果礼包": (89, "一股哈喇味，吃了两颗就吐了 里面居然有活虫子 净含量差了快一百克，我用厨房秤称的"),
    },
    "家居日用": {
        "不粘锅": (159, "煎个鸡蛋就粘，涂层还掉了一块 手柄晃得厉害，螺丝拧不紧 锅底不平，一开火就转圈"),
        "保温杯": (89, "早上灌的热水中午就凉透了 盖子漏水，包里的书全泡了 内胆有一股铁锈味"),
        "四件套": (299, "洗一次掉一盆颜色 睡了两晚满床都是毛球 尺寸短了十多厘米，被子根本装不下"),
        "收纳柜": (219, "板子一受力就弯 缺了{n}颗螺丝，孔位也对不上 味道刺鼻，放阳台晾了半个月还呛人"),
        "乳胶枕": (189, "一捏就掉渣，哪里是什么乳胶 枕了一周就塌成一张饼 拉链一拉就豁了"),
    },
    "美妆个护": {
        "面霜": (168, "抹上去就搓泥，跟以前买的质地不一样 开封就是油水分离的 封口膜是破的，像有人用过"),
        "防晒霜": (99, "涂了照样晒黑，还长闭口 泵头压不出来，磕了半天才出一点 刺得眼睛睁不开"),
        "口红": (129, "膏体断在里面，一转就歪 买的豆沙色，来的是大红 一股蜡味，跟专柜的不是一回事"),
        "洗发水": (59, "用了三次头皮又红又痒 稀得像水，半点泡沫都没有 越洗越掉头发，一把一把的"),
        "面膜": (79, "敷上五分钟脸就火辣辣的 精华液只有袋底那一点 好几片打开是干的"),
    },
    "小家电": {
        "养生壶": (
            199,
            "烧着烧着底座冒火花 一插电家里就跳闸 玻璃壶身自己炸了一道口子 壶底漏水，流到插座上去了 "
            "加热盘下面烧黑了一圈 水还没开就自己断电，再开就冒烟 底座烫得塑料都化了 一碰壶把手就麻一下，肯定漏电",
        ),
        "空气炸锅": (329, "炸篮涂层掉渣，粘在薯条上 温度根本上不去，烤了一小时还是生的 转起来像拖拉机，整栋楼都听得见"),
        "吹风机": (159, "吹着吹着就有焦味 热风挡吹出来是凉的 电线接口一碰就断电"),
        "加湿器": (139, "加满水就漏一桌 喷出来的雾一股塑料味 按键失灵，关都关不掉"),
        "电饭煲": (399, "煮出来的饭总是夹生 内胆才用{n}天就起泡 预约功能一次都没成功过"),
    },
    "服饰鞋包": {
        "羽绒服": (599, "钻毛钻得像下雪 拉链第一天就崩了 充绒量跟标的差太多，一点不暖和"),
        "连衣裙": (239, "下水一次缩了两个码 腋下开线，还没穿出门呢 薄得透光，根本没法单穿"),
        "运动鞋": (329, "穿了{n}天鞋底就开胶 一只大一只小 走路咯吱响，脚后跟磨出好几个泡"),
        "双肩包": (199, "肩带缝线一拉就开 说是防水，下点小雨就把电脑打湿了 里衬掉黑色，染了一包文件"),
        "羊毛衫": (359, "吊牌写全羊毛，一烧全是塑料味 穿两次就起球，没法看 领口松得能塞进一个拳头"),
    },
    "母婴玩具": {
        "纸尿裤": (139, "侧漏，一晚上换三次床单 宝宝屁股红了一片 魔术贴根本粘不住"),
        "奶瓶": (79, "刻度洗两次就没了 瓶口有毛刺，差点划到宝宝的嘴 奶嘴孔大小不一，呛着孩子了"),
        "婴儿车": (699, "刹车踩下去还在溜 折叠的卡扣自己弹开了 轮子推了{n}天就歪了"),
        "积木": (159, "边角有毛刺，孩子手上划了个口子 少了一整包零件 拼上就掉，颗粒松得很"),
        "儿童水杯": (69, "吸管里是发霉的，新买的就这样 摔一次就裂了 倒过来漏了一书包"),
    },
}
CATEGORIES = tuple(_GOODS)
_CATEGORY_ORDERS = np.array([26.0, 17.0, 13.0, 9.0, 18.0, 10.0])  # thousand orders a month
_CATEGORY_RATE = np.array([1.0, 0.8, 0.9, 1.35, 1.2, 1.0])  # complaints an order, relative
_MONTH = np.array([1.10, 0.75, 0.92, 0.90, 0.98, 1.45, 0.88, 0.90, 1.00, 1.10, 1.95, 1.15])  # orders: 618, 双11

# What can be wrong with anything of a category; what it leads to at worst.
_ANY_FLAW = (
    "吃出一根头发 标签上的生产日期像是涂改过的 跟上回买的味道完全两样 配料表和页面上写的对不上",
    "做工粗糙，边角都割手 跟样品完全不是一个东西 用了{n}天就坏了 色差大得离谱",
    "防伪码扫出来查无此号 瓶底的批号被刮掉了 保质期只剩{n}个月 怀疑是假货，包装上的字体都不一样",
    "开机就报错，说明书上查不到 外壳有划痕，像是翻新机 用了{n}天就罢工了 插头松松垮垮，插上去直晃",
    "尺码标的和实物不一样 颜色比图片深太多 到处都是线头 有明显用过的痕迹，还有香水味",
    "一打开味道冲鼻子 没有合格证，也没有厂名 印花一抠就掉 做工太差，不敢给孩子用",
)
_HARM = (
    "孩子吃完上吐下泻，去医院打了点滴 一家三口吃坏了肚子，病历和票据都在 硌掉了半颗牙",
    "手被划了个大口子，缝了三针 家里老人被烫伤了 我找人测过，甲醛超标",
    "脸肿得眼睛都睁不开，医生说是接触性皮炎 过敏去了急诊，花了八百多 家里孕妇用了，现在一家人提心吊胆",
    "差点引起火灾，厨房墙都熏黑了 我的手被电麻了，家里还有小孩 碎片溅了一地，万幸没伤着眼睛",
    "身上起了一片疹子，医院诊断是染料过敏 在单位当众出丑，脸都丢尽了 送去检测，说是甲醛超标 肩带在地铁口断了，电脑摔得开不了机",
    "宝宝误吞了掉下来的小零件，连夜去的医院 孩子的手指头被夹青了 宝宝起了一身红疹，医生让马上停用 孩子呛得脸都紫了，送去医院才缓过来",
)

# What happened, what made it worse, what it led to at worst, what is wanted. Slots: {item}, {n} (some), {k} (ordinal),
# {cut} (yuan), {price}, {mins}, {badge}.
_SAID: dict[str, tuple[str, str, str, str]] = {
    "质量": (
        "",
        """照片和视频我都拍了 才用了一次 同事买的同款就没事 这不是头一回了，上次那件也是 问客服，说是正常现象
        以前买的可不是这个质量 拿到手当天就这样 我是按说明一步步来的 价格不便宜，东西却是这个样
        说明书上一个字都没提 家里人都说别要了 评论区一看，好多人跟我一样""",
        "",
        """退货退款 换一件好的来 我要看质检报告 假一赔三，你们看着办 请把这批货好好查一查 麻烦补发坏掉的那部分
        退一半的钱也行 请先下架检查 要寄回去检测的话，检测费谁出请先说清楚 派人上门看看 把好质量关吧 先给个说法""",
    ),
    "物流": (
        """显示已经签收了，可我根本没拿到{item} 物流停在中转站{n}天一动不动 说好次日达，结果等了{n}天
        快递员电话都没打就扔到驿站，还是最远的那个 {item}被扔在楼道里，丢了算谁的
        外箱被压得不成样子，里面也磕坏了 催了{n}次都说“已加急”，加急了个寂寞 送错小区了，还是邻楼的人给我拿过来的
        包裹被人签收，签的名字我不认识 一个订单拆成三个包裹，到现在还差一个 页面写着四十八小时发货，一个星期了还没动静
        约好晚上送，大中午打电话说放门口了，家里根本没人 配送员非说地址不详，门牌号我写得清清楚楚
        箱子是湿的，胶带重新粘过，明显被拆过 物流写着“派送失败，客户拒收”，我压根没接到过电话
        不给送上楼，扔在单元门口就走了 到货的是别人的东西，我的{item}不知道去了哪 发货{n}天了，地图上的小车就没动过
        配送超时两个多小时，打电话也没人接 取件码一直没发，超时了还要我付保管费 下单{n}天了还是“待揽收”
        快递说已经退回了，可我从来没有拒收过 送货的往地上一摔就走，监控都拍下来了 改了三次配送时间，一次都没来
        同城的单子，绕了半个省才到 写的是本地仓发货，实际从外省发的，晚了{n}天 说三公里内一小时送到，我等了一个下午
        签收照片拍的根本不是我家门口 里面一点缓冲都没有，就一个塑料袋裹着 大促下的单，别人都用上了，我的还在路上""",
        """打快递电话永远占线 问驿站，驿站说没见过 这是要带出门的，现在全耽误了 客服让我找快递，快递让我找客服
        运单号我查了几十遍 邻居同一天下单，早就收到了 我请了半天假在家等 给老人买的，老人腿脚不好跑不了驿站
        最后是我自己开车去网点取的 包裹重量和页面写的对不上 到手的时候封条已经断了 物流轨迹来回跳，一会儿东一会儿西
        箱子上写的都不是我的名字 保价费倒是一分没少收""",
        """等着用的东西没了，耽误了谁负责 东西丢了没人认账，再没说法我就报警 这是第{k}次丢件了，我要向邮政管理局申诉
        孩子的生日就这么毁了，全家都在等 送货的人跟我推搡起来，我已经报警 送货车倒车差点撞到我家老人""",
        """今天必须给我个准信，东西到底在哪 麻烦尽快补发一件 丢了就按原价赔 把运费退给我 换一家快递重新发
        让快递上门道歉 请核实签收人是谁 请你们去跟快递交涉，别让我两头跑 再不到就直接退款 以后送货前先打个电话行不行
        请赔偿磕坏的部分 超时的赔付什么时候到账""",
    ),
    "服务态度": (
        """你们客服说话太冲了，问一句顶三句 在线客服来来回回复制粘贴同一段话 打{n}个电话转来转去，每个人都让我从头讲一遍
        店员爱答不理，一直低头看手机 我才问了两句，导购就翻白眼 话没说完对方就把电话挂了 机器人绕了十分钟也转不到人工
        排队等了{mins}分钟，一接通就断 说好两小时内回电，到现在没人联系我 工号{badge}的态度特别恶劣
        问{item}怎么用，回我一句“自己看说明书” 收银员当着一堆人的面说“买不起就别摸” 客服答应给我登记，第二天说没有记录
        三个客服三个说法，到底听谁的 明明是你们的错，开口就说是我操作不当 一口一个“亲”，可就是不解决事
        门店保安拦着我要翻包，连句解释都没有 反映问题被踢来踢去，没有一个人负责 店长说“爱投诉投诉去”
        主播那边的客服直接把我拉黑了 导购为了提成，硬往我手里塞别的牌子 还没到关门时间就赶人走
        试了两件没买，店员在背后嘀咕 回复永远是“正在为您核实”，核实了{n}天 服务台排着长队，只开一个窗口，几个人在后面聊天
        老人不会用自助收银，问一句被店员吼 安装师傅进门不穿鞋套，还在屋里抽烟 师傅上门什么也没修，还要收上门费
        我说话带点口音，客服在那头笑 说话阴阳怪气，什么叫“您这种客户我见多了”""",
        """通话都有录音，你们自己听 当时旁边好几个顾客都听见了 我从头到尾没说过一句重话 换了个人接，态度还是一样
        问他工号也不肯说 收钱的时候可不是这个态度 聊天截图我都留着 在别家从没遇到过这样的 就这还叫“金牌客服”
        等于白打了一上午电话 连一句对不起都没有 最后是我自己在网上查到了答案 评价里好几个人说过同样的事
        问题没解决，反倒惹一肚子气""",
        """拉扯中把我的胳膊弄青了，有医院证明 当众说我偷东西，这是侮辱人 我母亲当场气得犯了心脏病，送了医院
        再不处理我就把录音发到网上 市长热线我也打了，还会找媒体 店员辱骂我行动不便的家人，必须给说法""",
        """请让那位店员当面道歉 请调监控核实 好好培训培训吧 我要见你们的负责人 给我一个书面答复 换个懂业务的人联系我
        请把工号{badge}的处理结果告诉我 不用赔钱，就要一句道歉 麻烦安排专人跟进 请在今天之内回电 门店多安排几个人行不行
        热线的转接流程该改一改了""",
    ),
    "价格促销": (
        """{item}刚买{n}天就降了{cut}块 说好的价保，去申请又说活动商品不参加 满减算下来跟页面写的不一样，多收了{cut}块
        领券的时候没说不能用在{item}上，结账才提示 先涨价再打折，收藏夹里的价格我截了图 说好有赠品，收到一看什么都没有
        直播间说“全年最低”，转头门店更便宜 标签上写{price}，扫码收的不止这个数 会员日的折扣没给我算进去
        定金付了，尾款时间一到说没货，定金还不退 同一个{item}，我这儿显示的价比同事的高 积分兑换的时候好好的，下完单说积分不够
        店里写着第二件半价，结账按原价收 红包要拉{n}个人才能提现，拉完又说还差一个 买的时候承诺“买贵退差”，现在说没有这回事
        以旧换新说能抵{cut}块，验完只肯给个零头 活动规则的小字藏在最后一页，谁看得见 付款页面默认勾了一份保险，没注意就扣了钱
        限时秒杀的倒计时走完了价格也没变，就是骗人赶紧下单 凑满三百，退了一件小的，把优惠全收回去了
        储值的时候说全场通用，现在说特价不能用 显示免运费，结账又加了{cut}块 电子价签没更新，收银说以系统为准
        套餐拆开单买反而更便宜 会员自动续费，提醒都没有就扣了款 抽奖中了{item}，等了半个月没人发
        学生优惠认证通过了还是原价 换个新账号一看，价格便宜一截，这不是杀熟吗 海报上写“全场五折”，进店就两样东西打折
        付完尾款比直接买还贵""",
        """截图都在，时间对得上 差的钱不多，但做法让人不舒服 算来算去还是我亏 问客服，说是系统问题 我就是冲着这个价才买的
        规则改来改去，谁跟得上 一起下单的人都退了差价，就我没有 小票我还留着 页面第二天就悄悄改了
        店员说要跟总部申请，之后就没下文了 宣传的时候说得天花乱坠 我特意问过一遍才付的钱 会员等级越高反倒越贵，没见过这样的
        为了凑单还买了一堆用不上的""",
        """这是价格欺诈，我已经向市场监管部门举报 储值卡里还有两千多，门店说关就关 预付的钱退不出来，我们几十个人准备一起维权
        老人被忽悠着充了好几千，家里人都急坏了 按消法应当退一赔三 重复扣款三次，害得我房贷都逾期了""",
        """把差价退给我 赠品补给我就行 按页面上的价格结算 请把多扣的钱退回来 优惠券给我恢复 定金退给我 给个明白的解释
        取消自动续费，把钱退了 请把规则写在看得见的地方 按承诺执行价保 积分给我补上 请核实后台的价格记录""",
    ),
    "售后退换": (
        """退货你们签收{n}天了，钱还没退 七天无理由到你们这儿就成了“影响二次销售” 换货换了{n}次，寄来的还是同样的毛病
        运费险不赔，退货邮费要我自己出 申请退款被驳回三次，理由每次都不一样 说好换新，寄来一件明显用过的
        发票申请了{n}周还没开出来 保修期内报修，非说人为损坏要收费 退款只退了一部分，少了{cut}块 上门取件约了三次，一次都没来人
        线上买的到门店退，门店说不归他们管 门店买的让我找线上，线上说查不到订单 补发的配件尺寸不对，又要重新等
        退货地址给错了，包裹被退回来，现在说超过期限 换货要我先付新的那件的钱 客服同意退款了，财务说没收到申请
        送修{n}周了，问就是“在等配件” 维修点离我家四十公里，让我自己送过去 退到储值卡里算怎么回事，我付的可是现金
        售后单被系统自动关闭，重新提交又说重复 退的时候少了个赠品，就扣我{cut}块 拆了包装才知道不合适，说拆封就不能退
        寄回去检测，检测结果迟迟不给 验收说少了吊牌，我明明一起寄回去了 修好没三天又坏了，再修还要收费
        退款显示成功，银行卡里一分没有 延保是花钱买的，真用的时候这不管那不管 想换个颜色，只能退了重买，还涨价了
        以“已超售后期”拒绝我，其实是你们拖过去的 只肯补优惠券，不肯退钱""",
        """聊天记录里写得明明白白 前后一共跑了{n}趟门店 每个环节都要拍照上传 快递底单我还留着 客服换了一个又一个
        前一个人答应的事，后一个人不认 拖到现在已经过了期限 为了几十块钱折腾了半个月 买的时候怎么没说这么多条件
        系统里一直显示“处理中” 旧的寄走了，新的没来，我两头空 打电话过去总说下周给答复 页面上明明写着支持退换
        这已经是我第{k}次提交了""",
        """货款拖了两个月，我准备起诉 拒不履行三包，材料我都交到消协了 退货时把我的身份证复印件也弄丢了
        修完插上就冒烟，差点着火 单位的账因此对不上，造成的损失谁赔 用不了也退不掉，一家人为这事吵了好几回
        12315的单子我已经填好了 再没说法就法院见""",
        """请马上把钱退回来 安排上门取件 换一件全新的 把邮费补给我 发票尽快开 给个明确的期限 按三包规定办
        让能拍板的人跟我说 把售后单重新打开 退回原来的支付账户 维修进度请每天告诉我一声 不修了，直接退""",
    ),
    "隐私骚扰": (
        """一天收到你们{n}条短信，回复退订也没用 我从没办过会员，你们怎么有我的手机号 买完{item}第二天就接到推销电话，连我买什么都知道
        早上七点就打电话推销，还让不让人睡觉 说了不要再打，换个号码接着打 App不给通讯录权限就不让用
        订单信息泄露了，骗子准确报出我的名字和地址 注销账号要交手持身份证的照片，凭什么 快递面单上电话全露着
        小程序默认勾选“同意接收营销信息” 微信群里天天发广告，退了又被拉进去 邮件底下的退订链接点了没反应
        把我的评价截图发出去做广告，头像名字都没打码 扫码领个袋子，就要填生日和住址 刷脸支付谁同意过，摄像头对着我就扫了
        登记本摊在桌上，别人的电话看得一清二楚 刚在App里搜过一次，转头满屏都是推送 账号都注销了，营销短信照发不误
        客服加了我的私人微信，天天发广告 参加个抽奖，家里老人的电话都被打爆了 别人的订单出现在我的账号里，那我的是不是也被别人看了
        导购拿着会员本当众念我的消费记录 孩子的信息也要采集，买个东西至于吗 隐私政策改了也不说，点“不同意”就直接退出
        推送把我买过的东西全写在屏幕上，同事都看见了 贷款公司给我打电话，说号码是从你们这儿拿到的 定位权限关不掉，一关就弹窗
        智能外呼一天打{n}遍 我要求删除个人信息，两个星期没人理 会员手机号被人改了，积分也没了""",
        """这个号码只在你们这儿留过 我下单用的是化名，骗子叫的就是这个名字 来电的时间和号码我都记下来了 短信落款就是你们
        设置里的开关关了又自己打开 问客服，说是“合作方”发的 标记骚扰都几十次了 上班开会也打，影响很不好
        屏蔽一个来一个 我查了授权记录，根本没同意过 家里老人差点就信了 截图里能看到发送时间 退订说要七个工作日，凭什么
        通信主管部门那边我也投诉了 反映过三次，每次都说会处理 朋友也遇到过一样的事 谁给你们的权利 别的商家可不这样
        当初就不该填真实信息 客服听完只说“已记录” 我一天班都没上好""",
        """骗子冒充客服，骗走我好几千块 我已经报警，警方说信息是从订单里流出去的 住址泄露之后有人找上门，家里只有老人孩子
        这违反个人信息保护法，我会起诉 私密的订单被公开，我没法在单位做人 身份证号都泄露了，有人拿去贷款
        已经向网信部门举报 家里人这几晚都没睡踏实 律师说这种情况可以要求赔偿""",
        """立刻停止给我发短信 删除我的全部个人信息 请说明号码是从哪来的 给我一个退订成功的确认 把默认勾选关掉
        把我移出外呼名单 请查清是谁泄露的 我要一份书面说明 把公开的信息撤下来 面单请做隐藏处理 恢复我的账号和积分
        以后别再联系我 请给一个处理的期限 把收集了我哪些信息列给我看 请负责个人信息保护的人联系我 撤回我的授权""",
    ),
}
# How it began: anywhere, on line, in a shop.
_OPENINGS = (
    """{when}买的{item} 我是老顾客了，{when}买了{item} 给我妈买的{item}，{when}付的款 活动的时候囤了两份{item}
    第一次在你们家买{item} 订单尾号{tail} {item}，{when}付的款 麻烦查一下尾号{tail}的订单 {when}买的{item}，花了{price}块
    朋友推荐来买的{item} 本来挺信任你们的 家里急用，{when}买了{item} 孩子她爸{when}买的{item} 送人用的{item}，{when}买的
    你好，我要反映一个情况 跟你们说个事""",
    """{when}下的单，{item} {when}在{online}下单买了{item} 看直播买的{item} 一直在{online}买{item} {when}在{online}拍的{item}""",
    """{when}在{store}买的{item} 我在{store}买了{item} 家门口就是{store}，{when}去买的{item} {when}去{store}，本来要买{item}""",
)
_MOODS = (
    """不是什么大事，反映一下 有点小失望 别的都还好，就是这点不舒服 能理解你们忙 谢谢 麻烦了 希望越做越好 影响不大，提个意见
    以前一直挺好的 先这样吧，等回复""",
    """真的很失望 太耽误事了 心里特别堵 以后不敢再买了 浪费我的时间 气死人了 简直无语 这钱花得冤 体验差到极点 越想越气
    当初怎么选了你们家 已经没有耐心了""",
    """太过分了 必须给我一个交代 今天不解决我就曝光 这事没完 别想糊弄过去 我会追究到底 等着收律师函吧 有没有人管管
    这种店怎么还开得下去 忍了很久了""",
)
_VAGUE_TEXTS = """东西有问题，找人联系我 太差劲了，退钱 第{k}次反映了，还没人管 什么破店 你们自己看订单，尾号{tail} 说好的不算数
投诉，尽快处理 为什么没人理我 {item}的事到底怎么说 再拖下去我就找消协 跟上次一样的问题 麻烦给我回个电话
{when}买的{item}，一言难尽 气得不想说话，看记录吧 关于{item}，请领导看一下 差评，没有下次了 还是那件事，没解决"""
_BATCH_HINTS = ("底部贴的批号是H2507", "看了一眼批号，H2507", "盒子上写着批次H2507")
_LINKS = ("另外，", "还有，", "顺便说一句，", "再说，", "更气的是，")  # the last one not for trifles
_RECORDED = ("顾客来电：", "来电记录：", "电话里说：", "（电话）")
_ONLINE, _STORES = ("App上", "小程序里", "网上商城"), ("北辰路店", "东湾广场店", "青禾里店", "城南店")
# Words that tell where a clause plays.
_IN_STORE = ("店员", "导购", "收银", "保安", "服务台", "关门", "店长", "进店", "刷脸", "登记本", "扫码领")
_ON_LINE = (
    "快递",
    "物流",
    "包裹",
    "发货",
    "配送",
    "派送",
    "签收",
    "直播",
    "下单",
    "运费",
    "App",
    "小程序",
    "取件",
    "待揽收",
)
# What else somebody is angry about.
_NEIGHBOURS = {
    "质量": ("售后退换", "服务态度", "物流"),
    "物流": ("服务态度", "售后退换", "质量"),
    "服务态度": ("售后退换", "价格促销"),
    "价格促销": ("服务态度", "售后退换"),
    "售后退换": ("服务态度", "物流", "质量"),
    "隐私骚扰": ("服务态度", "价格促销"),
}
# Words that fit only some goods: nobody has cherries repaired.
_FITS = {
    "修": "小家电", "延保": "小家电", "以旧换新": "小家电", "师傅上门": "小家电", "三包": "小家电",
    "配件": "小家电 家居日用 母婴玩具", "安装师傅": "家居日用 小家电", "派人上门": "小家电 家居日用",
    "怎么用": "小家电 美妆个护 母婴玩具 家居日用", "说明": "小家电 美妆个护 母婴玩具 家居日用",
    "寄回去检测": "小家电 美妆个护 母婴玩具", "换个颜色": "服饰鞋包 家居日用", "吊牌": "服饰鞋包", "试了两件": "服饰鞋包",
    "二次销售": "家居日用 美妆个护 小家电 服饰鞋包 母婴玩具", "拆了包装": "家居日用 小家电 服饰鞋包 母婴玩具",
    "才用了": "家居日用 美妆个护 小家电 服饰鞋包 母婴玩具", "全新": "家居日用 小家电 服饰鞋包 母婴玩具",
    "换货": "家居日用 美妆个护 小家电 服饰鞋包 母婴玩具", "换新": "家居日用 小家电 服饰鞋包 母婴玩具",
    "给我妈": "生鲜食品 家居日用 美妆个护 小家电 羽绒服 羊毛衫", "囤了": "生鲜食品 美妆个护 纸尿裤",
    "一直在{online}买": "生鲜食品 美妆个护 纸尿裤", "抽奖": "小家电 家居日用 生鲜食品 美妆个护",
    "误吞": "积木", "手指头": "婴儿车", "红疹": "纸尿裤", "呛得": "奶瓶 儿童水杯", "碎片": "养生壶",
    "大口子": "收纳柜 不粘锅", "烫伤": "保温杯 不粘锅", "我找人测过": "收纳柜 四件套 乳胶枕", "脸肿": "面霜 防晒霜 面膜",
    "疹子": "羽绒服 连衣裙 羊毛衫", "出丑": "连衣裙 运动鞋", "地铁口": "双肩包", "硌掉": "坚果礼包 车厘子礼盒",
    "吃出一根": "坚果礼包 酸奶 冷鲜牛腱", "配料表": "坚果礼包 酸奶", "尺码": "羽绒服 连衣裙 运动鞋 羊毛衫",
    "印花": "奶瓶 儿童水杯 积木", "割手": "收纳柜 不粘锅 保温杯", "线头": "羽绒服 连衣裙 双肩包 羊毛衫",
    "瓶底": "面霜 防晒霜 洗发水", "送去检测": "羽绒服 连衣裙 羊毛衫 运动鞋",
}  # fmt: skip
_SOME = ("两", "三", "四", "五", "六", "3", "4", "5", "7", "8", "好几")
_ORDINALS = ("二", "三", "四")


# Words that make sense only beside certain words of what happened: the deposit back where a deposit was paid.
_BESIDE = {
    "拉扯": _IN_STORE, "当众说": _IN_STORE, "旁边": _IN_STORE, "调监控": _IN_STORE, "那位店员": _IN_STORE,
    "多安排几个人": ("服务台", "收银"), "把工号": ("工号",), "问他工号": ("电话", "客服", "店员"), "聊天截图": ("客服",),
    "通话都有": ("电话", "接通", "回电"), "转接": ("转",), "白打了": ("电话", "接通", "人工"), "店员辱骂": _IN_STORE,
    "定金退": ("定金",), "赠品补": ("赠品",), "积分给": ("积分",), "续费，把": ("续费",), "优惠券给": ("券",),
    "差价退给": ("降了", "便宜", "贵", "高"), "多扣": ("收", "扣"), "价保": ("价保", "降了", "差"), "储值卡里还": ("储值",),
    "预付": ("储值", "定金"), "好几千，家里": ("储值",), "重复扣款": ("扣",), "小票": ("收银", "结账", "扫码", "原价", "进店"),
    "发票尽": ("发票",), "上门取件": ("取件", "退"), "修": ("修",), "三包": ("修", "换"), "身份证复印": ("退货",),
    "邮费补": ("邮费", "运费"), "原来的支付": ("退",), "旧的寄走": ("换", "寄"), "底单": ("寄", "退货", "换货"),
    "货款拖": ("退款", "退货", "钱"), "单位的账": ("发票",), "核实签收": ("签",), "磕坏的": ("磕", "压", "缓冲", "摔", "湿"),
    "推搡": ("送", "快递员"), "封条": ("箱", "包"), "超时的": ("超时", "小时"), "去网点": ("派送", "中转", "退回", "改了"),
    "问驿站": ("驿站", "取件", "签收"), "我发短信": ("短信",), "退订": ("退订", "短信", "邮件"), "勾选关": ("勾选",),
    "外呼名单": ("外呼", "电话"), "撤下来": ("广告", "念", "推送"), "面单请": ("面单",), "我的账号": ("账号", "积分"),
    "警方": ("骗", "泄露"), "骗走": ("骗", "电话"), "找上门": ("地址", "住址", "面单"), "拿去贷款": ("贷款", "身份证"),
    "化名": ("骗", "泄露"), "落款": ("短信",), "设置里": ("权限", "推送", "勾选"), "授权记录": ("权限", "勾选", "同意"),
    "来电的": ("电话", "外呼"), "屏蔽": ("短信", "电话", "推送", "广告"), "标记骚扰": ("电话", "外呼", "短信"),
    "上班开会": ("电话", "外呼"), "截图里": ("短信", "推送", "广告"), "通信主管": ("短信", "电话", "外呼"),
    "私密的": ("推送", "念", "泄露"), "信了": ("骗", "电话", "贷款"), "号码只在": ("电话", "短信", "手机号", "骗"),
    "号码是从": ("电话", "短信", "手机号", "骗"),
}  # fmt: skip
_CATEGORY_OF = {product: category for category, goods in _GOODS.items() for product in goods}
_PRODUCTS = tuple(_CATEGORY_OF)


@cache
def _rules(text: str) -> list[tuple[str, list[set[str]], list[tuple[str, ...]]]]:
    """Each clause of a text with the goods it fits and the words it must stand beside."""
    return [
        (
            clause,
            [set(goods.split()) for word, goods in _FITS.items() if word in clause],
            [near for word, near in _BESIDE.items() if word in clause],
        )
        for clause in text.split()
    ]


@cache
def _clauses(text: str, product: str, core: str = "") -> tuple[str, ...]:
    """The clauses of a text that can be said of a product, and beside what happened."""
    names = {product, _CATEGORY_OF[product]}
    return tuple(
        clause
        for clause, fits, besides in _rules(text)
        if all(names & goods for goods in fits)
        and (not core or all(any(part in core for part in near) for near in besides))
    )


@dataclass(frozen=True)
class Truth:
    """What the generator knows and no file says: one row a ticket.

    Attributes:
        table: index ticket_id; ``kind`` and ``cause`` as they really are (the file has what was entered), ``skill`` of
            the handler (mean 0, standard deviation about 1), ``coverage`` of the five steps, ``fairness`` (square root
            of compensation ÷ fair compensation, at most 1), ``satisfaction`` before rounding, ``serial`` (one of
            those who complain for a living).

    >>> from crmlab.generate import recipe
    >>> recipe("complaints").generate(1, 50, 1)[1].frame().index[0]
    'T00001'
    """

    table: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """The truth as a table with one row a ticket, index ticket_id."""
        return self.table.copy()


@dataclass(frozen=True)
class _Cases:
    """What happened to whom, by time; ``minute`` counts from the start of 2025."""

    minute: Ints
    product: Ints
    kind: Ints
    batch: Bools
    severity: Ints  # 1-3
    channel: Ints
    customer: Ints
    tier: Ints
    serial: Bools
    amount: Floats


@dataclass(frozen=True)
class _Care:
    """How the cases were handled."""

    handler: Ints
    skill: Floats
    response: Floats  # minutes
    solved: Floats  # minutes from the complaint
    steps: Bools  # shape (tickets, 5)
    compensation: Floats
    fairness: Floats
    satisfaction: Floats
    escalated: Bools


def generate(seed: int, tickets: int, first_number: int = 1) -> tuple[dict[str, pd.DataFrame], Truth]:
    """The retailer's complaint records and the truth behind them.

    Args:
        seed: the same seed gives the same tables.
        tickets: how many complaints.
        first_number: number in the id of the first ticket.

    Returns:
        tickets, handlers, peers, sales by name, and the truth.

    >>> tables, truth = generate(1, 50, 1)
    >>> tables["tickets"].shape[0], list(tables)
    (50, ['tickets', 'handlers', 'peers', 'sales'])
    """
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(8)]
    cases = _cases(rngs[0], tickets)
    handlers, skill = _handlers(rngs[1])
    care = _care(rngs[2], cases, skill)
    texts = _texts(rngs[3], cases)
    ids = numbered("T", first_number, tickets, 5)
    table, cause = _ticket_table(rngs[4], cases, care, texts, ids, handlers["handler_id"].to_numpy(dtype=object))
    truth = pd.DataFrame(
        {
            "kind": np.array(KINDS, dtype=object)[cases.kind],
            "cause": cause,
            "skill": care.skill,
            "coverage": care.steps.mean(axis=1),
            "fairness": care.fairness,
            "satisfaction": care.satisfaction,
            "serial": cases.serial,
        },
        index=pd.Index(ids, name="ticket_id"),
    )
    tables = {"tickets": table, "handlers": handlers, "peers": _peers(rngs[5], tickets), "sales": _sales(rngs[6])}
    return tables, Truth(truth)


# ----------------------------------------------------------------------------------------------------- what happened


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def _day(date: str) -> int:
    return int((np.datetime64(date) - START).astype(int))


def _month_of(day: Ints) -> Ints:
    return (START + day).astype("datetime64[M]").astype(np.int64) % 12


def _cases(rng: np.random.Generator, count: int) -> _Cases:
    day, category = _when_and_what(rng, count)
    product = 5 * category + rng.integers(0, 5, count)
    kind = _kinds(rng, category, _month_of(day))
    batch = np.arange(count) < round(_BATCH_SHARE * count)
    first, last = map(_day, BATCH)
    day = np.where(batch, first + (rng.beta(2.0, 1.6, count) * (last - first + 1)).astype(np.int64), day)
    product = np.where(batch, _PRODUCTS.index(BATCH_PRODUCT), product)
    kind = np.where(batch, 0, kind)
    hours = 60 * np.clip(rng.normal(15.5, 4.2, count), 7.0, 23.9)
    minute = day * 1440 + hours.astype(np.int64)
    order = np.argsort(minute, kind="stable")
    minute, product, kind, batch = minute[order], product[order], kind[order], batch[order]
    severity = 1 + (rng.random(count)[:, None] >= np.cumsum(_SEVERITY_SHARE, axis=1)[kind, :2]).sum(axis=1)
    severity = np.where(batch, np.maximum(severity, 2), severity)
    channel = rng.choice(len(_CHANNELS), count, p=_CHANNEL_SHARE)
    channel = np.where((channel == 5) & (severity == 1), 0, channel)  # nobody calls the authority for a trifle
    customer, serial = _who(rng, count)
    tier = rng.choice(len(TIERS), customer.max() + 1, p=_TIER_SHARE)[customer]
    price = np.array([_GOODS[_CATEGORY_OF[name]][name][0] for name in _PRODUCTS])[product]
    amount = np.round(price * rng.choice([1, 1, 1, 2], count) * rng.uniform(0.8, 1.0, count), 2)
    return _Cases(minute, product, kind, batch, severity, channel, customer, tier, serial, amount)


def _when_and_what(rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    """Day and category: complaints follow orders."""
    days = np.arange(DAYS)
    weight = _MONTH[_month_of(days)][:, None] * (_CATEGORY_ORDERS * _CATEGORY_RATE)[None, :]
    cell = rng.choice(weight.size, count, p=(weight / weight.sum()).ravel())
    return cell // len(CATEGORIES), cell % len(CATEGORIES)


def _kinds(rng: np.random.Generator, category: Ints, month: Ints) -> Ints:
    weight = np.tile(_KIND_SHARE, (len(category), 1))
    weight[:, 0] *= np.array([1.3, 1.0, 1.0, 1.1, 1.1, 1.1])[category]
    promotion = np.isin(month, (5, 10))
    weight[promotion, 1] *= 1.5
    weight[promotion, 3] *= 1.6
    edges = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    return (rng.random(len(category))[:, None] >= edges).sum(axis=1)


def _who(rng: np.random.Generator, count: int) -> tuple[Ints, Bools]:
    """The customer of each ticket; a handful complain again and again."""
    people = max(int(0.9 * count), 5)
    customer = rng.integers(0, people, count)
    serial = rng.random(count) < 0.02
    customer[serial] = rng.integers(0, max(2, round(count / 400)), serial.sum())
    return customer, serial


# ------------------------------------------------------------------------------------------------- how it was handled


def _handlers(rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    months = rng.integers(2, 72, _HANDLERS)
    skill = 0.5 * (np.log(months) - 3.1) + rng.normal(0, 0.75, _HANDLERS)
    since = np.datetime64("2025-01-01", "M") - months
    table = pd.DataFrame(
        {
            "handler_id": numbered("H", 1, _HANDLERS, 2),
            "name": person_names(rng, _HANDLERS),
            "team": np.array(_TEAMS, dtype=object)[np.arange(_HANDLERS) % 3],
            "since": since.astype("datetime64[us]"),
        }
    )
    return table, (skill - skill.mean()) / skill.std()


def _care(rng: np.random.Generator, cases: _Cases, skill: Floats) -> _Care:
    count = len(cases.minute)
    handler = _assigned(rng, cases, skill)
    able = skill[handler]
    busy = np.isin(_month_of(cases.minute // 1440), (5, 10))
    response = _CHANNEL_MINUTES[cases.channel] * np.exp(rng.normal(0, 0.8, count) - _SKILL_IN_TIME * able + 0.5 * busy)
    response = np.maximum(response + _until_open(cases.minute), 1.0).round()
    chance = _logistic(_STEP_LOGIT + (_SKILL_IN_STEPS * able - 0.4 * busy)[:, None])
    steps = rng.random((count, len(STEPS))) < chance
    solved = response + 60 * np.array([10, 26, 60])[cases.severity - 1] * np.exp(rng.normal(0, 0.7, count) - 0.2 * able)
    solved = np.where(rng.random(count) < 0.02, 1e9, solved)  # some are never settled
    fair = _FAIR_SHARE[cases.severity - 1] * cases.amount
    paid = np.where(
        rng.random(count) < np.where(cases.kind == 2, 0.35, 0.65), fair * np.exp(rng.normal(-0.1, 0.6, count)), 0
    )
    paid = 5 * np.rint(paid * np.where(cases.tier == 0, 1.3, 1.0) / 5)
    fairness = np.sqrt(np.minimum(paid / fair, 1.0))
    satisfaction = (
        EFFECTS["base"]
        + EFFECTS["doubling"] * np.clip(np.log2(response / 60), -3, 4)
        + EFFECTS["steps"] * steps.mean(axis=1)
        + EFFECTS["fairness"] * fairness
        + EFFECTS["severity"] * (cases.severity - 1)
        + rng.normal(0, _NOISE, count)
    )
    urge = -3.4 + 0.8 * (cases.severity - 1) + 0.3 * np.log2(response / 60) - 1.0 * steps[:, 2]
    escalated = (rng.random(count) < _logistic(urge)) | (cases.channel == 5)
    return _Care(handler, able, response, solved, steps, paid, fairness, satisfaction, escalated)


def _assigned(rng: np.random.Generator, cases: _Cases, skill: Floats) -> Ints:
    """Anybody takes a usual case; two of three severe ones go to the five most able."""
    best = np.argsort(-skill)[:5]
    anybody = rng.integers(0, len(skill), len(cases.minute))
    hard = (cases.severity == 3) & (rng.random(len(anybody)) < 0.67)
    return np.where(hard, best[rng.integers(0, len(best), len(anybody))], anybody)


def _until_open(minute: Ints) -> Ints:
    """Minutes until the desk opens."""
    of_day, (first, last) = minute % 1440, _DESK
    return np.where(
        of_day < first * 60, first * 60 - of_day, np.where(of_day >= last * 60, 1440 - of_day + first * 60, 0)
    )


# ---------------------------------------------------------------------------------------------------------- the words


def _texts(rng: np.random.Generator, cases: _Cases) -> Words:
    talk = _Talk(rng)
    return np.array([talk.text(cases, case) for case in range(len(cases.minute))], dtype=object)


class _Talk:
    """Writes what a customer says about a case."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one(self, options: tuple[str, ...] | list[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def text(self, cases: _Cases, case: int) -> str:
        severity, product = int(cases.severity[case]), _PRODUCTS[cases.product[case]]
        batch = bool(cases.batch[case])
        if severity < 3 and not batch and self.chance(_VAGUE):
            said = [self.one(_VAGUE_TEXTS.split())]
        else:
            said = self.said(KINDS[cases.kind[case]], product, severity)
        if batch and self.chance(0.3):
            said.append(self.one(_BATCH_HINTS))
        text = self.joined(said, severity)
        if cases.channel[case] == 1 and self.chance(0.4):
            text = self.one(_RECORDED) + text
        return self.filled(text, product, cases.amount[case], int(cases.minute[case]) // 1440)

    def said(self, kind: str, product: str, severity: int) -> list[str]:
        """What is said, clause by clause; the curt say one thing, the talkative seven."""
        patience = self.rng.random()
        _core, worse, harm, want = _SAID[kind]
        core = self.core(kind, product)
        said = [self.opening(core, product)] if self.chance(0.62) else []
        said += [core, *self.some(_clauses(worse, product, core), int(patience > 0.35) + int(patience > 0.85))]
        if severity == 3:
            said.append(
                self.one(
                    _clauses(harm, product, core)
                    if harm
                    else _clauses(_HARM[CATEGORIES.index(_CATEGORY_OF[product])], product)
                )
            )
        if self.chance(_SECOND_MATTER):
            link = self.one(_LINKS if severity > 1 else _LINKS[:-1])
            said.append(link + self.core(self.one(_NEIGHBOURS[kind]), product))
        if self.chance(0.5):
            said.append(self.one(_MOODS[severity - 1].split()))
        if self.chance(0.6):
            said.append(self.one(_clauses(want, product, core)))
        return said

    def core(self, kind: str, product: str) -> str:
        if kind != "质量":
            return self.one(_clauses(_SAID[kind][0], product))
        category = _CATEGORY_OF[product]
        special = self.chance(0.75)
        return self.one(
            _clauses(_GOODS[category][product][1] if special else _ANY_FLAW[CATEGORIES.index(category)], product)
        )

    def opening(self, core: str, product: str) -> str:
        """A beginning that plays where the complaint plays."""
        anywhere, on_line, in_store = (_clauses(text, product) for text in _OPENINGS)
        if any(word in core for word in _IN_STORE):
            return self.one(anywhere + in_store)
        if any(word in core for word in _ON_LINE):
            return self.one(anywhere + on_line)
        return self.one(anywhere + on_line + in_store[:-1])

    def some(self, options: tuple[str, ...], count: int) -> list[str]:
        return [options[pick] for pick in self.rng.permutation(len(options))[:count]]

    def joined(self, said: list[str], severity: int) -> str:
        """Clauses with the punctuation of people who type in a hurry."""
        marks = ("，", "，", "。", "。", "，") if severity < 3 else ("，", "。", "！", "，", "！")
        text = said[0]
        for clause in said[1:]:
            text += ("。" if clause.startswith(_LINKS) else self.one(marks)) + clause
        ends = (("。", "。", "", "～", "，谢谢。"), ("。", "。", "！", "", "……"), ("！", "！！", "。", "！"))[
            severity - 1
        ]
        end = self.one(ends)
        return text + ("。" if "谢谢" in end and "谢谢" in text else end)

    def filled(self, text: str, product: str, amount: float, day: int) -> str:
        slots = {
            "item": product,
            "price": f"{amount:.0f}",
            "n": self.one(_SOME),
            "k": self.one(_ORDINALS),
            "cut": str(5 * int(self.rng.integers(2, 25))),
            "mins": str(int(self.rng.integers(12, 50))),
            "badge": str(int(self.rng.integers(1000, 9999))),
            "tail": str(int(self.rng.integers(1000, 9999))),
            "online": self.one(_ONLINE),
            "store": self.one(_STORES),
            "when": self.when(day),
        }
        return text.format(**slots)

    def when(self, day: int) -> str:
        ago = 1 + int(self.rng.gamma(1.6, 6.0))
        if ago <= 2:
            return "昨天" if ago == 1 else "前天"
        if ago <= 6:
            return self.one(("前几天", "这周", "没几天前"))
        if ago <= 13:
            return self.one(("上周", "上个礼拜", "一个多星期前"))
        bought = (START + day - ago).astype(object)
        return f"{bought.month}月{bought.day}号"


# ------------------------------------------------------------------------------------------------------------- tables


def _moment(minute: NDArray[np.number]) -> NDArray[np.datetime64]:
    return START.astype("datetime64[us]") + minute.astype("timedelta64[m]")


def _by_end(minute: Floats) -> NDArray[np.datetime64]:
    """Points in time, missing where they lie after the data were taken."""
    end = DAYS * 1440
    return np.where(minute < end, _moment(np.minimum(minute, end).astype(np.int64)), np.datetime64("NaT", "us"))


def _whole(values: NDArray[Any], known: Bools) -> pd.Series:
    """Whole numbers, missing where unknown."""
    return pd.Series(values.astype(np.int64)).astype("Int64").mask(~known)


def _ticket_table(
    rng: np.random.Generator, cases: _Cases, care: _Care, texts: Words, ids: Words, handler_ids: Words
) -> tuple[pd.DataFrame, Words]:
    count, end = len(ids), DAYS * 1440
    settled = cases.minute + care.solved < end
    wrong = rng.random(count) < _MISLABELLED
    entered = np.where(wrong, (cases.kind + rng.integers(1, len(KINDS), count)) % len(KINDS), cases.kind)
    cause = np.array(
        [_CAUSES[kind][pick] for kind, pick in zip(cases.kind, rng.integers(0, 4, count), strict=True)], dtype=object
    )
    cause = np.where(cases.batch, BATCH_CAUSE, cause)
    unaware = cases.batch & (cases.minute < _day(BATCH_KNOWN) * 1440)
    outcome = np.where(
        care.steps[:, 3], np.where(rng.random(count) < 0.85, 0, 1), np.where(rng.random(count) < 0.5, 1, 2)
    )
    outcome = np.where(settled, outcome, 3)
    answered = settled & (rng.random(count) < 0.5 + 0.13 * np.abs(care.satisfaction - 3))
    again = rng.random(count) < _repurchase(care.satisfaction, cases.tier)
    watched = cases.minute // 1440 + WINDOW < DAYS
    return pd.DataFrame(
        {
            "ticket_id": ids,
            "created_at": _moment(cases.minute),
            "customer_id": numbered("M", 1, cases.customer.max() + 1, 5)[cases.customer],
            "tier": np.array(TIERS, dtype=object)[cases.tier],
            "channel": np.array(_CHANNELS, dtype=object)[cases.channel],
            "category": np.array(CATEGORIES, dtype=object)[cases.product // 5],
            "product": np.array(_PRODUCTS, dtype=object)[cases.product],
            "amount": cases.amount,
            "text": texts,
            "kind": np.array(KINDS, dtype=object)[entered],
            "severity": cases.severity,
            "handler_id": handler_ids[care.handler],
            "first_response_at": _by_end(cases.minute + care.response),
            "resolved_at": _by_end(cases.minute + care.solved),
            **dict(zip(STEPS, care.steps.T, strict=True)),
            "compensation": np.where(settled, care.compensation, 0.0),
            "escalated": care.escalated,
            "outcome": np.array(["resolved", "partly", "rejected", "open"], dtype=object)[outcome],
            "root_cause": np.where(settled, np.where(unaware, _CAUSES[0][0], cause), ""),
            "satisfaction_after": _whole(np.clip(np.rint(care.satisfaction), 1, 5), answered),
            "repurchased_90d": _whole(again, watched),
        }
    ), cause


def _repurchase(satisfaction: Floats, tier: Ints) -> Floats:
    by_tier = np.array([_REPURCHASE[name] for name in TIERS])[tier]
    return _logistic(_REPURCHASE["base"] + _REPURCHASE["satisfaction"] * (satisfaction - 3) + by_tier)


def _peers(rng: np.random.Generator, tickets: int) -> pd.DataFrame:
    """Customers who bought in the same year and never complained, asked for comparison."""
    count = max(int(_PEERS * tickets), 20)
    tier = rng.choice(len(TIERS), count, p=_TIER_SHARE)
    satisfaction = rng.normal(_PEER_MEAN, _PEER_SD, count)
    again = rng.random(count) < _repurchase(satisfaction, tier)
    day = np.sort(rng.integers(0, DAYS - WINDOW, count))
    return pd.DataFrame(
        {
            "peer_id": numbered("N", 1, count, 5),
            "bought_at": _moment(day * 1440),
            "tier": np.array(TIERS, dtype=object)[tier],
            "satisfaction": np.clip(np.rint(satisfaction), 1, 5).astype(np.int64),
            "repurchased_90d": again.astype(np.int64),
        }
    )


def _sales(rng: np.random.Generator) -> pd.DataFrame:
    """Orders by month and category: what the number of complaints must be held against."""
    orders = 1000 * _MONTH[:, None] * _CATEGORY_ORDERS[None, :] * rng.normal(1, 0.02, (12, len(CATEGORIES)))
    month = (START.astype("datetime64[M]") + np.arange(12)).astype("datetime64[us]")
    return pd.DataFrame(
        {
            "month": np.repeat(month, len(CATEGORIES)),
            "category": np.tile(np.array(CATEGORIES, dtype=object), 12),
            "orders": np.rint(orders).astype(np.int64).ravel(),
        }
    )


RECIPE = Recipe(generate=generate, seed=20260306, size=1500, drawn=600, as_of=pd.Timestamp("2025-12-31"))
