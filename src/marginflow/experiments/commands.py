"""The commands ``run``, ``status`` and ``data`` of the command line.

:func:`add_commands` gives them to an argparse parser.  Each command returns its exit
status: 0 if all went well, 2 for bad input or a run that could not be done (with the
reason on stderr, and nothing lost), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
import uuid
from contextlib import suppress
from pathlib import Path

from marginflow.experiments.spec import (
    ALGORITHMS,
    EXPERIMENTS,
    PAPER_ROUNDS,
    REGIMES,
    SCALES,
    RunSpec,
    grid,
    parse_rounds,
)

__all__ = ["add_commands", "default_results"]

OK, USAGE = 0, 2

SHOWN = 5
"""How many damaged records are told one by one."""


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the parsers of ``run``, ``status`` and ``data``."""
    _add_run(commands)
    _add_status(commands)
    _add_data(commands)


def default_results() -> Path:
    """The results folder: MARGINFLOW_RESULTS, or the source tree's, or ./results."""
    named = os.environ.get("MARGINFLOW_RESULTS")
    if named:
        return Path(named)
    beside_source = Path(__file__).parents[3] / "results"
    return beside_source if beside_source.is_dir() else Path("results")


def _add_run(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "run",
        help="train and record runs of Experiments 2 and 3",
        description="Train the runs that have no record yet, several at once, and "
        "record each. Whatever ends the command, nothing recorded is lost: give it "
        "again, and it goes on from the last checkpoints.",
        epilog="Exit status: 0 if every run is recorded, stopped where it should, or "
        "in another process's hands; 2 if one could not be done.",
    )
    parser.add_argument("experiment", choices=EXPERIMENTS)
    _add_grid_options(parser)
    parser.add_argument(
        "--data", metavar="DIR", help="folder of the data sets (or MARGINFLOW_DATA)"
    )
    parser.add_argument(
        "--device", default="auto", help="auto (CUDA, MPS, CPU), or a torch device"
    )
    parser.add_argument(
        "--lockstep",
        action="store_true",
        help="train the algorithms of a round together, as one program (for GPUs)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="worker processes, one thread each (default: the CPUs; on a GPU 1)",
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="run on this Dask scheduler's workers"
    )
    where.add_argument(
        "--dask", type=int, metavar="N", help="run on a local Dask cluster of N workers"
    )
    parser.add_argument(
        "--checkpoint-seconds",
        type=float,
        default=30.0,
        metavar="S",
        help="least time between checkpoints of a run (default: 30)",
    )
    parser.add_argument(
        "--stop-after",
        type=int,
        metavar="EPOCH",
        help="train no run further than this epoch; given again without it, the "
        "command goes on from there",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="make the optimizer's step, and on a GPU the network, by torch.compile: "
        "faster, but rounded in another way, as on another device",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=_run)


def _add_status(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "status",
        help="show which runs are recorded, under way or missing, and what is left",
        description="Show what is recorded, under way, missing or damaged, and how "
        "long the missing runs would take, judging by the recorded ones.",
        epilog="Exit status: 0, or 2 if a record is damaged.",
    )
    parser.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help=f"{', '.join(EXPERIMENTS)}; all of them if none is named",
    )
    _add_grid_options(parser)
    parser.set_defaults(run=_status)


def _add_data(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "data",
        help="check the data sets, or fetch them",
        description="Check every file of a data set against its md5; with --download, "
        "fetch what is missing first.",
        epilog="Exit status: 0 if every file is right, 2 if not.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(EXPERIMENTS)}; all of them if none is named",
    )
    parser.add_argument(
        "--data", metavar="DIR", help="folder of the data sets (or MARGINFLOW_DATA)"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch the official files"
    )
    parser.set_defaults(run=_data)


def _add_grid_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scale", choices=SCALES, default="laptop", help="default: laptop"
    )
    parser.add_argument(
        "--regime",
        choices=(*REGIMES, "both"),
        default="both",
        help="batch size and learning rates (default: both)",
    )
    parser.add_argument(
        "--rounds",
        default=f"0-{PAPER_ROUNDS - 1}",
        help=f'such as "3" or "0-4,7" (default: 0-{PAPER_ROUNDS - 1}, the paper\'s)',
    )
    parser.add_argument(
        "--algorithms",
        nargs="+",
        choices=ALGORITHMS,
        default=list(ALGORITHMS),
        metavar="ALGORITHM",
        help=f"of {', '.join(ALGORITHMS)} (default: all)",
    )
    parser.add_argument(
        "--reading",
        choices=("paper", "released"),
        default="paper",
        help="where text and released code differ (default: paper)",
    )
    parser.add_argument(
        "--dtype", choices=("float32", "float64"), default="float32", help="of w"
    )
    parser.add_argument(
        "--results", metavar="DIR", help="folder of the records (default: results)"
    )


