"""The command line: `marginflow COMMAND …`, thin over the package.

Each command is one function that adds its parser and one that runs it. Commands import
what they need when they run, so that `marginflow --help` is immediate.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from marginflow import claims
from marginflow.experiments import commands as experiments
from marginflow.experiments import perceptron_command

if TYPE_CHECKING:
    from marginflow.proofs import Report, Statement

__all__ = ["build_parser", "main"]

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (see each command's --help)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ε shows ?
    args = build_parser().parse_args(argv)
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="marginflow",
        description="Companion to “Implicit Regularization of AdaDelta”.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_prove(commands)
    perceptron_command.add_command(commands)
    experiments.add_commands(commands)
    claims.add_command(commands)
    return parser


def _add_prove(commands: argparse._SubParsersAction) -> None:
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

    try:
        chosen = [proofs.statement(name) for name in args.names]
        chosen = chosen or list(proofs.STATEMENTS)
        if args.list:
            print("\n".join(f"{s.name}: {', '.join(s.mutations)}" for s in chosen))
            return OK
        if args.mutation is not None:
            results = _broken(chosen, args.mutation, named=bool(args.names))
        else:
            results = [list(statement.prove()) for statement in chosen]
    except ValueError as error:
        print(f"marginflow prove: {error}", file=sys.stderr)
        return USAGE
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


if __name__ == "__main__":
    sys.exit(main())
