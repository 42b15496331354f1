"""Who is likely to leave: logistic regression, or boosted trees.

Sources: S. le Cessie, J. C. van Houwelingen, "Ridge Estimators in Logistic Regression", *Applied Statistics* 41 (1),
1992, 191-201; J. H. Friedman, "Greedy Function Approximation: A Gradient Boosting Machine", *Annals of Statistics*
29 (5), 2001, 1189-1232; L. Breiman, "Random Forests", *Machine Learning* 45 (1), 2001, 5-32 (importance by shuffling).
"""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from crmlab import inputs
from crmlab.churn.checks import Array
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import rank_auc, same_rows, z_value, zero_one

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["KINDS", "ChurnModel"]

KINDS = ("logistic", "trees")
_Z95 = z_value(0.95)


class ChurnModel:
    """Churn probability from features: logistic regression or boosted trees (scikit-learn inside, deterministic).

    Parameters
    ----------
    kind : "logistic": on standardised features with a slight ridge penalty (C = 1), readable as odds;
        "trees": gradient-boosted trees (100 trees of depth 3), finds curves and combinations, takes gaps
    seed : for the trees; logistic regression needs none

    Attributes after :meth:`fit`
    ----------------------------
    columns_ : list of the feature names
    params_ : Series (logistic): ``intercept`` and one coefficient a feature, log odds per unit of the feature
    auc_ : float, AUC on the rows it was fitted to. Flattering: judge by :meth:`score` on later rows
    base_rate_ : float, share of churners among them

    >>> X = pd.DataFrame({"recency": [5, 80, 10, 90, 30, 60], "logins": [9, 1, 8, 0, 4, 5]})
    >>> model = ChurnModel().fit(X, [0, 1, 0, 1, 0, 1])
    >>> model.predict_proba(X).round(2).tolist()
    [0.12, 0.84, 0.16, 0.89, 0.4, 0.59]
    """

    columns_: list[Any]
    params_: pd.Series
    auc_: float
    base_rate_: float

    def __init__(self, kind: str = "logistic", seed: int = 0) -> None:
        self.kind = inputs.choice(kind, "kind", KINDS)
        self.seed = inputs.whole(seed, "seed", low=0)

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from features ``X`` (one row a customer, numbers) and labels ``y`` (1 churned, 0 stayed).

        Raises
        ------
        CourseError : a column is no number, a gap (logistic), labels that are not 0 / 1, all alike, or of others.
        """
        self.columns_ = list(X.columns)
        inputs.frame(X, _("特征表"), self.columns_)
        self._X, self._y = self._values(X), _labels(X, y)
        self._model = _logistic() if self.kind == "logistic" else _trees(self.seed)
        with _one_thread():
            self._model.fit(self._X, self._y)
        if self.kind == "logistic":
            self.params_ = self._original_units()
        self.base_rate_ = float(self._y.mean())
        self.auc_ = rank_auc(self._chances(self._X), self._y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> pd.Series:
        """Churn probability of each row of ``X``: Series ``p`` with the index of ``X``.

        ``X`` must have the columns of the fit, in any order; others are not looked at.
        """
        self._check_fitted()
        inputs.frame(X, _("特征表"), self.columns_)
        return pd.Series(self._chances(self._values(X)), index=X.index, name="p")

    def score(self, X: pd.DataFrame, y: Any) -> float:
        """AUC on other rows: later in time than those of the fit, if it is to mean anything."""
        return rank_auc(self.predict_proba(X).to_numpy(), _labels(X, y))

    @property
    def summary(self) -> pd.DataFrame:
        """What drives the model, one row a feature, strongest first.

        Logistic: ``coef`` (log odds per standard deviation of the feature), ``se``, ``z``, ``p`` (Wald test),
        ``odds_ratio`` = exp(coef), ``low``, ``high`` (its 95 % interval), ``coef_per_unit``.
        Trees: ``importance``, the AUC lost on the fitted rows when that column is shuffled (mean of 5), and ``sd``.
        Neither says *why* customers leave.
        """
        self._check_fitted()
        if self.kind == "logistic":
            return self._coefficients().sort_values("coef", key=np.abs, ascending=False, kind="stable")
        return self._importances().sort_values("importance", ascending=False, kind="stable")

    def plot(self, top: int = 12) -> "Figure":
        """The ``top`` features by strength: coefficients with 95 % intervals, or importances."""
        from crmlab import plots

        rows = self.summary.head(inputs.whole(top, "top", low=1)).iloc[::-1]
        logistic = self.kind == "logistic"
        strength = rows["coef"] if logistic else rows["importance"]
        figure, (ax,) = plots.new_figure(
            _("最有分量的特征：{name}").format(name=rows.index[-1]), height=0.34 * len(rows) + 1.3
        )
        spread = _Z95 * rows["se"] if logistic else rows["sd"]
        colours = [plots.RED if logistic and value > 0 else plots.BLUE for value in strength]
        ax.barh(range(len(rows)), strength, xerr=spread, color=colours, alpha=0.85, height=0.62, ecolor=plots.INK)
        ax.set_yticks(range(len(rows)), [str(name) for name in rows.index])
        ax.axvline(0, color=plots.INK, lw=0.8)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(
            _("特征高出一个标准差时流失对数几率的变化（红升蓝降，线段为 95% 区间）")
            if logistic
            else _("打乱这一列后 AUC 的损失")
        )
        return figure

    def __repr__(self) -> str:
        return f"ChurnModel(kind={self.kind!r}, seed={self.seed})"

    def _check_fitted(self) -> None:
        if not hasattr(self, "_model"):
            raise CourseError(_("模型还没有拟合：请先调用 fit(X, y)"))

    def _chances(self, values: Array) -> Array:
        with _one_thread():
            return self._model.predict_proba(values)[:, 1]

    def _values(self, X: pd.DataFrame) -> Array:
        """The features as floats; gaps stay only for the trees."""
        columns = []
        for name in self.columns_:
            values = X[name]
            if not pd.api.types.is_numeric_dtype(values):
                raise CourseError(
                    _(
                        "列 {column} 不是数字，例如第 1 行的 {value}：请先用 pd.get_dummies() 换成 0/1 列，日期换成天数"
                    ).format(column=name, value=inputs.shown(values.iloc[0]))
                )
            if self.kind == "logistic":
                columns.append(inputs.numbers(X, name).to_numpy())
            else:
                columns.append(values.to_numpy(dtype=float, na_value=np.nan))
        return np.column_stack(columns)

    def _parts(self) -> tuple[Array, Array, Array]:
        """Coefficients per standard deviation, means and standard deviations of the features."""
        return self._model[-1].coef_[0], self._model[0].mean_, self._model[0].scale_

    def _original_units(self) -> pd.Series:
        coef, mean, scale = self._parts()
        per_unit = coef / scale
        intercept = self._model[-1].intercept_[0] - (per_unit * mean).sum()
        return pd.Series([intercept, *per_unit], index=["intercept", *self.columns_], name="params")

    def _coefficients(self) -> pd.DataFrame:
        from scipy.stats import norm

        coef, mean, scale = self._parts()
        p = self._chances(self._X)
        design = np.column_stack([np.ones(len(p)), (self._X - mean) / scale])
        # Curvature of the penalised log-likelihood at its maximum; the intercept bears no penalty.
        information = (design * (p * (1 - p))[:, None]).T @ design + np.diag([0.0, *np.ones(len(coef))])
        se = np.sqrt(np.diag(np.linalg.inv(information)))[1:]
        se[np.ptp(self._X, axis=0) == 0] = np.nan  # a feature that never varied: nothing was learned about it
        z = coef / se
        table = {
            "coef": coef,
            "se": se,
            "z": z,
            "p": 2 * norm.sf(np.abs(z)),
            "odds_ratio": np.exp(coef),
            "low": np.exp(coef - _Z95 * se),
            "high": np.exp(coef + _Z95 * se),
            "coef_per_unit": coef / scale,
        }
        return pd.DataFrame(table, index=pd.Index(self.columns_, name="feature"))

    def _importances(self) -> pd.DataFrame:
        from sklearn.inspection import permutation_importance

        with _one_thread():
            found = permutation_importance(
                self._model, self._X, self._y, scoring="roc_auc", n_repeats=5, random_state=self.seed
            )
        return pd.DataFrame(
            {"importance": found.importances_mean, "sd": found.importances_std},
            index=pd.Index(self.columns_, name="feature"),
        )


def _labels(X: pd.DataFrame, y: Any) -> Array:
    return same_rows(X.index, y=zero_one(y, "y", both=True))[0]


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000, tol=1e-8))


def _trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=100, max_depth=3, learning_rate=0.1, early_stopping=False, random_state=seed
    )


def _one_thread() -> Any:
    """Small data gain nothing from threads, and where a class shares a server they wait for each other for seconds."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)
