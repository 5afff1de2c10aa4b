"""Every claim of the paper, where it stands, and what this companion finds.

Three kinds of claims, three kinds of measures:

- statements of Sections 2 and 3: their proofs are settled step by step
  (:mod:`marginflow.proofs`), and what they say is measured on flows;
- observations on Experiment 1 (page 10), on 21 recorded data sets;
- observations on Experiments 2 and 3 (pages 10 and 11), on recorded runs.

:func:`scoreboard` measures them all afresh. The book shows the table in
``results/claims.json``, and a test compares the two.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from marginflow.claims import flows, measures
from marginflow.claims.claim import (
    MOST_ROUNDS,
    VERDICTS,
    Claim,
    Finding,
    Result,
    judge,
    share,
)
from marginflow.claims.flows import along_the_flow
from marginflow.experiments.spec import (
    PERCEPTRON_DATA_SETS,
    READINGS,
    PerceptronSpec,
    grid,
)

__all__ = [
    "Scoreboard",
    "as_json",
    "claims",
    "differences",
    "experiment_table",
    "perceptron_table",
    "read_scoreboard",
    "require_records",
    "scoreboard",
    "write_scoreboard",
]

FORMAL = Path(__file__).parents[3] / "formal"
"""The Coq sources of a checkout; a wheel has none."""


# ---- proofs --------------------------------------------------------------------------


def settled(name: str):
    """The reports of a statement's proof, and how each step was settled."""
    from marginflow import proofs

    reports = list(proofs.statement(name).prove())
    engines = Counter(report.step.check.engine.value for report in reports)
    return reports, engines


def _proof(claim: Claim, _: Path) -> list[Result]:
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


# ---- experiments ---------------------------------------------------------------------


@lru_cache(maxsize=4)
def _observed(results: Path, reduction: str):
    """What each recorded data set says, and the records' provenance."""
    import pandas as pd

    from marginflow.experiments.perceptron import load_perceptron
    from marginflow.experiments.records import read_record, record_path

    specs = [
        PerceptronSpec(data_seed=s, reduction=reduction)
        for s in range(PERCEPTRON_DATA_SETS)
    ]
    specs = [spec for spec in specs if record_path(results, spec).exists()]
    if not specs:
        return pd.DataFrame(), []
    frame = load_perceptron(results, specs)
    told = [read_record(record_path(results, spec), spec).provenance for spec in specs]
    rows = [measures.observe(part) for _, part in frame.groupby("data_seed")]
    return pd.DataFrame(rows), told


def _on_data_sets(claim: Claim, results: Path) -> list[Result]:
    """The released reading first: its loss is the one that the figure was made with."""
    found = []
    for reading, reduction in (("released", "mean"), ("paper", "sum")):
        observed, told = _observed(results, reduction)
        if observed.empty:
            found.append(Result("not recorded", "no record", reading))
            continue
        values = observed[claim.name.removeprefix("perceptron-")]
        holding = int(values.map(claim.kept_by).sum())
        text = f"{values.median():.3g}, holds on {holding} of {len(values)} data sets"
        found.append(
            Result(
                share(holding, len(values)),
                text,
                reading,
                "paper",
                len(values),
                f"perceptron/{reduction}",
                *_origin(told),
            )
        )
    return found


def _origin(told: Iterable[dict[str, Any]]) -> tuple[tuple[str, ...], str]:
    """Commits and days of records; old ones of Experiment 1 have neither."""
    told = list(told)
    commits = sorted({str(p["commit"])[:8] for p in told if p.get("commit")})
    days = sorted({p["recorded"][:10] for p in told if p.get("recorded")})
    return tuple(commits), " to ".join(dict.fromkeys((*days[:1], *days[-1:])))


@lru_cache(maxsize=64)
def _records(results: Path, experiment: str, regime: str, reading: str):
    """Full rounds of the largest scale that has enough of them, and their provenance.

    If none has, of the scale that has most.
    """
    from marginflow.experiments.records import load_frame

    best, most = None, 0
    for scale in ("paper", "desk", "laptop"):
        runs = grid(experiment, regimes=[regime], scale=scale, reading=reading)
        frame, told = load_frame(results, runs)
        frame = measures.full_rounds(frame)
        rounds = 0 if frame.empty else frame["round"].nunique()
        if rounds > most:
            used = set(frame["round"])
            best = frame, [p for p in told if p["spec"]["round"] in used]
            most = rounds
        if rounds >= MOST_ROUNDS:
            break
    return best


