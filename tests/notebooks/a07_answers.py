"""Answers to a07-satisfaction: see tests/notebooks/answers.py for what the names mean."""

from tests.notebooks.answers import Code, swap, then

WRONG: dict[str, list[tuple[str, Code, float, str]]] = {
    "a07-1": [
        (
            "one sign is a verdict",
            swap(("(others >= 2)", "(others >= 1)")),
            3.4,
            "单凭一个迹象",
        ),
        (
            "attention check alone is a verdict",
            swap(("(others >= 2)", '(others >= 2) | signs["attention"]')),
            3.4,
            "单凭一个迹象",
        ),
        (
            "copies kept",
            swap(('signs["duplicate"] | (others >= 2)', "(others >= 2)")),
            3.5,
            "重复提交的还留着",
        ),
        ("nobody dropped", swap(("clean = answers[~dropped]", "clean = answers")), 3.0, "一份也没有剔除"),
        (
            "reverse items turned before the search for straight lines",
            swap(("raw.apply(lambda", "raw.assign(**{r: 11 - raw[r] for r in REVERSE}).apply(lambda")),
            3.7,
            "转换反向题以后查",
        ),
        (
            "contradiction without turning",
            swap(("(11 - raw[r] - raw[plain]).abs()", "(raw[r] - raw[plain]).abs()")),
            3.4,
            "反向题没有先转换",
        ),
        (
            "the widest pair instead of the mean",
            swap(("gaps.mean(axis=1)", "gaps.max(axis=1)")),
            3.55,
            "最大的一对",
        ),
        (
            "original and copy both marked",
            swap(("raw.duplicated() &", "raw.duplicated(keep=False) &")),
            3.7,
            "原件也被标了",
        ),
        (
            "straight lines marked as copies",
            swap(("raw.duplicated() & (raw.nunique(axis=1) > 1)", "raw.duplicated()")),
            3.75,
            "同一个数的也被标成重复",
        ),
        ("passed instead of failed", then('signs["attention"] = people["attention"] == 3'), 3.8, "答对检测题"),
        ("before minus after", then("effect = -effect"), 3.75, "符号反了"),
    ],
    "a07-2": [
        ("CR ignored", then("accepted = list(cr.index)"), 4.0, "自相矛盾"),
        (
            "CR ignored throughout",
            swap(("accepted = list(cr.index[cr < 0.10])", "accepted = list(cr.index)")),
            4.0,
            "自相矛盾",
        ),
        ("CI taken for CR", swap(("/ (n - 1) / RI", "/ (n - 1)")), 4.25, "这是 CI"),
        ("RI of five indicators", swap(("RI = 1.24", "RI = 1.12")), 4.4, "RI 查错了一格：用了 5 个"),
        ("RI of seven indicators", swap(("RI = 1.24", "RI = 1.32")), 4.4, "RI 查错了一格：用了 7 个"),
        ("CI over n", swap(("/ (n - 1) / RI", "/ n / RI")), 4.25, "应当是 n − 1"),
        (
            "arithmetic mean of the judges",
            swap(
                (
                    "np.exp(sum(np.log(matrices[judge]) for judge in accepted) / len(accepted))",
                    "sum(matrices[judge] for judge in accepted) / len(accepted)",
                )
            ),
            4.4,
            "算术平均",
        ),
        (
            "mean of the judges' weights",
            swap(("eigen(group)[1]", "sum(eigen(matrices[j])[1] for j in accepted) / len(accepted)")),
            4.5,
            "各人权重的平均",
        ),
        (
            "row geometric means for the eigenvector",
            swap(("eigen(group)[1]", "np.exp(np.log(group).mean(axis=1)) / np.exp(np.log(group).mean(axis=1)).sum()")),
            4.6,
            "根法",
        ),
        (
            "multiples added up before normalising",
            swap(
                (
                    "multiples.div(multiples.sum(axis=1), axis=0).mean()",
                    "multiples.sum() / multiples.sum().sum()",
                )
            ),
            4.62,
            "爱报大数",
        ),
        ("ties without points", swap(('0.5 if row.winner == ""', '0.0 if row.winner == ""')), 4.62, "各记 ½"),
        (
            "intensity as points",
            swap(("float(row.winner == name)", "row.intensity * float(row.winner == name)")),
            4.5,
            "重要多少倍",
        ),
        (
            "weights of all twelve",
            then(
                "all_m = laptops.multiples.pivot(index='judge_id', columns='indicator', values='multiple')\nweight_table['direct'] = all_m.div(all_m.sum(axis=1), axis=0).mean()"
            ),
            4.62,
            "CR 没有管",
        ),
        ("weights as per cent", then("weight_table *= 100"), 0, "在 0.999 与 1.001 之间"),
    ],
    "a07-3": [
        (
            "reverse items forgotten",
            swap(("scored = scored.assign(**{item: 11 - scored[item] for item in REVERSE})\n", "")),
            2.35,
            "没有转换",
        ),
        (
            "reverse items turned twice",
            swap(("blocks = {", "scored = scored.assign(**{item: 11 - scored[item] for item in REVERSE})\nblocks = {")),
            2.35,
            "转换了两次",
        ),
        (
            "complaints turned as well",
            swap(("for item in REVERSE}", 'for item in [*REVERSE, "complaint1", "complaint2", "complaint3"]}')),
            3.5,
            "抱怨题也被转换",
        ),
        ("ten minus x", swap(("11 - scored[item]", "10 - scored[item]")), 3.5, "10 − x"),
        (
            "listwise over the whole questionnaire",
            swap(("cronbach(scored[items])", "cronbach(scored.dropna()[items])")),
            3.4,
            "只要求本潜变量",
        ),
        ("gaps as zero", swap(("full = items.dropna()", "full = items.fillna(0)")), 3.1, "不是最低分"),
        ("gaps left to pandas", swap(("full = items.dropna()", "full = items")), 3.25, "求和时空缺"),
        ("no k over k minus 1", swap(("return k / (k - 1) * (1 -", "return (1 -")), 3.4, "漏了 k/(k−1)"),
        ("variances of two kinds", swap(("full.sum(axis=1).var()", "full.sum(axis=1).var(ddof=0)")), 3.4, "自由度"),
        (
            "correlations of the means",
            swap(
                (
                    "satisfaction.htmt(scored.dropna(), blocks)",
                    "pd.DataFrame({a: scored[i].mean(axis=1) for a, i in blocks.items()}).corr().abs()",
                )
            ),
            3.3,
            "平均分之间",
        ),
        ("the pair furthest apart", swap(("pairs.idxmax()", "pairs.idxmin()")), 3.5, "closest"),
    ],
    "a07-4": [
        (
            "average of the brands' averages",
            then("csi_total = csi_brand['csi'].mean()"),
            4.25,
            "平均的平均",
        ),
        (
            "simple mean of the items",
            swap(("weights = pd.Series(CSI_WEIGHTS)", "weights = pd.Series(dict.fromkeys(CSI_WEIGHTS, 1.0))")),
            3.88,
            "简单平均",
        ),
        ("five-point formula", swap(("/ (9 * weights.sum())", "/ (4 * weights.sum())")), 0, "5 级量表"),
        ("weights not divided out", swap(("/ (9 * weights.sum())", "/ 9")), 3.88, "不是 1，结果还要除以"),
        ("ten steps instead of nine", swap(("/ (9 * weights.sum())", "/ (10 * weights.sum())")), 3.88, "只有 9 格"),
        (
            "mean times ten",
            swap(("- weights.sum()) / (9 * weights.sum())", ") / (10 * weights.sum())")),
            3.65,
            "平均分乘以 10",
        ),
        (
            "grades change at the tens",
            swap(("(91,", "(90.01,"), ("(71,", "(70.01,"), ("(51,", "(50.01,"), ("(31,", "(30.01,")),
            4.55,
            "属于低的一档",
        ),
        ("grades of rounded scores", swap(("if value >= start", "if round(value) >= start")), 4.55, "四舍五入"),
        (
            "ten-point formula on five points",
            swap(("/ (4 * ahp_weights.sum())", "/ (9 * ahp_weights.sum())")),
            4.25,
            "跨度不是 9",
        ),
        (
            "indicators unweighted",
            swap(('ahp_weights = weight_table["ahp"]', 'ahp_weights = weight_table["ahp"] * 0 + 1')),
            4.25,
            "六项简单平均",
        ),
        (
            "importance for performance",
            swap(('["performance"].mean()', '["importance"].mean()')),
            4.06,
            "看的是表现",
        ),
        (
            "nobody dropped",
            then("csi_total = index_of(answers)"),
            4.38,
            "没有清洗",
        ),
    ],
    "a07-5": [
        (
            "cross-hair at the middle of the scale",
            then(
                'important, performing = ipa_table["importance"] >= 3, ipa_table["performance"] >= 3\n'
                'names = ["继续保持", "重点改进", "过度供给"]\n'
                "places = [important & performing, important & ~performing, ~important & performing]\n"
                'ipa_table["quadrant"] = np.select(places, names, "低优先")'
            ),
            3.4,
            "量表的中点",
        ),
        (
            "cross-hair at the medians",
            swap(
                ('ipa_table["importance"].mean()', 'ipa_table["importance"].median()'),
                ('ipa_table["performance"].mean()', 'ipa_table["performance"].median()'),
            ),
            3.5,
            "中位数",
        ),
        (
            "quadrants exchanged",
            swap(('"重点改进", "过度供给"],', '"过度供给", "重点改进"],')),
            3.3,
            "对调",
        ),
        (
            "smallest gap first",
            swap(('to_fix["performance"]).idxmax()', 'to_fix["performance"]).idxmin()')),
            3.5,
            "缺口",
        ),
        ("Kano's table transposed", swap(("CLASSES[f - 1][d - 1]", "CLASSES[d - 1][f - 1]")), 3.25, "转置"),
        ("Kano's scale the other way", swap(("CLASSES[f - 1][d - 1]", "CLASSES[5 - f][5 - d]")), 3.25, "编码看反"),
        ("ties by the alphabet", swap(('max("MOAIRQ"', 'max("AIMOQR"')), 3.75, "并列"),
        (
            "all majors in the subgroup",
            swap(('asked[(asked["feature"] == "独立显卡") & (major == "计算机与电子")]', 'groups["独立显卡"]')),
            3.6,
            "只看计算机与电子",
        ),
        ("worse without its sign", then('kano_table["worse"] = -kano_table["worse"]'), 3.8, "漏了负号"),
        ("R and Q in the denominator", swap(('for letter in "AOMI")', 'for letter in "AOMIRQ")')), 3.75, "多了 R 和 Q"),
    ],
    "a07-6": [
        ("promoters from 8", swap(("would >= 9", "would >= 8")), 3.55, "推荐者从 8 分"),
        ("detractors to 5", swap(("would <= 6", "would <= 5")), 3.55, "贬损者只算到 5"),
        ("detractors to 7", swap(("would <= 6", "would <= 7")), 3.55, "7 分被算成了贬损者"),
        ("passives left out", then("nps_total = 100 * (p - d) / (p + d)"), 3.55, "去掉了中立者"),
        ("NPS rounded", then("nps_total = round(nps_total)"), 3.7, "取整"),
        ("mean score", then("nps_total = 10 * would.mean()"), 3.32, "平均分"),
        ("error of a share", then("nps_se = 100 * np.sqrt(p * (1 - p) / len(would))"), 3.48, "一个比例的标准误"),
        ("error in shares", then("nps_se /= 100"), 3.7, "单位不对"),
        (
            "two independent shares",
            then("nps_se = 100 * np.sqrt((p * (1 - p) + d * (1 - d)) / len(would))"),
            3.62,
            "独立",
        ),
        (
            "loyalty3 not turned",
            swap(("attitude = scored[", "attitude = clean[")),
            3.25,
            "loyalty3 没有转换",
        ),
        ("thresholds excluded", swap(("attitude >= 7", "attitude > 7"), (") >= 2", ") > 2")), 3.4, "恰好等于界限"),
        (
            "attitude only",
            swap(("[likes & buys, likes, buys]", "[likes, likes & buys, buys & False]")),
            2.95,
            "只看了态度",
        ),
        (
            "latent and spurious exchanged",
            swap(('["忠诚", "潜在忠诚", "虚假忠诚"]', '["忠诚", "虚假忠诚", "潜在忠诚"]')),
            3.25,
            "对调",
        ),
        ("incomplete answers sorted", swap((".dropna().mean(axis=1)", ".mean(axis=1)")), 3.4, "没有答全的人也分了类"),
        (
            "share of kinds within the brand",
            then("loyalty_table['yunyan_share'] = yunyan.groupby(loyalty_kind).sum() / yunyan.sum()"),
            3.7,
            "云砚机主里各类型",
        ),
    ],
}

