"""The arithmetic of partial least squares path modelling: weights, loadings, path coefficients.

All of it follows from the covariance matrix of the items, so every array here may have leading dimensions: one matrix
(k, k), or a stack (n, k, k) of them. That lets the bootstrap estimate hundreds of resamples in one go.

k items, l latents. Sources and conventions: see `pls.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmlab.satisfaction.design import Design

Array = NDArray[np.float64]


def outer_weights(cov: Array, design: Design, scheme: str, tol: float, max_iter: int) -> tuple[Array, int, Array]:
    """The weights on which the outer and the inner view of each latent agree.

    Parameters
    ----------
    cov : (…, k, k), covariances of the treated items
    scheme : "path", "centroid" or "factorial"
    tol : stop when Σ (|w| − |w before|)² over the items is smaller

    Returns
    -------
    weights (…, k, l), 0 outside the blocks, that give latents of variance 1; the number of iterations; the last change
    (…), which is nan where a latent has no variance.

    Examples
    --------
    >>> from crmlab.satisfaction.design import design
    >>> model = design({"质量": ["满意"]}, {"质量": ["q1", "q2"], "满意": ["s1"]}, "A")
    >>> cov = np.array([[1, 0.5, 0.6], [0.5, 1, 0.3], [0.6, 0.3, 1]])
    >>> weights, iterations, change = outer_weights(cov, model, "centroid", 1e-6, 100)
    >>> weights.round(3)  # the item that correlates twice as much with satisfaction weighs twice as much
    array([[0.756, 0.   ],
           [0.378, 0.   ],
           [0.   , 1.   ]])
    """
    member = design.member.astype(float)
    project = _projector(cov, design)
    iteration, change = 0, np.full(cov.shape[:-2], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # a latent without variance shows as a change of nan
        weights = _unit(np.broadcast_to(member, (*cov.shape[:-2], *member.shape)), cov)
        while iteration < max_iter and (change >= tol).any():
            iteration += 1
            scores = _unit(weights, cov)
            covariance = cov @ scores  # of each item with each latent, seen from outside
            inner = _inner_weights(np.swapaxes(scores, -1, -2) @ covariance, design, scheme)
            new = member * (project @ covariance @ inner)
            change = np.square(np.abs(new.sum(axis=-1)) - np.abs(weights.sum(axis=-1))).sum(axis=-1)
            weights = new
        return _unit(weights, cov), iteration, change


def _projector(cov: Array, design: Design) -> Array:
    """Turns covariances with the inner view into weights: mode A takes them as they are, mode B regresses."""
    project = np.broadcast_to(np.eye(cov.shape[-1]), cov.shape).copy()
    for j in np.flatnonzero(design.formative):
        rows, columns = design.block(j)
        project[..., rows, columns] = np.linalg.pinv(cov[..., rows, columns], hermitian=True)
    return project


def _unit(weights: Array, cov: Array) -> Array:
    """The weights, rescaled so that each latent has variance 1."""
    variance = (weights * (cov @ weights)).sum(axis=-2)
    return weights / np.sqrt(variance)[..., None, :]


def _inner_weights(r: Array, design: Design, scheme: str) -> Array:
    """Weight (…, from, to) of one latent in the inner view of another; r: correlations of the latents."""
    linked = design.inner | design.inner.T
    if scheme == "centroid":
        return np.sign(r) * linked
    if scheme == "factorial":
        return r * linked
    return r * design.inner + np.swapaxes(_regressions(r, design), -1, -2)


def _regressions(r: Array, design: Design) -> Array:
    """Standardised coefficients (…, effect, cause) of each latent on its causes."""
    paths = np.zeros_like(r)
    for effect in np.flatnonzero(design.driven):
        causes = np.flatnonzero(design.inner[effect])
        among = r[..., causes[:, None], causes]
        inverse = np.linalg.pinv(among, rcond=1e-12, hermitian=True)  # one collinear resample must not end the others
        paths[..., effect, causes] = (inverse @ r[..., causes, effect][..., None])[..., 0]
    return paths


@dataclass(frozen=True)
class Estimate:
    """All that follows from covariances and weights; every array may be a stack.

    Attributes
    ----------
    weights, crossloadings : (…, k, l)
    loadings : (…, k), correlation of each item with its own latent
    correlations : (…, l, l), of the latents
    paths, total : (…, effect, cause), direct and total effects
    r_squared : (…, l), 0 for latents without cause

    Examples
    --------
    >>> one = np.eye(1)
    >>> Estimate(one, one, one[0], one, 0 * one, 0 * one, 0 * one[0]).loadings
    array([1.])
    """

    weights: Array
    crossloadings: Array
    loadings: Array
    correlations: Array
    paths: Array
    total: Array
    r_squared: Array


def estimate(cov: Array, weights: Array, design: Design, like: Array | None = None) -> Estimate:
    """Signs, loadings and paths, given the weights of :func:`outer_weights`.

    Parameters
    ----------
    cov, weights : (…, k, k), (…, k, l)
    like : (k,), loadings to whose side the latents are turned; by default to the side of most of their own items

    Examples
    --------
    >>> from crmlab.satisfaction.design import design
    >>> model = design({"质量": ["满意"]}, {"质量": ["q1"], "满意": ["s1"]}, "A")
    >>> found = estimate(np.array([[4.0, 1.2], [1.2, 1.0]]), np.array([[-0.5, 0], [0, 1]]), model)
    >>> found.loadings, found.paths[1, 0], found.r_squared.round(2)
    (array([1., 1.]), np.float64(0.6), array([0.  , 0.36]))
    """
    spread = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1))
    loadings = (cov @ weights) / spread[..., None]
    signs = _signs(loadings * design.member, None if like is None else like[:, None] * design.member)
    weights, loadings = weights * signs[..., None, :], loadings * signs[..., None, :]
    r = np.swapaxes(weights, -1, -2) @ cov @ weights
    paths = _regressions(r, design)
    identity = np.eye(r.shape[-1])
    return Estimate(
        weights=weights,
        crossloadings=loadings,
        loadings=(loadings * design.member).sum(axis=-1),
        correlations=r,
        paths=paths,
        total=np.linalg.inv(identity - paths) - identity,  # B + B² + …: without circles the series ends
        r_squared=(paths * r).sum(axis=-1),
    )


def _signs(own: Array, like: Array | None) -> Array:
    """+1 or −1 for each latent; own: loadings (…, k, l) within the blocks."""
    if like is not None:
        return np.where((own * like).sum(axis=-2) < 0, -1.0, 1.0)
    votes = np.where(np.abs(own) > 1e-12, np.sign(own), 0.0).sum(axis=-2)
    strongest = np.take_along_axis(own, np.abs(own).argmax(axis=-2)[..., None, :], axis=-2)[..., 0, :]
    return np.where(np.where(votes == 0, strongest, votes) < 0, -1.0, 1.0)