def _trained(claim: Claim, results: Path) -> list[Result]:
    found = []
    for reading in READINGS:
        there = _records(results, claim.experiment, claim.regime, reading)
        if there is None:
            found.append(Result("not recorded", "no full round", reading))
            continue
        frame, told = there
        found.append(_judged(claim, frame, told, reading))
    order = ("paper", "desk", "laptop", "")
    few = ("too few rounds", "not recorded")
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
    text = f"{number:.3g}"
    if math.isfinite(error):
        text += f" ± {error:.2g}"
    listed = ", ".join(f"{name} {x:.3g}" for name, x in parts.items() if name)
    text += f" ({listed})" if listed else ""
    folder = f"{scale}/{claim.experiment}-{claim.regime}"
    folder += "" if reading == "paper" else f"-{reading}"
    return Result(verdict, text, reading, scale, len(rounds), folder, *_origin(told))


# ---- the paper's sentences -----------------------------------------------------------


def _statement(name: str, where: str, says: str) -> Claim:
    return Claim(
        f"{name}-proof",
        where,
        says,
        "the steps of its proof, settled by algebra, solver, paper, citation, numbers",
        name,
        _proof,
        settled,
    )


def _flow(name, where, says, measured, quantity, holds, limit, band=0.0) -> Claim:
    page = "-".join(name.split("-")[:2])
    return Claim(
        name, where, says, measured, page, along_the_flow, quantity, holds, limit, band
    )


def _perceptron(name: str, says: str, measured: str, holds: str, limit: float) -> Claim:
    return Claim(
        f"perceptron-{name}",
        "Section 4, page 10",
        says,
        measured,
        "experiment-1",
        _on_data_sets,
        measures.observe,
        holds,
        limit,
        experiment="perceptron",
    )


def _observation(
    name: str,
    says: str,
    measured: str,
    quantity: Callable[..., Any],
    holds: str,
    limit: float,
    regimes: Sequence[str] = ("finer", "coarser"),
    **rest: Any,
) -> list[Claim]:
    experiment = "mnist" if name.startswith("mnist") else "cifar10"
    page, chapter = ("10", "2") if experiment == "mnist" else ("11", "3")
    return [
        Claim(
            f"{name}-{regime}",
            f"Section 4, page {page}, {regime}",
            says,
            measured,
            f"experiment-{chapter}",
            _trained,
            quantity,
            holds,
            limit,
            experiment=experiment,
            regime=regime,
            **rest,
        )
        for regime in regimes
    ]


MEMORY = "the schedule's memory of 1000 steps is a large part of a short run"
DEPTH = "at depth 14 a norm at separation that differs by a quarter is a factor of 28"
IMAGES = "the paper's differences are below what fewer images can tell"

