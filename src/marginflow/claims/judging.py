"""How each kind of claim is judged: by its proof, on data sets, on rounds.

The statements of Sections 2 and 3 have proofs, settled step by step, and consequences,
measured on flows (:mod:`marginflow.claims.flows`).  The observations on Experiment 1
(page 10) are judged on 21 recorded data sets, those on Experiments 2 and 3 (pages 10
and 11) on recorded rounds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from marginflow.claims import measures
from marginflow.claims.claim import (
    MOST_ROUNDS,
    Claim,
    Result,
    finite,
    judge,
    legible,
    share,
)
from marginflow.experiments.spec import (
    PERCEPTRON_DATA_SETS,
    READINGS,
    PerceptronSpec,
    grid,
)

__all__ = ["by_proof", "on_data_sets", "on_far_flows", "on_rounds", "settled"]

FORMAL = Path(__file__).parents[3] / "formal"
"""The Coq sources of a checkout; a wheel has none."""


# ---- proofs --------------------------------------------------------------------------


def settled(name: str):
    """The reports of a statement's proof, and how each step was settled."""
    from marginflow import proofs

    reports = list(proofs.statement(name).prove())
    engines = Counter(report.step.check.engine.value for report in reports)
    return reports, engines


def by_proof(claim: Claim, _: Path) -> list[Result]:
    """Proven if every step stands; cited if every step is."""
    reports, engines = claim.quantity(claim.page)
    failed = [r.step.name for r in reports if not r.verdict.outcome.stands]
    if failed:
        return [Result("not reproduced", f"fails at {', '.join(failed)}")]
    found = "steps: " + ", ".join(f"{n} {engine}" for engine, n in engines.items())
    if set(engines) == {"cited"}:
        return [Result("cited", found)]
    return [Result("proven (Coq)" if _in_coq(claim.page) else "proven", found)]


def _in_coq(name: str) -> bool:
    """Whether a Coq file has a theorem of that name, `lemma_7`, or its first part."""
    theorem = re.compile(rf"^Theorem {name.replace('-', '_')}(_i)?\b", re.M)
    return any(theorem.search(path.read_text("utf-8")) for path in FORMAL.glob("*.v"))


# ---- networks followed far -----------------------------------------------------------


def _origin(told: Iterable[dict[str, Any]]) -> tuple[tuple[str, ...], str]:
    """Commits and days of records."""
    told = list(told)
    commits = sorted({str(p["commit"])[:8] for p in told if p.get("commit")})
    days = sorted({p["recorded"][:10] for p in told if p.get("recorded")})
    return tuple(commits), " to ".join(dict.fromkeys((*days[:1], *days[-1:])))


def on_far_flows(claim: Claim, results: Path) -> list[Result]:
    """Hold the least number of the recorded pairs of flows to the tolerance."""
    from marginflow.experiments.far import METRICS, FarSpec
    from marginflow.experiments.records import read_record, record_path

    seen, told = [], []
    for draw in range(3):
        specs = [FarSpec(metric, round=draw) for metric in METRICS]
        if all(record_path(results, spec).exists() for spec in specs):
            both = [read_record(record_path(results, spec), spec) for spec in specs]
            seen.append(claim.quantity(*(record.frame.iloc[-1] for record in both)))
            told += [record.provenance for record in both]
    if not seen:
        return [Result("not recorded", "no pair of flows")]
    ranges = {name: [parts[name] for parts in seen] for name in seen[0]}
    least, most = (f(map(f, ranges.values())) for f in (min, max))
    spans = (f"{name} {min(xs):.4g} to {max(xs):.4g}" for name, xs in ranges.items())
    commits, days = _origin(told)
    return [
        Result(
            "reproduced" if claim.kept_by(least) else "not reproduced",
            f"{least:.4g} ({', '.join(spans)})",
            *finite(least, least, most),
            scale="desk",
            rounds=len(seen),
            records="far/mnist-*",
            commits=commits,
            recorded=days,
        )
    ]


# ---- Experiment 1 --------------------------------------------------------------------


