"""The order of the package's floors: imports run downwards, and in no circle.

Imports inside functions count too: they are put there so that the command line starts
fast, not so that a circle goes unnoticed.
"""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import marginflow

PACKAGE = Path(marginflow.__file__).parent

FLOORS = (
    {"checks", "flat", "homogeneity"},
    {"losses", "networks", "optim"},
    {"margins", "data"},
    {"flows", "kkt", "proofs"},
    {"experiments"},
    {"claims"},
    {"book"},
    {"cli", "__main__"},
)
"""Lowest first; `flows`, `kkt` and `proofs` are one floor, whose files are in order."""


def name_of(path: Path) -> str:
    """The module's name below the package: "flows.run", "flows" for its __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imports(text: str, module: str, is_package: bool = False) -> set[str]:
    """Modules of the package that the text imports, but for type checkers only."""
    tree = ast.parse(text)
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in hidden or not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            if node.level:
                own = module.split(".") if is_package else module.split(".")[:-1]
                above = own[: len(own) - node.level + 1]
                base = ".".join(filter(None, ["marginflow", *above, base]))
            targets = [f"{base}.{alias.name}" for alias in node.names]
            targets += [base]
        for target in targets:
            if target.startswith("marginflow."):
                found.add(target.removeprefix("marginflow."))
    # A name in a module is not a module; its home is.
    return {name for name in found if name in MODULES} - {module}


GRAPH = {
    name: imports(path.read_text("utf-8"), name, path.name == "__init__.py")
    for name, path in MODULES.items()
}


def floor(name: str) -> int:
    top = name.partition(".")[0]
    (level,) = [i for i, names in enumerate(FLOORS) if top in names]
    return level


def climbs(graph: dict[str, set[str]]) -> list[str]:
    """Imports that run upwards."""
    return sorted(
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in others
        if name and floor(other) > floor(name)
    )


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of imports, if there is any.

    A package's own __init__ gathers what its files define, which is no circle.
    """
    loose = {
        name: {o for o in others if not name.startswith(f"{o}.")}
        for name, others in graph.items()
    }
    try:
        tuple(TopologicalSorter(loose).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_no_import_runs_upwards():
    assert climbs(GRAPH) == []


def test_no_imports_run_in_a_circle():
    assert circle(GRAPH) == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("optim.decay", "from marginflow.experiments.spec import RunSpec"),
        ("margins", "def f():\n    from marginflow.claims import Claim"),
        ("losses", "import marginflow.cli"),
    ],
)
def test_an_import_upwards_would_be_seen(module, text):
    changed = {**GRAPH, module: GRAPH[module] | imports(text, module)}
    assert len(climbs(changed)) == 1


def test_a_circle_would_be_seen():
    text = "def late():\n    from marginflow.experiments.training import train"
    name = "experiments.member"
    changed = {**GRAPH, name: GRAPH[name] | imports(text, name)}
    assert {"experiments.member", "experiments.training"} <= set(circle(changed))
    for_types = f"if TYPE_CHECKING:\n    {text.splitlines()[1].strip()}"
    assert imports(for_types, name) == set()


def test_the_map_names_every_module():
    named = set(re.findall(r"^`(\w+)`", marginflow.__doc__, re.M))
    there = {name.partition(".")[0] for name in MODULES} - {"", "__main__"}
    assert named == there