STATEMENTS = (
    _statement("proposition-1", "page 5", "the loss admits a chain rule along arcs"),
    _statement(
        "theorem-4",
        "page 7",
        "adapters that tend to 1 lead to KKT points, at both rates",
    ),
    _statement("lemma-5", "page 7", "the gap 1 - β² obeys an equation of its own"),
    _flow(
        "lemma-5-flow",
        "page 7",
        "... and so its integrated form holds along the flow",
        "largest relative defect on four perceptron flows",
        flows.identity,
        "at most",
        1e-10,
    ),
    _statement("lemma-6", "page 8", "g and h stay non-negative"),
    _statement("lemma-7", "page 8", "β moves monotonically towards 1, never across"),
    _flow(
        "lemma-7-flow",
        "page 8",
        "... as it does along the flow",
        "largest relative rise of |1 - β²| between recorded times, four flows",
        flows.monotone,
        "at most",
        1e-12,
    ),
    _statement("lemma-8", "page 8", "β tends to 1"),
    _flow(
        "lemma-8-flow",
        "page 8",
        "... as it does along the flow",
        "largest |1 - β²| at the last time at which g and h are integrated, four flows",
        flows.last_gap,
        "at most",
        1e-10,
    ),
    _statement("lemma-9", "page 9", "d log β/dt is integrable"),
    _statement("theorem-2", "page 6", "it follows from Theorem 4 and the lemmas"),
    _flow(
        "theorem-2-loss",
        "page 6",
        "L(w(t)) = Θ(1/(t (log t)^(2-2/L)))",
        "slope of log(t L) against log log t, log t from 10^2 to 10^6, four perceptron "
        "flows (exponential, logistic; isotropic, skewed); L = 2",
        flows.loss_rate,
        "within",
        -1.0,
        0.02,
    ),
    _flow(
        "theorem-2-norm",
        "page 6",
        "‖w(t)‖ = Θ((log t)^(1/L))",
        "slope of log ‖w‖ against log log t, the same flows",
        flows.norm_rate,
        "within",
        0.5,
        0.01,
    ),
    _flow(
        "theorem-2-direction",
        "page 6",
        "w(t) converges in direction to a KKT point of the skewed problem",
        "distance to the exact KKT direction at log t = 10^6, over that at log t = "
        "10^2, the same flows",
        flows.direction,
        "at most",
        0.02,
    ),
    _flow(
        "theorem-2-direction-rate",
        "not in the paper",
        "(this companion's) it falls like 1/log t, or with a single support vector "
        "like 1/sqrt(log t)",
        "how far the slope of its logarithm against log log t is from the nearer of "
        "-1 and -1/2, the same flows",
        flows.direction_rate,
        "at most",
        0.02,
    ),
)

PERCEPTRON = (
    _perceptron(
        "separation",
        "all rounds achieve 100% training accuracy by around 256 epochs",
        "epoch by which the slowest of all rounds is separated (around: a factor of 2)",
        "at most",
        512,
    ),
    _perceptron(
        "separation-mean",
        "the same, as Figure 1 shows it",
        "lowest average accuracy of an algorithm after 256 epochs",
        "at least",
        0.99,
    ),
    _perceptron(
        "margin-higher",
        "the final normalized margin is higher for SGD, AdaDelta and AdaDeltaS",
        "lowest median of these three over the highest median of the other two",
        "at least",
        1.0,
    ),
    _perceptron(
        "margin-narrower",
        "... and within a much narrower range",
        "widest 5-95 % range of these three over the narrowest of the other two",
        "at most",
        0.75,
    ),
    _perceptron(
        "direction",
        "the direction of the adapter's reciprocal square root varies a lot for "
        "AdaDeltaN and AdaDeltaNS",
        "their lowest mean angle to the isotropic direction over the highest of the "
        "other two, in degrees over degrees",
        "at least",
        5.0,
    ),
    _perceptron(
        "diverged",
        "(implied) every round of every algorithm trains",
        "rounds that diverged, of 500",
        "at most",
        0,
    ),
)

