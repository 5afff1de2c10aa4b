"""How long until something answers: imports and the command line."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.rows import Row, interleaved

COMMANDS = {
    "import marginflow": ["-c", "import marginflow"],
    "marginflow --help": ["-m", "marginflow.cli", "--help"],
    "marginflow run --help": ["-m", "marginflow.cli", "run", "--help"],
    "marginflow prove --list": ["-m", "marginflow.cli", "prove", "--list"],
    "marginflow status": ["-m", "marginflow.cli", "status", "mnist"],
    "import marginflow.optim": ["-c", "import marginflow.optim"],
    "import marginflow.flows": ["-c", "import marginflow.flows"],
}
BARE, TORCH = ["-c", "pass"], ["-c", "import torch"]


def rows(quick: bool) -> list[Row]:
    """Fresh processes; the limit is Python's own start, the peer importing torch."""
    repeats = 1 if quick else 5
    commands = COMMANDS | {"": BARE, "torch": TORCH}
    seen = interleaved(
        {name: lambda a=arguments: _run(a) for name, arguments in commands.items()},
        repeats,
    )
    return [
        Row(
            name,
            seen[name],
            "s",
            peer=seen["torch"],
            peer_is="import torch",
            limit=seen[""],
            limit_is="the interpreter's own start",
            repeats=repeats,
            aim="≤ 0.5 s" if name.endswith("--help") else "",
        )
        for name in COMMANDS
    ]


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
