# PYTHON_ARGCOMPLETE_OK
"""The command line: `marginflow COMMAND …`, thin over the package.

Each command is one function that adds its parser and one that runs it.  Commands import
what they need when they run, so that `marginflow --help` is immediate, and what can be
refused without torch is refused before torch is imported.

Exit status: 0, 1 where something does not hold, 2 for bad input or a run that could not
be done (with the reason on stderr, and nothing lost), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from marginflow import __version__
from marginflow.experiments import spec as specs

if TYPE_CHECKING:
    from marginflow.proofs import Report, Statement

__all__ = ["build_parser", "default_results", "main"]

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
NAMES = ("perceptron", *specs.EXPERIMENTS)
SHOWN = 5
"""How many damaged records are told one by one."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see each command's --help)."""
    _open_standard_streams()
    parser = build_parser()
    _offer_completion(parser)
    try:
        args = parser.parse_args(_gathered(sys.argv[1:] if argv is None else argv))
    except SystemExit as told:  # what --help prints can fail to come out, too
        sys.exit(_flushed(told.code))
    try:
        status = args.run(args)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ValueError, OSError, ImportError) as error:
        print(f"marginflow {args.command}: {error}", file=sys.stderr)
        status = USAGE
    return _flushed(status)


def _open_standard_streams() -> None:
    """Give closed ones (`>&-`) a place, so that no file of ours takes their number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ε shows ?


def _flushed(status: Any) -> Any:
    """The status, once what was printed is out; 2 where it could not be."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for Python's own last flush
        print(f"marginflow: the output cannot be written ({error})", file=sys.stderr)
        return USAGE
    return status


def _offer_completion(parser: argparse.ArgumentParser) -> None:
    """For `eval "$(register-python-argcomplete marginflow)"`."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)


def _gathered(argv: Sequence[str]) -> list[str]:
    """The arguments with the words after --algorithms as one, up to an experiment."""
    words: list[str] = []
    for word in argv:
        open_list = words and re.fullmatch(r"--algorithms(=.*)?", words[-1])
        if open_list and not word.startswith("-") and word not in NAMES:
            words[-1] += ("," if "=" in words[-1] else "=") + word
        else:
            words.append(word)
    return words


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="marginflow",
        description="Companion to “Implicit Regularization of AdaDelta”.",
    )
    version = f"marginflow {__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, dest="command"
    )
    for add in (_add_prove, _add_run, _add_status, _add_data, _add_claims):
        add(commands)
    return parser


def default_results() -> Path:
    """The results folder: MARGINFLOW_RESULTS, or the source tree's, or ./results."""
    named = os.environ.get("MARGINFLOW_RESULTS")
    if named:
        return Path(named)
    beside_source = Path(__file__).parents[2] / "results"
    return beside_source if beside_source.is_dir() else Path("results")


def _results(args: argparse.Namespace) -> Path:
    return Path(args.results or default_results())


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results", metavar="DIR", help="folder of the records (default: results)"
    )


# ---- prove ---------------------------------------------------------------------------


def _add_prove(commands: Any) -> None:
    parser = commands.add_parser(
        "prove",
        help="check the proofs of Sections 2 and 3, step by step",
        description="Settle every step of the proofs: identities by SymPy, "
        "inequalities by z3, numbers on a small flow; what is argued on paper or cited "
        "is said to be so.",
        epilog="Exit status: 0 if every step stands (with --break: if every broken "
        "step is refuted), 1 if one does not or is undecided, 2 for an unknown name.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="statements, such as lemma-7; all of them if none is named",
    )
    parser.add_argument(
        "--break",
        dest="mutation",
        metavar="MUTATION",
        help="break the steps that have this mutation (“all”: every step in every "
        "way), and show the counterexamples",
    )
    parser.add_argument(
        "--steps", action="store_true", help="show each step even for many statements"
    )
    parser.add_argument(
        "--list", action="store_true", help="list statements and their mutations"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_prove)


