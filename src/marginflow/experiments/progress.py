"""What a sweep shows of itself while it is under way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from marginflow.experiments.checkpoints import epochs_done
from marginflow.experiments.runner import Outcome
from marginflow.experiments.spec import RunSpec
from marginflow.experiments.status import clock

__all__ = ["Progress"]


class Progress:
    """A line for each run that ends, and on a terminal a bar with the time left.

    What is left is judged by the runs' own training times, without their start.
    """

    def __init__(
        self, runs: Sequence[RunSpec], results: Path, workers: int, *, quiet: bool
    ) -> None:
        self.results, self.workers, self.quiet = results, workers, quiet
        self.left = dict.fromkeys(runs)
        self.paid = self.spent = 0.0
        self.bar = tqdm(
            total=len(runs),
            unit="run",
            disable=quiet or not (sys.stderr and sys.stderr.isatty()),
            bar_format="{n_fmt}/{total_fmt} {bar:20}{postfix}",
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def report(self, outcome: Outcome) -> None:
        """Take in what became of a run."""
        spec = outcome.spec
        self.left.pop(spec, None)
        self.bar.update()
        if outcome.status in ("recorded", "diverged"):
            self.paid += spec.setting.total_steps
            self.spent += outcome.seconds
        if self.quiet or outcome.status in ("present", "not begun"):
            return
        took = f" in {clock(outcome.seconds)}" if outcome.seconds else ""
        done = f"[{self.bar.total - len(self.left)}/{self.bar.total}]"
        line = f"{done} {spec.name} {outcome.status}{took}{self.time_left()}"
        self.bar.write(line, file=sys.stdout)
        if sys.stdout is not None:
            sys.stdout.flush()

    def tick(self) -> None:
        """Tell of what is under way."""
        if self.bar.disable:
            return
        parts = []
        for spec in self.left:
            if (done := epochs_done(self.results, spec)) is not None:
                parts.append(f"{spec.algorithm}-{spec.round:02d} {done[0]}/{done[1]}")
            if len(parts) == 4:
                break
        self.bar.set_postfix_str(f"{', '.join(parts)}{self.time_left()}")

    def time_left(self) -> str:
        """In words, once a run has told its time."""
        if not self.paid or not self.left:
            return ""
        steps = sum(spec.setting.total_steps for spec in self.left)
        return f", about {clock(self.spent / self.paid * steps / self.workers)} left"
