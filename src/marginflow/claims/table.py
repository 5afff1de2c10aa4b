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

import argparse
import html
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

__all__ = [
    "VERDICTS",
    "Claim",
    "Finding",
    "Scoreboard",
    "add_command",
    "claims",
    "differences",
    "read_scoreboard",
    "scoreboard",
    "write_scoreboard",
]

VERDICTS = (
    "reproduced",
    "mostly",
    "not reproduced",
    "not testable at this scale",
    "not recorded",
    "cited",
)
"""What can be said of a claim; "cited": the paper's own ground is another paper."""

Measure = Callable[[Path], tuple[str, str]]


@dataclass(frozen=True)
class Claim:
    """One claim of the paper."""

    name: str
    where: str
    """Where it stands in the paper."""
    says: str
    measured: str
    """What is measured, in words."""
    tolerance: str
    page: str
    """The chapter of this book that treats it."""
    measure: Measure
    """From the results folder to (what was found, verdict)."""


@dataclass(frozen=True)
class Finding:
    """A claim, and what came out; plain text throughout."""

    name: str
    where: str
    says: str
    measured: str
    tolerance: str
    page: str
    found: str
    verdict: str


# ---- proofs --------------------------------------------------------------------------


def _proof(name: str) -> Measure:
    def measure(_: Path) -> tuple[str, str]:
        from marginflow import proofs

        reports = list(proofs.statement(name).prove())
        engines: dict[str, int] = {}
        for report in reports:
            engine = report.step.check.engine.value
            engines[engine] = engines.get(engine, 0) + 1
        listed = ", ".join(f"{n} {engine}" for engine, n in engines.items())
        failed = [r.step.name for r in reports if not r.verdict.outcome.stands]
        if failed:
            return f"fails at {', '.join(failed)}", "not reproduced"
        return f"steps: {listed}", "cited" if set(engines) == {
            "cited"
        } else "reproduced"

    return measure


def _proof_claim(name: str, where: str, says: str) -> Claim:
    return Claim(
        f"{name}-proof",
        where,
        says,
        "the steps of its proof, settled by algebra, solver, paper, citation, numbers",
        "all steps stand",
        name,
        _proof(name),
    )


# ---- flows ---------------------------------------------------------------------------

LOG_T_END = 1e6


@lru_cache(maxsize=1)
def _flows():
    """Four perceptron flows to log t = 10^6, and the KKT direction each should take."""
    import numpy as np

    from marginflow.data import perceptron_points, seeded_generator
    from marginflow.flows import AdaptiveFlow
    from marginflow.kkt import perceptron_kkt_points
    from marginflow.losses import EXPONENTIAL, LOGISTIC
    from marginflow.networks import LeakyPerceptron

    x, y = (t.numpy() for t in perceptron_points(seeded_generator(0, 0)))
    skew = np.array([4.0, 1.0, 0.25])
    flows = []
    for loss in (EXPONENTIAL, LOGISTIC):
        for delta, epsilon in ((np.ones(3), np.ones(3)), (skew, 1 / skew)):
            run = AdaptiveFlow(
                LeakyPerceptron(), x, y, loss=loss, delta=delta, epsilon=epsilon
            ).integrate(
                np.array([0.6, 0.5, 0.1]),
                np.array([0.2, 0.5, 3.0]),
                np.array([4.0, 1.5, 0.1]),
                log_t_end=LOG_T_END,
                rtol=1e-12,
            )
            limit = perceptron_kkt_points(x, y, delta, epsilon).nearest(run.w[-1]).w
            flows.append((run, limit / np.linalg.norm(limit)))
    return flows


def _slope(log_t, values, low: float = 1e2) -> float:
    """Slope of ``values`` against log log t, over the last four decades."""
    import numpy as np

    late = log_t >= low
    return float(np.polyfit(np.log(log_t[late]), values[late], 1)[0])


def _within(numbers: Sequence[float], centre: float, tolerance: float):
    worst = max(numbers, key=lambda number: abs(number - centre))
    good = abs(worst - centre) <= tolerance
    return f"{worst:.4f}", "reproduced" if good else "not reproduced"


def _at_most(numbers: Sequence[float], limit: float):
    worst = max(numbers)
    return f"{worst:.1e}", "reproduced" if worst <= limit else "not reproduced"


