"""Margin notes: the page of the paper beside what the book takes from it.

Authors write nothing for it: a statement is known by its label, an equation by the
number in its ``\\tag``, a figure by its name, and `marginflow_paper` in _config.yml has
their pages.  On wide screens the note stands in the margin, on narrow ones above what
it belongs to.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

TAG = re.compile(r"\\tag\{(\d+)\}")


def note(table: dict, page: int, thing: str = "") -> nodes.paragraph:
    """A note such as "Paper, p. 7", whose page opens the paper there."""
    line = nodes.paragraph(classes=["paper-page"])
    line += nodes.Text("Paper, " + (f"{thing}, " if thing else ""))
    address = f"{table['pdf']}#page={page}"
    # No-break space: the page stays with its number.
    line += nodes.reference("", f"p.\N{NO-BREAK SPACE}{page}", refuri=address)
    return line


def put_before(node: nodes.Element, line: nodes.Element) -> None:
    place = node.parent.index(node)
    node.parent.insert(place, line)


def add_notes(app: Sphinx, doctree: nodes.document) -> None:
    table = app.config.marginflow_paper
    within: dict[int, int] = {}
    for node in list(doctree.findall(nodes.Element)):
        page = table["statements"].get(node.get("label", ""))
        if "realtype" in node.attributes and page:
            put_before(node, note(table, page))
            within.update((id(part), page) for part in node.findall(nodes.Element))
    for block in list(doctree.findall(nodes.math_block)):
        for number in TAG.findall(block.astext()):
            page = table["equations"][int(number)]
            if within.get(id(block)) != page:
                put_before(block, note(table, page))
    for figure in list(doctree.findall(nodes.figure)):
        for name in figure["names"]:
            if name in table["figures"]:
                number, page = table["figures"][name]
                put_before(figure, note(table, page, f"Figure {number}"))


def setup(app: Sphinx) -> dict[str, object]:
    app.add_config_value("marginflow_paper", {}, "env", dict)
    app.connect("doctree-read", add_notes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