def _prove(args: argparse.Namespace) -> int:
    from marginflow import proofs
    from marginflow.proofs import report as show

    chosen = [proofs.statement(name) for name in args.names]
    chosen = chosen or list(proofs.STATEMENTS)
    if args.list:
        print("\n".join(f"{s.name}: {', '.join(s.mutations)}" for s in chosen))
        return OK
    if args.mutation is not None:
        results = _broken(chosen, args.mutation, named=bool(args.names))
    else:
        results = [list(statement.prove()) for statement in chosen]
    if args.json:
        print(json.dumps(show.as_json(results), ensure_ascii=False, indent=1))
    elif args.mutation is not None:
        print("\n\n".join(show.broken_text(reports) for reports in results))
    elif args.steps or len(results) == 1:
        print("\n\n".join(show.steps_text(reports) for reports in results))
    else:
        print(show.summary_text(results))
    expected = (
        {proofs.Outcome.REFUTED}
        if args.mutation is not None
        else {outcome for outcome in proofs.Outcome if outcome.stands}
    )
    outcomes = {each.verdict.outcome for reports in results for each in reports}
    return OK if outcomes <= expected else FAILED


def _broken(chosen: list[Statement], mutation: str, named: bool) -> list[list[Report]]:
    """Reports of the broken steps; statements without the mutation are left out.

    A statement that was named has to have it, and some statement must.
    """
    results = []
    for statement in chosen:
        names = statement.mutations if mutation == "all" else (mutation,)
        if named or mutation in (*statement.mutations, "all"):
            reports = [report for name in names for report in statement.broken(name)]
            results += [reports] if reports else []
    if not results:
        offer = sorted({name for statement in chosen for name in statement.mutations})
        raise ValueError(
            f"no statement has a mutation {mutation!r}; there are {', '.join(offer)}"
            if offer
            else "nothing is machine-checked here, so that nothing can be broken"
        )
    return results


# ---- run -----------------------------------------------------------------------------

Option = tuple[str, dict[str, Any]]


def _option(flag: str, text: str, **how: Any) -> Option:
    # Only what is given stands among the arguments; all else has the package's default.
    return flag, {"help": text, "default": argparse.SUPPRESS, **how}


GRID = (
    _option("--scale", "default: laptop", choices=specs.SCALES),
    _option(
        "--regime",
        "batch size and learning rates (default: both)",
        choices=(*specs.REGIMES, "both"),
    ),
    _option("--rounds", 'such as "3" or "0-4,7" (default: 0-18, the paper\'s)'),
    _option(
        "--algorithms",
        f"of {', '.join(specs.ALGORITHMS)} (default: all)",
        metavar="NAMES",
    ),
    _option(
        "--reading",
        "where text and released code differ (default: paper)",
        choices=specs.READINGS,
    ),
    _option("--dtype", "of w (default: float32)", choices=specs.DTYPES),
)
FLAG = {"action": "store_true"}
HOW = (
    _option("--data", "the data sets (or MARGINFLOW_DATA)", metavar="DIR"),
    _option("--device", "a torch device (default: an accelerator, or else the CPU)"),
    _option(
        "--precision",
        "of products in training (default: float32); measuring is exact",
        choices=specs.PRECISIONS,
    ),
    _option("--deterministic", "on CUDA: the same bits each time, slower", **FLAG),
    _option(
        "--compile",
        "make the optimizer's step, and on a GPU the network, by torch.compile: "
        "faster, but rounded in another way",
        dest="compiled",
        **FLAG,
    ),
    _option(
        "--lanes",
        "train N runs at once, as one program (for GPUs; 5: the algorithms of a round, "
        "95: of 19 rounds; default: 1)",
        type=int,
        metavar="N",
    ),
    _option(
        "--workers",
        "processes, one thread each (default: the CPUs; on a GPU 1)",
        type=int,
        metavar="N",
    ),
    _option("--scheduler", "run on this Dask scheduler", metavar="ADDRESS"),
    _option("--dask", "run on N local Dask workers", type=int, metavar="N"),
    _option(
        "--checkpoint-seconds",
        "least time between checkpoints of a run (default: 30; on a GPU 300)",
        type=float,
        metavar="S",
    ),
    _option("--stop-after", "train no run further", type=int, metavar="EPOCH"),
    _option("--for", "such as 28m or 2h: then save, end with 0", metavar="TIME"),
)
ONE = (
    _option("--data-sets", 'such as "0-4,7" (default: 0-20)', metavar="SETS"),
    _option(
        "--reduction",
        "the loss summed over the examples, as in the paper's text, or averaged, as in "
        "the released code (default: both)",
        choices=("sum", "mean", "both"),
    ),
)