def _specs(
    args: argparse.Namespace,
    experiment: str,
    device: str = "auto",
    compiled: bool = False,
) -> list[RunSpec]:
    return grid(
        experiment,
        scale=args.scale,
        regimes=REGIMES if args.regime == "both" else (args.regime,),
        algorithms=args.algorithms,
        rounds=parse_rounds(args.rounds),
        reading=args.reading,
        dtype=args.dtype,
        device=device,
        compiled=compiled,
    )


# ---- run -----------------------------------------------------------------------------


def _run(args: argparse.Namespace) -> int:
    from marginflow.data import data_root
    from marginflow.experiments import sweep

    results = Path(args.results or default_results())
    try:
        specs = _specs(args, args.experiment, args.device, args.compile)
        _check_writable(results)
        if not 0 <= args.checkpoint_seconds < float("inf"):
            raise ValueError(
                f"checkpoint-seconds is {args.checkpoint_seconds}; it must be a "
                "finite number >= 0"
            )
        if args.stop_after is not None and args.stop_after < 1:
            raise ValueError(
                f"stop-after is {args.stop_after}; it must be an epoch, at least 1"
            )
        workplace = _workplace(args)
        show = _Progress(specs, results, quiet=args.quiet)
        with show:
            outcomes = sweep.run_sweep(
                specs,
                results,
                data_root(args.data),
                workplace=workplace,
                checkpoint_seconds=args.checkpoint_seconds,
                stop_after=args.stop_after,
                lockstep=args.lockstep,
                report=show.report,
                tick=show.tick,
            )
    except (ValueError, OSError, ImportError) as error:
        print(f"marginflow run: {error}", file=sys.stderr)
        return USAGE
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status] = counts.get(outcome.status, 0) + 1
    print(", ".join(f"{n} {status}" for status, n in counts.items()))
    reasons = {o.message for o in outcomes if o.status == "failed"}
    for reason in sorted(reasons):
        print(f"marginflow run: {reason}", file=sys.stderr)
    return USAGE if reasons else OK


def _workplace(args: argparse.Namespace):
    from marginflow.experiments import sweep

    if args.scheduler is not None:
        return sweep.dask_scheduler(args.scheduler)
    if args.dask is not None:
        return sweep.dask_cluster(args.dask)
    if args.workers is not None:
        return sweep.process_pool(args.workers)
    if args.device == "cpu" or (args.device == "auto" and not _has_gpu()):
        return sweep.process_pool(_cpus())
    return sweep.process_pool(1)


def _cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_gpu() -> bool:
    from marginflow.experiments.training import resolve_device

    return resolve_device("auto").type != "cpu"


def _check_writable(results: Path) -> None:
    """Fail now rather than after hours of training."""
    probe = results / f".{uuid.uuid4().hex}.tmp"
    try:
        results.mkdir(parents=True, exist_ok=True)
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


