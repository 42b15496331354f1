"""k-means: finds planted groups, agrees with scikit-learn, numbers clusters by worth, tells bad choices."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from crmlab import clusters
from crmlab.errors import CourseError


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(4)
    truth = np.repeat([0, 1, 2], 60)
    centre = np.array([[5, 30, 8000], [60, 6, 900], [400, 1, 60]])[truth]
    values = centre * rng.lognormal(0, 0.15, centre.shape)
    index = [f"C{i:03d}" for i in range(len(truth))]
    return pd.DataFrame(values, columns=["recency", "frequency", "monetary"], index=index), truth


def test_finds_what_is_there(planted):
    table, truth = planted
    model = clusters.KMeansSegments(3).fit(table)
    assert adjusted_rand_score(truth, model.labels_) == 1
    assert model.labels_.groupby(truth).first().to_list() == [1, 2, 3]  # numbered from the most valuable
    assert model.silhouette_ > 0.7
    assert np.allclose(np.log(model.centers_.loc[1]), np.log([5, 30, 8000]), atol=0.1)


def test_the_right_k_has_the_best_silhouette(planted):
    quality = clusters.choose_k(planted[0], range(2, 7))
    assert quality["silhouette"].idxmax() == 3
    assert (quality["inertia"].diff().dropna() < 0).all()


def test_row_order_does_not_matter(planted):
    table, _ = planted
    shuffled = table.sample(frac=1, random_state=1)
    first, second = clusters.KMeansSegments(3).fit(table), clusters.KMeansSegments(3).fit(shuffled)
    pd.testing.assert_series_equal(first.labels_, second.labels_.reindex(table.index))


def test_profile_adds_up(planted):
    table, _ = planted
    profile = clusters.KMeansSegments(3).fit(table).profile()
    assert profile["customers"].sum() == len(table)
    assert profile["revenue_share"].sum() == pytest.approx(1)
    assert (profile["mean_monetary"] * profile["customers"]).sum() == pytest.approx(table["monetary"].sum())


def test_features_have_one_scale(planted):
    features = clusters.features(planted[0])
    assert np.allclose(features.mean(), 0)
    assert np.allclose(features.std(ddof=0), 1)
    constant = planted[0].assign(frequency=1)
    assert np.allclose(clusters.features(constant)["frequency"], 0)


def test_lloyd_ends_where_scikit_learn_ends(planted):
    points = clusters.features(planted[0]).to_numpy()
    steps = clusters.lloyd(points, 3, seed=2)
    theirs = KMeans(3, init=steps[0].centers, n_init=1, tol=0, algorithm="lloyd").fit(points)
    assert steps[-1].converged
    assert steps[-1].inertia == pytest.approx(theirs.inertia_)
    assert adjusted_rand_score(steps[-1].labels, theirs.labels_) == 1
    assert clusters.lloyd_step(points, steps[-1]) is steps[-1]


@pytest.mark.parametrize(("k", "told"), [(1, "不小于 2"), (2.5, "整数"), ("3", "整数"), (180, "分不成 180 群")])
def test_bad_k_is_told(planted, k, told):
    with pytest.raises(CourseError, match=told):
        clusters.KMeansSegments(k).fit(planted[0])


def test_profile_before_fit_is_told():
    with pytest.raises(CourseError, match="fit"):
        clusters.KMeansSegments(3).profile()


@pytest.mark.parametrize("seed", [-1, "x", None, True])
def test_bad_seed_is_told(planted, seed):
    with pytest.raises(CourseError, match="seed"):
        clusters.KMeansSegments(3, seed=seed).fit(planted[0])


def test_profile_is_of_the_table_that_was_fitted(planted):
    table = planted[0].copy()
    model = clusters.KMeansSegments(3).fit(table)
    before = model.profile()
    table["monetary"] = 0.0
    pd.testing.assert_frame_equal(model.profile(), before)


def test_a_number_for_ks_is_told(planted):
    with pytest.raises(CourseError, match="一串群数"):
        clusters.choose_k(planted[0], 4)


def test_no_ks_is_told(planted):
    with pytest.raises(CourseError, match="ks 是空的"):
        clusters.choose_k(planted[0], [])
