"""Every chapter runs from top to bottom, as a reader who opens it would run it.

A chapter that was run for the book is not run again until it or what it reads changes:
its outputs are in the cache, and are looked at.
"""

from __future__ import annotations

import ast
import re
import sys
from contextlib import suppress
from pathlib import Path

import jupytext
import nbclient
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "notebooks").glob("*.md"))
sys.path.insert(0, str(ROOT / "tools"))

import execute_chapters  # noqa: E402


def outputs(chapter: Path, folder: Path):
    """The chapter with its outputs: those that are kept, or else made now."""
    notebook = jupytext.read(chapter)
    cache = get_cache(folder)
    with suppress(KeyError):
        return cache.merge_match_into_notebook(notebook)[1]
    return execute_chapters.execute(notebook, chapter.parent)


@pytest.mark.notebook
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_chapter_runs(chapter: Path) -> None:
    folder = execute_chapters.execution_cache(ROOT)
    execute_chapters.drop_stale(get_cache(folder), ROOT)
    notebook = outputs(chapter, folder)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        assert cell.execution_count, f"not run: {cell.source}"
        for output in cell.outputs:
            assert output.output_type != "error", output.evalue
            assert output.get("name") != "stderr", output.text
    assert any(cell.outputs for cell in code)


@pytest.mark.notebook
def test_a_false_check_fails_its_chapter(tmp_path: Path) -> None:
    text = "```{code-cell} ipython3\nassert 1 + 1 == 3\n```\n"
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="AssertionError"):
        execute_chapters.execute(jupytext.reads(text, fmt="md:myst"), tmp_path)


@pytest.mark.notebook
def test_kernels_that_start_together_share_no_port(tmp_path: Path) -> None:
    """Two that draw their ports at one time may draw the same; these draw none."""
    ask = "from ipykernel.kernelapp import IPKernelApp\n"
    ask += "print(IPKernelApp.instance().transport)"
    text = f"```{{code-cell}} ipython3\n{ask}\n```\n"
    notebook = jupytext.reads(text, fmt="md:myst")
    execute_chapters.execute(notebook, tmp_path)
    assert notebook.cells[0].outputs[0]["text"] == "ipc\n"


@pytest.mark.notebook
def test_outputs_are_kept_for_this_text_alone(tmp_path: Path) -> None:
    chapter = tmp_path / "chapter.md"
    text = CHAPTERS[0].read_text().split("\n# ")[0]  # the header
    text += "\n```{code-cell} ipython3\nprint(40 + 2)\n```\n"
    chapter.write_text(text)
    made = outputs(chapter, tmp_path / "cache")
    assert made.cells[0].outputs[0].text == "42\n"
    made.cells[0].outputs[0].text = "from the cache\n"
    kept = CacheBundleIn(made, str(chapter), data={})
    get_cache(tmp_path / "cache").cache_notebook_bundle(kept, check_validity=False)
    again = outputs(chapter, tmp_path / "cache")
    assert again.cells[0].outputs[0].text == "from the cache\n"
    chapter.write_text(text.replace("40", "41"))
    assert outputs(chapter, tmp_path / "cache").cells[0].outputs[0].text == "43\n"


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
        # One picture for light and dark pages; INK can be seen on both.
        assert not re.search(r'color="(0\.|black|white)', cell.source), chapter.name
        assert not cell.outputs, "chapters are kept without outputs"


def missing_at_the_end(text: str) -> list[str]:
    """What a chapter's end lacks: three sentences to keep, way on, answers to all."""
    short, _, exercises = text.partition("## In short\n")[2].partition("## Exercises\n")
    kept, _, way_on = short.partition("\nNext: ")
    found = [] if len(re.findall(r"[.?!](?:\s|$)", kept)) >= 3 else ["In short"]
    found += [] if re.match(r"(the\s+)?\[", way_on) else ["Next"]
    asked, _, answered = exercises.partition("} Answers\n")
    numbered = re.compile(r"^(\d)\\?\. ", re.M)
    asked, answered = numbered.findall(asked), numbered.findall(answered)
    return found + ([] if asked and asked == answered else ["answers"])


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_ends_with_what_to_take_along(chapter: Path) -> None:
    assert missing_at_the_end(chapter.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_leads_on_to_the_one_that_follows(chapter: Path) -> None:
    files = re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
    after = files[files.index(f"notebooks/{chapter.stem}") + 1]
    way_on = re.search(
        r"^Next: .*?\]\((.*?)\.md\)", chapter.read_text("utf-8"), re.M | re.S
    )
    assert (chapter.parent / way_on[1]).resolve() == ROOT / after


def test_what_is_missing_at_the_end_is_found() -> None:
    whole = (
        "## In short\nA. B. C.\n\nNext: [D](d.md).\n\n## Exercises\n\n1. E?\n2. F?\n"
    )
    answers = "\n:::{admonition} Answers\n1. G.\n2. H.\n:::\n"
    assert missing_at_the_end(whole + answers) == []
    assert missing_at_the_end(whole) == ["answers"]
    assert missing_at_the_end(whole + answers.replace("2. H.", "")) == ["answers"]
    assert missing_at_the_end(whole.replace(" B.", "") + answers) == ["In short"]
    assert missing_at_the_end("") == ["In short", "Next", "answers"]


def toothless(source: str) -> list[int]:
    """Lines of `try` that show an error, and go on in silence when there is none."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Try)
        and not node.orelse
        and any("print(" in ast.unparse(handler) for handler in node.handlers)
    ]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_what_a_cell_says_is_refused_must_be_refused(chapter: Path) -> None:
    for cell in jupytext.read(chapter).cells:
        if cell.cell_type == "code":
            found = toothless(cell.source)
            assert not found, f"{chapter.name}: try without else in {cell.source!r}"


def test_a_try_without_an_else_is_found():
    refused = "try:\n    f()\nexcept ValueError as e:\n    print(e)\n"
    assert toothless(refused) == [1]
    assert not toothless(refused + "else:\n    raise AssertionError\n")