def _add_options(parser: argparse.ArgumentParser, title: str, *options: Option) -> None:
    group = parser.add_argument_group(title)
    for flag, how in options:
        group.add_argument(flag, **how)


def _given(args: argparse.Namespace, options: Sequence[Option]) -> dict[str, Any]:
    """Those of the options that were given, by their names in the program."""
    names = (how.get("dest", flag[2:].replace("-", "_")) for flag, how in options)
    return {name: vars(args)[name] for name in names if name in vars(args)}


def _add_run(commands: Any) -> None:
    parser = commands.add_parser(
        "run",
        help="train and record runs of Experiments 1, 2 and 3",
        description="Train the runs that have no record yet, several at once, and "
        "record each. Whatever ends the command, nothing recorded is lost: give it "
        "again, and it goes on from the last checkpoints. SIGTERM lets it finish the "
        "epoch and save.",
        epilog="Exit status: 0 if every run is recorded, stopped where it should, or "
        "in another process's hands; 2 if one could not be done.",
    )
    parser.add_argument("experiment", choices=NAMES)
    _add_options(parser, "which runs of Experiments 2 and 3", *GRID)
    _add_options(parser, "how to run them", *HOW)
    _add_options(parser, "which data sets of Experiment 1", *ONE)
    _add_results(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    one = args.experiment == "perceptron"
    for option in (*GRID, *HOW) if one else ONE:
        if _given(args, [option]):
            raise ValueError(
                f"{option[0]} is no option of `marginflow run {args.experiment}`"
            )
    results = _results(args)
    if one:
        chosen = _perceptron_specs(**_given(args, ONE))
        _check_writable(results)
        return _run_perceptron(chosen, results, args.quiet)
    how = _given(args, HOW)
    own = {name: how[name] for name in specs.HOW if name in how}
    runs = _specs(args, args.experiment, **own)
    limits = _limits(how)
    _check_writable(results)
    return _run_networks(runs, results, how, limits, args.quiet)


def _specs(args: argparse.Namespace, experiment: str, **how) -> list[specs.RunSpec]:
    given = _given(args, GRID)
    if "rounds" in given:
        given["rounds"] = specs.parse_rounds(given["rounds"])
    if "algorithms" in given:
        text = given["algorithms"]
        given["algorithms"] = re.findall(r"[^,]+", text) or [text]
    if (regime := given.pop("regime", "both")) != "both":
        given["regimes"] = [regime]
    return specs.grid(experiment, **given, **how)


def _perceptron_specs(
    data_sets: str = f"0-{specs.PERCEPTRON_DATA_SETS - 1}", reduction: str = "both"
) -> list[specs.PerceptronSpec]:
    return [
        specs.PerceptronSpec(data_seed=seed, reduction=one)
        for one in (("sum", "mean") if reduction == "both" else (reduction,))
        for seed in specs.parse_rounds(data_sets)
    ]


def _limits(how: dict[str, Any]):
    from marginflow import checks
    from marginflow.experiments.runner import Limits

    own = ("checkpoint_seconds", "stop_after")
    limits: dict[str, Any] = {name: how[name] for name in own if name in how}
    if "checkpoint_seconds" in how:
        checks.non_negative("checkpoint-seconds", how["checkpoint_seconds"])
    for name in ("stop_after", "lanes", "workers", "dask"):
        if name in how:
            checks.positive_integer(name.replace("_", "-"), how[name])
    if "for" in how:
        limits["deadline"] = time.time() + _seconds(how["for"])
    return Limits(**limits)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise ValueError(f'for is {text!r}; write a time such as "90s", "28m" or "2h"')
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _check_writable(results: Path) -> None:
    """Fail now rather than after hours of training; makes no folder."""
    ancestors = (results, *results.parents)
    there = next(folder for folder in ancestors if os.path.lexists(folder))
    probe = there / f".{uuid.uuid4().hex}.tmp"
    try:
        with probe.open("xb") as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        raise ValueError(
            f"results is {str(results)!r}, where nothing can be written "
            f"({error.strerror or error}); name another folder by --results"
        ) from error
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _run_perceptron(
    chosen: list[specs.PerceptronSpec], results: Path, quiet: bool
) -> int:
    from tqdm import tqdm

    from marginflow.experiments.perceptron import record_perceptron

    for spec in tqdm(chosen, unit="data set", disable=quiet):
        record_perceptron(results, spec)
    print(f"{len(chosen)} runs are recorded in {results}/perceptron")
    return OK


def _run_networks(
    runs: list[specs.RunSpec], results: Path, how: dict[str, Any], limits, quiet: bool
) -> int:
    from marginflow.data import data_root
    from marginflow.experiments import sweep
    from marginflow.experiments.progress import Progress

    workplace, workers = _workplace(how, runs[0])
    show = Progress(runs, results, workers, quiet=quiet)
    with _stop_at_sigterm(), _own_compiler_cache(), show:
        outcomes = sweep.run_sweep(
            runs,
            results,
            data_root(how.get("data")),
            workplace=workplace,
            limits=limits,
            lanes=how.get("lanes", 1),
            report=show.report,
            tick=show.tick,
        )
    counts = Counter(outcome.status for outcome in outcomes)
    print(", ".join(f"{n} {status}" for status, n in counts.items()))
    idle = [outcome.message for outcome in outcomes if outcome.status == "stopped"]
    if idle and all(idle):
        print(f"--stop-after {limits.stop_after}: every run {idle[0]}")
    elif counts["stopped"] + counts["not begun"]:
        print("saved; the same command, given again, goes on from there")
    reasons = {o.message for o in outcomes if o.status == "failed"}
    for reason in sorted(reasons):
        print(f"marginflow run: {reason}", file=sys.stderr)
    return USAGE if reasons else OK


def _workplace(how: dict[str, Any], spec: specs.RunSpec):
    """Where to run, and how many workers that is (1 where it cannot be known)."""
    from marginflow.experiments import workplaces

    given = [name for name in ("workers", "scheduler", "dask") if name in how]
    if len(given) > 1:
        raise ValueError(f"--{given[0]} and --{given[1]} exclude each other")
    if "scheduler" in how:
        return workplaces.dask_scheduler(how["scheduler"]), 1
    if "dask" in how:
        return workplaces.dask_cluster(how["dask"]), how["dask"]
    from marginflow.experiments.devices import check_memory, resolve_device

    device = resolve_device(spec.device)
    workers = how.get("workers", _cpus() if device.type == "cpu" else 1)
    workplace = workplaces.process_pool(workers)
    check_memory(spec, device, how.get("lanes", 1), workers)
    return workplace, workers


def _cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _own_compiler_cache() -> Iterator[None]:
    """Compiled code of this command's own, for all its processes.

    torch takes what it finds in its usual folder to be whole: a library cut short by a
    power cut or a kill would end every later run that loads it with a bus error.
    """
    name = "TORCHINDUCTOR_CACHE_DIR"
    if name in os.environ:  # the user's choice
        yield
        return
    with TemporaryDirectory(prefix="marginflow-", ignore_cleanup_errors=True) as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            del os.environ[name]


@contextmanager
def _stop_at_sigterm() -> Iterator[None]:
    """Let runs finish their epoch and save when the command is asked to end."""
    from marginflow.experiments.runner import STOP

    STOP.clear()
    try:
        before: Any = signal.signal(signal.SIGTERM, lambda *_: STOP.set())
    except ValueError:  # not in the main thread, which has no say in signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# ---- status and data -----------------------------------------------------------------


def _add_status(commands: Any) -> None:
    parser = commands.add_parser(
        "status",
        help="show which runs are recorded, under way or missing, and what is left",
        description="Show what is recorded, under way, missing or damaged, and how "
        "long the missing runs would take, judging by the recorded ones.",
        epilog="Exit status: 0, or 2 if a record is damaged.",
    )
    _add_names(parser, NAMES)
    _add_options(parser, "which runs of Experiments 2 and 3", *GRID)
    _add_results(parser)
    parser.set_defaults(run=_status)


def _add_names(parser: argparse.ArgumentParser, known: Sequence[str]) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(known)}; all of them if none is named",
    )


