"""What the reader's browser needs to train Experiment 1: its draws, from the package.

The random numbers of a run are torch's, which no browser has.  So the points, the
initial parameters and the stability terms of data set 0 are written beside the pages,
and the figure trains on them what `marginflow.experiments.perceptron` trains here.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from sphinx.application import Sphinx

from marginflow.book.style import PALETTE
from marginflow.experiments.perceptron import (
    ALGORITHMS,
    SLOPE,
    PerceptronSpec,
    draw_perceptron,
)

FILE = "_static/explorer/experiment-1.json"


def told(spec: PerceptronSpec) -> dict[str, object]:
    """What ``perceptron.js`` calls `told`; numbers are exact, to the last bit."""
    draws = draw_perceptron(spec)
    ways = [
        {
            "name": name,
            "eta": spec.lr_sgd if name == "SGD" else spec.lr_adadelta,
            # None: the harmonic schedule
            "rho": 1.0 if name == "SGD" else None if "S" in name else spec.rho,
            "skewed": "N" in name,
            "colour": PALETTE[name],
        }
        for name in ALGORITHMS
    ]
    last = len(ALGORITHMS) - 1  # AdaDeltaNS, which has the terms of AdaDeltaN
    return {
        "points": torch.cat([draws.x, draws.y[:, None]], dim=1).tolist(),
        "w0": draws.w0.tolist(),
        "delta": draws.delta[last].tolist(),
        "epsilon": draws.epsilon[last].tolist(),
        "algorithms": ways,
        "stability": spec.stability,
        "epochs": spec.epochs,
        "slope": SLOPE,
    }


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        text = json.dumps(told(PerceptronSpec()), separators=(",", ":"))
        (Path(app.outdir) / FILE).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
