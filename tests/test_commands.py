"""Every command that the texts name is one: argparse takes it, and so do the names."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
from pathlib import Path

import pytest

from marginflow import claims, cli, proofs

ROOT = Path(__file__).parents[1]
TEXTS = [
    ROOT / "README.md",
    ROOT / "results" / "README.md",
    *sorted((ROOT / "book").rglob("*.md")),
    *sorted((ROOT / "notebooks").glob("*.md")),
]
FENCE = re.compile(r"^ *```.*?^ *```", re.M | re.S)
COMMAND = re.compile(
    r"(?:\w*\$ +)?(?:\S*/)?(?:python3? -m )?(marginflow(?:\.\w+)*)(?: (?!import)(.*))?"
)
"""With a prompt, a path, or by `python -m`; the module, and what follows."""


def commands(text: str) -> list[tuple[str, ...]]:
    """The commands in a text's code, as words; a comment is none of them."""
    text = text.replace("\\\n", " ")
    spans = re.findall(r"`([^`]+)`", FENCE.sub("", text))
    lines = "\n".join(FENCE.findall(text)).splitlines()
    found = []
    for code in (" ".join(each.split()) for each in (*spans, *lines)):
        match = COMMAND.fullmatch(code)
        if match and (match[2] or code.startswith("python")):
            found.append((match[1], *shlex.split(match[2] or "", comments=True)))
    return found


NAMED = sorted(
    {(each, path.name) for path in TEXTS for each in commands(path.read_text("utf-8"))}
)


@pytest.fixture
def idle(monkeypatch):
    """Commands that check what they are given, and do nothing."""
    for name in ("_run_networks", "_run_perceptron", "_check_writable"):
        monkeypatch.setattr(cli, name, lambda *_: cli.OK)


def refused(command: tuple[str, ...]) -> bool:
    """Whether a command would not begin to work."""
    module, *words = command
    if module != "marginflow":
        return not takes(module, words)
    if len(words) < 2:  # named without what it may need
        words.append("--help")
    try:
        args = cli.build_parser().parse_args(cli._gathered(words))
    except SystemExit as end:
        return end.code != 0
    try:
        if args.command == "run":
            args.run(args)
        elif args.command == "status":
            for name in {*args.names} - {"perceptron"}:
                cli._specs(args, name)
        elif args.command == "claims":
            claims.require_records(ROOT / "results", args.names)
        elif args.command == "prove":
            chosen = [proofs.statement(name) for name in args.names]
            chosen = chosen or list(proofs.STATEMENTS)
            known = {name for each in chosen for name in each.mutations}
            return args.mutation not in {*known, "all", None}
    except ValueError:
        return True
    return False


def takes(module: str, words: list[str]) -> bool:
    """Whether `python -m MODULE` runs its `main` with that many words."""
    try:
        main = importlib.import_module(module).main
        inspect.signature(main).bind(*words)
    except (ImportError, AttributeError, TypeError):
        return False
    return "main(*sys.argv[1:])" in inspect.getsource(importlib.import_module(module))


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(("command", "text"), NAMED, ids=" ".join)
def test_a_command_that_a_text_names_exists(command, text):
    assert not refused(command), f"{text} names {' '.join(command)}"


def test_there_are_commands_of_every_kind():
    words = {command[1] for command, _ in NAMED if len(command) > 1}
    assert {"prove", "run", "status", "data", "claims"} <= words
    modules = {command[0].rpartition(".")[2] for command, _ in NAMED}
    assert modules == {"marginflow", "far", "audit", "softmax"}


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize(
    "wrong",
    [
        "`marginflow run softmax`",
        "`marginflow run mnist\n--scale huge`",
        "```\n$ marginflow run perceptron --scale \\\n   desk\n```",
        "`marginflow train`",
        "`marginflow prove lemma-10`",
        "`marginflow prove lemma-7 --break turn`",
        "`marginflow status --rounds 3-1 mnist`",
        "`marginflow claims lemma-55`",
        "`python -m marginflow.experiments.flat`",
        "`python -m marginflow.experiments.spec`",
        "`python -m marginflow.experiments.far a b c`",
    ],
)
def test_a_command_that_is_none_is_seen(wrong):
    (command,) = commands(f"As {wrong} shows")
    assert refused(command)
