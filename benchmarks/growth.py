"""How cost grows: with rounds, epochs, parameters, runs and workers."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from benchmarks import peaks
from benchmarks.optimizer import parameters
from benchmarks.rows import Row, interleaved
from marginflow.experiments.perceptron import PerceptronSpec, run_perceptron
from marginflow.experiments.records import record_path
from marginflow.experiments.spec import grid
from marginflow.experiments.sweep import run_sweep
from marginflow.experiments.workplaces import dask_cluster, process_pool
from marginflow.optim import GeneralizedAdadelta

RESULTS = Path(__file__).parents[1] / "results"


def rows(quick: bool) -> list[Row]:
    """Each row's peer is the first of its kind, scaled up in proportion."""
    torch.set_num_threads(1)
    return [*_perceptron(quick), *_parameters(quick), *_workers(quick)]


def _perceptron(quick: bool) -> list[Row]:
    sizes = {
        "rounds": [{"rounds": r, "epochs": 200} for r in (1, 10, 100, 1000)],
        "epochs": [{"rounds": 100, "epochs": k} for k in (100, 200, 400, 800)],
    }
    found = []
    for axis, points in sizes.items():
        points = points[:2] if quick else points
        specs = {p[axis]: PerceptronSpec(reduction="mean", **p) for p in points}
        repeats = 1 if quick else 3
        seen = interleaved(
            {n: lambda s=spec: run_perceptron(s) and None for n, spec in specs.items()},
            repeats,
        )
        first = next(iter(seen))
        for n, spent in seen.items():
            found.append(
                Row(
                    f"Experiment 1, {n} {axis}",
                    spent,
                    "s",
                    peer=seen[first] * n / first,
                    peer_is=f"{first} {axis}, in proportion",
                    repeats=repeats,
                )
            )
    return found


def _parameters(quick: bool) -> list[Row]:
    counts = (10**4, 10**5) if quick else (10**4, 10**5, 10**6, 10**7)
    repeats = 3 if quick else 15
    works = {}
    for n in reversed(counts):  # a large one would leave the next, small one no cache
        works[n] = GeneralizedAdadelta(parameters([(n,)]), eps=1e-5, fused=True).step
        works[f"limit {n}"] = peaks.stream(28 * n)
    seen = interleaved(works, repeats)
    first = counts[0]
    return [
        Row(
            f"fused step, {n:,} parameters",
            1e3 * seen[n],
            "ms",
            peer=1e3 * seen[first] * n / first,
            peer_is=f"{first:,} parameters, in proportion",
            limit=1e3 * seen[f"limit {n}"],
            limit_is="7 streams, moved by a plain sum in turns",
            repeats=repeats,
        )
        for n in counts
    ]


def _workers(quick: bool) -> list[Row]:
    """What an executor adds to a run: sweeps in which all runs are recorded already."""
    specs = [
        spec
        for spec in grid("mnist", scale="laptop")
        if record_path(RESULTS, spec).exists()
    ]
    specs = specs[:10] if quick else specs[:100]
    if not specs:
        print("no records under results/; the rows of workers are left out")
        return []
    workplaces = {
        "process pool, 1 worker": process_pool(1),
        "process pool, 2 workers": process_pool(2),
        "Dask, 2 workers": dask_cluster(2),
    }
    found = []
    for name, workplace in workplaces.items():
        try:
            first, rest = _marginal(specs, workplace)
        except ImportError:
            print(f"distributed is not installed; {name!r} is left out")
            continue
        common = {
            "threads": name.split(", ")[1][0],
            "note": "a sweep of recorded runs: read and checked, not trained",
        }
        found.append(
            Row(f"{name}: until the first run is through", first, "s", **common)
        )
        found.append(Row(f"{name}: each further run", 1e3 * rest, "ms", **common))
    return found


def _marginal(specs, workplace) -> tuple[float, float]:
    """Seconds until the first outcome, and for each one after it."""
    moments: list[float] = []
    started = time.perf_counter()
    run_sweep(
        specs,
        RESULTS,
        workplace=workplace,
        report=lambda _: moments.append(time.perf_counter()),
    )
    span = (moments[-1] - moments[0]) / max(1, len(moments) - 1)
    return moments[0] - started, span