def _loss_rate(_: Path) -> tuple[str, str]:
    slopes = [_slope(run.log_t, run.log_loss + run.log_t) for run, _ in _flows()]
    return _within(slopes, -1.0, 0.02)  # 2 - 2/L = 1 for L = 2


def _norm_rate(_: Path) -> tuple[str, str]:
    import numpy as np

    slopes = [
        _slope(run.log_t, np.log(np.linalg.norm(run.w, axis=1))) for run, _ in _flows()
    ]
    return _within(slopes, 0.5, 0.01)


def _distances(run, limit):
    import numpy as np

    w = run.w / np.linalg.norm(run.w, axis=1, keepdims=True)
    return np.linalg.norm(w - limit, axis=1)


def _direction(_: Path) -> tuple[str, str]:
    """Distance at the end over that at log t = 100, the largest of the four flows."""
    import numpy as np

    shrunk = []
    for run, limit in _flows():
        distance = _distances(run, limit)
        shrunk.append(distance[-1] / np.interp(100.0, run.log_t, distance))
    return _at_most(shrunk, 0.02)


def _direction_rate(_: Path) -> tuple[str, str]:
    """Slopes near -1/2 (one support vector) or -1 (several); the one farthest off."""
    import numpy as np

    slopes = [
        _slope(run.log_t, np.log(_distances(run, limit))) for run, limit in _flows()
    ]
    off = max(min(abs(slope + 0.5), abs(slope + 1.0)) for slope in slopes)
    listed = ", ".join(f"{slope:.3f}" for slope in slopes)
    return listed, "reproduced" if off <= 0.02 else "not reproduced"


def _identity(_: Path) -> tuple[str, str]:
    import numpy as np

    return _at_most([np.nanmax(run.identity_defect()) for run, _ in _flows()], 1e-10)


def _last_gap(_: Path) -> tuple[str, str]:
    import numpy as np

    gaps = []
    for run, _ in _flows():
        seen = run.gap[~np.isnan(run.gap).any(axis=1)]
        gaps.append(np.abs(seen[-1]).max())
    return _at_most(gaps, 1e-10)


def _monotone(_: Path) -> tuple[str, str]:
    """Largest relative increase of |1 - β²| from one recorded time to the next."""
    import numpy as np

    worst = []
    for run, _ in _flows():
        seen = run.gap[~np.isnan(run.gap).any(axis=1)]
        if (np.sign(seen) * np.sign(seen[0]) < 0).any():
            return "changes its sign", "not reproduced"
        size = np.abs(seen)
        worst.append(float((np.diff(size, axis=0) / size.max(axis=0)).max()))
    return _at_most([max(0.0, rise) for rise in worst], 1e-12)


# ---- experiments ---------------------------------------------------------------------


@lru_cache(maxsize=2)
def _perceptron_verdicts(results: Path):
    import pandas as pd

    from marginflow.claims.perceptron import observe, verdicts
    from marginflow.experiments.perceptron import PerceptronSpec
    from marginflow.experiments.perceptron_records import (
        load_perceptron,
        perceptron_path,
    )

    specs = [PerceptronSpec(data_seed=s, reduction="mean") for s in range(21)]
    specs = [spec for spec in specs if perceptron_path(results, spec).exists()]
    if not specs:
        return None
    frame = load_perceptron(results, specs)
    return verdicts(pd.DataFrame([observe(f) for _, f in frame.groupby("data_seed")]))


def _perceptron(name: str) -> Measure:
    def measure(results: Path) -> tuple[str, str]:
        table = _perceptron_verdicts(results)
        if table is None:
            return "no record", "not recorded"
        row = table.loc[name]
        return f"{row['median']}, holds on {row['holds on']} data sets", row["verdict"]

    return measure


@lru_cache(maxsize=8)
def _records(results: Path, experiment: str, regime: str, scale: str):
    from marginflow.experiments.records import load_frame
    from marginflow.experiments.spec import grid

    frame, _ = load_frame(results, grid(experiment, regimes=[regime], scale=scale))
    return frame


def _trained(observation) -> Measure:
    def measure(results: Path) -> tuple[str, str]:
        from marginflow.claims.measures import full_rounds

        for scale in ("paper", "laptop"):  # the larger one counts, if there is one
            key = (results, observation.experiment, observation.regime, scale)
            frame = full_rounds(_records(*key))
            if not frame.empty:
                number, verdict = observation.verdict(frame)
                rounds = frame["round"].nunique()
                return f"{number:.3g} ({rounds} rounds, {scale} scale)", verdict
        return "no full round", "not recorded"

    return measure