def _known(names: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    from marginflow.checks import one_of

    return [one_of("name", name, known) for name in names] or known


def _status(args: argparse.Namespace) -> int:
    results = _results(args)
    runs: list[Any] = []
    for name in _known(args.names, NAMES):
        runs += _perceptron_specs() if name == "perceptron" else _specs(args, name)
    from marginflow.experiments.status import MARKS, standing, summary

    found = {spec: standing(spec, results) for spec in runs}
    for folder, mine in _by(lambda spec: spec.name.rpartition("/")[0], runs).items():
        print(f"{folder}: {summary({spec: found[spec] for spec in mine}, results)}")
        rows = _by(lambda spec: getattr(spec, "algorithm", "data sets"), mine)
        for name, row in rows.items():
            print(f"  {name:11}{''.join(MARKS[found[spec].state] for spec in row)}")
    print("  " + "   ".join(f"{mark} {state}" for state, mark in MARKS.items()))
    damaged = [each.reason for each in found.values() if each.reason]
    if len(damaged) > SHOWN:
        damaged[SHOWN:] = [f"... and {len(damaged) - SHOWN} more like these"]
    for message in damaged:
        print(f"marginflow status: {message}", file=sys.stderr)
    return USAGE if damaged else OK


def _by(key: Callable[[Any], str], runs: Sequence[Any]) -> dict[str, list[Any]]:
    """The runs in groups, in the order of each one's first."""
    groups: dict[str, list[Any]] = {}
    for spec in runs:
        groups.setdefault(key(spec), []).append(spec)
    return groups


def _add_data(commands: Any) -> None:
    parser = commands.add_parser(
        "data",
        help="check the data sets, or fetch them",
        description="Check every file of a data set against its md5; with --download, "
        "fetch what is missing first.",
        epilog="Exit status: 0 if every file is right, 2 if not.",
    )
    _add_names(parser, specs.EXPERIMENTS)
    parser.add_argument(
        "--data", metavar="DIR", help="folder of the data sets (or MARGINFLOW_DATA)"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch the official files"
    )
    parser.set_defaults(run=_data)


def _data(args: argparse.Namespace) -> int:
    names = _known(args.names, specs.EXPERIMENTS)
    from marginflow.data import check_files, data_root, download

    status = OK
    root = data_root(args.data)
    for name in names:
        if args.download:
            download(name, root)
        files = check_files(name, root)
        bad = [f"  {path} {problem}" for path, problem in files.items() if problem]
        if not bad:
            print(f"{name}: {len(files)} files in {root}, all md5 right")
            continue
        status = USAGE
        print(
            f"{name}: {len(bad)} of {len(files)} files cannot be used:", *bad, sep="\n"
        )
        print(
            f"  `marginflow data {name} --download` fetches what is missing; "
            "delete what is corrupt first"
        )
    return status


# ---- claims --------------------------------------------------------------------------


def _add_claims(commands: Any) -> None:
    parser = commands.add_parser(
        "claims",
        help="every claim of the paper: measure, tolerance, verdict",
        description="Measure the paper's claims afresh: proofs step by step, flows, "
        "and recorded runs (about half a minute).",
        epilog="Exit status: 0; with --check, 1 if the book says otherwise than what "
        "is measured; 2 for an unknown name, a damaged record, or no records at all.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="CLAIM", help="default: all of them"
    )
    _add_results(parser)
    what: Callable = parser.add_mutually_exclusive_group().add_argument
    what("--list", action="store_true", help="list the claims' names")
    what("--json", action="store_true", help="print JSON")
    what("--write", action="store_true", help="make the book's table anew")
    what("--check", action="store_true", help="compare with the book's table")
    parser.set_defaults(run=_claims)


def _claims(args: argparse.Namespace) -> int:
    from marginflow import claims

    results = _results(args)
    kept = results / "claims.json"
    if args.list:
        print("\n".join(claim.name for claim in claims.claims()))
        return OK
    if args.write and args.names:
        raise ValueError("--write makes the whole table; name no claims with it")
    claims.require_records(results, args.names)
    before = claims.read_scoreboard(kept) if args.check else []
    findings = claims.scoreboard(results, args.names)
    if args.json:
        print(claims.as_json(findings))
        return OK
    if args.check:
        chosen = {f.name for f in findings}
        wrong = claims.differences([f for f in before if f.name in chosen], findings)
        print("\n".join(wrong) or f"{len(findings)} claims, as the book says")
        return FAILED if wrong else OK
    if args.write:
        claims.write_scoreboard(kept, findings)
    print(claims.as_text(findings))
    counts = Counter(f.verdict for f in findings)
    print(", ".join(f"{n} {verdict}" for verdict, n in counts.most_common()))
    return OK


if __name__ == "__main__":
    sys.exit(main())