class _Progress:
    """A line for each run that ends, and on a terminal a bar with the time left."""

    def __init__(self, specs: list[RunSpec], results: Path, *, quiet: bool) -> None:
        from marginflow.experiments import sweep

        self._sweep, self._results, self._quiet = sweep, results, quiet
        self._left = dict.fromkeys(specs)
        self._total = len(specs)
        self._cost = {s: float(s.setting.total_steps) for s in specs}
        self._paid, self._started = 0.0, sweep.now()
        self._terminal = not quiet and sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error) -> None:
        self._wipe()

    def report(self, outcome) -> None:
        """Take in what became of a run."""
        spec = outcome.spec
        self._left.pop(spec, None)
        if outcome.status in ("recorded", "diverged"):
            self._paid += self._cost[spec]
        if self._quiet or outcome.status == "present":
            return
        self._wipe()
        done = self._total - len(self._left)
        took = f" in {self._sweep.clock(outcome.seconds)}" if outcome.seconds else ""
        print(
            f"[{done}/{self._total}] {spec.name} {outcome.status}{took}"
            f"{self._time_left()}",
            flush=True,
        )

    def tick(self) -> None:
        """Redraw the bar."""
        if not self._terminal:
            return
        from marginflow.experiments.runner import epochs_done

        parts = []
        for spec in self._left:
            if (done := epochs_done(self._results, spec)) is not None:
                parts.append(f"{spec.algorithm}-{spec.round:02d} {done[0]}/{done[1]}")
            if len(parts) == 4:
                break
        line = f"{self._total - len(self._left)}/{self._total} done"
        line += f"{self._time_left()}   {', '.join(parts)}"
        print("\r\033[K" + line[:100], end="", file=sys.stderr, flush=True)

    def _wipe(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def _time_left(self) -> str:
        if not self._paid or not self._left:
            return ""
        rate = (self._sweep.now() - self._started) / self._paid
        left = rate * sum(self._cost[spec] for spec in self._left)
        return f", about {self._sweep.clock(left)} left"


# ---- status and data -----------------------------------------------------------------


def _status(args: argparse.Namespace) -> int:
    from marginflow.experiments import sweep

    results = Path(args.results or default_results())
    try:
        chosen = _known(args.experiments)
        every = [(name, _specs(args, name)) for name in chosen]
    except ValueError as error:
        print(f"marginflow status: {error}", file=sys.stderr)
        return USAGE
    damaged: dict[RunSpec, str] = {}
    for _, specs in every:
        for folder in dict.fromkeys(spec.folder for spec in specs):
            mine = [spec for spec in specs if spec.folder == folder]
            found = sweep.standing(mine, results)
            damaged |= found.damaged
            print(f"{folder}: {_summary(found, len(mine))}")
            for algorithm in args.algorithms:
                print(f"  {algorithm:11}{_row(found, mine, algorithm)}")
    print("  # recorded   x diverged   ~ under way   / stopped   . missing   ! damaged")
    for message in list(damaged.values())[:SHOWN]:
        print(f"marginflow status: {message}", file=sys.stderr)
    if len(damaged) > SHOWN:
        more = f"marginflow status: ... and {len(damaged) - SHOWN} more like these"
        print(more, file=sys.stderr)
    return USAGE if damaged else OK


def _summary(found, total: int) -> str:
    from marginflow.experiments import sweep

    parts = [f"{len(found.recorded)} of {total} recorded"]
    for name in ("diverged", "under_way", "stopped", "missing", "damaged"):
        if n := len(getattr(found, name)):
            parts.append(f"{n} {name.replace('_', ' ')}")
    if found.stopped:
        epochs = sorted(set(found.stopped.values()))
        span = f"{epochs[0]}" if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
        parts.append(f"stopped ones at epoch {span}")
    if found.seconds_left is None:
        parts.append("nothing recorded yet to judge the cost by")
    elif found.seconds_left:
        parts.append(f"about {sweep.clock(found.seconds_left)} on one CPU left")
    return ", ".join(parts)


def _row(found, specs: list[RunSpec], algorithm: str) -> str:
    marks = {
        **dict.fromkeys(found.recorded, "#"),
        **dict.fromkeys(found.diverged, "x"),
        **dict.fromkeys(found.under_way, "~"),
        **dict.fromkeys(found.stopped, "/"),
        **dict.fromkeys(found.damaged, "!"),
    }
    return "".join(marks.get(s, ".") for s in specs if s.algorithm == algorithm)


def _data(args: argparse.Namespace) -> int:
    from marginflow.data import check_files, data_root, download

    status = OK
    try:
        root = data_root(args.data)
        for name in _known(args.names):
            if args.download:
                download(name, root)
            states = check_files(name, root)
            bad = [state for state in states if state.problem]
            if not bad:
                print(f"{name}: {len(states)} files in {root}, all md5 right")
                continue
            status = USAGE
            print(f"{name}: {len(bad)} of {len(states)} files cannot be used:")
            print("\n".join(f"  {state.path} {state.problem}" for state in bad))
            print(
                f"  `marginflow data {name} --download` fetches what is missing; "
                "delete what is corrupt first"
            )
    except (ValueError, OSError) as error:
        print(f"marginflow data: {error}", file=sys.stderr)
        return USAGE
    return status


def _known(names: list[str]) -> list[str]:
    for name in names:
        if name not in EXPERIMENTS:
            raise ValueError(
                f"{name!r} is unknown; choose one of {', '.join(EXPERIMENTS)}"
            )
    return names or list(EXPERIMENTS)
