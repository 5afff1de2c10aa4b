"""Words of the book that are explained on hover: the first of each on every chapter.

The glossary in book/symbols.md has the words. Authors write nothing: where a paragraph
of a chapter first uses one, it leads there. Words that are common English are looked
for in the chapters of the experiments alone.
"""

from __future__ import annotations

import re

from docutils import nodes
from marginflow_chapter import is_chapter
from sphinx import addnodes
from sphinx.application import Sphinx

WORDS = (
    "skewing vector", "skewed adapter", "adapter", "isotropic", "arc", "KKT point",
    "normalized margin", "stability term", "mutation",
)  # fmt: skip
OF_EXPERIMENTS = ("round", "regime", "reading")
EXPERIMENTS = ("experiment-", "paper-against-code", "claims", "runs")

# A word inside these is a name, code, or leads somewhere already.
NOT_IN = (
    nodes.reference, nodes.literal, nodes.literal_block, nodes.title, nodes.term,
    nodes.caption, addnodes.pending_xref,
)  # fmt: skip


def pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the words, singular or plural; of two that overlap, the longer."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(longest)})s?\b")


def may_hold_words(text: nodes.Text) -> bool:
    """Whether it is part of a paragraph, and of nothing that is left alone."""
    node, within = text.parent, False
    while node is not None:
        if isinstance(node, NOT_IN) or "realtype" in getattr(node, "attributes", {}):
            return False
        within = within or isinstance(node, nodes.paragraph)
        node = node.parent
    return within


def link_first(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    if not is_chapter(docname):
        return
    name = docname.rsplit("/", 1)[-1]
    words = WORDS + (OF_EXPERIMENTS if name.startswith(EXPERIMENTS) else ())
    seen: set[str] = set()
    for text in list(doctree.findall(nodes.Text)):
        if not may_hold_words(text):
            continue
        parts, rest = [], 0
        for match in pattern(words).finditer(text):
            if match[1] in seen:
                continue
            seen.add(match[1])
            parts += [nodes.Text(text[rest : match.start()]), link(docname, match)]
            rest = match.end()
        if parts:
            place = text.parent.index(text)
            text.parent[place : place + 1] = [*parts, nodes.Text(text[rest:])]


def link(docname: str, match: re.Match[str]) -> addnodes.pending_xref:
    shown = nodes.inline("", match[0], classes=["xref", "std", "std-term"])
    return addnodes.pending_xref(
        "", shown, refdomain="std", reftype="term", reftarget=match[1], refdoc=docname,
        refexplicit=True, refwarn=True,
    )  # fmt: skip


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", link_first, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
