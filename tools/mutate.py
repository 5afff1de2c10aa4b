#!/usr/bin/env python3
"""Change the package in one place at a time, and see whether its tests notice.

    python tools/mutate.py [--count 150] [--only optim/] [--jobs 2] [--again]

A mutation swaps a comparison, an operation or "and" with "or", turns a condition round,
changes a number, or leaves a statement out.  Which ones are tried is drawn from the
text itself, from each file in proportion to what it holds, so that a later run tries
the same ones where nothing was edited.  Each is put into a copy of the package, and the
test files that belong to the changed module are run against the copy (`BELONGS`).

What became of each is kept in ``results/mutations.json``, survivors first; a run that
was cut short goes on from there.  A survivor that no test can kill, as it computes the
same, stands in ``tools/equivalent_mutations.json`` with the reason.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from marginflow.experiments.provenance import commit

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "marginflow"
RESULTS = ROOT / "results" / "mutations.json"
EQUIVALENT = ROOT / "tools" / "equivalent_mutations.json"

BELONGS = {
    # Tests below tests/ by the module they speak of; the longest prefix decides.
    "": [],
    "__main__.py": ["test_cli.py"],
    "book/": ["test_book_*.py"],
    "book/figures.py": ["test_book_curves.py", "test_perceptron.py"],
    "book/scoreboard.py": ["test_claims.py"],
    "checks.py": ["test_checks.py", "test_losses.py", "test_margins.py"],
    "claims/": ["test_claims.py", "test_perceptron.py"],
    "cli.py": ["test_cli.py", "test_sweep.py"],
    "data.py": ["test_data.py"],
    "experiments/": [
        "test_experiments.py",
        "test_how.py",
        "test_records.py",
        "test_sweep.py",
    ],
    "experiments/audit.py": ["test_audit.py"],
    "experiments/far.py": ["test_far.py"],
    "experiments/perceptron": ["test_perceptron*.py"],
    "experiments/provenance.py": ["test_provenance.py", "test_records.py"],
    "experiments/softmax.py": ["test_softmax.py"],
    "flat.py": ["test_experiments.py"],
    "flows/": ["test_flows*.py"],
    "flows/discrete.py": ["test_beyond_*.py", "test_flows.py"],
    "flows/far.py": ["test_far.py"],
    "flows/rows.py": ["test_far.py"],
    "homogeneity.py": ["test_homogeneity.py", "test_networks.py"],
    "kkt/": ["test_kkt*.py"],
    "losses.py": ["test_losses.py"],
    "margins.py": ["test_margins.py"],
    "networks.py": ["test_networks.py", "test_homogeneity.py"],
    "optim/": ["test_optim_p*.py", "test_optim_conformance.py"],
    "proofs/": ["test_proofs*.py"],
    "proofs/proposition_b.py": ["test_beyond_proposition_b.py", "test_proofs*.py"],
    "proofs/theorem_j.py": ["test_beyond_theorem_j.py", "test_proofs*.py"],
}

SWAPS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=",
    ast.NotEq: "==", ast.Is: "is not", ast.IsNot: "is", ast.In: "not in",
    ast.NotIn: "in", ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*",
    ast.FloorDiv: "/", ast.Mod: "//", ast.Pow: "*", ast.And: "or", ast.Or: "and",
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "amin": "amax",
         "amax": "amin", "exp": "expm1", "log1p": "log"}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """One place of the package, what stands there, and what is put there instead."""

    file: str
    line: int
    start: int
    end: int
    """Offsets in the file's text."""
    old: str
    new: str
    context: str
    """The line on which it begins."""

    @property
    def key(self) -> str:
        """Tells it from others, wherever its line has gone."""
        parts = (self.file, self.context, self.old, self.new)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def mutations_of(path: Path) -> Iterator[Mutation]:
    """All that can be tried in a file."""
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        # ast counts columns in bytes.
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.AST) -> tuple[int, int]:
        return (
            offset(node.lineno, node.col_offset),
            offset(node.end_lineno, node.end_col_offset),
        )

    def mutation(start: int, end: int, new: str) -> Mutation:
        line = text.count("\n", 0, start)
        return Mutation(
            path.relative_to(PACKAGE).as_posix(),
            line + 1,
            start,
            end,
            text[start:end],
            new,
            lines[line].strip(),
        )

    for node in _code(ast.parse(text)):
        for start, end, new in _changes(node, span, text):
            if text[start:end].strip() != new.strip():
                yield mutation(start, end, new)


