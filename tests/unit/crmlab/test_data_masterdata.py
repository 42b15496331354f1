"""The dirty master data: planted errors and persons can be found again, and the traps of the card are there."""

import hashlib

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab import data, identity, privacy
from crmlab.generate import masterdata
from crmlab.generate.people import phones

RECIPE = masterdata.RECIPE


@pytest.fixture(scope="module")
def base() -> data.Tables:
    return data.load("masterdata")


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return data.truth("masterdata")


@pytest.fixture(scope="module")
def records(base: data.Tables) -> pd.DataFrame:
    return identity.clean(base.records)


@pytest.fixture(scope="module")
def persons(base: data.Tables, truth: pd.DataFrame) -> pd.Series:
    return truth["person_id"].loc[base.records["record_id"]]


@pytest.fixture(scope="module", params=["published", "s01", "s02", "s03"])
def student(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def any_base(student: str) -> data.Tables:
    return data.load("masterdata") if student == "published" else data.draw("masterdata", student)


@pytest.fixture(scope="module")
def any_people(student: str, any_base: data.Tables) -> pd.Series:
    """The person behind each record and each leaked row; for a drawn set made again from the student's seed."""
    if student == "published":
        return data.truth("masterdata")["person_id"]
    return drawn_people(student, any_base)


def drawn_people(student: str, tables: data.Tables) -> pd.Series:
    seed = int.from_bytes(hashlib.sha256(f"masterdata\n{student}".encode()).digest()[1:9], "big")
    first = int(tables.records["record_id"].iloc[0][1:])
    return masterdata.generate(seed, RECIPE.drawn, first)[1].frame()["person_id"]


# --- files --------------------------------------------------------------------------------------------------


def test_files_are_what_the_generator_makes(base: data.Tables) -> None:
    tables, _truth = masterdata.generate(RECIPE.seed, RECIPE.size)
    for table in base:
        pd.testing.assert_frame_equal(base[table], tables[table].astype(base[table].dtypes), check_exact=True)


def test_draws_differ_but_are_alike() -> None:
    one, other = data.draw("masterdata", "s01"), data.draw("masterdata", "s02")
    assert not set(one.records["name"]) >= set(other.records["name"])
    assert not one.register["retention_until"].equals(other.register["retention_until"])
    pd.testing.assert_frame_equal(one.records, data.draw("masterdata", "s01").records)
    sizes = [len(data.draw("masterdata", f"s{number}").records) for number in range(8)]
    assert min(sizes) > 770
    assert max(sizes) < 860


def test_keys(any_base: data.Tables) -> None:
    ids = set(any_base.records["record_id"])
    assert len(ids) == len(any_base.records)
    pairs = any_base.labelled_pairs
    assert set(pairs["left"]) | set(pairs["right"]) <= ids
    assert (pairs["left"] < pairs["right"]).all()
    assert not pairs.duplicated(["left", "right"]).any()
    assert any_base.records["created_at"].is_monotonic_increasing
    assert (any_base.records["updated_at"] >= any_base.records["created_at"]).all()


def test_truth_is_in_no_file(base: data.Tables, truth: pd.DataFrame) -> None:
    assert set(truth.index) == set(base.records["record_id"]) | set(base.outside["outside_id"])
    text = " ".join(base.records.astype(str).sum(axis=1).head(200))
    assert not any(person in text for person in truth["person_id"].head(50))


def test_nobody_has_these_phones(base: data.Tables, records: pd.DataFrame) -> None:
    assert all(number[:3] in ("161", "164") for number in phones(np.random.default_rng(0), 50))
    known = pd.concat([records["phone"].dropna(), base.outside["phone"], base.companies["phone"]])
    assert known.str[:3].isin(["161", "164"]).all()
    written = base.records.loc[base.records["email"] != "", "email"]
    assert written.str.lower().str.contains("example").all()


# --- the planted errors ---------------------------------------------------------------------------------------


def test_persons_leave_as_many_records_as_planned(persons: pd.Series) -> None:
    sizes = persons.value_counts().value_counts(normalize=True)
    assert persons.nunique() == RECIPE.size
    for count, share in zip((1, 2, 3, 4), (0.67, 0.23, 0.08, 0.02), strict=True):
        assert sizes[count] == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize("field", ["name", "phone", "email", "birth", "address"])
def test_each_source_spoils_each_field_at_its_rate(field: str, base: data.Tables, truth: pd.DataFrame) -> None:
    rates = getattr(masterdata, f"_{field.upper()}")
    kinds = truth[field].loc[base.records["record_id"]].to_numpy()
    found = pd.crosstab(kinds, base.records["source"].to_numpy(), normalize="columns").reindex(
        [*rates, ""], fill_value=0
    )
    for kind, shares in rates.items():
        np.testing.assert_allclose(found.loc[kind, list(masterdata.SOURCES)], shares, atol=0.03)


def test_errors_are_what_they_are_called(base: data.Tables, truth: pd.DataFrame) -> None:
    table = base.records.set_index("record_id")
    kind = truth.loc[table.index]
    for field in ("name", "phone", "email", "birth", "address"):
        assert (table[field] == "").equals(kind[field] == "missing")
    assert table.loc[kind["name"].isin(["title", "surname"]), "name"].str.endswith(("先生", "女士")).all()
    assert table.loc[kind["phone"] == "prefix", "phone"].str.startswith("+86").all()
    assert table.loc[kind["phone"] == "full_width", "phone"].str.fullmatch("[０-９]{11}").all()
    assert (table.loc[kind["phone"] == "short", "phone"].str.len() == 10).all()
    assert table.loc[kind["birth"] == "chinese", "birth"].str.contains("年").all()
    assert (table.loc[kind["birth"] == "filler", "birth"] == "1990-01-01").all()


def test_cleaning_undoes_the_forms_and_drops_the_fillers(records: pd.DataFrame, truth: pd.DataFrame) -> None:
    kind = truth.loc[records["record_id"]]
    phone = records["phone"].set_axis(kind.index)
    assert phone[kind["phone"].isin(["", "prefix", "separators", "full_width", "digit", "swap"])].notna().all()
    assert phone[kind["phone"].isin(["short", "filler", "missing"])].isna().all()
    email = records["email"].set_axis(kind.index)
    assert email[kind["email"].isin(["", "case", "blank"])].notna().all()
    assert email[kind["email"].isin(["no_at", "missing"])].isna().all()
    birth = records["birth"].set_axis(kind.index)
    assert birth[~kind["birth"].isin(["missing", "swap"])].notna().all()
    assert records["province"].nunique() == 15
    assert set(records["gender"].dropna()) == {"男", "女"}


def test_records_of_one_person_agree_once_clean(records: pd.DataFrame, truth: pd.DataFrame) -> None:
    kind = truth.loc[records["record_id"]]
    fine = kind["phone"].isin(["", "prefix", "separators", "full_width"]) & ~kind["old_phone"]
    phone = records["phone"].set_axis(kind.index)[fine]
    assert (phone.groupby(kind.loc[fine, "person_id"]).nunique() == 1).all()
    fine = kind["birth"].isin(["", "slash", "dot", "chinese", "compact"])
    birth = records["birth"].set_axis(kind.index)[fine]
    assert (birth.groupby(kind.loc[fine, "person_id"]).nunique() == 1).all()
    assert 0.08 < kind["old_phone"].mean() < 0.2


def test_the_profile_shows_what_is_wrong(base: data.Tables) -> None:
    found = identity.profile(base.records)
    assert found.loc["phone", "top"] in masterdata._FILLER_PHONES
    assert found.loc["birth", "top"] == "1990-01-01"
    assert found.loc["email", "complete"] < 0.7
    assert found.loc["province", "standard"] < 0.6


# --- who is who -----------------------------------------------------------------------------------------------


def test_hard_negatives_are_there(any_base: data.Tables, any_people: pd.Series) -> None:
    """Merging by phone or by name alone welds strangers together."""
    clean = identity.clean(any_base.records)
    for key, worst in (("phone", 0.90), ("name", 0.90)):
        found = identity.candidate_pairs(clean, [key])
        quality = identity.evaluate(found, any_people.loc[any_base.records["record_id"]])
        assert quality.precision < worst
        assert quality.recall < 0.85


def test_matching_is_neither_trivial_nor_hopeless(any_base: data.Tables, any_people: pd.Series) -> None:
    people = any_people.loc[any_base.records["record_id"]]
    clean = identity.clean(any_base.records, fillers={"birth": ["1990-01-01"]})
    report = identity.blocking_report(clean, people)
    assert report.loc["合计", "recall"] > 0.97
    assert report.loc["合计", "reduction"] > 0.98
    pairs = identity.candidate_pairs(clean)
    likeness = identity.similarity(clean, pairs)
    by_hand = identity.sweep(likeness, identity.weighted_score(likeness), people)["f1"].max()
    by_em = identity.sweep(likeness, identity.FellegiSunter().fit(likeness).score(likeness), people)["f1"].max()
    labels = any_base.labelled_pairs
    model = identity.FellegiSunter().fit(identity.similarity(clean, labels), labels["same_person"])
    by_labels = identity.sweep(likeness, model.score(likeness), people)["f1"].max()
    for best in (by_hand, by_em, by_labels):
        assert 0.91 < best < 0.99


def test_fillers_left_in_mislead_em() -> None:
    """The birthday that the form suggests makes strangers alike; EM takes them for the second group."""
    tables = data.draw("masterdata", "s01")
    people = drawn_people("s01", tables).loc[tables.records["record_id"]]
    best = []
    for fillers in ({}, {"birth": ["1990-01-01"]}):
        clean = identity.clean(tables.records, fillers=fillers)
        likeness = identity.similarity(clean, identity.candidate_pairs(clean))
        best.append(
            identity.sweep(likeness, identity.FellegiSunter().fit(likeness).score(likeness), people)["f1"].max()
        )
    assert best[1] > best[0] + 0.05


def test_what_families_and_namesakes_share_weighs_less(base: data.Tables, records: pd.DataFrame) -> None:
    """Families share a phone and namesakes a name; hardly anybody shares an e-mail address or a birthday."""
    labels = base.labelled_pairs
    weight = identity.FellegiSunter().fit(identity.similarity(records, labels), labels["same_person"]).summary["weight"]
    assert weight["email", "相同"] > weight["phone", "相同"]
    assert weight["birth", "相同"] > weight["name", "相同"]


def test_one_wrong_pair_spreads(records: pd.DataFrame, persons: pd.Series) -> None:
    pairs = identity.candidate_pairs(records)
    likeness = identity.similarity(records, pairs)
    found = identity.match(likeness, identity.weighted_score(likeness), 0.65)
    clusters = identity.clusters(found, records["record_id"])
    assert identity.evaluate(clusters, persons).precision < identity.evaluate(found, persons).precision
    assert clusters.value_counts().iloc[0] > 4, "nobody left more than four records"


def test_labels_are_right_but_not_a_sample(any_base: data.Tables, any_people: pd.Series) -> None:
    labels = any_base.labelled_pairs
    right = any_people[labels["left"]].to_numpy() == any_people[labels["right"]].to_numpy()
    assert (labels["same_person"] == right).all()
    assert 0.40 < labels["same_person"].mean() < 0.50
    assert len(labels) >= 115


def test_merging_keeps_every_value_or_lists_it(base: data.Tables, records: pd.DataFrame, persons: pd.Series) -> None:
    merged = identity.merge(records, persons, rules={"spend": "sum", "marketing_consent": "strictest"})
    assert len(merged.golden) == RECIPE.size
    assert merged.golden["spend"].sum() == pytest.approx(base.records["spend"].sum())
    stricter = merged.golden["marketing_consent"].mean()
    assert stricter < base.records["marketing_consent"].mean() - 0.05
    assert {"phone", "address", "name"} <= set(merged.lost["column"])


# --- privacy --------------------------------------------------------------------------------------------------


def test_the_leak_names_most_people_until_the_data_are_generalised(
    base: data.Tables, records: pd.DataFrame, persons: pd.Series
) -> None:
    golden = identity.merge(records, persons).golden
    published = golden[["gender", "birth", "city", "interest"]].dropna()
    quasi = ["gender", "birth", "city"]
    raw = privacy.k_anonymity(published, quasi, "interest")
    assert raw.k == 1
    assert raw.share_below(2) > 0.9
    attack = privacy.reidentify(published, base.outside, quasi)
    assert attack.outside_share > 0.4
    outside = base.outside["outside_id"].to_numpy()[attack.links["outside"]]
    right = data.truth("masterdata")["person_id"].loc[outside].to_numpy() == attack.links["published"].to_numpy()
    assert 0.9 < right.mean() < 1, "some links are wrong: strangers are on the list"
    province = {city: province for province, city, _weight in masterdata._CITIES}
    steps = {
        "gender": [],
        "birth": [privacy.by_year(), privacy.by_year(5), privacy.by_year(10), privacy.by_year(20)],
        "city": [privacy.by_parent(province), privacy.hidden],
    }
    safe = privacy.generalise_to(published, 5, steps, max_suppressed=0.05)
    assert safe.k >= 5
    assert privacy.k_anonymity(safe.table, quasi, "interest").l < 7
    assert 0 < safe.loss < 1


def test_interest_gives_away_health_and_age(records: pd.DataFrame) -> None:
    age = 2025 - records["birth"].dt.year
    ill = records["interest"] == "慢病护理"
    assert 0.01 < ill.mean() < 0.12
    assert age[ill].median() > age[~ill].median() + 20


def test_three_quarters_of_the_leak_are_customers(any_base: data.Tables, any_people: pd.Series) -> None:
    ours = set(any_people.loc[any_base.records["record_id"]])
    share = any_people.loc[any_base.outside["outside_id"]].isin(ours).mean()
    assert share == pytest.approx(0.75, abs=0.01)


def test_the_register_breaks_each_rule(any_base: data.Tables) -> None:
    found = privacy.check_register(any_base.register, any_base.as_of, any_base.needs)
    counts = found["article"].value_counts()
    assert counts.drop(29, errors="ignore").to_dict() == {6: 5, 47: 3, 13: 3, 19: 1}
    without = privacy.check_register(any_base.register, any_base.as_of)
    assert 6 not in set(without["article"])


def test_consent_must_be_provable_and_is_not_always_kept_to(any_base: data.Tables) -> None:
    table = any_base.records
    undated = table["marketing_consent"] & table["consent_at"].isna()
    assert 0.01 < undated.mean() < 0.06
    assert table.loc[~table["marketing_consent"], "consent_at"].isna().all()
    marketed = table["purposes"].str.contains("营销推送")
    assert 0 < (marketed & ~table["marketing_consent"]).mean() < 0.06
    may = privacy.may_contact(table)
    assert (marketed & ~may).sum() > (marketed & ~table["marketing_consent"]).sum()


# --- company customers ----------------------------------------------------------------------------------------


def test_before_during_and_after_the_deal_agree(any_base: data.Tables) -> None:
    goods = any_base.shipments.merge(any_base.quotes, on="quote_id", suffixes=("", "_quoted"))
    assert len(goods) == len(any_base.shipments)
    assert goods["won"].all()
    assert (goods["company_id"] == goods["company_id_quoted"]).all()
    assert (goods["shipped_on"] >= goods["quoted_on"]).all()
    np.testing.assert_allclose(goods["freight"], goods["weight_kg"] * goods["price_per_kg"], atol=0.006)
    known = goods["delivered_on"].dropna()
    assert (known > goods["shipped_on"].loc[known.index]).all()
    home = any_base.companies.set_index("company_id")["city"]
    assert (goods["origin"] == goods["company_id"].map(home)).all()
    month = goods["shipped_on"].dt.strftime("%Y-%m")
    billed = any_base.statements.set_index(["company_id", "month"])["amount"].sort_index()
    shipped = goods.groupby(["company_id", month])["freight"].sum().sort_index()
    np.testing.assert_allclose(billed, shipped, atol=0.006)


def test_firms_have_habits_of_paying(base: data.Tables) -> None:
    paid = base.statements.dropna(subset=["paid_on"])
    late = (paid["paid_on"] - paid["due_on"]).dt.days
    by_firm = late.groupby(paid["company_id"])
    several = by_firm.size() >= 3
    assert by_firm.mean()[several].std() > 1.5 * by_firm.std()[several].median()
    unpaid = base.statements["paid_on"].isna()
    assert 0.05 < unpaid.mean() < 0.5
    assert base.statements.loc[unpaid, "due_on"].median() > base.as_of


def test_the_schema_serves_sql(base: data.Tables) -> None:
    with duckdb.connect() as connection:
        for table in ("companies", "quotes", "shipments", "statements"):
            connection.register(table, base[table])
        answer = connection.execute(
            "SELECT c.company_id, count(*) AS n, sum(freight) AS freight FROM companies c"
            " JOIN shipments s USING (company_id) GROUP BY c.company_id ORDER BY freight DESC"
        ).df()
    assert answer["n"].sum() == len(base.shipments)
    assert answer["freight"].iloc[:16].sum() > 0.35 * answer["freight"].sum(), "a fifth of the firms ships the most"
