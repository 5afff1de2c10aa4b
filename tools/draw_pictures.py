#!/usr/bin/env python3
"""Draw the picture of the idea at the head of each theory chapter.

    python tools/draw_pictures.py

Writes book/_static/pictures/CHAPTER.svg, and lemma-5.svg to lemma-9.svg for the strip.
They are schematic.  Margins, multipliers and the steps of Procedure 1 are computed;
other curves are formulas of the shape that the chapter then proves or measures.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from marginflow.book.style import ACCENTS, INK
from marginflow.kkt import max_margin, max_margin_classes

PICTURES = Path(__file__).resolve().parent.parent / "book/_static/pictures"
BLUE, ORANGE, GREEN, PINK, *_ = ACCENTS
STYLE = {
    "svg.hashsalt": "pictures", "svg.fonttype": "path", "font.size": 11,
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK,
    "axes.titlecolor": INK, "axes.titlesize": 11, "axes.facecolor": "none",
    "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 2,
    "figure.constrained_layout.use": True, "mathtext.fontset": "dejavusans",
}  # fmt: skip

# Three examples y_i x_i, and the gentler of two metrics' weights √(ε/δ) = χ².
EXAMPLES = np.array([[1.0, 0.35], [0.45, 1.0], [1.3, 1.1]])
CHI = np.array([0.55, 1.6])


def bare(ax: Axes, *, title: str = "", x: str = "", y: str = "") -> None:
    ax.set(xticks=[], yticks=[], title=title, xlabel=x, ylabel=y)


def arrow(ax: Axes, start, end, color: str, **how) -> None:
    style = dict(arrowstyle="-|>", color=color, lw=2, shrinkA=0, shrinkB=0) | how
    ax.annotate("", end, start, arrowprops=style)


def panels(count: int, width: float = 5.0, height: float = 2.3, **how):
    """Narrow, so that the letters can still be read where a phone shows all of it."""
    figure, axes = plt.subplots(1, count, figsize=(width, height), **how)
    return figure, np.atleast_1d(axes)


def adapted(steps: int, *, eta: float = 1.0, rho: float = 0.6) -> np.ndarray:
    """w, g, h of Procedure 1 on exp(−w), δ = ε = 1, from g = 0.1 and h = 3."""
    w, g, h, rows = 0.0, 0.1, 3.0, []
    for _ in range(steps):
        rows.append((w, g, h))
        gradient, keep = -np.exp(-w), 1 - (1 - rho) * eta
        g = keep * g + (1 - keep) * gradient**2
        step = np.sqrt((1 + h) / (1 + g)) * gradient
        h = keep * h + (1 - keep) * step**2
        w -= eta * step
    return np.array(rows).T


# The setting --------------------------------------------------------------------------


def procedure_1() -> None:
    _, (left, right) = panels(2)
    k = np.arange(40)
    w, g, h = adapted(40)
    for ax, average, square, names in (
        (left, g, np.exp(-2 * w), ("squared gradients", "their average $g$")),
        (right, h, np.r_[np.diff(w), 0] ** 2, ("squared steps", "their average $h$")),
    ):
        ax.bar(k[:-1], square[:-1], color=INK, alpha=0.4, label=names[0])
        ax.plot(k, average, color=BLUE if ax is left else ORANGE, label=names[1])
        bare(ax, x="step $k$")
        ax.set(xlim=(-0.7, 16))
        ax.legend(frameon=False, loc="upper right")
    left.set_title(r"gradient over $\sqrt{\delta+g}$ …")
    right.set_title(r"… times $\sqrt{\varepsilon+h}$")


def assumption_1() -> None:
    _, (ax,) = panels(1, 5.6, 2.7)
    x, y = np.meshgrid(np.linspace(-0.1, 4.4, 200), np.linspace(-0.2, 2.6, 200))
    ax.contour(x, y, np.where(x > 0, x, 0) * y, [1, 4, 9, 16], colors=INK,
               linewidths=1, alpha=0.6)  # fmt: skip
    end = np.array([1.35, 0.75])
    ax.plot(*np.outer((0, 3.2), end).T, color=BLUE, lw=1.2)
    for a in (1, 2, 3):
        ax.plot(*(a * end), "o", color=BLUE)
        ax.annotate(f"  ${a if a > 1 else ''}w$: output ${a * a}$ times as large"
                    if a > 1 else "  $w$", a * end, va="top")  # fmt: skip
    ax.set(aspect="equal", xlim=(-0.1, 6.5), ylim=(-0.2, 2.7))
    bare(ax)
    ax.spines[:].set_visible(False)


def process_2() -> None:
    _, axes = panels(3, 5.4, sharex=True, sharey=True)
    for ax, eta in zip(axes, (1.0, 0.25, 1 / 64), strict=True):
        w, _, _ = adapted(int(4 / eta) + 1, eta=eta)
        time = eta * np.arange(len(w))
        ax.plot(time, w, "-" if eta < 0.1 else "-o", color=BLUE, ms=5)
        name = r"$\eta \to 0$: a flow" if eta < 0.1 else rf"steps of $\eta = {eta}$"
        bare(ax, title=name, x="time $t = \\eta k$")
    axes[0].set_ylabel("$w$")


def assumption_2() -> None:
    _, (a, b, c) = panels(3, 5.4)
    t = np.linspace(0, 6, 200)
    a.fill_between(t, 1 / (1 + t), color=BLUE, alpha=0.3, lw=0)
    a.plot(t, 1 / (1 + t), color=BLUE)
    a.text(1.6, 0.55, "infinite\narea")
    bare(a, title=r"(i) $1-\rho(t)$")
    b.axhspan(0, 1, color=GREEN, alpha=0.25)
    b.plot([0.3, 0.6], [0.2, 0.7], "o", color=GREEN, ms=9)
    b.text(0.25, -0.25, "not here")
    b.set(xlim=(0, 1), ylim=(-0.4, 1))
    bare(b, title=r"(ii) $g(0), h(0) \geq 0$")
    loss = 2.4 * np.exp(-0.5 * t)
    c.plot(t, loss, color=ORANGE)
    c.axhline(1, color=INK, ls="--", lw=1)
    c.plot(np.log(2.4) / 0.5, 1, "o", color=ORANGE, ms=9)
    c.text(6, 1.06, r"$\ell(0)$", ha="right")
    bare(c, title=r"(iii) the loss")


def proposition_1() -> None:
    _, (left, right) = panels(2)
    x, y = np.meshgrid(np.linspace(-2, 2, 200), np.linspace(-0.2, 4, 200))
    left.contour(x, y, np.abs(x) + 0.6 * y, 9, colors=INK, linewidths=0.8, alpha=0.6)
    left.plot([-1.6, 0, 0], [3.6, 2.4, 0.4], color=BLUE, lw=2.5)
    left.axvline(0, color=ORANGE, ls="--", lw=1)
    left.text(0.08, 3.55, "kink")
    bare(left, title="a flow, on a kink")
    t = np.linspace(0, 3, 100)
    right.plot(t, np.where(t < 1.2, 4 - 1.36 * t, 4 - 1.632 - 0.36 * (t - 1.2)),
               color=BLUE, lw=2.5)  # fmt: skip
    right.axvline(1.2, color=ORANGE, ls="--", lw=1)
    bare(right, title=r"the loss along it",
         x="time")  # fmt: skip
    right.set_ylim(0, 4.3)


def feasible(ax: Axes, top: float = 2.4) -> None:
    """The set where all margins are at least 1, shaded."""
    x, y = np.meshgrid(np.linspace(-0.4, top, 300), np.linspace(-0.4, top, 300))
    inside = (np.stack([x, y], -1) @ EXAMPLES.T).min(-1) >= 1
    ax.contourf(x, y, inside, [0.5, 1.5], colors=[INK], alpha=0.18)
    ax.contour(x, y, inside, [0.5], colors=INK, linewidths=1)
    ax.plot(0, 0, "+", color=INK, ms=9)
    ax.set(aspect="equal", xlim=(-0.4, top), ylim=(-0.4, top))


def kkt() -> None:
    _, (left, right) = panels(2, 5.0, 2.6)
    feasible(left)
    angle = np.linspace(0, 2 * np.pi, 200)
    ball = np.array([np.cos(angle), np.sin(angle)])
    for chi, color in ((np.ones(2), BLUE), (CHI, ORANGE)):
        w = max_margin(EXAMPLES, chi).w
        left.plot(*(np.linalg.norm(w / chi) * chi[:, None] * ball), color=color, lw=1.4)
        left.plot(*w, "o", color=color, ms=8)
        arrow(left, (0, 0), w, color)
    bare(left, title="shortest feasible $w$")
    feasible(right)
    point = max_margin(EXAMPLES, 1.0)
    pushes = point.multipliers[:, None] * EXAMPLES
    base = np.zeros(2)
    for push in pushes[point.multipliers > 1e-9]:
        arrow(right, base, base + push, GREEN)
        base = base + push
    right.plot(*point.w, "o", color=BLUE, ms=8)
    right.annotate(
        "$w$ = the sum of\nthe pushes", point.w, (8, 6), textcoords="offset points"
    )
    bare(right, title="held in balance")


def remark_3() -> None:
    _, (ax,) = panels(1, 5.2, 2.4)
    alpha = np.geomspace(0.2, 5, 200)
    for z, color, name in (
        (np.array([2.0, 1.0, 0.4]), BLUE, "$w$ separates: downhill for ever"),
        (np.array([2.0, 1.0, -0.4]), ORANGE, "$w$ does not: up again"),
    ):
        loss = np.exp(-alpha[:, None] * z).sum(1)
        ax.plot(alpha, loss, color=color, label=name)
    ax.set(ylim=(0, 4))
    bare(ax, x=r"scale $\alpha$", y=r"loss of $\alpha w$")
    ax.legend(frameon=False)


def theorem_2() -> None:
    _, (left, right) = panels(2, 5.4, 2.5)
    for name, (chi, color) in {
        "equal": (np.ones(2), BLUE), "skewed": (CHI, ORANGE)
    }.items():  # fmt: skip
        w, path = np.array([1.6, -0.3]), []
        for _ in range(4000):  # in units of log t: gradients of log L
            pull = np.exp(-EXAMPLES @ w)
            w = w + 0.02 * chi**2 * (pull @ EXAMPLES) / pull.sum()
            path.append(w)
        path = np.array(path)
        left.plot(*path.T, color=color, label=name)
        aim = max_margin(EXAMPLES, chi).direction
        unit = path / np.linalg.norm(path, axis=1)[:, None]
        right.plot(np.arange(1, 4001), np.degrees(np.arccos(unit @ aim)), color=color)
        left.plot(*np.outer((0, 20), aim).T, "--", color=color, lw=1)
    left.set(xlim=(0, 9), ylim=(-1, 9))
    bare(left, title="$w$, and its aim (dashed)")
    left.legend(frameon=False, loc="lower right")
    right.set(xscale="log")
    right.minorticks_off()
    bare(right, title="angle between them", x=r"$\log t$")
    right.set_ylim(bottom=0)


def theorem_4() -> None:
    _, (left, right) = panels(2)
    t = np.linspace(0, 10, 300)
    calm, wobble = 1 + 0.6 * np.exp(-t / 2), 1 + 0.5 * np.sin(4 * t) / (1 + 0.15 * t)
    for ax, beta, color, title in (
        (left, calm, BLUE, "settles: admitted"),
        (right, wobble, ORANGE, "wobbles on: excluded"),
    ):
        ax.axhline(1, color=INK, lw=1, ls="--")
        ax.plot(t, beta, color=color)
        ax.set_ylim(0.4, 1.7)
        bare(ax, title=title, x="time")


# The strip of Lemmas 5 to 9 -----------------------------------------------------------


def lemma_5(ax: Axes) -> None:
    t = np.linspace(0, 5, 100)
    for size in (1, -0.8, 0.5):
        ax.plot(t, size * np.exp(-t), color=BLUE)
    ax.axhline(0, color=INK, lw=1, ls="--")


def lemma_6(ax: Axes) -> None:
    t = np.linspace(0, 5, 100)
    pull = 0.35 + 0.3 * np.sin(3 * t)
    average = np.zeros_like(t)
    average[0] = 0.9
    for i in range(99):
        average[i + 1] = average[i] + (t[1] - t[0]) * (pull[i] - average[i])
    ax.axhspan(-0.35, 0, color=INK, alpha=0.2)
    ax.plot(t, pull, color=INK, lw=1, ls="--")
    ax.plot(t, average, color=BLUE)
    ax.set_ylim(-0.35, 1.05)


def lemma_7(ax: Axes) -> None:
    t = np.linspace(0, 5, 100)
    for gap in (-2.5, -0.9, 0.5, 0.85):
        ax.plot(t, np.sqrt(1 - gap * np.exp(-t)), color=BLUE if gap > 0 else ORANGE)
    ax.axhline(1, color=INK, lw=1, ls="--")


def lemma_8(ax: Axes) -> None:
    t = np.linspace(0, 5, 100)
    ax.fill_between(t, np.exp(-t / 2), -np.exp(-t / 2), color=INK, alpha=0.18, lw=0)
    ax.plot(t, 0.9 * np.exp(-t), color=BLUE)
    ax.plot(t, -0.7 * np.exp(-t), color=ORANGE)
    ax.axhline(0, color=INK, lw=1, ls="--")


def lemma_9(ax: Axes) -> None:
    t = np.linspace(0, 5, 200)
    ax.plot(t, 0.9 * np.exp(-t), color=BLUE)
    ax.plot(t, 0.5 * np.sin(5 * t) / (1 + 0.5 * t) - 0.6, color=INK, lw=1, alpha=0.7)
    ax.axhline(0, color=INK, lw=1, ls="--")
    ax.axhline(-0.6, color=INK, lw=0.6, ls=":")


STRIP = (lemma_5, lemma_6, lemma_7, lemma_8, lemma_9)


# Beyond the paper ---------------------------------------------------------------------


def beyond_zero_averages() -> None:
    _, (left, right) = panels(2, height=2.3)
    t = np.linspace(0, 6, 200)
    for ax, gap, title in ((left, 2.2, "unequal averages"), (right, 0, "both zero")):
        beta = np.sqrt(1 + gap * np.exp(-0.8 * t))
        ax.axhline(1, color=INK, lw=1, ls="--")
        ax.plot(t, beta, color=BLUE)
        ax.set_ylim(0.6, 2)
        bare(ax, title=f"from {title}", x="time", y=r"$\beta$")
    right.text(1.5, 1.12, "1 for ever")


def beyond_discrete() -> None:
    _, (left, right) = panels(2, sharey=True)
    t = np.linspace(0, 12, 200)
    left.plot(t, np.sqrt(1 - 0.8 * np.exp(-t / 2.5)), color=BLUE)
    k = np.arange(13)
    gap = 0.8 * np.exp(-k / 2.5) - 0.35 * np.exp(-((k - 7) ** 2) / 6)
    right.plot(k, np.sqrt(1 - gap), "-o", color=ORANGE, ms=5, lw=1)
    for ax, title in ((left, "the flow: never past 1"),
                      (right, "steps: past 1")):  # fmt: skip
        ax.axhline(1, color=INK, lw=1, ls="--")
        bare(ax, title=title, x="time" if ax is left else "step")
    left.set_ylabel(r"$\beta$")


def discrete_time() -> None:
    _, (ax,) = panels(1, 5.0, 2.5)
    for chi, color, eta in ((np.ones(2), BLUE, 0.6), (CHI, ORANGE, 0.6)):
        w, path = np.zeros(2), []
        for _ in range(3000):
            w = w + eta * chi**2 * (np.exp(-EXAMPLES @ w) @ EXAMPLES)
            path.append(w)
        shown = np.array(path)[np.unique(np.geomspace(1, 3000, 24).astype(int)) - 1]
        ax.plot(*shown.T, "-o", color=color, ms=5, lw=0.8)
        aim = max_margin(EXAMPLES, chi).direction
        ax.plot(*np.outer((0, 12), aim).T, color=color, lw=1, ls="--")
    ax.set(xlim=(0, 9), ylim=(0, 9))
    bare(ax, x="$w_1$", y="$w_2$")
    ax.text(5.0, 0.8, "each run nears\nits own line")


def one_unit() -> None:
    _, (left, right) = panels(2, height=2.5)
    aim = max_margin(EXAMPLES, np.ones(2)).direction
    for start, color in (((0.5, 0.9, 0.05), BLUE), ((1.4, 0.05, 0.3), ORANGE)):
        w, path = np.array(start), []
        for _ in range(3000):
            path.append(w)
            pull = np.exp(-w[0] * (EXAMPLES @ w[1:])) @ EXAMPLES
            w = w + 0.1 * np.array([w[1:] @ pull, *(w[0] * pull)])
        marks = np.unique(np.geomspace(1, 3000, 22).astype(int))
        shown = np.array(path)[marks - 1]
        left.semilogx(marks, np.abs(shown[:, 0]) / np.linalg.norm(shown[:, 1:], axis=1),
                      "-o", color=color, ms=4)  # fmt: skip
        right.plot(*shown[:, 1:].T, "-o", color=color, ms=4)
    left.axhline(1, color=INK, lw=1, ls="--")
    left.set_ylim(0, 2.4)
    left.minorticks_off()
    right.plot(*np.outer((0, 3), aim).T, color=INK, lw=1, ls="--")
    right.set(xlim=(0, 2.2), ylim=(0, 2.2))
    bare(left, title="the layers come level", x="step", y="$|v| / |u|$")
    bare(right, title="$u$ turns to its line", x="$u_1$", y="$u_2$")


def smooth_networks() -> None:
    _, (left, right) = panels(2, height=2.5)
    for chi, start, color in (
        (np.ones(2), (0.5, -0.1), BLUE), (CHI, (0.45, -0.05), ORANGE),
    ):  # fmt: skip
        w, path, steps = np.array(start), [], []
        for _ in range(20_000):  # margins ⟨a, w⟩³
            inner = EXAMPLES @ w
            pull = (3 * inner**2 * np.exp(-(inner**3))) @ EXAMPLES
            steps.append(0.05 * chi**2 * pull)
            path.append(w)
            w = w + steps[-1]
        path, steps = np.array(path), np.array(steps)
        for k in (0, 20_000 - 1):
            ahead = 0.42 * steps[k] / np.linalg.norm(steps[k])
            arrow(left, path[k], path[k] + ahead, color)
        marks = np.unique(np.geomspace(1, 20_000, 22).astype(int)) - 1
        left.plot(*path[marks].T, "o", color=color, ms=4)
        aim = max_margin(EXAMPLES, chi).direction
        left.plot(*np.outer((0, 4), aim).T, color=INK, lw=1, ls="--")
        (a, b), (c, d) = path[marks].T, steps[marks].T
        turn = np.abs(np.arctan2(a * d - b * c, a * c + b * d))
        right.semilogx(marks + 1, np.degrees(turn), "-o", color=color, ms=4)
    left.set(xlim=(0, 2.6), ylim=(-0.15, 3.3))
    right.set_ylim(bottom=0)
    right.minorticks_off()
    bare(left, title="a step comes to point …", x="$w_1$", y="$w_2$")
    bare(right, title="… where the weights do", x="step", y="angle between")


def direction() -> None:
    _, (left, right) = panels(2, height=2.3)
    z = np.linspace(0, 20, 400)
    left.plot(z, np.sin(z) * np.exp(-z / 4), color=ORANGE)
    left.axhline(0, color=INK, lw=1, ls="--")
    bare(left, title=r"$\beta - 1$ dies out …", x="a very slow clock")
    right.plot(z, np.sin(z), color=BLUE)
    bare(right, title="… the turning does not", x="the same clock")


def beyond_assumptions() -> None:
    _, (a, b, c) = panels(3, 5.4)
    t = np.linspace(0, 6, 200)
    a.axhline(1, color=INK, lw=1, ls="--")
    a.plot(t, np.sqrt(1 - 0.8 * np.exp(-t)), color=BLUE)
    a.plot(t, np.sqrt(0.75 - 0.55 * np.exp(-t)), color=ORANGE)
    bare(a, title="memory stays")
    b.plot(t, 1 / (1 + t), color=BLUE)
    b.plot(t, 0.45 + 0.55 / (1 + t), color=ORANGE)
    b.set_ylim(0, 1.05)
    bare(b, title="no separation")
    c.plot(t, np.exp(-t), color=BLUE)
    c.plot(t, np.exp(-t) + 0.02 * t**2, color=ORANGE)
    bare(c, title="not homogeneous")


def beyond_relatives() -> None:
    _, (ax,) = panels(1, 5.2, 2.6)
    feasible(ax, 3.0)
    for chi, color, name in (
        (np.ones(2), BLUE, "gradient flow,\nAdam, RMSProp\nwith equal δ"),
        (CHI, ORANGE, "AdaDelta,\nskewed terms"),
        (np.array([1.5, 0.6]), GREEN, "AdaGrad: depends\non the run"),
    ):
        aim = max_margin(EXAMPLES, chi).w
        ax.plot(*np.outer((0, 9), aim).T, color=color, label=name)
        ax.plot(*aim, "o", color=color)
    bare(ax)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def far_flow() -> None:
    _, (ax,) = panels(1, 5.0, 2.3)
    x = np.linspace(0, 6, 300)
    for color, height, name in (
        (BLUE, 1.0, "the flow in\nthis metric"),
        (ORANGE, 0.35, "the flow in\nanother one"),
    ):
        ax.plot(x, height / (1 + np.exp(2.2 - 1.4 * x)), color=color, label=name)
    ax.axvspan(0.7, 1.1, color=INK, alpha=0.2, lw=0)
    ax.text(1.2, 0.85, "training\nends here", ha="left")
    bare(ax, x=r"$\log\log t$", y="margin")
    ax.set(xlim=(0, 6), ylim=(0, 1.1))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def many_classes() -> None:
    _, axes = panels(2, 5.0, 2.2)
    labels = np.arange(9) % 3
    turn = 2 * np.pi * labels / 3 + 0.5
    spread = np.random.default_rng(5).normal(size=(9, 2))
    x = 1.5 * np.c_[np.cos(turn), np.sin(turn)] + 0.35 * spread
    for ax, chi, title in (
        (axes[0], np.ones(2), "in the plain metric"),
        (axes[1], np.array([1.0, 1e3**0.25]), "in a skewed one"),
    ):
        rows = max_margin_classes(x, labels, np.tile(chi, (3, 1))).w.reshape(3, 2)
        for label, (mark, color) in enumerate(zip("oP^", ACCENTS, strict=False)):
            ax.plot(*x[labels == label].T, mark, color=color, ms=7)
        for i, j, k in ((0, 1, 2), (0, 2, 1), (1, 2, 0)):
            ray = np.array([[0, -1], [1, 0]]) @ (rows[i] - rows[j])
            ray *= np.sign(ray @ (rows[i] - rows[k])) / np.linalg.norm(ray)
            ax.plot(*np.outer((0, 2.6), ray).T, color=INK, lw=1.5)
        ax.set(aspect="equal", xlim=(-2.4, 2.4), ylim=(-2.1, 2.1))
        bare(ax, title=title)
        ax.spines[:].set_visible(False)


def rates() -> None:
    _, (left, right) = panels(2, height=2.3)
    angle, time = np.linspace(-1, 1, 201), np.linspace(0, 4, 50)
    for color, bend, rate, name in (
        (BLUE, np.abs(angle), 1.0, "a sharp peak"),
        (ORANGE, 0.5 * angle**2, 0.25, "a flat one"),
    ):
        left.plot(angle, -bend, color=color, label=name)
        right.plot(time, -rate * time, color=color)
    left.plot(0, 0, "o", color=INK, ms=7)
    left.legend(frameon=False, loc="lower center")
    bare(left, title="margin around the end", x="direction")
    bare(right, title="how the flow gets there", x=r"$\log\log t$",
         y="log distance")  # fmt: skip


def beyond_float32() -> None:
    _, (ax,) = panels(1, 5.0, 2.3)
    gap = np.linspace(0, 36, 400)
    ax.semilogy(gap, np.exp(-gap), color=BLUE, label="the loss")
    seen = np.float32(1) + np.exp(-gap).astype(np.float32)
    log = np.log(seen.astype(float))
    ax.semilogy(gap[log > 0], log[log > 0], color=ORANGE, lw=4, alpha=0.6,
                label="in float32")  # fmt: skip
    ax.axvspan(24 * np.log(2), 36, color=INK, alpha=0.15)
    ax.text(18, 1e-3, "the sum is exactly 1,\nthe loss reads 0")
    ax.minorticks_off()
    bare(ax, x="gap between the right class and the others")
    ax.legend(frameon=False, loc="lower left")


PICTURE: tuple[Callable[[], None], ...] = (
    procedure_1, assumption_1, process_2, assumption_2, proposition_1, kkt, remark_3,
    theorem_2, theorem_4, beyond_zero_averages, far_flow, beyond_discrete,
    discrete_time, one_unit, smooth_networks, direction, many_classes, rates,
    beyond_assumptions, beyond_relatives, beyond_float32,
)  # fmt: skip


def svg() -> str:
    """The present figure as SVG, the same text each time."""
    text = io.StringIO()
    how = dict(format="svg", transparent=True, metadata={"Date": None})
    plt.gcf().savefig(text, bbox_inches="tight", **how)
    plt.close()
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def drawn() -> dict[str, str]:
    """Every picture, by its file's stem."""
    found = {}
    mpl.use("svg")
    with mpl.rc_context(STYLE):
        for draw in PICTURE:
            draw()
            found[draw.__name__.replace("_", "-")] = svg()
        for draw in STRIP:
            _, (ax,) = panels(1, 1.9, 1.25)
            draw(ax)
            bare(ax)
            found[draw.__name__.replace("_", "-")] = svg()
    return found


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for stem, text in drawn().items():
        (PICTURES / f"{stem}.svg").write_text(text, encoding="utf-8")
