"""The laptop survey: its tables agree, the planted model is really in the answers, and the traps of the card are there."""

import numpy as np
import pandas as pd
import pytest

from crmlab import data, survey, weights
from crmlab.errors import CourseError
from crmlab.generate import laptop_survey as made

NAME = "laptop-survey"
RECIPE = made.RECIPE
REVERSE = ["image4", "hardware4", "service4", "loyalty3"]
OPPOSITE = {"image4": "image1", "hardware4": "hardware1", "service4": "service1", "loyalty3": "loyalty1"}


@pytest.fixture(scope="module")
def published() -> data.Tables:
    return data.load(NAME)


@pytest.fixture(scope="module")
def truth() -> made.Truth:
    return made.generate(RECIPE.seed, RECIPE.size)[1]


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def any_survey(request: pytest.FixtureRequest) -> data.Tables:
    """The published survey, and draws that must be alike in shape and difficulty."""
    return data.load(NAME) if request.param == "published" else data.draw(NAME, request.param)


def turned(tables: data.Tables) -> pd.DataFrame:
    """Answers by respondent, reverse items turned."""
    answers = tables.answers.set_index("respondent_id").drop(columns="nps").astype("float64")
    return survey.reverse_code(answers, REVERSE, high=10)


def construct_means(tables: data.Tables) -> pd.DataFrame:
    answers = turned(tables)
    return pd.DataFrame(
        {latent: answers[[c for c in answers if c.rstrip("1234") == latent]].mean(axis=1) for latent in made.LATENTS}
    )


def alpha(items: pd.DataFrame) -> float:
    items = items.dropna()
    k = items.shape[1]
    return k / (k - 1) * (1 - items.var().sum() / items.sum(axis=1).var())


def signs(tables: data.Tables) -> pd.DataFrame:
    found = survey.screen(
        tables.answers.drop(columns=["respondent_id", "nps"]),
        seconds=tables.respondents["seconds"],
        reverse=OPPOSITE,
        attention=tables.respondents["attention"] == 3,
        high=10,
    )
    return found.set_axis(pd.Index(tables.answers["respondent_id"]))


def in_earnest(tables: data.Tables) -> pd.Index:
    """Who stays after screening: fewer than two signs, and no copy."""
    found = signs(tables)
    return found.index[(found["signs"] < 2) & ~found["duplicate"] & ~found["straight"]]


# --- the tables agree -------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(published: data.Tables) -> None:
    tables, _truth = made.generate(RECIPE.seed, RECIPE.size)
    for table in published:
        pd.testing.assert_frame_equal(published[table], tables[table].astype(published[table].dtypes), check_exact=True)


def test_another_seed_gives_other_people_and_the_same_questions(published: data.Tables) -> None:
    other, _truth = made.generate(RECIPE.seed + 1, RECIPE.size)
    assert not other["answers"]["image1"].equals(published.answers["image1"])
    assert other["items"].to_numpy().tolist() == published["items"].to_numpy().tolist()
    assert other["population"]["owners"].to_list() == published.population["owners"].to_list()


def test_keys(any_survey: data.Tables) -> None:
    ids = any_survey.respondents["respondent_id"]
    assert ids.is_unique
    assert any_survey.answers["respondent_id"].equals(ids)
    for table, key in (("kano", "feature"), ("importance", "attribute")):
        rows = any_survey[table]
        assert set(rows["respondent_id"]) <= set(ids)
        assert not rows.duplicated(["respondent_id", key]).any()
        assert (rows.groupby("respondent_id").size() == rows[key].nunique()).all()
    assert not set(any_survey.kano["respondent_id"]) & set(any_survey.importance["respondent_id"])
    used = any_survey.respondents.set_index("respondent_id")["used_service"]
    assert used[any_survey.servqual["respondent_id"]].all()
    assert (any_survey.servqual.filter(like="w_").sum(axis=1) == 100).all()


def test_codebook_names_every_item(published: data.Tables) -> None:
    book = published["items"]
    main = book[book["table"] == "answers"]
    assert main["item"].to_list() == list(published.answers.columns[1:-1])
    assert main["item"][main["reverse"]].to_list() == REVERSE
    assert all(item.startswith(construct) for item, construct in zip(main["item"], main["construct"], strict=True))
    desk = book[book["table"] == "servqual"]
    assert [f"e{item}" for item in desk["item"]] == list(published.servqual.filter(regex=r"^e\d").columns)
    assert desk.groupby("construct", sort=False).size().to_dict() == dict(
        zip(made.SERVQUAL_GAPS, (4, 5, 4, 4, 5), strict=True)
    )


