"""Waiting for a free crew: Erlang B and C, also between whole numbers of servers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import RequestError

Array = npt.NDArray[np.float64]


def erlang_b(servers: npt.ArrayLike, load: npt.ArrayLike) -> Array:
    """Return the chance that all servers are busy in a loss system.

    Parameters
    ----------
    servers
        Number of servers, >= 0; fractions by the usual continuation 1/B = exp(a) a^-c Γ(c+1, a) (Jagers and
        van Doorn 1986), which is exact at whole numbers.
    load
        Offered load in erlangs (arrivals x mean service time), >= 0.

    Notes
    -----
    Computed from logarithms, so that hundreds of servers do not overflow.
    """
    from scipy import special

    count, offered = _checked(servers, load)
    safe = np.maximum(offered, 1e-300)
    log_upper = _log_upper_gamma(count + 1.0, safe, special)
    log_b = count * np.log(safe) - safe - special.gammaln(count + 1.0) - log_upper
    return np.where(offered > 0, np.exp(np.minimum(log_b, 0.0)), np.where(count > 0, 0.0, 1.0))


def erlang_c(servers: npt.ArrayLike, load: npt.ArrayLike) -> Array:
    """Return the chance that a call waits (Erlang C): Poisson arrivals, exponential service, one queue.

    Returns
    -------
    numpy.ndarray
        Values in [0, 1]; 1 where the load reaches the servers, for then the queue grows without end.

    Notes
    -----
    Misleading when one incident takes several crews at once or in a surge: then waiting is more frequent.
    Source: Erlang 1917; Cooper, Introduction to Queueing Theory, 1981.
    """
    count, offered = _checked(servers, load)
    blocked = erlang_b(count, offered)
    busy = np.divide(offered, count, out=np.full_like(offered, np.inf), where=count > 0)
    stable = busy < 1
    with np.errstate(invalid="ignore"):
        waits = blocked / (1.0 - busy * (1.0 - blocked))
    return np.where(offered == 0, np.where(count > 0, 0.0, 1.0), np.where(stable, np.clip(waits, 0.0, 1.0), 1.0))


def load_of_wait(servers: float, wait_share: float) -> float:
    """Return the load at which ``servers`` make a share ``wait_share`` of calls wait; inverse of :func:`erlang_c`."""
    from scipy import optimize

    if not 0 < wait_share < 1 or servers <= 0:
        raise RequestError("the inverse needs servers above 0 and a share of waiting strictly between 0 and 1.")
    return float(
        optimize.brentq(
            lambda load: float(erlang_c(servers, load)) - wait_share, 0.0, servers * (1 - 1e-12), xtol=1e-12
        )
    )


def _log_upper_gamma(shape: Array, x: Array, special: Any) -> Array:
    """Return the log of the regularised upper incomplete gamma function, by its tail expansion where it underflows."""
    upper = special.gammaincc(shape, x)
    with np.errstate(divide="ignore"):
        direct = np.log(upper)
    # Only reached with a load far above the servers; there B -> 1 - c/a and the leading term is enough.
    tail = (shape - 1) * np.log(x) - x - special.gammaln(shape) - np.log1p(-np.minimum((shape - 1) / x, 0.999))
    return np.asarray(np.where(upper > 1e-290, direct, tail))


def _checked(servers: npt.ArrayLike, load: npt.ArrayLike) -> tuple[Array, Array]:
    count, offered = np.broadcast_arrays(np.asarray(servers, dtype=float), np.asarray(load, dtype=float))
    if (count < 0).any() or (offered < 0).any() or not (np.isfinite(count).all() and np.isfinite(offered).all()):
        raise RequestError("servers and load must be finite and not negative.", where="queueing")
    return count.copy(), offered.copy()