RIGHT: dict[str, list[tuple[str, Code]]] = {
    "a07-1": [
        (
            "the course library",
            "from crmlab import survey\n"
            "a, r = laptops.answers, laptops.respondents\n"
            "s = survey.screen(a[ITEMS.index], seconds=r['seconds'], reverse=REVERSE, attention=r['attention'] == 3, low=1, high=10)\n"
            "signs = s.drop(columns=['signs', 'reason']).assign(respondent_id=a['respondent_id'])\n"
            "keep = ~s['duplicate'] & (s['signs'] < 2)\n"
            "clean = a[keep].sample(frac=1, random_state=2)\n"
            "m = a[list(CSI_WEIGHTS)].mean(axis=1)\n"
            "effect = np.float64(m[keep].mean() - m.mean())",
        ),
        (
            "merged tables, other order, NumPy booleans as objects",
            "from itertools import groupby\n"
            "t = laptops.answers.merge(laptops.respondents, on='respondent_id')\n"
            "q = t[list(ITEMS.index)].astype('Float64')\n"
            "def run(row):\n"
            "    return max(len(list(g)) for k, g in groupby(row))\n"
            "filled = q.astype(float).T.reset_index(drop=True).T\n"
            "filled = filled.where(filled.notna(), [-i - 1.0 for i in range(27)])\n"
            "d = sum((11 - q[r] - q[p]).abs().fillna(0) for r, p in REVERSE.items())\n"
            "k = sum((q[r].notna() & q[p].notna()).astype(int) for r, p in REVERSE.items())\n"
            "keys = q.astype(object).where(q.notna(), 'leer').apply(tuple, axis=1)\n"
            "seen, copy = set(), []\n"
            "for key in keys:\n"
            "    copy.append(key in seen and len(set(key) - {'leer'}) > 1)\n"
            "    seen.add(key)\n"
            "signs = pd.DataFrame({'attention': t['attention'].ne(3), 'duplicate': copy,\n"
            "    'contradiction': (d / k >= 4.5).fillna(False).astype(object), 'fast': t['seconds'].lt(54),\n"
            "    'straight': [run(x) >= 14 for x in filled.to_numpy()]}).set_index(t['respondent_id']).iloc[::-1]\n"
            "n = signs[['attention', 'contradiction', 'fast', 'straight']].astype(int).sum(axis=1)\n"
            "clean = t.set_index('respondent_id').loc[signs.index[~signs['duplicate'] & (n <= 1)]]\n"
            "sat = ['satisfaction1', 'satisfaction2', 'satisfaction3']\n"
            "effect = clean[sat].to_numpy(float).mean() - t[sat].to_numpy(float).mean()",
        ),
    ],
    "a07-2": [
        (
            "the course library",
            "from crmlab import weights as w\n"
            "ms = {j: w.judgement_matrix(g) for j, g in laptops.judgements.groupby('judge_id')}\n"
            "cr = pd.Series({j: w.ahp(m).cr for j, m in ms.items()})\n"
            "accepted = cr.index[cr < 0.1]\n"
            "mu = laptops.multiples[laptops.multiples['judge_id'].isin(accepted)]\n"
            "ju = laptops.judgements[laptops.judgements['judge_id'].isin(accepted)]\n"
            "weight_table = pd.DataFrame({\n"
            "    'ahp': w.ahp(w.group_matrix([ms[j] for j in accepted])).weights,\n"
            "    'direct': sum(w.direct_comparison(g.set_index('indicator')['multiple']) for _, g in mu.groupby('judge_id')) / len(accepted),\n"
            "    'paired': sum(w.paired_comparison(g) for _, g in ju.groupby('judge_id')) / len(accepted)})",
        ),
        (
            "power iteration, a set of judges, the key as a column",
            "inds = sorted(laptops.multiples['indicator'].unique())\n"
            "def mat(g):\n"
            "    a = np.ones((6, 6))\n"
            "    for f, s, win, x in g[['first', 'second', 'winner', 'intensity']].itertuples(index=False):\n"
            "        i, j = inds.index(f), inds.index(s)\n"
            "        a[i, j] = x if win == f else 1 / x\n"
            "        a[j, i] = 1 / a[i, j]\n"
            "    return a\n"
            "def power(a):\n"
            "    v = np.ones(6)\n"
            "    for _ in range(300):\n"
            "        v = a @ v / (a @ v).sum()\n"
            "    return (a @ v).sum(), v\n"
            "ms = {j: mat(g) for j, g in laptops.judgements.groupby('judge_id')}\n"
            "cr = pd.Series({j: max(power(a)[0] - 6, 0) / 5 / 1.24 for j, a in ms.items()}).sort_values()\n"
            "accepted = {j for j, value in cr.items() if value < 0.1}\n"
            "log = np.mean([np.log(ms[j]) for j in accepted], axis=0)\n"
            "m = laptops.multiples[laptops.multiples['judge_id'].isin(accepted)].copy()\n"
            "m['w'] = m['multiple'] / m.groupby('judge_id')['multiple'].transform('sum')\n"
            "wins = np.mean([np.where(np.isclose(ms[j], 1), 0.5, (ms[j] > 1) * 1.0) - np.eye(6) / 2 for j in accepted], axis=0).sum(axis=1)\n"
            "weight_table = pd.DataFrame({'indicator': inds, 'direct': m.groupby('indicator')['w'].mean().loc[inds].to_numpy(),\n"
            "    'paired': wins / 15, 'ahp': power(np.exp(log))[1]})",
        ),
    ],
    "a07-3": [
        (
            "the course library",
            "from crmlab import satisfaction as sat, survey\n"
            "c = clean.reset_index()\n"
            "scored = survey.reverse_code(c[['respondent_id', *ITEMS.index]], list(REVERSE), low=1, high=10)\n"
            "names = list(ITEMS.unique())[::-1]\n"
            "blocks = {a: ITEMS.index[ITEMS == a] for a in names}\n"
            "alpha = pd.Series({a: sat.cronbach_alpha(c[b], reverse=[x for x in b if x in REVERSE], low=1, high=10) for a, b in blocks.items()})\n"
            "htmt_table = sat.htmt(c[ITEMS.index].dropna(), blocks)\n"
            "closest = set(htmt_table.mask(np.eye(8, dtype=bool)).stack().idxmax())",
        ),
        (
            "correlations by hand, the covariance formula, nullable integers",
            "scored = clean[ITEMS.index].copy()\n"
            "for item in REVERSE:\n"
            "    scored[item] = 11 - scored[item]\n"
            "def a(x):\n"
            "    c = x.dropna().astype(float).cov().to_numpy()\n"
            "    return len(c) / (len(c) - 1) * (1 - np.trace(c) / c.sum())\n"
            "names = list(ITEMS.unique())\n"
            "alpha = pd.Series([a(scored[ITEMS.index[ITEMS == v]]) for v in names], index=names)\n"
            "r = scored.dropna().astype(float).corr().abs()\n"
            "def block(u, v):\n"
            "    x = r.loc[ITEMS.index[ITEMS == u], ITEMS.index[ITEMS == v]].to_numpy()\n"
            "    return x[np.triu_indices(len(x), 1)].mean() if u == v else x.mean()\n"
            "htmt_table = pd.DataFrame({v: {u: block(u, v) / (block(u, u) * block(v, v)) ** 0.5 for u in names} for v in names})\n"
            "upper = htmt_table.mask(np.eye(8, dtype=bool), 0)\n"
            "closest = [upper.max().idxmax(), upper.loc[upper.max().idxmax()].idxmax()]",
        ),
    ],
    "a07-4": [
        (
            "the course library",
            "from crmlab import satisfaction as sat\n"
            "s = clean[list(CSI_WEIGHTS)].astype(float)\n"
            "b = laptops.respondents.set_index('respondent_id')['brand'].loc[s.index]\n"
            "csi_total = sat.csi(s, CSI_WEIGHTS)\n"
            "csi_brand = pd.DataFrame([{'brand': k, 'n': len(g), 'csi': sat.csi(g, CSI_WEIGHTS)} for k, g in s.groupby(b)])\n"
            "csi_brand['grade'] = sat.grade(csi_brand['csi'])\n"
            "peer_grade = sat.grade(peers)\n"
            "p = laptops.importance.query('respondent_id in @clean.index').groupby('attribute')['performance'].mean()\n"
            "w = weight_table['ahp'].rename({'售后': '售后服务'})\n"
            "indicator_index = sat.csi(p.loc[w.index], w, low=1, high=5)",
        ),
        (
            "a score for each respondent, bands by pd.cut",
            "w = pd.Series(CSI_WEIGHTS)\n"
            "people = clean.reset_index().merge(laptops.respondents[['respondent_id', 'brand']], on='respondent_id')\n"
            "people['x'] = (people[w.index].astype(float) - 1) @ (w / w.sum()) / 9 * 100\n"
            "csi_total = people['x'].mean()\n"
            "csi_brand = people.groupby('brand').agg(csi=('x', 'mean'), n=('x', 'size')).iloc[::-1]\n"
            "cut = lambda x: pd.cut(x, [-1, 31, 51, 71, 91, 101], right=False, labels=['很不满意', '不满意', '基本满意', '满意', '很满意'])\n"
            "csi_brand['grade'] = cut(csi_brand['csi'])\n"
            "peer_grade = cut(peers).astype(str).sort_values()\n"
            "z = laptops.importance.merge(people[['respondent_id']])\n"
            "z['attribute'] = z['attribute'].str.replace('售后服务', '售后')\n"
            "z = z.groupby('attribute')['performance'].mean()\n"
            "v = weight_table['ahp'] / weight_table['ahp'].sum()\n"
            "indicator_index = 25 * sum(v[i] * (z[i] - 1) for i in v.index)",
        ),
    ],
    "a07-5": [
        (
            "the course library",
            "from crmlab import satisfaction as sat\n"
            "im = laptops.importance[laptops.importance['respondent_id'].isin(clean.index)]\n"
            "wide = im.pivot(index='respondent_id', columns='attribute')\n"
            "ipa_table = sat.ipa(wide['importance'], wide['performance'])\n"
            "fix = ipa_table[ipa_table['quadrant'] == '重点改进']\n"
            "first_fix = (fix['importance'] - fix['performance']).idxmax()\n"
            "k = laptops.kano[laptops.kano['respondent_id'].isin(clean.index)].merge(laptops.respondents)\n"
            "extra = k[(k['feature'] == '独立显卡') & (k['major'] == '计算机与电子')].assign(feature='独立显卡_计算机')\n"
            "rows = {f: sat.kano(g['functional'], g['dysfunctional']).iloc[0]\n"
            "    for f, g in pd.concat([k, extra, PRETEST.assign(feature='指纹解锁')]).groupby('feature')}\n"
            "kano_table = pd.DataFrame(rows).T",
        ),
        (
            "a lookup by merge, keys as columns",
            "import itertools\n"
            "ids = set(clean.reset_index()['respondent_id'])\n"
            "im = laptops.importance[[i in ids for i in laptops.importance['respondent_id']]]\n"
            "ipa_table = im.pivot_table(index='attribute', values=['performance', 'importance']).reset_index()\n"
            "up = (ipa_table[['importance', 'performance']] - ipa_table[['importance', 'performance']].mean()) >= 0\n"
            "names = {(True, True): '继续保持', (True, False): '重点改进', (False, True): '过度供给', (False, False): '低优先'}\n"
            "ipa_table['quadrant'] = [names[a, b] for a, b in zip(up['importance'], up['performance'])]\n"
            "gap = ipa_table.set_index('attribute').query('quadrant == \"重点改进\"').eval('importance - performance')\n"
            "first_fix = gap.sort_values().index[-1]\n"
            "letters = 'QAAAO' + 'RIIIM' * 3 + 'RRRRQ'\n"
            "look = pd.DataFrame(list(itertools.product(range(1, 6), repeat=2)), columns=['functional', 'dysfunctional']).assign(letter=list(letters))\n"
            "k = laptops.kano[laptops.kano['respondent_id'].isin(ids)]\n"
            "computing = laptops.respondents.query('major == \"计算机与电子\"')['respondent_id']\n"
            "part = k[(k['feature'] == '独立显卡') & k['respondent_id'].isin(computing)].assign(feature='独立显卡_计算机')\n"
            "all_rows = pd.concat([k, part, PRETEST.assign(feature='指纹解锁')]).merge(look)\n"
            "kano_table = pd.crosstab(all_rows['feature'], all_rows['letter'])\n"
            "kano_table['class'] = kano_table[list('MOAIRQ')].idxmax(axis=1)\n"
            "base = kano_table[list('AOMI')].sum(axis=1)\n"
            "kano_table['better'] = kano_table[['A', 'O']].sum(axis=1) / base\n"
            "kano_table['worse'] = -kano_table[['O', 'M']].sum(axis=1) / base\n"
            "kano_table = kano_table.reset_index()",
        ),
    ],
    "a07-6": [
        (
            "the course library",
            "from crmlab import loyalty, satisfaction as sat, survey\n"
            "result = sat.nps(clean['nps'])\n"
            "nps_total, nps_se = result.nps, result.se\n"
            "three = survey.reverse_code(clean, ['loyalty3'], 1, 10)[['loyalty1', 'loyalty2', 'loyalty3']].dropna().astype(float)\n"
            "who = laptops.respondents.set_index('respondent_id').loc[three.index]\n"
            "loyalty_kind = loyalty.loyalty_type(three.mean(axis=1), who['same_brand_items'], 7, 2)\n"
            "g = who.assign(y=who['brand'] == '云砚').groupby(loyalty_kind, observed=True)['y']\n"
            "loyalty_table = pd.DataFrame({'customers': g.size(), 'share': g.size() / len(who), 'yunyan_share': g.mean()})",
        ),
        (
            "plus and minus one hundred, kinds by map, the key as a column",
            "v = clean['nps'].map(lambda x: 100 if x >= 9 else -100 if x <= 6 else 0).to_numpy(float)\n"
            "nps_total, nps_se = v.mean(), v.std() / len(v) ** 0.5\n"
            "m = clean[['loyalty1', 'loyalty2', 'loyalty3']].reset_index().merge(laptops.respondents).dropna(subset=['loyalty1', 'loyalty2', 'loyalty3'])\n"
            "m['high'] = (m['loyalty1'] + m['loyalty2'] + 11 - m['loyalty3'] >= 21).astype(bool)\n"
            "m['kind'] = [{(True, True): '忠诚', (True, False): '潜在忠诚', (False, True): '虚假忠诚', (False, False): '不忠诚'}[a, b]\n"
            "    for a, b in zip(m['high'], m['same_brand_items'] > 1)]\n"
            "loyalty_kind = m.sample(frac=1, random_state=3).set_index('respondent_id')['kind']\n"
            "loyalty_table = m.groupby('kind').agg(customers=('brand', 'size'), yunyan_share=('brand', lambda b: (b == '云砚').mean()))\n"
            "loyalty_table['share'] = m['kind'].value_counts(normalize=True)\n"
            "loyalty_table = loyalty_table.rename_axis('loyalty').reset_index()",
        ),
    ],
}

PRODUCTS = {
    "a07-1": ["signs", "clean", "effect"],
    "a07-2": ["cr", "accepted", "weight_table"],
    "a07-3": ["scored", "alpha", "htmt_table", "closest"],
    "a07-4": ["csi_total", "csi_brand", "peer_grade", "indicator_index"],
    "a07-5": ["ipa_table", "first_fix", "kano_table"],
    "a07-6": ["nps_total", "nps_se", "loyalty_kind", "loyalty_table"],
}

EARLY = ("a07-1", "one sign is a verdict")