def _experiment_claims() -> list[Claim]:
    from marginflow.claims.measures import OBSERVATIONS as TRAINED
    from marginflow.claims.perceptron import OBSERVATIONS as PERCEPTRON

    claims = [
        Claim(
            f"perceptron-{name}",
            "Section 4, page 10",
            o.says,
            o.measure,
            f"{o.holds} {o.tolerance:g}, on 95 % of 21 data sets",
            "experiment-1",
            _perceptron(name),
        )
        for name, o in PERCEPTRON.items()
    ]
    pages = {
        "mnist": ("page 10", "experiment-2"),
        "cifar10": ("page 11", "experiment-3"),
    }
    for o in TRAINED:
        where, page = pages[o.experiment]
        claims.append(
            Claim(
                o.name,
                f"Section 4, {where}, {o.regime}",
                o.says,
                o.measured,
                f"{o.holds} {o.tolerance:g}",
                page,
                _trained(o),
            )
        )
    return claims


_STATEMENTS = (
    _proof_claim("proposition-1", "page 5", "the loss admits a chain rule along arcs"),
    _proof_claim(
        "theorem-4",
        "page 7",
        "adapters that tend to 1 lead to KKT points, at both rates",
    ),
    _proof_claim("lemma-5", "page 7", "the gap 1 - β² obeys an equation of its own"),
    Claim(
        "lemma-5-flow",
        "page 7",
        "... and so its integrated form holds along the flow",
        "largest relative defect on four perceptron flows",
        "at most 1e-10",
        "lemma-5",
        _identity,
    ),
    _proof_claim("lemma-6", "page 8", "g and h stay non-negative"),
    _proof_claim("lemma-7", "page 8", "β moves monotonically towards 1, never across"),
    Claim(
        "lemma-7-flow",
        "page 8",
        "... as it does along the flow",
        "largest relative rise of |1 - β²| between recorded times, four flows",
        "at most 1e-12",
        "lemma-7",
        _monotone,
    ),
    _proof_claim("lemma-8", "page 8", "β tends to 1"),
    Claim(
        "lemma-8-flow",
        "page 8",
        "... as it does along the flow",
        "largest |1 - β²| at the last time at which g and h are integrated, four flows",
        "at most 1e-10",
        "lemma-8",
        _last_gap,
    ),
    _proof_claim("lemma-9", "page 9", "d log β/dt is integrable"),
    _proof_claim("theorem-2", "page 6", "it follows from Theorem 4 and the lemmas"),
    Claim(
        "theorem-2-loss",
        "page 6",
        "L(w(t)) = Θ(1/(t (log t)^(2-2/L)))",
        "slope of log(t L) against log log t, log t from 10^2 to 10^6, four perceptron "
        "flows (exponential, logistic; isotropic, skewed); L = 2",
        "-1 ± 0.02",
        "theorem-2",
        _loss_rate,
    ),
    Claim(
        "theorem-2-norm",
        "page 6",
        "‖w(t)‖ = Θ((log t)^(1/L))",
        "slope of log ‖w‖ against log log t, the same flows",
        "0.5 ± 0.01",
        "theorem-2",
        _norm_rate,
    ),
    Claim(
        "theorem-2-direction",
        "page 6",
        "w(t) converges in direction to a KKT point of the skewed problem",
        "distance to the exact KKT direction at log t = 10^6, over that at log t = "
        "10^2, the same flows",
        "at most 0.02",
        "theorem-2",
        _direction,
    ),
    Claim(
        "theorem-2-direction-rate",
        "not in the paper",
        "(this companion's) it falls like 1/log t, or with a single support vector "
        "like 1/sqrt(log t)",
        "slope of its logarithm against log log t, the same flows",
        "-1 or -1/2, each ± 0.02",
        "theorem-2",
        _direction_rate,
    ),
)


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """All claims: the statements in the order of the proof, then the experiments."""
    return (*_STATEMENTS, *_experiment_claims())


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
    known = {claim.name: claim for claim in claims()}
    for name in names or ():
        if name not in known:
            raise ValueError(
                f"claim {name!r} is unknown; choose from {', '.join(known)}"
            )
    findings = []
    for name in names or known:
        claim = known[name]
        found, verdict = claim.measure(Path(results).absolute())
        texts = {k: v for k, v in vars(claim).items() if k != "measure"}
        findings.append(Finding(**texts, found=found, verdict=verdict))
    return findings