def _code(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that compute something: no annotations, messages or lists of names."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for child in value if isinstance(value, list) else [value]:
                passed = isinstance(child, ast.Raise | ast.JoinedStr | ast.Import)
                # zip's strict= says what the code beside it makes sure of.
                passed |= isinstance(child, ast.keyword) and child.arg == "strict"
                # A proof's own wrong versions, made wrong otherwise, say nothing.
                passed |= name in ("args", "keywords") and _is_wrong_version(node)
                if isinstance(child, ast.AST) and not passed:
                    waiting.append(child)


def _is_wrong_version(node: ast.AST) -> bool:
    """Whether it is .where(…), .instead(…) or .without(…), which break a step."""
    function = getattr(node, "func", None)
    names = ("where", "instead", "without")
    return isinstance(function, ast.Attribute) and function.attr in names


def _changes(node: ast.AST, span, text: str) -> Iterator[tuple[int, int, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        between = span(node.left)[1], span(node.comparators[0])[0]
        yield _operator(text, *between, SWAPS[type(node.ops[0])])
    elif isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        between = span(node.left)[1], span(node.right)[0]
        yield _operator(text, *between, SWAPS[type(node.op)])
    elif isinstance(node, ast.BoolOp):
        between = span(node.values[0])[1], span(node.values[1])[0]
        yield _operator(text, *between, SWAPS[type(node.op)])
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        start, end = span(node.test)
        if text[start:end] == "TYPE_CHECKING":  # never run
            return
        yield start, end, f"not ({text[start:end]})"
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield *span(node), f"({node.value!r} + 1)"
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield *span(node), repr(not node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield *span(node), f"({text[slice(*span(node.operand))]})"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        start, end = span(node.func)
        name = text[start:end].rpartition(".")[2]
        if name in NAMES:
            yield end - len(name), end, NAMES[name]
    elif isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield *span(node), "pass"


def _operator(text: str, start: int, end: int, new: str) -> tuple[int, int, str]:
    """Where the operator stands between two operands; brackets stay."""
    gap = text[start:end]
    core = gap.strip().strip("()").strip()
    at = start + gap.index(core)
    return at, at + len(core), new


def drawn(count: int, only: str) -> list[Mutation]:
    """As many as asked for, from each file in proportion to what it holds."""
    by_file = {
        path: sorted(mutations_of(path), key=lambda m: m.key)
        for path in sorted(PACKAGE.rglob("*.py"))
        if tests_of(path.relative_to(PACKAGE).as_posix())
    }
    everything = sum(map(len, by_file.values()))
    chosen = []
    for path, found in by_file.items():
        if found and path.relative_to(PACKAGE).as_posix().startswith(only):
            chosen += found[: max(1, round(count * len(found) / everything))]
    return chosen


def tests_of(file: str) -> tuple[Path, ...]:
    """The test files that belong to a module."""
    prefix = max((p for p in BELONGS if file.startswith(p)), key=len)
    found = (p for glob in BELONGS[prefix] for p in (ROOT / "tests").glob(glob))
    return tuple(sorted(found))


def run_tests(
    tests: tuple[Path, ...], timeout: float, file: str = "", text: str = ""
) -> tuple[int | None, float]:
    """Exit status (None: too long) and seconds of tests, with ``text`` as ``file``."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        # A checkout like this one, for the package looks around for what lies there.
        copy = Path(folder, "src", "marginflow")
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for other in ROOT.iterdir():
            if other.name != "src":
                Path(folder, other.name).symlink_to(other)
        if file:
            (copy / file).write_text(text, "utf-8")
        options = [
            "-x",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
        ]
        marks = ["-m", "not notebook and not site"]
        began = time.monotonic()
        try:
            status = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *marks, *tests],
                cwd=ROOT,
                env={
                    **os.environ,
                    "PYTHONPATH": str(copy.parent),
                    "OMP_NUM_THREADS": "1",
                },
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = None
        return status, time.monotonic() - began


@cache
def patience(tests: tuple[Path, ...]) -> float:
    """Seconds after which tests that pass untouched are taken to hang."""
    status, seconds = run_tests(tests, 3600)
    if status != 0:
        names = " ".join(path.name for path in tests)
        sys.exit(f"{names} do not pass as they are (status {status})")
    return 5 * seconds + 60


def judge(mutation: Mutation) -> str:
    """ "killed" or "survived" """
    text = (PACKAGE / mutation.file).read_text("utf-8")
    mutated = text[: mutation.start] + mutation.new + text[mutation.end :]
    ast.parse(mutated)
    tests = tests_of(mutation.file)
    status, _ = run_tests(tests, patience(tests), mutation.file, mutated)
    if status in (-signal.SIGKILL, -signal.SIGTERM):
        sys.exit("the tests were killed from outside, which says nothing")
    return "survived" if status == 0 else "killed"


def main() -> int:
    """Try them, write the report, and say which survived without a reason."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=150, help="default: 150")
    parser.add_argument("--only", default="", metavar="PREFIX", help="such as optim/")
    parser.add_argument("--jobs", type=int, default=1, help="at once (default: 1)")
    parser.add_argument("--again", action="store_true", help="also those known killed")
    args = parser.parse_args()

    known = {}
    if RESULTS.exists():
        possible = {m.key for p in PACKAGE.rglob("*.py") for m in mutations_of(p)}
        kept = json.loads(RESULTS.read_text("utf-8"))["mutations"]
        known = {m["key"]: m for m in kept if m["key"] in possible}
    reasons = {m["key"]: m["why"] for m in json.loads(EQUIVALENT.read_text("utf-8"))}
    chosen = drawn(args.count, args.only)

    def one(mutation: Mutation) -> dict:
        entry = known.get(mutation.key)
        if args.again or entry is None or entry["verdict"] == "survived":
            verdict = judge(mutation)
            if verdict == "survived" and mutation.key in reasons:
                verdict = "equivalent"
            place = f"{mutation.file}:{mutation.line}"
            print(f"{verdict:10} {place}  {mutation.context}")
            print(f"{'':11}{mutation.old!r} -> {mutation.new!r}", flush=True)
            entry = {"key": mutation.key, "verdict": verdict}
        fields = asdict(mutation)
        del fields["start"], fields["end"]
        known[mutation.key] = entry | fields
        return known[mutation.key]

    with ThreadPoolExecutor(args.jobs) as pool:
        for _ in pool.map(one, chosen):
            _write(known, reasons)
    left = [m for m in known.values() if m["verdict"] == "survived"]
    print(f"{len(known)} mutations, {len(left)} survived without a reason")
    return 1 if left else 0


def _write(known: dict[str, dict], reasons: dict[str, str]) -> None:
    order = ("survived", "equivalent", "killed")
    entries = [
        m | ({"why": reasons[m["key"]]} if m["key"] in reasons else {})
        for m in list(known.values())
    ]
    entries.sort(key=lambda m: (order.index(m["verdict"]), m["file"], m["line"]))
    counts = {o: sum(m["verdict"] == o for m in entries) for o in order}
    RESULTS.parent.mkdir(exist_ok=True)
    draft = RESULTS.with_suffix(".tmp")
    told = {"commit": commit(), "counts": counts, "mutations": entries}
    draft.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    draft.replace(RESULTS)


if __name__ == "__main__":
    sys.exit(main())
