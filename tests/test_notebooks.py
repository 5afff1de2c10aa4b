"""Every chapter runs from top to bottom, as a reader who opens it would run it.

A chapter that has passed is not run again until it, the package, the recorded results
or the pins change: the key of all four is kept under _build/.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import jupytext
import nbclient
import pytest

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))
PASSED = ROOT / "_build" / "notebooks-passed"
TIMEOUT_S = 300


def key(chapter: Path) -> str:
    """Hash of everything that the outcome of ``chapter`` depends on."""
    digest = hashlib.sha256(chapter.read_bytes())
    files = [ROOT / "constraints.txt", *sorted((ROOT / "formal").glob("*.v"))]
    for pattern in ("src/**/*.py", "results/**/*.parquet", "results/**/*.json"):
        files += sorted(p for p in ROOT.glob(pattern) if p.is_file())
    for path in files:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def execute(notebook, folder: Path) -> None:
    nbclient.NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()


@pytest.mark.notebook
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_runs(chapter: Path) -> None:
    stamp = PASSED / f"{chapter.stem}-{key(chapter)}"
    if stamp.exists():
        return
    execute(jupytext.read(chapter), chapter.parent)
    PASSED.mkdir(parents=True, exist_ok=True)
    stamp.touch()


@pytest.mark.notebook
def test_a_false_check_fails_its_chapter(tmp_path: Path) -> None:
    text = "```{code-cell} ipython3\nassert 1 + 1 == 3\n```\n"
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="AssertionError"):
        execute(jupytext.reads(text, fmt="md:myst"), tmp_path)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_is_in_the_house_form(chapter: Path) -> None:
    notebook = jupytext.read(chapter)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert "In this chapter" in notebook.cells[0].source
    for cell in notebook.cells:
        if cell.cell_type != "code":
            # Jupyter and VS Code know LaTeX's commands, and no macros of the book's.
            private = re.findall(r"\\(?:R|loss|grad)(?![a-z])", cell.source)
            assert not private, f"{chapter.name}: {private} is unknown outside the book"
            continue
        widest = max(map(len, cell.source.splitlines()), default=0)
        assert widest <= 88, f"{chapter.name}: a line of {widest} characters"
        assert "# TODO" not in cell.source
        assert not cell.outputs, "chapters are kept without outputs"
