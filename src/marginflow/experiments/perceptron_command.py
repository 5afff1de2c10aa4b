"""The command ``marginflow perceptron``: run and record Experiment 1."""

from __future__ import annotations

import argparse
import sys

from marginflow.experiments.commands import default_results
from marginflow.experiments.spec import parse_rounds

__all__ = ["add_command"]

OK, USAGE = 0, 2


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the parser of ``perceptron``."""
    parser = commands.add_parser(
        "perceptron",
        help="run and record Experiment 1, at the paper's scale",
        description="Train 5 algorithms x 100 rounds x 5000 epochs in lockstep, a few "
        "seconds a data set, and record each data set once. The book shows data set 0 "
        "and judges the paper's observations on data sets 0-20.",
        epilog="Exit status: 0 if every data set is recorded, 2 if one could not be.",
    )
    parser.add_argument(
        "--data-sets",
        default="0-20",
        metavar="SETS",
        help='such as "3" or "0-4,7" (default: 0-20, the book\'s)',
    )
    parser.add_argument(
        "--reduction",
        choices=("sum", "mean", "both"),
        default="both",
        help="the loss summed over the examples, as in the paper's text, or averaged, "
        "as in the released code (default: both)",
    )
    parser.add_argument(
        "--results", default=default_results(), metavar="DIR", help="default: results"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from marginflow.experiments.perceptron import PerceptronSpec
    from marginflow.experiments.perceptron_records import record_perceptron

    try:
        seeds = parse_rounds(args.data_sets)
        both = ("sum", "mean")
        reductions = both if args.reduction == "both" else (args.reduction,)
        specs = [
            PerceptronSpec(data_seed=s, reduction=r) for r in reductions for s in seeds
        ]
        for spec in tqdm(specs, unit="data set", disable=args.quiet):
            record_perceptron(args.results, spec)
    except (ValueError, OSError) as error:
        print(f"marginflow perceptron: {error}", file=sys.stderr)
        return USAGE
    print(f"{len(specs)} runs are recorded in {args.results}/perceptron")
    return OK
