"""No line begins with the comma that follows a formula, or ends with a bracket before.

A formula is a box on the page, and browsers break lines on either side of a box, even
between it and a comma; so a formula and the marks that touch it go into one span.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

MARKS_AFTER = re.compile(r"[^\s\w]+")
MARKS_BEFORE = re.compile(r"[^\s\w]+$")


def keep_marks(app: Sphinx, doctree: nodes.document) -> None:
    """Put every formula within a line into one span with the marks that touch it."""
    for formula in list(doctree.findall(nodes.math)):
        parent, place = formula.parent, formula.parent.index(formula)
        around = parent.children[place + 1 : place + 2]
        if isinstance(parent, nodes.title):
            continue
        after = MARKS_AFTER.match(around[0]) if _is_text(around) else None
        around = parent.children[max(place - 1, 0) : place]
        before = MARKS_BEFORE.search(around[0]) if _is_text(around) else None
        if not before and not after:
            continue
        span = nodes.inline(classes=["unbroken"])
        parent.replace(formula, span)
        span += formula
        if after:
            span += nodes.Text(after[0])
            # By its place: equal texts are equal nodes, and the first would be taken.
            parent[place + 1] = nodes.Text(parent[place + 1][after.end() :])
        if before:
            span.insert(0, nodes.Text(before[0]))
            parent[place - 1] = nodes.Text(parent[place - 1][: before.start()])


def _is_text(around: list[nodes.Node]) -> bool:
    return bool(around) and isinstance(around[0], nodes.Text)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", keep_marks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