def test_size(any_survey: data.Tables, published: data.Tables) -> None:
    assert len(published.respondents) == 1200
    assert len(data.draw(NAME, "s09").respondents) == 300
    people = any_survey.population
    assert people["owners"].sum() == 12_000
    assert 0.25 < len(any_survey.respondents) / people["invited"].sum() < 0.45
    assert any_survey.respondents["answered_at"].is_monotonic_increasing
    assert any_survey.respondents["answered_at"].between("2025-11-10", "2025-12-13").all()
    assert any_survey.respondents["brand"].value_counts().min() >= 15


# --- the model behind -------------------------------------------------------------------------------------


def standardised(frame: pd.DataFrame) -> pd.DataFrame:
    return (frame - frame.mean()) / frame.std()


def paths(correlation: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Every path of the model by least squares, from correlations of the latents."""
    found = {}
    for effect in made.LATENTS:
        causes = [cause for cause, end in made.PATHS if end == effect]
        if causes:
            strength = np.linalg.solve(correlation.loc[causes, causes], correlation.loc[causes, effect])
            found |= {(cause, effect): value for cause, value in zip(causes, strength, strict=True)}
    return found


def test_true_scores_follow_the_paths(truth: made.Truth) -> None:
    found = paths(truth.frame()[truth.kind == "honest"][list(made.LATENTS)].corr())
    for path, planted in made.PATHS.items():
        assert found[path] == pytest.approx(planted, abs=0.075), path


def test_answers_give_the_paths_back(published: data.Tables) -> None:
    """Item means, correlations corrected for unreliability: what was planted, within the error of 1,100 people."""
    kept = in_earnest(published)
    answers, means = turned(published).loc[kept], construct_means(published).loc[kept]
    raw = means.corr()
    reliability = np.array(
        [alpha(answers[[c for c in answers if c.rstrip("1234") == latent]]) for latent in made.LATENTS]
    )
    corrected = raw / np.sqrt(np.outer(reliability, reliability))
    np.fill_diagonal(values := corrected.to_numpy(copy=True), 1.0)
    naive, found = paths(raw), paths(pd.DataFrame(values, raw.index, raw.columns))
    for path, planted in made.PATHS.items():
        assert found[path] == pytest.approx(planted, abs=0.09), path
        assert naive[path] == pytest.approx(planted, abs=0.12), path
    strong = [path for path, planted in made.PATHS.items() if abs(planted) >= 0.3]
    assert np.mean([abs(naive[path]) / abs(found[path]) for path in strong]) < 0.97, "means are not the latents"


def test_path_of_the_theory_that_is_not_there(published: data.Tables) -> None:
    """Expectation and satisfaction correlate, yet the path between them is nearly nothing."""
    means = construct_means(published).loc[in_earnest(published)]
    assert means["expectation"].corr(means["satisfaction"]) > 0.3
    assert abs(paths(means.corr())["expectation", "satisfaction"]) < 0.12
    assert made.PATHS["expectation", "satisfaction"] == 0


def test_items_are_reliable_once_turned(any_survey: data.Tables) -> None:
    kept = in_earnest(any_survey)
    right, raw = turned(any_survey).loc[kept], any_survey.answers.set_index("respondent_id").loc[kept]
    for latent in made.LATENTS:
        items = [c for c in right if c.rstrip("1234") == latent]
        assert 0.84 < alpha(right[items]) < 0.96, latent
    loyalty = ["loyalty1", "loyalty2", "loyalty3"]
    assert alpha(raw[loyalty].astype("float64")) < 0.3, "forgetting to turn an item ruins the scale"


def test_complaints_need_no_turning(any_survey: data.Tables) -> None:
    means = construct_means(any_survey)
    assert means["complaint"].corr(means["satisfaction"]) < -0.25


def test_brands_differ_as_planted(truth: made.Truth) -> None:
    order = truth.brands["satisfaction"].sort_values(ascending=False).index.to_list()
    assert order == ["朔光", "云砚", "栎舟", "禾屿", "青隼"]
    assert truth.brands["owners"].sum() == 12_000
    assert np.average(truth.brands["satisfaction"], weights=truth.brands["owners"]) == pytest.approx(truth.satisfaction)
    for effects in made._BRAND_EFFECTS.values():
        assert made._BRAND_SHARES @ effects == pytest.approx(0, abs=0.01)
    image, hardware, service = made._BRAND_EFFECTS.values()
    for one, other in ((image, hardware), (image, service), (hardware, service)):
        assert made._BRAND_SHARES @ (one * other) == pytest.approx(0, abs=0.01)


def test_zone_of_indifference(published: data.Tables) -> None:
    kept = in_earnest(published)
    score = construct_means(published)["satisfaction"].loc[kept]
    recommend = published.answers.set_index("respondent_id")["nps"].loc[kept]
    slope = {}
    for zone, inside in {"low": score < 5.5, "middle": score.between(5.7, 7.8), "high": score > 7.8}.items():
        slope[zone] = np.polyfit(score[inside], recommend[inside], 1)[0]
    assert slope["middle"] < 0.7 * slope["low"]
    assert slope["middle"] < 0.7 * slope["high"]


def test_old_machines_please_less(published: data.Tables) -> None:
    months = published.respondents.set_index("respondent_id")["months_owned"].dropna().astype(float)
    hardware = construct_means(published)["hardware"].loc[months.index]
    assert np.corrcoef(months, hardware)[0, 1] < -0.3


# --- who answers ------------------------------------------------------------------------------------------


def test_weighting_removes_only_a_part_of_the_bias() -> None:
    """On average over twelve surveys: the sample lies too high, cells explain some of it, not the rest."""
    naive, weighted = [], []
    for seed in range(12):
        tables, truth = made.generate(seed, 600)
        honest = truth.kind == "honest"
        people = tables["respondents"][honest]
        score = tables["answers"].filter(like="satisfaction")[honest].astype("float64").mean(axis=1)
        population = tables["population"].rename(columns={"owners": "size"})
        w = survey.poststratify(people, population, ["grade", "gender"])
        naive.append(score.mean() - truth.satisfaction)
        weighted.append(np.average(score, weights=w) - truth.satisfaction)
    assert 0.24 < np.mean(naive) < 0.36
    assert 0.15 < np.mean(weighted) < 0.27
    assert np.mean(weighted) < 0.85 * np.mean(naive)


def test_larger_surveys_stay_biased() -> None:
    for size in (300, 2400):
        errors = []
        for seed in range(4):
            tables, truth = made.generate(seed, size)
            score = tables["answers"].filter(like="satisfaction")[truth.kind == "honest"].astype("float64")
            errors.append(score.mean(axis=1).mean() - truth.satisfaction)
        assert 0.2 < np.mean(errors) < 0.4


def test_response_differs_between_strata(published: data.Tables) -> None:
    answered = published.respondents.groupby(["grade", "gender"]).size()
    rate = answered / published.population.set_index(["grade", "gender"])["invited"]
    assert rate["大一", "女"] > 2 * rate["大四", "男"]
    assert (rate.xs("女", level="gender") > rate.xs("男", level="gender")).all()
    assert rate.between(0.05, 0.75).all()


# --- who is not in earnest --------------------------------------------------------------------------------


def test_dishonest_questionnaires_are_as_many_in_every_draw(truth: made.Truth) -> None:
    assert pd.Series(truth.kind).value_counts().to_dict() == {"honest": 1122, "straight": 30, "speeder": 30, "copy": 18}
    for seed in range(5):
        kinds = pd.Series(made.generate(seed, 300)[1].kind).value_counts()
        assert kinds.to_dict() == {"honest": 280, "straight": 8, "speeder": 8, "copy": 4}


def test_screening_finds_them_and_spares_the_honest(published: data.Tables, truth: made.Truth) -> None:
    found = signs(published)
    kind = pd.Series(truth.kind, index=found.index)
    assert found["straight"].equals(kind == "straight")
    assert found["duplicate"].equals(kind == "copy")
    assert found["fast"][kind == "speeder"].all()
    assert not found["fast"][kind == "honest"].any()
    assert (found["signs"] >= 2)[kind.isin(["straight", "speeder"])].mean() > 0.85
    assert (found["signs"] >= 2)[kind == "honest"].mean() < 0.005
    assert 0.005 < found["attention"][kind == "honest"].mean() < 0.04, "one sign proves nothing"
    assert 0.04 < 1 - len(in_earnest(published)) / len(found) < 0.08


def test_copies_repeat_the_person_too(published: data.Tables, truth: made.Truth) -> None:
    people = published.respondents.set_index("respondent_id")
    answers = published.answers.set_index("respondent_id")
    copies = [ident for ident, kind in zip(truth.respondent_id, truth.kind, strict=True) if kind == "copy"]
    for copy in copies:
        same = answers.index[(answers.fillna(0) == answers.loc[copy].fillna(0)).all(axis=1)]
        assert len(same) == 2
        first, second = (people.loc[ident] for ident in same)
        assert first["answered_at"] < second["answered_at"]
        told = ["grade", "gender", "major", "brand", "used_service", "same_brand_items"]
        assert first[told].equals(second[told])


def test_gaps_and_units(any_survey: data.Tables) -> None:
    people, answers = any_survey.respondents, any_survey.answers
    assert 3 <= (people["price"] < 100).sum() <= 18, "prices in thousands"
    assert (people["price"].dropna().between(3, 20) | (people["price"].dropna() > 1000)).all()
    assert 0.02 < people["price"].isna().mean() < 0.09
    service = answers.filter(like="service").isna().mean(axis=1)
    assert service[~people["used_service"]].mean() > 0.06
    assert service[people["used_service"]].mean() < 0.04
    assert answers[["value2", "loyalty3"]].isna().any().all()
    assert not answers[["image1", "satisfaction1", "satisfaction2", "satisfaction3", "nps"]].isna().any().any()


def test_convenience_buys_without_liking(published: data.Tables, truth: made.Truth) -> None:
    people = published.respondents
    liking = truth.frame()["loyalty"].to_numpy()
    cool = liking < 0
    near = people["brand"] == "云砚"
    mean = people["same_brand_items"][cool].groupby(near[cool]).mean()
    assert mean[True] > 1.7 * mean[False]
    bought = people["same_brand_items"][people["brand"] != "云砚"]
    assert np.corrcoef(bought, liking[bought.index])[0, 1] > 0.2


# --- second parts -----------------------------------------------------------------------------------------

KANO = {
    (f, d): c for f, row in enumerate(("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"), 1) for d, c in enumerate(row, 1)
}


def kano_classes(rows: pd.DataFrame) -> dict[str, str]:
    cells = pd.Series(list(zip(rows["functional"], rows["dysfunctional"], strict=True)), index=rows.index).map(KANO)
    return cells.groupby(rows["feature"]).agg(lambda found: found.value_counts().idxmax()).to_dict()


def test_kano_classes_are_the_planted_ones(any_survey: data.Tables) -> None:
    assert kano_classes(any_survey.kano) == made.FEATURES


def test_kano_of_a_group_differs_from_that_of_all(any_survey: data.Tables) -> None:
    people = any_survey.respondents
    computing = people["respondent_id"][people["major"] == "计算机与电子"]
    rows = any_survey.kano
    assert kano_classes(rows[rows["respondent_id"].isin(computing)])["独立显卡"] == "O"
    assert kano_classes(rows[~rows["respondent_id"].isin(computing)])["独立显卡"] == "I"


def test_quadrants_of_importance_and_performance(any_survey: data.Tables) -> None:
    means = any_survey.importance.groupby("attribute")[["importance", "performance"]].mean()
    high = means >= means.mean()
    improve = set(means.index[high["importance"] & ~high["performance"]])
    assert improve == {"续航", "散热与噪声", "售后服务"}
    assert set(means.index[~high["importance"] & high["performance"]]) == {"外观"}
    assert set(means.index[~high["importance"] & ~high["performance"]]) == {"接口", "扩展升级"}


def test_stated_importance_is_not_derived_importance(any_survey: data.Tables) -> None:
    rows = any_survey.importance
    rows = rows.assign(satisfaction=rows["respondent_id"].map(construct_means(any_survey)["satisfaction"]))
    derived = {name: group["performance"].corr(group["satisfaction"]) for name, group in rows.groupby("attribute")}
    assert max(derived, key=derived.get) == "外观"
    assert derived["价格"] < 0.3
    stated = rows.groupby("attribute")["importance"].mean().rank(ascending=False)
    assert stated["外观"] >= 8
    assert stated["价格"] <= 3


def test_servqual_gaps_are_the_planted_ones(any_survey: data.Tables) -> None:
    desk = any_survey.servqual.astype({c: "float64" for c in any_survey.servqual if c[0] in "ep" and c[1:].isdigit()})
    expected = desk.filter(regex=r"^e\d").mean().to_numpy()
    gaps = desk.filter(regex=r"^p\d").mean().to_numpy() - expected
    parts = np.split(gaps, np.cumsum((4, 5, 4, 4)))
    for part, (dimension, planted) in zip(parts, made.SERVQUAL_GAPS.items(), strict=True):
        assert part.mean() == pytest.approx(planted, abs=0.3), dimension
    assert np.argmin([part.mean() for part in parts]) == 2
    shares = desk.filter(like="w_").mean()
    assert shares.idxmax() == "w_reliability"
    assert len(desk.dropna()) < len(desk)


# --- judges -----------------------------------------------------------------------------------------------


def judge_results(tables: data.Tables) -> dict[str, weights.AHPResult]:
    names = list(made.INDICATOR_WEIGHTS)
    return {
        judge: weights.ahp(weights.judgement_matrix(rows, indicators=names))
        for judge, rows in tables.judgements.groupby("judge_id")
    }


def test_two_judges_contradict_themselves(any_survey: data.Tables) -> None:
    results = judge_results(any_survey)
    assert len(results) == 12
    assert {judge for judge, result in results.items() if not result.consistent} == {"J05", "J10"}
    for judge in ("J05", "J10"):
        worst = results[judge].worst_judgements(1).iloc[0]
        assert worst["cr_after"] < 0.10, "one judgement is to blame"
        assert (worst["judgement"] < 1) != (worst["suggested"] < 1), "it points the wrong way"


def test_group_finds_the_planted_weights(any_survey: data.Tables) -> None:
    sound = [result.matrix for result in judge_results(any_survey).values() if result.consistent]
    group = weights.ahp(weights.group_matrix(sound))
    for indicator, planted in made.INDICATOR_WEIGHTS.items():
        assert group.weights[indicator] == pytest.approx(planted, abs=0.045)
    assert group.cr < 0.02


def test_direct_and_paired_comparison_agree_on_the_order(published: data.Tables) -> None:
    direct = pd.DataFrame(
        {
            judge: weights.direct_comparison(rows.set_index("indicator")["multiple"])
            for judge, rows in published.multiples.groupby("judge_id")
        }
    ).mean(axis=1)
    assert direct.sort_values(ascending=False).index.to_list() == list(made.INDICATOR_WEIGHTS)
    assert (published.multiples.groupby("judge_id")["multiple"].min() == 1).all()
    rows = published.judgements[published.judgements["judge_id"] == "J01"]
    paired = weights.paired_comparison(rows)
    assert paired.idxmin() == "外观"
    assert paired.min() == 0, "the last of all pairs gets nothing"
    assert paired.corr(direct) > 0.85


def test_truth_is_in_no_file(published: data.Tables, truth: made.Truth) -> None:
    columns = {column for table in published for column in published[table]}
    assert not columns & set(truth.frame().columns)
    assert truth.frame().index.equals(pd.Index(published.respondents["respondent_id"], name="respondent_id"))
    assert truth.contradictory == ("J05", "J10")
    frame = data.truth(NAME)
    assert frame["brand_satisfaction"].nunique() == 5
    assert frame["campus_satisfaction"].nunique() == 1


def test_draws_differ_and_names_do_not_collide() -> None:
    one, other = data.draw(NAME, "s01"), data.draw(NAME, "s02")
    assert not set(one.respondents["respondent_id"]) & set(other.respondents["respondent_id"])
    assert not one.answers["image1"].equals(other.answers["image1"])
    pd.testing.assert_frame_equal(one.answers, data.draw(NAME, " S01 ").answers)
    with pytest.raises(CourseError, match="没有表“reviews”"):
        one["reviews"]
