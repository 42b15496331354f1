"""What the probability models of this package share: parameters, maximum likelihood, summary."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmlab import inputs
from crmlab.errors import CourseError
from crmlab.i18n import _
from crmlab.scoring import z_value

__all__ = ["MaximumLikelihood", "broadcast", "like"]

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

_FARTHEST = 14.0  # |log parameter|: beyond e^14 a larger parameter no longer changes the likelihood
_Z95 = z_value(0.95)
_NEWTON = {"gtol": 1e-6}  # a hundredth of a standard error with a million customers


class MaximumLikelihood:
    """A model with positive parameters that are found by maximum likelihood, or set by hand.

    A model sets ``NAMES`` and gives to :meth:`_maximise` a function that returns the log-likelihood and its gradient.
    The search runs over the logarithms of the parameters, so that they stay positive, with the analytic gradient.

    Attributes
    ----------
    params_ : dict of the parameters by name; may be set instead of fitting
    log_likelihood_ : float, at the optimum; only after ``fit``
    n_ : int, customers used; only after ``fit``

    >>> from crmlab.clv import ShiftedBetaGeometric
    >>> model = ShiftedBetaGeometric()
    >>> model.params_ = {"alpha": 0.668, "beta": 3.806}
    >>> model
    <ShiftedBetaGeometric：alpha=0.668, beta=3.806>
    """

    NAMES: ClassVar[tuple[str, ...]] = ()
    log_likelihood_: float
    n_: int

    def __init__(self, params: Mapping[str, float] | None = None) -> None:
        self._params: dict[str, float] | None = None
        self._objective: Objective | None = None
        if params is not None:
            self.params_ = params

    @property
    def params_(self) -> dict[str, float]:
        if self._params is None:
            raise CourseError(
                _("这个 {model} 模型还没有参数：请先 fit(…)，或给 params_ 赋值（{names}）").format(
                    model=type(self).__name__, names=_("、").join(self.NAMES)
                )
            )
        return dict(self._params)

    @params_.setter
    def params_(self, params: Mapping[str, float]) -> None:
        if not isinstance(params, Mapping) or set(params) != set(self.NAMES):
            raise CourseError(
                _("{model} 的参数应是字典，键为 {names}，现在是 {found}").format(
                    model=type(self).__name__, names=_("、").join(self.NAMES), found=params
                )
            )
        self._params = {name: inputs.number(params[name], name, above=0) for name in self.NAMES}
        self._objective = None

    def __repr__(self) -> str:
        if self._params is None:
            return _("<{model}：还没有拟合>").format(model=type(self).__name__)
        found = ", ".join(f"{name}={value:.4g}" for name, value in self._params.items())
        return _("<{model}：{params}>").format(model=type(self).__name__, params=found)

    @property
    def summary(self) -> pd.DataFrame:
        """Estimates with standard errors and 95 % intervals.

        The covariance of the log parameters is the inverse of the observed information; it is carried over to the
        parameters by the delta method, and an interval is exp(log estimate ± 1.96 standard errors).

        Returns
        -------
        DataFrame, one row a parameter: ``estimate``, ``se``, ``lower``, ``upper``; the last three are missing where the
        likelihood is so flat that the data don't determine the parameters.
        """
        if self._objective is None:
            raise CourseError(_("参数是直接设定的，没有标准误：请先用数据 fit(…)"))
        log_params = np.log(list(self.params_.values()))
        error = _standard_errors(-_hessian(self._objective, log_params))
        estimate = np.exp(log_params)
        return pd.DataFrame(
            {
                "estimate": estimate,
                "se": estimate * error,
                "lower": np.exp(log_params - _Z95 * error),
                "upper": np.exp(log_params + _Z95 * error),
            },
            index=pd.Index(self.NAMES, name="parameter"),
        )

    def _maximise(
        self, log_likelihood: Objective, start: Floats, customers: int, sample: tuple[Objective, int] | None = None
    ) -> Self:
        """Sets the parameters to those that make ``log_likelihood`` largest.

        Parameters
        ----------
        log_likelihood : parameters → (value, gradient)
        start : parameters to start from
        customers : number of customers behind the likelihood
        sample : the likelihood of a sample and its number of customers. Where there are very many customers, the
            optimum of a sample lies so near, and its curvature is so nearly right, that a few Newton steps suffice.
        """
        from scipy.optimize import minimize

        target = _per_log_params(log_likelihood)
        loss = _loss(target, customers)
        begin = np.log(start)
        if sample is not None:
            curved = _per_log_params(sample[0])
            begin = _search(_loss(curved, sample[1]), begin, tolerance=1e-5).x
            curvature = -_hessian(curved, begin) / sample[1]
            found = minimize(loss, begin, jac=True, hess=lambda _: curvature, method="trust-exact", options=_NEWTON)
        if sample is None or not found.success:
            found = _search(loss, begin, tolerance=1e-7)
        if not np.isfinite(found.fun) or np.any(np.abs(found.x) > _FARTHEST - 1e-6):
            raise CourseError(
                _("{model} 在这些数据上没有确定的参数：请检查是否有足够多的客户，以及他们之间有没有差别").format(
                    model=type(self).__name__
                )
            )
        self.params_ = dict(zip(self.NAMES, np.exp(found.x).tolist(), strict=True))
        self.log_likelihood_, self.n_ = float(-found.fun * customers), customers
        self._objective = target
        return self


def _per_log_params(log_likelihood: Objective) -> Objective:
    def chained(log_params: Floats) -> tuple[float, Floats]:
        params = np.exp(log_params)
        value, gradient = log_likelihood(params)
        return value, gradient * params

    return chained


def _loss(objective: Objective, customers: int) -> Objective:
    """What is minimised: minus the mean log-likelihood of a customer, so that one tolerance fits all sizes."""

    def loss(log_params: Floats) -> tuple[float, Floats]:
        value, gradient = objective(log_params)
        return -value / customers, -gradient / customers

    return loss


def _search(loss: Objective, begin: Floats, tolerance: float) -> Any:
    from scipy.optimize import minimize

    return minimize(
        loss,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_FARTHEST, _FARTHEST)] * len(begin),
        options={"ftol": 1e-14, "gtol": tolerance, "maxiter": 1000, "maxcor": 20},
    )


def broadcast(**given: Any) -> dict[str, Floats]:
    """Numbers and columns of numbers as float arrays of one shape; missing values stay.

    Raises
    ------
    CourseError : an argument is neither a number nor a column, or the lengths differ.

    >>> broadcast(t=39, x=[0, 2])["t"]
    array([39., 39.])
    """
    arrays = {}
    for name, value in given.items():
        try:
            arrays[name] = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise CourseError(
                _("{name} 应是一个数或一列数，现在是 {value}").format(name=name, value=inputs.shown(value))
            ) from error
    try:
        return dict(zip(arrays, np.broadcast_arrays(*arrays.values()), strict=True))
    except ValueError as error:
        lengths = _("、").join(f"{name} {array.size}" for name, array in arrays.items())
        raise CourseError(_("各列长短不一（{lengths}）：请使用同一批客户的列").format(lengths=lengths)) from error


def like(values: Floats, name: str, *given: Any) -> Any:
    """Results in the form of the arguments: a Series if one came in (with its index), else a number or an array.

    >>> like(np.array([1.0, 2.0]), "clv", pd.Series([0, 2], index=["C1", "C2"]))
    C1    1.0
    C2    2.0
    Name: clv, dtype: float64
    """
    for argument in given:
        if isinstance(argument, pd.Series):
            return pd.Series(values, index=argument.index, name=name)
    return float(values) if values.ndim == 0 else values


def _hessian(objective: Objective, point: Floats, step: float = 1e-4) -> Floats:
    """Second derivatives by central differences of the gradient, shape (k, k)."""
    rows = []
    for axis in np.eye(len(point)) * step:
        rows.append((objective(point + axis)[1] - objective(point - axis)[1]) / (2 * step))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _standard_errors(information: Floats) -> Floats:
    """Roots of the diagonal of the inverse; missing if the matrix is singular for a float."""
    curvatures = np.linalg.eigvalsh(information)
    if curvatures[0] <= 1e-8 * curvatures[-1]:
        return np.full(len(information), np.nan)
    return np.sqrt(np.diag(np.linalg.inv(information)))
