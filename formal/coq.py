#!/usr/bin/env python3
"""Compile the Coq sources, and try the mutated ones.

    python3 formal/coq.py build      install Coq where Debian's packages allow it,
                                     compile everything, print what each result rests on
    python3 formal/coq.py mutate     compile each mutation: every one must be refused

Exit status 2, with what to install, where there is no Coq. The standard library of
Python alone is needed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PACKAGES = ["coq", "libcoq-coquelicot"]
WHAT_TO_INSTALL = """\
The proofs need Coq (tested with 8.16.1) and its library Coquelicot (3.2.0):
  Debian, Ubuntu   sudo apt-get install coq libcoq-coquelicot
  anywhere         opam install coq.8.16.1 coq-coquelicot.3.2.0
                   (the second from opam's repository coq-released)
The book and its tests do not need them: they show what was recorded."""

# Results of the paper (and the companion's own), the file that proves each, and the
# statement of the book that it formalizes.
RESULTS = {
    "lemma_5": ("Lemma5", "lemma-5"),
    "lemma_6": ("Lemma6", "lemma-6"),
    "lemma_7_i": ("Lemma7", "lemma-7"),
    "lemma_7_ii": ("Lemma7", "lemma-7"),
    "lemma_7_cases": ("Lemma7", "lemma-7"),
    "lemma_8_gradients": ("Lemma8", "lemma-8"),
    "lemma_8_average": ("Lemma8", "lemma-8"),
    "lemma_8_log": ("Lemma8", "lemma-8"),
    "lemma_8_gronwall": ("Lemma8", "lemma-8"),
    "lemma_8": ("Lemma8", "lemma-8"),
    "lemma_8_sharp": ("Lemma8", "lemma-8"),
    "lemma_9": ("Lemma9", "lemma-9"),
    "KKT_equivalent": ("KKT", "theorem-2"),
    "KKT_isotropic": ("KKT", "theorem-2"),
    "log_growth": ("Comparison", "theorem-4"),
    "euler": ("Euler", "theorem-4"),
    "margin_monotone": ("SmoothedMargin", "theorem-4"),
    "closed_graph_lipschitz": ("ClosedGraph", "theorem-4"),
    "sum_rule_lipschitz": ("SumRule", "theorem-4"),
    "theorem_4_rates": ("Theorem4", "theorem-4"),
    "theorem_4_rates_smooth": ("Theorem4", "theorem-4"),
    "theorem_4_limit_directions": ("Theorem4", "theorem-4"),
    "normalized_margin_converges": ("TightTimes", "theorem-4"),
    "theorem_4_direction": ("Theorem4", "theorem-4"),
    "theorem_4": ("Theorem4", "theorem-4"),
    "theorem_4_linear": ("Linear", "theorem-4"),
    "one_point_inequality": ("OnePoint", "theorem-4"),
    "theorem_4_refuted": ("Turning", "theorem-4"),
    "theorem_2_refuted": ("TurningAdaDelta", "theorem-2"),
    "theorem_2_rates": ("Theorem2", "theorem-2"),
    "theorem_2_limit_directions": ("Theorem2", "theorem-2"),
    "theorem_2": ("Theorem2", "theorem-2"),
    "theorem_2_smooth": ("Theorem2", "theorem-2"),
    "theorem_2_linear": ("Theorem2", "theorem-2"),
    "softmax_is_pair_loss": ("ManyClasses", "theorem-2"),
    "many_classes_rates": ("ManyClasses", "theorem-2"),
    "many_classes_limit_directions": ("ManyClasses", "theorem-2"),
    "theorem_2_many_classes": ("ManyClasses", "theorem-2"),
    "theorem_2_softmax_smooth": ("ManyClasses", "theorem-2"),
    "theorem_2_separable": ("LinearFlow", "theorem-2"),
    "theorem_2_linear_many_classes": ("LinearFlow", "theorem-2"),
    "theorem_2_cross_entropy": ("LinearFlow", "theorem-2"),
    "theorem_2_isotropic": ("Theorem2", "theorem-2"),
    "learning_theorem_2": ("Example", "theorem-2"),
    "learning_theorem_2_smooth": ("Premises", "theorem-2"),
    "learning_many_classes": ("Premises", "theorem-2"),
    "softmax_learning_theorem_2": ("SoftmaxExample", "theorem-2"),
    "softmax_learning_many_classes": ("SoftmaxExample", "theorem-2"),
    "corollary_A": ("CorollaryA", "corollary-A"),
    "lemma_5_integrated": ("CorollaryA", "lemma-5"),
    "arc_monotone": ("Arcs", "arcs"),
    "theorem_F": ("TheoremF", "theorem-F"),
    "theorem_F_separable": ("TheoremF", "theorem-F"),
    "theorem_F_many_classes": ("TheoremF", "theorem-F"),
    "preconditioned_direction": ("DiscreteDirection", "theorem-F"),
    "preconditioned_rate": ("DiscreteDirection", "theorem-F"),
    "factor_limit": ("DiscreteFactor", "theorem-F"),
    "factor_converges": ("DiscreteFactor", "theorem-F"),
    "hard_margin_exists": ("HardMargin", "theorem-F"),
    "total_loss_is_margin_loss": ("LinearLosses", "theorem-F"),
    "cross_entropy_is_margin_loss": ("LinearLosses", "theorem-F"),
    "softmax_is_cross_entropy": ("LinearLosses", "theorem-F"),
    "adadelta_direction": ("DiscreteAdaDelta", "theorem-F"),
    "adadelta_implicit_bias": ("DiscreteAdaDelta", "theorem-F"),
    "any_schedule": ("DiscreteAdaDelta", "theorem-F"),
    "step_size_descent": ("DiscreteDescent", "theorem-F"),
    "step_size_variation": ("DiscreteDescent", "theorem-F"),
    "step_size_rate": ("DiscreteDescent", "theorem-F"),
    "adadelta_separable": ("TheoremF", "theorem-F"),
    "adadelta_rate": ("TheoremF", "theorem-F"),
    "procedure_1_runs": ("TheoremF", "theorem-F"),
    "adadelta_starts": ("TheoremF", "theorem-F"),
    "one_unit_direction": ("OneUnitDirection", "theorem-H"),
    "one_unit_balance": ("OneUnitDirection", "theorem-H"),
    "unit_KKT": ("OneUnitNetwork", "theorem-H"),
    "preconditioned_unit": ("TheoremH", "theorem-H"),
    "theorem_H1": ("TheoremH", "theorem-H"),
    "theorem_H1_any_schedule": ("TheoremH", "theorem-H"),
    "theorem_H2": ("TheoremH2", "theorem-H"),
    "one_unit_learns": ("OneUnitExample", "theorem-H"),
    "homogeneous_margins": ("HomogeneousMargins", "theorem-J"),
    "segment_descends": ("HomogeneousStep", "theorem-J"),
    "step_bounds": ("HomogeneousStep", "theorem-J"),
    "theorem_J3": ("TheoremJ3", "theorem-J"),
    "theorem_J1_margin": ("TheoremJ1", "theorem-J"),
    "theorem_J1_alignment": ("TheoremJ1", "theorem-J"),
    "theorem_J1_KKT": ("TheoremJ1", "theorem-J"),
    "theorem_J1_rate": ("TheoremJ1", "theorem-J"),
    "theorem_J2": ("TheoremJ2", "theorem-J"),
    "theorem_J2_any_schedule": ("TheoremJ2", "theorem-J"),
    "theorem_J_from_the_start": ("TheoremJ2", "theorem-J"),
    "theorem_H2_procedure_1": ("TheoremJ4", "theorem-J"),
    "smooth_network_starts": ("SmoothExample", "theorem-J"),
}

# The axioms of Coq's real numbers, and no other, may carry a result.
CLASSICAL_REALS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}


class Failure(NamedTuple):
    """Where Coq stopped: file name, enclosing result, and Coq's own message."""

    file: str
    result: str
    message: str


def sources() -> list[str]:
    """The .v files in the order of _CoqProject, each after those it needs."""
    lines = (HERE / "_CoqProject").read_text().splitlines()
    return [line.strip() for line in lines if line.strip().endswith(".v")]


def imports(text: str) -> set[str]:
    """The project's files that a source names in its imports."""
    found = re.findall(r"From MarginFlow Require (?:Export|Import) ([^.]*)\.", text)
    return {f"{name}.v" for group in found for name in group.split()}


def coqc(file: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run coqc on one file of the library that lies in `root`."""
    command = ["coqc", "-q", "-w", "-ambiguous-paths", "-Q", str(root), "MarginFlow"]
    return subprocess.run(
        [*command, str(file)], capture_output=True, text=True, cwd=root, check=False
    )


def versions() -> tuple[str, str] | None:
    """Versions of Coq and Coquelicot, None where either is missing."""
    if shutil.which("coqc") is None:
        return None
    probe = "From Coq Require Import Reals. From Coquelicot Require Import Coquelicot."
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Probe.v"
        file.write_text(probe)
        if coqc(file, Path(folder)).returncode != 0:
            return None
    told = subprocess.run(["coqc", "--version"], capture_output=True, text=True)
    coq = re.search(r"version ([\w.+]+)", told.stdout)
    coquelicot = "unknown"
    if shutil.which("dpkg-query"):
        query = ["dpkg-query", "-W", "-f", "${Version}", "libcoq-coquelicot"]
        asked = subprocess.run(query, capture_output=True, text=True)
        coquelicot = asked.stdout.split("-")[0] or coquelicot
    return (coq.group(1) if coq else "unknown"), coquelicot


def install() -> bool:
    """Install Coq from the distribution's packages where we may; True on success."""
    if shutil.which("apt-get") is None:
        return False
    root: list[str] = []
    if os.geteuid() != 0:
        may = shutil.which("sudo") is not None
        if (
            not may
            or subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
        ):
            return False
        root = ["sudo", "-n"]
    print("installing", *PACKAGES, "from the distribution's packages", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = [*root, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    order = [*apt, "install", "-y", "--no-install-recommends", *PACKAGES]
    if subprocess.run(order, env=environment, stdout=subprocess.DEVNULL).returncode:
        subprocess.run([*apt, "update"], env=environment)
        subprocess.run(order, env=environment, stdout=subprocess.DEVNULL)
    return versions() is not None


def enclosing_result(text: str, line: int) -> str:
    """The result in whose proof a line lies; empty where it lies in no proof."""
    statement = re.compile(r"\s*(?:Theorem|Lemma|Fact|Class|Definition)\s+([\w']+)")
    name = stated = ""
    for each in text.splitlines()[:line]:
        if found := statement.match(each):
            name, stated = "", found.group(1)
        if re.search(r"\bProof\b", each):
            name = stated
    return name


def compile_file(root: Path, name: str) -> Failure | None:
    """Compile one file of `root`; where it fails."""
    run = coqc(root / name, root)
    if run.returncode == 0:
        return None
    at = re.search(r'File "[^"]*", line (\d+)', run.stderr)
    line = int(at.group(1)) if at else 0
    result = enclosing_result((root / name).read_text(), line)
    return Failure(name, result, run.stderr.strip())


def compile_files(root: Path, files: list[str], at_once: int = 2) -> Failure | None:
    """Compile files of `root`, each after those it needs; the first failure."""
    waiting = {name: imports((root / name).read_text()) & {*files} for name in files}
    running: dict[Future[Failure | None], str] = {}
    with ThreadPoolExecutor(at_once) as pool:
        while waiting or running:
            ready = [name for name, needed in waiting.items() if not needed]
            for name in ready[: at_once - len(running)]:
                del waiting[name]
                running[pool.submit(compile_file, root, name)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for each in finished:
                name = running.pop(each)
                if (failure := each.result()) is not None:
                    return failure
                for needed in waiting.values():
                    needed.discard(name)
    return None


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time compile in this folder."""
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unproven(text: str) -> list[str]:
    """The words of a source by which Coq takes something for granted."""
    while (
        plain := re.sub(r"\(\*(?:(?!\(\*|\*\)).)*\*\)", "", text, flags=re.S)
    ) != text:
        text = plain
    words = "Admitted|admit|give_up|Axioms?|Parameters?|Conjecture|Abort|bypass_check"
    return re.findall(rf"(?<![\w'])(?:{words})(?![\w'])", text)


def stale(root: Path) -> list[str]:
    """The sources whose compiled form is missing or older than what they rest on."""
    old: list[str] = []
    for name in sources():
        compiled = (root / name).with_suffix(".vo")
        needed = imports((root / name).read_text())
        times = [(root / name).stat().st_mtime]
        times += [
            (root / n).with_suffix(".vo").stat().st_mtime for n in needed - {*old}
        ]
        fresh = compiled.exists() and compiled.stat().st_mtime >= max(times)
        if needed & {*old} or not fresh:
            old.append(name)
    return old


def home(name: str) -> str:
    """The file, without its suffix, that proves a result or a refutation."""
    for file in sources():
        if re.search(rf"^Theorem {name}\b", (HERE / file).read_text(), re.MULTILINE):
            return file.removesuffix(".v")
    raise ValueError(f"no source states a theorem {name!r}")


def assumptions(names: list[str], root: Path) -> set[str]:
    """The axioms under these results together, by Coq's own `Print Assumptions`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Assumed.v"
        # one tuple of all: Coq then walks through what they share once
        together = ", ".join(f"@{name}" for name in names)
        file.write_text(
            f"From MarginFlow Require Import {' '.join(sorted({*map(home, names)}))}.\n"
            f"Definition together := ({together}).\nPrint Assumptions together.\n"
        )
        run = coqc(file, root)
    if run.returncode:
        raise RuntimeError(f"Print Assumptions: {run.stderr}")
    told = re.findall(r"^([\w.']+)(?= :|$)", run.stdout, re.MULTILINE)
    return {*told} - {"Axioms", "Closed", "together"}


def recheck(root: Path) -> str:
    """Have Coq's separate checker go over the compiled files; what it objects to."""
    command = ["coqchk", "-silent", "-Q", str(root), "MarginFlow"]
    for name in sources():
        command += ["-norec", f"MarginFlow.{Path(name).stem}"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=root)
    if run.returncode == 0:
        return ""
    return f"coqchk ended with {run.returncode}: {run.stderr.strip()}"


def build() -> int:
    """Compile what is stale, have coqchk check it again, say what results rest on."""
    for name in sources():
        if words := unproven((HERE / name).read_text()):
            print(f"{name} takes something for granted: {words}", file=sys.stderr)
            return 1
    with alone():
        failure = compile_files(HERE, stale(HERE))
        complaint = failure.message if failure else recheck(HERE)
    if complaint:
        print(complaint, file=sys.stderr)
        return 1
    refuted = sorted(
        {each["refuted_by"] for each in mutations() if "refuted_by" in each}
    )
    names = [*RESULTS, *refuted]
    found = assumptions(names, HERE)
    for name, (file, label) in RESULTS.items():
        print(f"  {name:26} {file + '.v':18} {label}")
    print("proven, and these changed statements refuted:", ", ".join(refuted))
    print("They rest on:", ", ".join(sorted(found)))
    if found <= CLASSICAL_REALS:
        return 0
    for name in names:
        for axiom in sorted(assumptions([name], HERE) - CLASSICAL_REALS):
            print(f"{name} rests on {axiom}, no axiom of the reals", file=sys.stderr)
    return 1


def mutations() -> list[dict[str, str]]:
    """Wrong variants: where, what is replaced by what, and what it must break."""
    return json.loads((HERE / "mutations.json").read_text())


def try_mutation(mutation: dict[str, str]) -> Failure | None:
    """Compile a copy of the sources with one change, up to the file it must break."""
    file = mutation["file"]
    text = (HERE / file).read_text()
    if text.count(mutation["find"]) != 1:
        raise ValueError(
            f"mutation {mutation['name']!r}: {mutation['find']!r} must occur once in "
            f"{file}, occurs {text.count(mutation['find'])} times"
        )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in sources():
            for suffix in (".v", ".vo"):
                shutil.copy2((HERE / name).with_suffix(suffix), root)
        (root / file).write_text(text.replace(mutation["find"], mutation["replace"]))
        order, changed = [], set()
        for name in sources():
            if name == file or imports((root / name).read_text()) & changed:
                changed.add(name)
                order.append(name)
            if name == mutation["breaks_file"]:
                break
        return compile_files(root, order, at_once=1)


def mutate() -> int:
    """Try every mutation; 0 when each is refused where it should be."""
    wrong = 0
    for mutation in mutations():
        failure = try_mutation(mutation)
        expected = (mutation["breaks_file"], mutation["breaks"])
        refused = failure is not None and failure[:2] == expected
        where = f"{failure.file}: {failure.result}" if failure else "compiled"
        print(f"  {mutation['name']:28} {'refused' if refused else 'WRONG':8} {where}")
        wrong += not refused
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["build", "mutate"])
    what = parser.parse_args(arguments).what
    if versions() is None and not install():
        print(WHAT_TO_INSTALL, file=sys.stderr)
        return 2
    status = build()
    return mutate() if what == "mutate" and status == 0 else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