MNIST = (
    *_observation(
        "mnist-separation",
        "all algorithms achieve perfect training accuracy by around 250 of 500 epochs",
        "share of the epochs after which every run is separated",
        measures.separated_by,
        "at most",
        0.7,
        universal=True,
    ),
    *_observation(
        "mnist-margin",
        "the normalized margin grows significantly higher for SGD, AdaDelta, AdaDeltaS",
        "lowest median of these three over the highest of the other two",
        measures.margin_ratio,
        "at least",
        1.5,
    ),
    *_observation(
        "mnist-margin-rounds",
        "... the same, round by round",
        "share of rounds in which the least of the three beats both others",
        measures.margin_share,
        "at least",
        0.95,
    ),
    *_observation(
        "mnist-test-constant",
        "after separation, test accuracies remain roughly constant",
        "largest median change of test accuracy from separation to the end",
        measures.accuracy_drift,
        "at most",
        0.01,
        needs=IMAGES,
        images=1.0,
    ),
    *_observation(
        "mnist-test",
        "no significant differences in test accuracy among the four AdaDeltas",
        "largest difference of their medians",
        measures.accuracy_spread,
        "at most",
        0.01,
        ("finer",),
        needs=IMAGES,
        images=1.0,
    ),
    *_observation(
        "mnist-test",
        "AdaDelta and AdaDeltaS generalize slightly but consistently better",
        "share of rounds in which they do, on average, against N and NS",
        measures.accuracy_advantage,
        "at least",
        0.75,
        ("coarser",),
        needs=IMAGES,
    ),
    *_observation(
        "mnist-loss",
        "the training loss shrinks faster for AdaDeltaN and AdaDeltaNS",
        "median of final loss of AdaDelta over N, and of S over NS: the lesser",
        measures.loss_ratio,
        "at least",
        1.0,
    ),
    *_observation(
        "mnist-loss-band",
        "... but remains within a constant factor of that of AdaDelta and AdaDeltaS",
        "factor by which these change in the last third of training: the larger",
        measures.loss_band,
        "at most",
        1.5,
    ),
    *_observation(
        "mnist-schedule",
        "results are not substantially affected by the schedule of ρ",
        "factor between final margins with and without it (larger median)",
        measures.schedule_effect,
        "at most",
        1.5,
        needs=MEMORY,
        small=("smoke", "laptop"),
    ),
)

CIFAR10 = (
    *_observation(
        "cifar-separation",
        "all algorithms achieve perfect training accuracy by around 250 of 1000 epochs",
        "share of the epochs after which every run is separated",
        measures.separated_by,
        "at most",
        0.35,
        universal=True,
        needs="an epoch has a hundredth of the paper's steps",
        needs_alone=True,
    ),
    *_observation(
        "cifar-separates",
        "... that is, all algorithms separate the data",
        "share of the epochs after which every run is separated",
        measures.separated_by,
        "at most",
        1.0,
        universal=True,
    ),
    *_observation(
        "cifar-margin",
        "the normalized margin grows significantly higher for SGD, AdaDelta, AdaDeltaS",
        "lowest median of these three over the highest of the other two",
        measures.margin_ratio,
        "at least",
        1.5,
        ("finer",),
        needs=DEPTH,
    ),
    *_observation(
        "cifar-margin",
        "... with the exception, in the coarser regime, of AdaDelta",
        "lower median of SGD and AdaDeltaS over the highest of N and NS",
        measures.margin_ratio_but_adadelta,
        "at least",
        1.5,
        ("coarser",),
        needs=DEPTH,
    ),
    *_observation(
        "cifar-test",
        "test accuracies lie within ±1 % of each other (around 81 %, coarser 79 %)",
        "half the largest difference of the medians",
        measures.half_accuracy_spread,
        "at most",
        0.01,
        needs=IMAGES,
        needs_alone=True,
        images=0.5,
    ),
    *_observation(
        "cifar-schedule",
        "the schedule of ρ does not substantially affect the results",
        "factor between final margins with and without it (larger median)",
        measures.schedule_effect,
        "at most",
        1.5,
        ("finer",),
        needs=f"{MEMORY}; {DEPTH}",
    ),
    *_observation(
        "cifar-schedule",
        "AdaDeltaS and AdaDeltaNS shrink the training loss considerably faster",
        "final loss without the schedule over that with it (lesser median)",
        measures.schedule_gain,
        "at least",
        2.0,
        ("coarser",),
        needs=MEMORY,
    ),
)


def claims() -> tuple[Claim, ...]:
    """All claims: the statements in the order of the proof, then the experiments."""
    return (*STATEMENTS, *PERCEPTRON, *MNIST, *CIFAR10)


# ---- the scoreboard ------------------------------------------------------------------


def _chosen(names: Sequence[str] | None) -> list[Claim]:
    known = {claim.name: claim for claim in claims()}
    for name in names or ():
        if name not in known:
            raise ValueError(
                f"claim {name!r} is unknown; choose from {', '.join(known)}"
            )
    return [known[name] for name in names or known]


