"""Honest work of an odd kind: each of these must keep all points of a04."""

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.security.scene import Edit, Scene, cell_of, notebook, own


@dataclass(frozen=True)
class Honest:
    """One submission: what is odd about it, and its making as of :func:`tests.security.scene.notebook`."""

    name: str
    answers: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    edit: Edit | None = None
    bytes_of: Callable[[str], bytes] | None = None

    @property
    def student(self) -> str:
        return f"honest-{HONEST.index(self):02}"

    def lay(self, scene: Scene) -> None:
        document = notebook(scene.source, self.answers, self.before, self.after, self.edit)
        if self.bytes_of is None:
            scene.hand_in(self.student, document)
        else:
            import json

            scene.hand_in(self.student, self.bytes_of(json.dumps(document, ensure_ascii=False, indent=1)))


def _in_each_solution(code: str) -> Edit:
    """``code`` before each solution."""

    def edit(document: dict[str, Any]) -> None:
        for cell in document["cells"]:
            if cell["id"].endswith("-solution"):
                cell["source"] = code + "\n" + cell["source"]

    return edit


def _extra_cells(document: dict[str, Any]) -> None:
    cells = document["cells"]
    for place in range(len(cells), 0, -3):
        cells.insert(place, own("# 我的笔记\n\n$x^2$ <b>粗</b>", "markdown"))
        cells.insert(place, own("note = 1 + 1\nnote"))
        cells.insert(place, own("原始文字", "raw"))


def _metadata_lost(document: dict[str, Any]) -> None:
    document["metadata"] = {}
    for cell in document["cells"]:
        cell["metadata"] = {}


def _old_format(document: dict[str, Any]) -> None:
    document["nbformat_minor"] = 2
    for cell in document["cells"]:
        del cell["id"]


def _source_as_lines(document: dict[str, Any]) -> None:
    for cell in document["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"] |= {"collapsed": True, "vscode": {"languageId": "python"}, "jupyter": {"outputs_hidden": True}}


def _old_outputs(document: dict[str, Any]) -> None:
    picture = base64.b64encode(secrets.token_bytes(300_000)).decode()
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 77
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": picture}}]


def _solution_split(document: dict[str, Any]) -> None:
    """The work stands in own cells before the slot, the slot only names the answers."""
    cells = document["cells"]
    for task, names in (("a04-4", "abc, top20_share, gini"), ("a04-2", "rfm_table")):
        slot = cell_of(document, f"{task}-solution")
        cells.insert(cells.index(slot), own(slot["source"]))
        slot["source"] = f"{names} = {names}"


_METHODS = {
    "a04-1": """
purchases = (
    shop.items
    .eval("amount = unit_price * (1 - discount) * (quantity - returned_quantity)")
    .groupby("order_id", as_index=False)["amount"].sum()
    .merge(shop.orders, on="order_id")
    .query("status != 'cancelled' and ordered_at < '2025-10-01'")
    .loc[lambda t: t["amount"].round(2).gt(0)]
    .assign(date=lambda t: t["ordered_at"].dt.normalize())
    .filter(["order_id", "customer_id", "date", "amount"])
)
""",
    "a04-2": """
rfm_table = (
    purchases
    .groupby("customer_id")
    .agg(recency=("date", lambda d: (AS_OF - d.max()).days), frequency=("date", "nunique"), monetary=("amount", "sum"))
    .pipe(lambda t: t)
)
""",
    "a04-4": """
total = (ranked := rfm_table["monetary"].sort_index().sort_values(ascending=False, kind="stable")).sum()
grade_of = lambda share: "A" if share < 0.8 else "B" if share < 0.95 else "C"
abc = ((ranked.cumsum() - ranked) / total).map(grade_of)
top20_share = ranked[: (n := round(len(ranked) * 0.2))].sum() / total
gini = (lambda x: sum(abs(a - x).sum() for a in x) / (2 * len(x) ** 2 * x.mean()))(ranked.to_numpy())
""",
}
_CLASSES = {
    "a04-1": """
from dataclasses import dataclass


@dataclass
class Cleaner:
    until: pd.Timestamp

    def clean(self, shop):
        items = shop.items.copy()
        items["amount"] = self._net(items)
        net = items.groupby("order_id")["amount"].sum()
        rows = []
        for order in shop.orders.itertuples():
            day = order.ordered_at.normalize()
            if order.status == "cancelled" or day > self.until or round(net[order.order_id], 2) <= 0:
                continue
            rows.append((order.order_id, order.customer_id, day, net[order.order_id]))
        return pd.DataFrame(rows, columns=["order_id", "customer_id", "date", "amount"])

    @staticmethod
    def _net(items):
        return items["unit_price"] * (1 - items["discount"]) * (items["quantity"] - items["returned_quantity"])


purchases = Cleaner(AS_OF).clean(shop)
""",
    "a04-4": """
class Concentration:
    def __init__(self, money):
        self.money = money.sort_index().sort_values(ascending=False, kind="stable")

    @property
    def classes(self):
        result, so_far = {}, 0.0
        for customer, amount in self.money.items():
            share = so_far / self.money.sum()
            result[customer] = "A" if share < 0.8 else "B" if share < 0.95 else "C"
            so_far += amount
        return pd.Series(result)

    def top(self, part):
        return self.money.head(round(part * len(self.money))).sum() / self.money.sum()

    def gini(self):
        x, n = np.sort(self.money.to_numpy()), len(self.money)
        return 2 * np.sum(np.arange(1, n + 1) * x) / (n * x.sum()) - (n + 1) / n


study = Concentration(rfm_table["monetary"])
abc, top20_share, gini = study.classes, study.top(0.2), study.gini()
""",
}