def write_scoreboard(path: str | os.PathLike, findings: Sequence[Finding]) -> None:
    """Keep findings for the book, as JSON."""
    text = json.dumps([asdict(f) for f in findings], ensure_ascii=False, indent=1)
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_scoreboard(path: str | os.PathLike) -> list[Finding]:
    """What :func:`write_scoreboard` kept.

    Raises:
        ValueError: the file is missing or no such list.
    """
    try:
        return [Finding(**entry) for entry in json.loads(Path(path).read_text("utf-8"))]
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be read as a scoreboard ({error}); `marginflow claims "
            "--write` makes it anew"
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
        a, b = old[name], new[name]
        recorded = b.page.startswith("experiment")
        fields = ["where", "says", "measured", "tolerance", "page", "verdict"]
        for field in [*fields, *(["found"] if recorded else [])]:
            if getattr(a, field) != getattr(b, field):
                lines.append(
                    f"{name}: {field} is {getattr(a, field)!r} in the book and "
                    f"{getattr(b, field)!r} by the records"
                )
    return sorted(lines)


@dataclass(frozen=True)
class Scoreboard:
    """Findings as a table for a notebook; pages are linked from their names."""

    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{f.name:29} {f.verdict:27} {f.found}" for f in self.findings)

    def _repr_html_(self) -> str:
        head = "<tr><th>Claim</th><th>Measured</th><th>Found</th><th>Verdict</th></tr>"
        rows = "\n".join(self._row(finding) for finding in self.findings)
        return (
            f'<table class="dataframe scoreboard">\n<thead>{head}</thead>\n'
            f"<tbody>\n{rows}\n</tbody>\n</table>"
        )

    def _row(self, f: Finding) -> str:
        says, where, measured, tolerance, found, page, verdict = map(
            html.escape,
            (f.says, f.where, f.measured, f.tolerance, f.found, f.page, f.verdict),
        )
        strong = f"<strong>{verdict}</strong>" if f.verdict.startswith("not r") else ""
        return (
            f'<tr><td>{says} (<a href="{page}.html">{where}</a>)</td>'
            f"<td>{measured}: {tolerance}</td><td>{found}</td>"
            f"<td>{strong or verdict}</td></tr>"
        )


# ---- the command ---------------------------------------------------------------------


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the parser of ``claims``."""
    parser = commands.add_parser(
        "claims",
        help="every claim of the paper: measure, tolerance, verdict",
        description="Measure the paper's claims afresh: proofs step by step, flows, "
        "and recorded runs (about half a minute).",
        epilog="Exit status: 0; with --check, 1 if the book says otherwise than what "
        "is measured; 2 for an unknown name or a damaged record.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="CLAIM", help="default: all of them"
    )
    parser.add_argument("--results", metavar="DIR", help="folder of the records")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the claims' names")
    what.add_argument("--json", action="store_true", help="print JSON")
    what.add_argument(
        "--write", action="store_true", help="make the book's table, claims.json, anew"
    )
    what.add_argument(
        "--check", action="store_true", help="compare with the book's table"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from marginflow.experiments.commands import default_results

    results = Path(args.results or default_results())
    kept = results / "claims.json"
    try:
        if args.list:
            print("\n".join(claim.name for claim in claims()))
            return 0
        if args.write and args.names:
            raise ValueError("--write makes the whole table; name no claims with it")
        before = read_scoreboard(kept) if args.check else []
        findings = scoreboard(results, args.names)
        if args.write:
            write_scoreboard(kept, findings)
    except (ValueError, OSError) as error:
        print(f"marginflow claims: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([asdict(f) for f in findings], ensure_ascii=False, indent=1))
        return 0
    if args.check:
        chosen = {f.name for f in findings}
        wrong = differences([f for f in before if f.name in chosen], findings)
        print("\n".join(wrong) or f"{len(findings)} claims, as the book says")
        return 1 if wrong else 0
    for f in findings:
        print(f"{f.name:29} {f.verdict:27} {f.found}")
    counts = [(v, sum(f.verdict == v for f in findings)) for v in VERDICTS]
    print(", ".join(f"{n} {verdict}" for verdict, n in counts if n))
    return 0