def require_records(
    results: str | os.PathLike, names: Sequence[str] | None = None
) -> None:
    """Refuse a folder without any record, where a claim would need one.

    Raises:
        ValueError: a name is unknown, or there is nothing to judge by.
    """
    if not any(claim.experiment for claim in _chosen(names)):
        return
    folder = Path(results).absolute()
    if next(folder.glob("*/*/*.parquet"), None) is None:
        raise ValueError(
            f"there are no records in {folder}; name their folder by --results, or "
            "make some with `marginflow run`"
        )


def scoreboard(
    results: str | os.PathLike, names: Sequence[str] | None = None
) -> list[Finding]:
    """Measure claims, all of them or those named, afresh.

    Args:
        results: folder of the records.
        names: of claims.

    Raises:
        ValueError: a name is unknown.
        RecordError: a record is damaged or of another spec.
    """
    folder = Path(results).absolute()
    return [Finding.of(claim, claim.measure(claim, folder)) for claim in _chosen(names)]


def experiment_table(findings: Sequence[Finding], experiment: str):
    """Claims on an experiment, "mnist" for one, a row for each reading with records."""
    import pandas as pd

    mine = {claim.name: claim for claim in claims() if claim.experiment == experiment}
    return pd.DataFrame(
        {
            "the paper": f.says,
            "regime": mine[f.name].regime,
            "measure": f"{f.measured}: {f.tolerance}",
            "reading": result.reading,
            "here": result.found,
            "scale": f"{result.scale}, {result.rounds} rounds",
            "verdict": result.verdict,
        }
        for f in findings
        if f.name in mine
        for result in f.results
        if result.rounds
    )


def perceptron_table(results: str | os.PathLike, reduction: str):
    """Claims on Experiment 1 for the loss as "sum" or "mean": a row each."""
    import pandas as pd

    observed, _ = _observed(Path(results).absolute(), reduction)
    rows = []
    for claim in PERCEPTRON:
        values = observed[claim.name.removeprefix("perceptron-")]
        holding = int(values.map(claim.kept_by).sum())
        rows.append(
            {
                "the paper": claim.says,
                "measure": f"{claim.measured}: {claim.holds} {claim.limit:g}",
                "shown set": f"{values.iloc[0]:.3g}",
                "range": f"{values.min():.3g} to {values.max():.3g}",
                "holds on": f"{holding} of {len(values)}",
                "verdict": share(holding, len(values)),
            }
        )
    return pd.DataFrame(rows, index=[c.name for c in PERCEPTRON])


def as_json(findings: Sequence[Finding]) -> str:
    """Findings as text, for a file or another program."""
    return json.dumps([f.as_json() for f in findings], ensure_ascii=False, indent=1)


def write_scoreboard(path: str | os.PathLike, findings: Sequence[Finding]) -> None:
    """Keep findings for the book, as JSON, whole or not at all."""
    from marginflow.experiments.records import write_atomically

    write_atomically(path, f"{as_json(findings)}\n".encode(), replace=True)


def read_scoreboard(path: str | os.PathLike) -> list[Finding]:
    """What :func:`write_scoreboard` kept.

    Raises:
        ValueError: the file is missing or no such list.
    """
    try:
        entries = json.loads(Path(path).read_text("utf-8"))
        return [Finding.from_json(entry) for entry in entries]
    except FileNotFoundError:
        raise ValueError(
            f"{path} does not exist; `marginflow claims --write` makes it from the "
            "records beside it"
        ) from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} cannot be read as a scoreboard ({error}); `marginflow claims "
            "--write` makes it anew from the records beside it"
        ) from error


def differences(kept: Sequence[Finding], fresh: Sequence[Finding]) -> list[str]:
    """What the book says otherwise than the records do: one line for each difference.

    Verdicts and words must agree.  Numbers must, where they come from records; those of
    flows may differ in their last digits from one machine to another.
    """
    old, new = ({f.name: f for f in findings} for findings in (kept, fresh))
    lines = [f"{name} is not in the book" for name in new.keys() - old.keys()]
    lines += [f"{name} is in the book alone" for name in old.keys() - new.keys()]
    for name in new.keys() & old.keys():
        recorded = new[name].page.startswith("experiment")
        mine, theirs = (_facts(each[name], recorded) for each in (old, new))
        for field in theirs:
            if mine.get(field) != theirs[field]:
                lines.append(
                    f"{name}: {field} is {mine.get(field)!r} in the book and "
                    f"{theirs[field]!r} by the records"
                )
    return sorted(lines)


