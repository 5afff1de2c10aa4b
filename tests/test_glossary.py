"""Words of the book: explained in one place, linked once, one word for one thing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from docutils import nodes

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import marginflow_glossary as glossary  # noqa: E402

PAGES = [*(ROOT / "notebooks").glob("*.md"), *(ROOT / "book").glob("*.md")]


def test_every_word_is_in_the_glossary() -> None:
    text = (ROOT / "book" / "symbols.md").read_text(encoding="utf-8")
    entries = text.partition("```{glossary}\n")[2].partition("```")[0]
    terms = re.findall(r"^(?! )(.+)$", entries, re.M)
    assert sorted(terms) == sorted(glossary.WORDS + glossary.OF_EXPERIMENTS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The skewed adapter tends to 1.", ["skewed adapter"]),
        ("Arcs are no matter of architecture; an arc is.", ["arc"]),
        ("KKT points of two stability terms", ["KKT point", "stability term"]),
        ("anisotropic", []),
    ],
)
def test_words_are_found_whole(text: str, found: list[str]) -> None:
    assert [m[1] for m in glossary.pattern(glossary.WORDS).finditer(text)] == found


def test_a_word_in_code_or_in_a_link_is_left_alone() -> None:
    paragraph = nodes.paragraph("", "", nodes.Text("an adapter"))
    code = nodes.literal("", "adapter")
    paragraph += code
    paragraph += nodes.reference("", "the adapter", refuri="x")
    texts = list(paragraph.findall(nodes.Text))
    assert [glossary.may_hold_words(text) for text in texts] == [True, False, False]
    assert not glossary.may_hold_words(nodes.title("", "adapter").children[0])


def other_names(text: str) -> list[str]:
    """What once stood for a mutation, in prose."""
    prose = re.sub(r"^```\{code-cell.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"\b(?:twins?|mutants?|mutated)\b", prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_mutation_is_called_a_mutation(page: Path) -> None:
    assert other_names(page.read_text(encoding="utf-8")) == []


def test_another_name_is_found() -> None:
    assert other_names("a twin, refuted; mutated; between") == ["twin", "mutated"]
