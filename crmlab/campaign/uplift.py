"""Who buys *because of* the campaign? A model of uplift, and curves that judge any score on a randomised experiment.

Customers are ranked by score, highest first; those of equal score are one block, so that the order of the rows never
matters.

Sources: N. J. Radcliffe, "Using Control Groups to Target on Predicted Lift", *Direct Marketing Analytics Journal*,
2007, 14-21; M. Jaskowski, S. Jaroszewicz, "Uplift Modeling for Clinical Trial Data", *ICML Workshop on Clinical Data
Analysis*, 2012.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import Floats, by_threshold, part_sizes, same_rows, zero_one

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("two_model", "class_transformation")


class UpliftModel:
    """Predicts for whom a campaign makes a difference: P(buys | contacted) - P(buys | left alone).

    Needs a randomised experiment. ``two_model`` (T-learner): one model of the treated, one of the control customers;
    the uplift is the difference of their predictions. ``class_transformation`` (Jaskowski & Jaroszewicz, 2012): one
    model of Z = 1 for treated buyers and untreated non-buyers; uplift = 2 P(Z = 1) - 1, each arm weighted to a half.

    Parameters
    ----------
    kind : one of :data:`KINDS`
    learner : a scikit-learn classifier with ``predict_proba``; logistic regression by default

    Attributes after :meth:`fit`
    ----------------------------
    models_ : dict of fitted pipelines: "treated" and "control", or "transformed"
    average_effect_ : float, rate of the treated - rate of the control customers
    uplift_ : Series, predictions for the customers fitted (too rosy: judge on others with :func:`qini`)

    >>> rng = np.random.default_rng(1)
    >>> X, treated = pd.DataFrame({"fan": np.tile([0, 1], 1000)}), np.repeat([0, 1], 1000)
    >>> y = rng.random(2000) < 0.1 + 0.3 * treated * X["fan"]
    >>> UpliftModel().fit(X, treated, y).predict(pd.DataFrame({"fan": [0, 1]})).round(1).abs().to_list()
    [0.0, 0.3]
    """

    models_: dict[str, Any]
    average_effect_: float
    uplift_: pd.Series
    columns_: list[str]

    def __init__(self, kind: str = "two_model", learner: Any = None) -> None:
        self.kind = inputs.choice(kind, "kind", KINDS)
        self.learner = learner

    def fit(self, X: pd.DataFrame, treated: Any, y: Any) -> Self:
        """Learns from customers of both arms.

        Parameters
        ----------
        X : DataFrame, one row a customer, known *before* the campaign; numbers, texts and booleans, no gaps
        treated : 1 or True for those contacted, 0 for the control group
        y : 1 or True for those who bought

        Raises
        ------
        CourseError : no such table, a gap, a column of dates, an arm without buyers or without non-buyers.
        """
        X = _features(X)
        self.columns_ = list(X.columns)
        arm, bought = same_rows(X.index, treated=zero_one(treated, "treated"), y=zero_one(y, "y"))
        _check_arms(arm)
        _check_outcomes(arm, bought)
        self.average_effect_ = float(bought[arm == 1].mean() - bought[arm == 0].mean())
        if self.kind == "two_model":
            self.models_ = {
                name: _fitted(self.learner, X[arm == code], bought[arm == code])
                for name, code in (("treated", 1), ("control", 0))
            }
        else:
            # Weighting each arm to one half makes the identity uplift = 2 P(Z = 1) - 1 hold at any split.
            share = arm.mean()
            weight = 0.5 / np.where(arm == 1, share, 1 - share)
            self.models_ = {"transformed": _fitted(self.learner, X, np.where(arm == 1, bought, 1 - bought), weight)}
        self.uplift_ = self.predict(X)
        return self

    def predict(self, X: pd.DataFrame) -> pd.Series:
        """Uplift of each customer, -1 to 1: Series ``uplift``, index of ``X``.

        Raises
        ------
        CourseError : not fitted yet, or a column of the fit is missing.
        """
        if not hasattr(self, "models_"):
            raise CourseError(_("模型还没有训练：请先运行 fit(X, treated, y)"))
        X = _features(inputs.frame(X, _("特征表"), self.columns_)[self.columns_])
        chance = {name: model.predict_proba(X)[:, 1] for name, model in self.models_.items()}
        two = self.kind == "two_model"
        uplift = chance["treated"] - chance["control"] if two else 2 * chance["transformed"] - 1
        return pd.Series(uplift, index=X.index, name="uplift")

    @property
    def summary(self) -> pd.DataFrame:
        """Column ``value``: customers, average effect, and how the predicted uplift spreads among them."""
        rows = {
            "customers": len(self.uplift_),
            "average_effect": self.average_effect_,
            "mean_uplift": self.uplift_.mean(),
            "p10": self.uplift_.quantile(0.1),
            "median": self.uplift_.median(),
            "p90": self.uplift_.quantile(0.9),
            "share_negative": (self.uplift_ < 0).mean(),
        }
        return pd.DataFrame({"value": pd.Series(rows, dtype=float)})

    def plot(self) -> "Figure":
        """How the predicted uplift spreads; those left of 0 had better be left alone."""
        from crmlab import plots

        title = _("预计 {share:.0%} 的客户收到反而更不买").format(share=(self.uplift_ < 0).mean())
        figure, (ax,) = plots.new_figure(title)
        parts = [self.uplift_[self.uplift_ < 0], self.uplift_[self.uplift_ >= 0]]
        ax.hist(parts, bins=40, stacked=True, color=[plots.RED, plots.BLUE], edgecolor=plots.PAPER, linewidth=0.6)
        ax.axvline(0, color=plots.INK, lw=1, ls=(0, (3, 2)))
        ax.xaxis.set_major_formatter(lambda x, _place: f"{100 * x:g}")
        ax.set(xlabel=_("预测的增量响应（百分点）"), ylabel=_("客户数（人）"))
        return figure


def _check_outcomes(arm: Floats, bought: Floats) -> None:
    for code, name in ((1, _("试验组")), (0, _("对照组"))):
        if len(np.unique(bought[arm == code])) < 2:
            raise CourseError(
                _("{name}里的 y 全是 {value:g}，学不出差别：两组都要既有购买的客户，也有没购买的客户").format(
                    name=name, value=bought[arm == code][0]
                )
            )


def _features(X: Any) -> pd.DataFrame:
    inputs.frame(X, _("特征表"))
    for name in X.columns:
        inputs.column(X, name)
        if pd.api.types.is_datetime64_any_dtype(X[name]):
            raise CourseError(_("列 {column} 是日期，模型用不了：请先换成距某天的天数").format(column=name))
    return X


def _fitted(learner: Any, X: pd.DataFrame, y: Floats, weight: Floats | None = None) -> Any:
    """A pipeline: numbers to mean 0 and deviation 1, all other columns to one column a value, then the classifier."""
    from sklearn.base import clone
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_exclude="number")),
    )
    classifier = LogisticRegression(C=0.1, max_iter=1000) if learner is None else clone(learner)
    options = {} if weight is None else {"classifier__sample_weight": weight}
    return Pipeline([("prepare", prepare), ("classifier", classifier)]).fit(X, y.astype(int), **options)


@dataclass(frozen=True)
class Qini:
    """A Qini curve and its coefficient; made by :func:`qini`.

    Attributes:
        curve: columns ``customers`` (from 0), ``share``, ``incremental`` (extra responses among the treated so far),
            ``random`` (the straight line to the end); one row a different score.
        coefficient: area between the curve and the random line over the share axis, per treated customer: the mean
            gain in response rate over picking at random, averaged over all depths. 0 for a useless score, negative for
            one turned around.
        normalised: the same area divided by that of the order usually taken as the best: treated buyers first, then
            all others, control buyers last; 1 for that order. Missing when that order gains nothing.

    >>> qini([3, 2, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1]).coefficient > 0
    True
    """

    curve: pd.DataFrame
    coefficient: float
    normalised: float

    def __float__(self) -> float:
        return self.coefficient

    def plot(self) -> "Figure":
        """The curve against the random line."""
        from crmlab import plots

        figure, (ax,) = plots.new_figure(
            _("Qini 系数 {value:.3f}：曲线高出直线越多，挑人挑得越准").format(value=self.coefficient)
        )
        ax.fill_between(
            self.curve["share"], self.curve["incremental"], self.curve["random"], color=plots.SKY, alpha=0.35
        )
        ax.plot(self.curve["share"], self.curve["random"], color=plots.MUTED, lw=1.2, label=_("随机挑选"))
        ax.plot(self.curve["share"], self.curve["incremental"], color=plots.BLUE, label=_("按得分从高到低"))
        ax.xaxis.set_major_formatter(lambda x, _place: f"{100 * x:g}%")
        ax.set(xlim=(0, 1), xlabel=_("联系的客户占比"), ylabel=_("试验组里多出来的购买（人）"))
        ax.legend()
        return figure


def qini(score: Any, treated: Any, y: Any) -> Qini:
    """The Qini curve: extra responses gained by contacting the best customers by score (Radcliffe, 2007).

    Among the best φ of the customers, Q(φ) = Y_T - Y_C · N_T / N_C: buyers among the treated less those expected
    without treatment (while there is no control customer yet, Y_T). The random line runs straight from 0 to Q(1).
    coefficient = ∫ (Q(φ) - φ Q(1)) dφ / N_T; areas by the trapezoidal rule over blocks of equal score.

    Parameters
    ----------
    score : predicted uplift, the higher the earlier
    treated : 1 for those contacted, 0 for the control group; randomised
    y : 1 for those who bought, else 0

    Raises
    ------
    CourseError : different lengths, values other than 0 and 1, or an arm without customers.

    >>> result = qini([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1])
    >>> result.curve["incremental"].to_list(), result.coefficient
    ([0.0, 1.0, 1.0, 1.0, 0.0], 0.375)
    """
    scores, arm, bought = _experiment(score, treated, y)
    curve = _qini_curve(scores, arm, bought)
    area, best = _area(curve), _area(_qini_curve(bought * (2 * arm - 1), arm, bought))
    return Qini(curve, area / float(arm.sum()), area / best if best > 0 else math.nan)


def _qini_curve(scores: Floats, arm: Floats, bought: Floats) -> pd.DataFrame:
    n_t, n_c, y_t, y_c = _arm_sums(scores, arm, bought)
    # Where there is no control customer there is no control buyer either, and the last term is 0.
    return _curve(n_t + n_c, y_t - y_c * (n_t / np.maximum(n_c, 1)))


def _area(curve: pd.DataFrame) -> float:
    return float(np.trapezoid(curve["incremental"] - curve["random"], curve["share"]))


def uplift_curve(score: Any, treated: Any, y: Any) -> pd.DataFrame:
    """Uplift among the best customers by score, depth by depth.

    Returns
    -------
    DataFrame, one row a different score, from nobody on: ``customers``, ``share``, ``uplift`` (rate of the treated -
    rate of the control customers among the best so far, missing while an arm is empty), ``incremental`` (uplift x
    customers: extra responses if all of them were contacted; 0 while missing), ``random`` (the straight line).

    >>> uplift_curve([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1])["uplift"].to_list()
    [nan, nan, 1.0, 0.5, 0.0]
    """
    n_t, n_c, y_t, y_c = _arm_sums(*_experiment(score, treated, y))
    with np.errstate(invalid="ignore"):  # an empty arm: 0 / 0, missing
        uplift = y_t / n_t - y_c / n_c
    table = _curve(n_t + n_c, np.nan_to_num(uplift) * (n_t + n_c))
    table.insert(2, "uplift", uplift)
    return table


def _arm_sums(scores: Floats, arm: Floats, bought: Floats) -> Floats:
    """Down the ranking: treated customers, control customers, buyers among the treated, among the others."""
    sums = by_threshold(scores, n_t=arm, n_c=1 - arm, y_t=arm * bought, y_c=(1 - arm) * bought)
    return sums[["n_t", "n_c", "y_t", "y_c"]].to_numpy().T


def _curve(customers: Floats, incremental: Floats) -> pd.DataFrame:
    share = customers / customers[-1]
    return pd.DataFrame(
        {
            "customers": customers.astype("int64"),
            "share": share,
            "incremental": incremental,
            "random": share * incremental[-1],
        }
    )


def uplift_by_decile(score: Any, treated: Any, y: Any, bins: int = 10) -> pd.DataFrame:
    """Observed uplift by parts of equal size, best scores first: does it fall as the score falls?

    Returns
    -------
    DataFrame, index ``bin`` = 1 (best) .. bins: ``treated``, ``control`` (customers), ``rate_treated``,
    ``rate_control``, ``uplift`` (their difference), ``predicted`` (mean score). Equal scores are ordered by the index
    of a Series, else as given. Rates are missing where an arm has nobody.

    >>> table = uplift_by_decile([4, 3, 2, 1], [1, 0, 1, 0], [1, 0, 0, 1], bins=2)
    >>> table["uplift"].to_list(), table["predicted"].to_list()
    ([1.0, -1.0], [3.5, 1.5])
    """
    scores, arm, bought = _experiment(score, treated, y)
    sizes = part_sizes(len(scores), bins)
    rows = pd.DataFrame({"score": scores, "arm": arm.astype(int), "bought": bought})
    if isinstance(score, pd.Series):
        rows = rows.set_axis(score.index).sort_index(kind="stable")
    rows = rows.sort_values("score", ascending=False, kind="stable")
    rows["bin"] = np.repeat(np.arange(1, len(sizes) + 1), sizes)
    cells = rows.groupby(["bin", "arm"])["bought"].agg(["size", "mean"]).unstack("arm").reindex(columns=[0, 1], level=1)
    table = pd.DataFrame(
        {
            "treated": cells["size", 1].fillna(0).astype("int64"),
            "control": cells["size", 0].fillna(0).astype("int64"),
            "rate_treated": cells["mean", 1],
            "rate_control": cells["mean", 0],
        }
    )
    return table.assign(
        uplift=table["rate_treated"] - table["rate_control"], predicted=rows.groupby("bin")["score"].mean()
    )


def _experiment(score: Any, treated: Any, y: Any) -> tuple[Floats, Floats, Floats]:
    scores, arm, bought = same_rows(score=score, treated=zero_one(treated, "treated"), y=zero_one(y, "y"))
    _check_arms(arm)
    return scores, arm, bought


def _check_arms(arm: Floats) -> None:
    if len(np.unique(arm)) < 2:
        raise CourseError(
            _("treated 全是 {value:g}：没有{missing}，增量无从比较").format(
                value=arm[0], missing=_("对照组") if arm[0] else _("试验组")
            )
        )