HONEST = [
    Honest("warnings on stderr", edit=_in_each_solution(
        "import sys, warnings\nwarnings.warn('小心')\nprint('注意' * 500, file=sys.stderr)\nnp.log(np.array([0.0, -1.0]))")),
    Honest("logging", edit=_in_each_solution(
        "import logging\nlogging.basicConfig(level=logging.DEBUG, force=True)\nlogging.getLogger('我').warning('开始')\nlogging.error('x' * 1000)")),
    Honest("prints 5,000 lines", after="for line in range(5000):\n    print('第', line, '行', '数据 ' * 20)",
           edit=_in_each_solution("for line in range(5000): print(line, end=' ')")),
    Honest("extra cells of all kinds", edit=_extra_cells),
    Honest("method chains, walrus and lambdas", _METHODS),
    Honest("classes and plain loops", _CLASSES),
    Honest("slow within the limits", edit=_in_each_solution("import time\ntime.sleep(2)")),
    Honest("wide unicode", before="客户数 = len(shop.customers)\n𝒳 = '👩‍👩‍👧‍👦 e\\u0301 ‮反‬ \\U0001f4a9'\nprint(𝒳, 客户数)\nd = {'👍🏽': '𠮷'}\nd",
           answers={"a04-4": """
金额 = rfm_table.sort_index()["monetary"].sort_values(ascending=False, kind="stable")
之前 = (金额.cumsum() - 金额) / 金额.sum()
abc = pd.Series(np.select([之前 < 0.8, 之前 < 0.95], ["A", "B"], "C"), index=金额.index)
人数 = len(金额)
top20_share = 金额.head(round(0.2 * 人数)).sum() / 金额.sum()
升序 = 金额.to_numpy()[::-1]
gini = 2 * (np.arange(1, 人数 + 1) * 升序).sum() / (人数 * 升序.sum()) - (人数 + 1) / 人数
"""}),
    Honest("added imports", before="from collections import Counter, defaultdict\nimport itertools, json, math, re, statistics, functools\nimport scipy.stats, statsmodels.api as sm, networkx\nimport matplotlib\nmatplotlib.pyplot.plot([1])"),
    Honest("SQL in memory", answers={"a04-2": """
import duckdb
rfm_table = duckdb.sql('''
    select customer_id, date_diff('day', max(date), timestamp '2025-09-30') as recency,
           count(distinct date) as frequency, sum(amount) as monetary
    from purchases group by customer_id order by customer_id
''').df().set_index("customer_id")
"""}),
    Honest("recursion", before="import sys\nsys.setrecursionlimit(5000)\ndef deep(n): return 0 if n == 0 else 1 + deep(n - 1)\nassert deep(2000) == 2000\ndef endless(): return endless()\ntry:\n    endless()\nexcept RecursionError as error: print(error)"),
    Honest("threads", answers={"a04-2": """
from concurrent.futures import ThreadPoolExecutor
import threading
def of(customer_and_table):
    customer, table = customer_and_table
    return customer, (AS_OF - table["date"].max()).days, table["date"].nunique(), table["amount"].sum()
with ThreadPoolExecutor(8) as pool:
    rows = list(pool.map(of, purchases.groupby("customer_id")))
rfm_table = pd.DataFrame(rows, columns=["customer_id", "recency", "frequency", "monetary"]).set_index("customer_id")
threading.Thread(target=lambda: print("从线程里打印")).start()
"""}),
    Honest("processes", before="""
import multiprocessing, subprocess, sys
from joblib import Parallel, delayed
def square(x): return x * x
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(square, range(5)) == [0, 1, 4, 9, 16]
assert Parallel(n_jobs=2)(delayed(square)(x) for x in range(5)) == [0, 1, 4, 9, 16]
from sklearn.ensemble import RandomForestClassifier
RandomForestClassifier(20, n_jobs=2).fit(np.random.rand(50, 2), np.arange(50) % 2)
assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout == "1\\n"
"""),
    Honest("large plots and many figures", after="import matplotlib.pyplot as plt\nfor number in range(25):\n    plt.figure(); plt.plot(rfm_table['monetary'].to_numpy()); plt.title(f'第 {number} 张')\nplt.show()\nfig, axes = plt.subplots(8, 8, figsize=(24, 24), dpi=100)\nfig"),
    Honest("magics and shell", before="%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\n!ls -la\nfiles = !ls\n%timeit -n 1 -r 1 sum(range(10))\n%who\n%pwd",
           edit=lambda document: document["cells"].insert(3, own("%%time\nx = 1\nx"))),
    Honest("tries to install a package", before="%pip install --quiet --timeout 1 --retries 0 not-a-package-of-ours\n!pip --version"),
    Honest("progress lines and display", before="from IPython.display import HTML, Markdown, Image, clear_output\nfor part in range(200):\n    print(f'\\r{part}/200', end='', flush=True)\nclear_output()\ndisplay(HTML('<b>好</b>'), Markdown('**好**'), shop.orders.head())\nimport ipywidgets\ndisplay(ipywidgets.IntSlider())\nshop.orders.head().style.background_gradient(subset=[])"),
    Honest("other containers and types", after="pass", answers={"a04-2": """
rfm_table = purchases.groupby("customer_id").agg(last=("date", "max"), frequency=("date", "nunique"), monetary=("amount", "sum"))
rfm_table["recency"] = (AS_OF - rfm_table["last"]).dt.days.astype("int16")
rfm_table["frequency"] = rfm_table["frequency"].astype("int8")
rfm_table = rfm_table.drop(columns="last")
""", "a04-4": """
from crmlab import pareto
abc = pareto.abc_classes(rfm_table["monetary"]).astype("category").sample(frac=1, random_state=1)
top20_share = np.float32(pareto.top_share(rfm_table["monetary"], 0.2))
gini = np.array(pareto.gini(rfm_table["monetary"]))
""", "a04-5": """
ordered = rfm_table.sort_index()
rest = ordered.loc[ordered["recency"] <= WINDOW, "monetary"]
fifth = np.ceil(rest.rank(method="first") / len(rest) * 5)
tier = pd.Series("普通", index=ordered.index, dtype=object)
tier[ordered["recency"] > WINDOW] = "休眠"
tier[fifth.index[fifth == 5]] = "VIP"
tier_table = ordered["monetary"].groupby(tier).agg(["size", "sum"]).rename(columns={"size": "customers"}).rename_axis("tier").reset_index()
tier_table["customer_share"] = tier_table["customers"] / tier_table["customers"].sum()
tier_table["revenue_share"] = tier_table["sum"] / tier_table["sum"].sum()
"""}),
    Honest("work in own cells", edit=_solution_split),
    Honest("files and folders of its own", before="import os, pathlib, pickle, sqlite3, tempfile\nprint(os.getcwd())\npathlib.Path('我的.csv').write_text('a,b\\n1,2')\npd.read_csv('我的.csv').to_parquet('x.parquet')\npickle.dump(1, open('x.pkl', 'wb'))\nwith tempfile.TemporaryDirectory() as folder: open(folder + '/x', 'w').write('x')\nsqlite3.connect('x.db').execute('create table t (a int)')\nos.makedirs(os.path.expanduser('~/results'), exist_ok=True)\npathlib.Path('helper.py').write_text('def double(x): return 2 * x')\nfrom helper import double\nassert double(2) == 4"),
    Honest("chance without a seed", before="import random\nprint(random.random(), np.random.rand(), np.random.default_rng().random())\nnp.random.seed(None)"),
    Honest("options and styles", before="import matplotlib.pyplot as plt\npd.set_option('display.max_rows', None, 'display.float_format', '{:.1f}'.format)\npd.options.mode.copy_on_write = True\nnp.set_printoptions(precision=1)\nplt.style.use('ggplot')\nplt.rcParams['font.size'] = 20\nnp.seterr(all='ignore')"),
    Honest("metadata lost in another editor", edit=_metadata_lost),
    Honest("old format without ids", edit=_old_format),
    Honest("sources as lines and marks of editors", edit=_source_as_lines),
    Honest("large stored outputs", edit=_old_outputs),
    Honest("line ends and byte order mark", bytes_of=lambda text: ("\ufeff" + text.replace("\\n", "\\r\\n").replace("\n", "\r\n")).encode()),
    Honest("names used again later", after="k, gini, tier, rfm_table = '后来', None, [], 0\ndel abc, scores, segments, purchases\ndata = checks = pd = None"),
    Honest("own cell that fails", before="1 / 0", after="raise RuntimeError('还没有写完')"),
    Honest("builtins and imports renamed", before="import pandas as P, numpy as N\nlist_ = list\nid = max = 5\nfrom pandas import *"),
    Honest("await and generators", before="import asyncio\nawait asyncio.sleep(0.1)\nasync def f(): return 1\nassert await f() == 1\ng = (x for x in range(3))\nnext(g)"),
    Honest("an hour of the night in the environment", before="import os, time, locale\nos.environ['TZ'] = 'Pacific/Auckland'\ntime.tzset()\nos.environ['LANG'] = 'de_DE.UTF-8'"),
]  # fmt: skip
