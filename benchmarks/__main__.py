"""``python -m benchmarks``: measure, print, and keep for the book."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from benchmarks.rows import circumstances, table

GROUPS = (
    "perceptron",
    "optimizer",
    "flows",
    "training",
    "growth",
    "startup",
    "training_vgg",
)
SLOW = ("suite", "book")
RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"


def main(argv: list[str] | None = None) -> int:
    """Run the groups asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"of {', '.join((*GROUPS, *SLOW))}"
    )
    parser.add_argument(
        "--book",
        action="store_true",
        help="also build the book three times and run the test suite (half an hour)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that it runs; no JSON"
    )
    args = parser.parse_args(argv)
    for name in args.groups:
        if name not in (*GROUPS, *SLOW):
            known = ", ".join((*GROUPS, *SLOW))
            parser.error(f"{name!r} is unknown; choose of {known}")
    chosen = args.groups or [*GROUPS, *(SLOW if args.book else ())]
    for name in chosen:
        before, started = circumstances(), time.perf_counter()
        rows = importlib.import_module(f"benchmarks.{name}").rows(args.quick)
        print(f"\n{name} ({time.perf_counter() - started:.0f} s)\n{table(rows)}")
        sys.stdout.flush()
        if not args.quick:
            after = circumstances()["load_average"]
            kept = {
                "group": name,
                "circumstances": before | {"load_average_after": after},
                "rows": [row.entry() for row in rows],
            }
            RESULTS.mkdir(parents=True, exist_ok=True)
            text = json.dumps(kept, ensure_ascii=False, indent=1)
            (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
