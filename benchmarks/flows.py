"""The flow to log t = 10^6, and how far others get in the same time."""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from scipy.integrate import solve_ivp

from benchmarks.rows import Row, interleaved
from marginflow.data import perceptron_points, seeded_generator
from marginflow.flows import AdaptiveFlow
from marginflow.networks import LeakyPerceptron

LOG_T = 1e6
W0 = np.array([0.6, 0.5, 0.1])
G0, H0 = np.array([0.2, 0.0, 3.0]), np.array([4.0, 1.5, 0.0])


class TimeIsUpError(Exception):
    """The budget is spent."""


def _data() -> tuple[np.ndarray, np.ndarray]:
    x, y = perceptron_points(seeded_generator(1), 50)
    return x.numpy(), y.numpy()


def ours() -> None:
    """g(0), h(0) ≠ 0, δ = ε = 1, ρ = 0.9."""
    AdaptiveFlow(LeakyPerceptron(), *_data()).integrate(
        W0, G0, H0, log_t_end=LOG_T, quadratures=False
    )


def by_scipy(method: str, seconds: float) -> float:
    """log t that SciPy reaches with Process 2 as it stands, gradient by hand."""
    x, y = _data()
    end, reached = time.perf_counter() + seconds, 0.0

    def slope(t, state):
        if time.perf_counter() > end:
            raise TimeIsUpError
        w, g, h = state[:3], state[3:6], state[6:]
        pre = x @ w[1:]
        side = np.where(pre > 0, 1.0, 0.5)
        pull = -np.exp(-y * w[0] * side * pre) * y
        gradient = np.r_[pull @ (side * pre), (pull * side * w[0]) @ x]
        speed = -np.sqrt((1 + h) / (1 + g)) * gradient
        return np.r_[speed, 0.1 * (gradient**2 - g), 0.1 * (speed**2 - h)]

    state, t, step = np.r_[W0, G0, H0], 0.0, 1.0
    try:
        while t < 1e300:  # ever longer pieces, so that it is known how far it got
            run = solve_ivp(slope, (t, t + step), state, method, rtol=1e-10, atol=1e-12)
            if not run.success or not np.isfinite(run.y[:, -1]).all():
                break
            t, state, step = t + step, run.y[:, -1], 2 * step
            reached = math.log(t)
    except TimeIsUpError:
        pass
    return reached


def by_torchdiffeq(seconds: float) -> float:
    """log t that torchdiffeq's dopri5 reaches, gradient by autograd."""
    from torchdiffeq import odeint

    x, y = (torch.from_numpy(part) for part in _data())
    end, reached = time.perf_counter() + seconds, 0.0

    def slope(t, state):
        if time.perf_counter() > end:
            raise TimeIsUpError
        w, g, h = state[:3].detach().requires_grad_(), state[3:6], state[6:]
        with torch.enable_grad():
            sigma = torch.nn.functional.leaky_relu(x @ w[1:], 0.5)
            (gradient,) = torch.autograd.grad(torch.exp(-y * w[0] * sigma).sum(), w)
        speed = -torch.sqrt((1 + h) / (1 + g)) * gradient
        return torch.cat([speed, 0.1 * (gradient**2 - g), 0.1 * (speed**2 - h)])

    state, t, step = torch.from_numpy(np.r_[W0, G0, H0]), 0.0, 1.0
    try:
        with torch.no_grad():
            while t < 1e300:
                span = torch.tensor([t, t + step], dtype=torch.float64)
                state = odeint(slope, state, span, rtol=1e-10, atol=1e-12)[-1]
                t, step = t + step, 2 * step
                reached = math.log(t)
    except (TimeIsUpError, AssertionError):  # its step size underflows by an assertion
        pass
    return reached


def rows(quick: bool) -> list[Row]:
    """Ours to log t = 10^6; the others get as long as it takes, and ten times that."""
    torch.set_num_threads(1)
    spent = interleaved({"ours": ours}, 1 if quick else 5)["ours"]
    found = [
        Row(
            "the perceptron's flow, 100 points, to log t = 10^6, rtol 1e-10",
            spent,
            "s",
            repeats=1 if quick else 5,
        )
    ]
    peers = {
        "SciPy LSODA in plain t": lambda s: by_scipy("LSODA", s),
        "SciPy Radau in plain t": lambda s: by_scipy("Radau", s),
    }
    try:
        import torchdiffeq

        name = f"torchdiffeq {torchdiffeq.__version__} dopri5 in plain t"
        peers[name] = by_torchdiffeq
    except ImportError:
        print("torchdiffeq is not installed; its rows are left out")
    for factor in (1,) if quick else (1, 10):
        for name, reach in peers.items():
            seconds = factor * spent
            reach(0.1)  # warm up
            reached = reach(seconds)
            times = "the same time" if factor == 1 else f"{factor} times the time"
            found.append(
                Row(
                    f"log t reached in {times} ({seconds:.2g} s)",
                    LOG_T,
                    "log t",
                    peer=reached,
                    peer_is=name,
                    note="plain t ends at log t = 709, where t is no float any more",
                )
            )
    return found