def _facts(finding: Finding, recorded: bool) -> dict[str, Any]:
    facts = finding.as_json()
    for result in facts.pop("results"):
        for field in ("verdict", *(("found", "rounds", "records") if recorded else ())):
            facts[f"{field} {result['reading']}".strip()] = result[field]
    return facts


def _key(verdict: str) -> str:
    """A verdict as one word of an attribute."""
    return re.sub(r"[^a-z]+", "-", verdict.lower()).strip("-")


@dataclass(frozen=True)
class Scoreboard:
    """Findings as a table for a notebook: an anchor and a column for each reading.

    Pages are linked from their names.  Buttons leave only the rows of one verdict, by
    style alone, without a script.
    """

    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{f.name:29} {r.reading:9}{r.verdict:27} {r.found}"
            + (f" ({r.rounds} rounds, {r.scale} scale)" if r.rounds else "")
            for f in self.findings
            for r in f.results
        )

    def _repr_html_(self) -> str:
        both = any(r.reading for f in self.findings for r in f.results)
        columns = ("Paper's text", "Released code") if both else ("Found",)
        head = "".join(f"<th>{c}</th>" for c in ("Claim", "Measured", *columns))
        rows = "\n".join(self._row(finding, both) for finding in self.findings)
        return (
            f'<div class="scoreboard-box">{self._filter()}'
            f'<table class="dataframe scoreboard">\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody>\n</table></div>"
        )

    def _filter(self) -> str:
        there = {r.verdict for f in self.findings for r in f.results}
        verdicts = [verdict for verdict in VERDICTS if verdict in there]
        group = f"show-{self.findings[0].name}" if self.findings else "show"
        buttons, rules = [], []
        for verdict in ("all", *verdicts):
            key, checked = _key(verdict), " checked" if verdict == "all" else ""
            buttons.append(
                f'<label><input type="radio" name="{group}" value="{key}"{checked}> '
                f"{html.escape(verdict)}</label>"
            )
            if verdict != "all":
                rules.append(
                    f'.scoreboard-box:has(input[value="{key}"]:checked) '
                    f'tbody tr:not([data-verdicts~="{key}"]) {{display: none}}'
                )
        return (
            f"<style>{' '.join(rules)}</style><fieldset><legend>Show</legend>"
            f"{' '.join(buttons)}</fieldset>"
        )

    def _row(self, f: Finding, both: bool) -> str:
        says, where, measured, tolerance, page = map(
            html.escape, (f.says, f.where, f.measured, f.tolerance, f.page)
        )
        readings = {r.reading: r for r in f.results}
        cells = [readings[x] for x in READINGS] if "" not in readings else f.results
        span = ' colspan="2"' if both and len(cells) == 1 else ""
        verdicts = " ".join(_key(r.verdict) for r in f.results)
        return (
            f'<tr id="claim-{f.name}" data-verdicts="{verdicts}">'
            f'<td><a href="#claim-{f.name}">{says}</a> '
            f'(<a href="{page}.html">{where}</a>)</td>'
            f"<td>{measured}: {tolerance}<br><code>marginflow claims {f.name}</code>"
            f"<br><small>{html.escape(f.by.removeprefix('marginflow.'))}</small></td>"
            + "".join(f"<td{span}>{self._cell(result)}</td>" for result in cells)
            + "</tr>"
        )

    @staticmethod
    def _cell(r: Result) -> str:
        lines = [f"<strong>{html.escape(r.verdict)}</strong>", html.escape(r.found)]
        if r.rounds:
            kind = "data sets" if r.records.startswith("perceptron") else "rounds"
            when = f", {r.recorded}" if r.recorded else ""
            commits = ", ".join(r.commits)
            told = f"{r.rounds} {kind} in {r.records}{when}"
            told += f", commit {commits}" if commits else ""
            lines.append(f"<small>{html.escape(told)}</small>")
        return "<br>".join(lines)