@lru_cache(maxsize=4)
def _data_sets(results: Path, reduction: str):
    """The recorded data sets, one frame each, and their provenance."""
    from marginflow.experiments.perceptron import load_perceptron
    from marginflow.experiments.records import read_record, record_path

    specs = [
        PerceptronSpec(data_seed=s, reduction=reduction)
        for s in range(PERCEPTRON_DATA_SETS)
    ]
    specs = [spec for spec in specs if record_path(results, spec).exists()]
    told = [read_record(record_path(results, spec), spec).provenance for spec in specs]
    return [load_perceptron(results, [spec]) for spec in specs], told


def observed(claim: Claim, results: Path, reduction: str) -> list[float]:
    """What a claim measures on each recorded data set, in their order."""
    return [claim.quantity(frame) for frame in _data_sets(results, reduction)[0]]


def on_data_sets(claim: Claim, results: Path) -> list[Result]:
    """The released reading first: its loss is the one that the figure was made with."""
    found = []
    for reading, reduction in (("released", "mean"), ("paper", "sum")):
        values = observed(claim, results, reduction)
        if not values:
            found.append(Result("not recorded", "no record", reading=reading))
            continue
        middle, holding = median(values), sum(map(claim.kept_by, values))
        commits, days = _origin(_data_sets(results, reduction)[1])
        found.append(
            Result(
                share(holding, len(values)),
                f"{legible(middle)}, holds on {holding} of {len(values)} data sets",
                *finite(middle, min(values), max(values)),
                reading=reading,
                scale="paper",
                rounds=len(values),
                records=f"perceptron/{reduction}",
                commits=commits,
                recorded=days,
            )
        )
    return found


# ---- Experiments 2 and 3 -------------------------------------------------------------


@lru_cache(maxsize=64)
def _records(results: Path, experiment: str, regime: str, reading: str):
    """Full rounds of each scale that has some, and their provenance.

    The best-founded scale comes first: enough rounds, then the largest.
    """
    from marginflow.experiments.records import load_frame

    found = []
    for scale in ("paper", "desk", "laptop"):
        runs = grid(experiment, regimes=[regime], scale=scale, reading=reading)
        frame, told = load_frame(results, runs)
        frame = measures.full_rounds(frame)
        if not frame.empty:
            used = set(frame["round"])
            found.append((frame, [p for p in told if p["spec"]["round"] in used]))
    return sorted(found, key=lambda there: there[0]["round"].nunique() < MOST_ROUNDS)


def on_rounds(claim: Claim, results: Path) -> list[Result]:
    """One result for each reading and scale; those with enough rounds first."""
    found = []
    for reading in READINGS:
        there = _records(results, claim.experiment, claim.regime, reading)
        found += [_judged(claim, frame, told, reading) for frame, told in there]
        if not there:
            found.append(Result("not recorded", "no full round", reading=reading))
    few = ("too few rounds", "not recorded")
    order = ("paper", "desk", "laptop", "")
    return sorted(found, key=lambda r: (r.verdict in few, order.index(r.scale)))


def _judged(claim: Claim, frame, told: list[dict[str, Any]], reading: str) -> Result:
    """The verdict on full rounds of one scale and reading."""
    setting = told[0]["spec"]["setting"]
    rounds, scale = measures.Rounds.of(frame), frame.scale.iloc[0]
    rate = float(rounds.accuracy.mean())
    images = claim.images * math.sqrt(2 * rate * (1 - rate) / setting["test_images"])
    parts, error, low, high = measures.interval(claim.quantity, rounds, images)
    number = next(iter(parts.values()))
    if claim.universal:
        error, low, high = math.nan, number, number
    verdict = judge(claim, number, low, high, scale)
    if len(rounds) < MOST_ROUNDS:
        verdict = "too few rounds"
    text = legible(number)
    if claim.quantity in measures.SHARES:
        text = f"{round(number * len(rounds))} of {len(rounds)} rounds"
    if math.isfinite(error):
        text += f" ± {error:.2g}"
    listed = ", ".join(f"{name} {legible(x)}" for name, x in parts.items() if name)
    text += f" ({listed})" if listed else ""
    folder = f"{scale}/{claim.experiment}-{claim.regime}"
    folder += "" if reading == "paper" else f"-{reading}"
    commits, days = _origin(told)
    return Result(
        verdict,
        text,
        *finite(number, low, high),
        reading=reading,
        scale=scale,
        rounds=len(rounds),
        records=folder,
        commits=commits,
        recorded=days,
    )
