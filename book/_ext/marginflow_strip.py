"""A strip of pictures for the five lemmas: where the reader is, and the way around.

``{strip} lemma-7`` stands at the head of a lemma's chapter.  Pictures of the lemmas up
to this one are filled in, those still to come are faint, and each leads to its chapter.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

LEMMAS = {
    "lemma-5": ("the gap closes", "Three curves that decay to a dashed line."),
    "lemma-6": (
        "averages stay ≥ 0",
        "A curve that follows a wave and stays above the forbidden strip below zero.",
    ),
    "lemma-7": (
        "towards 1, never past",
        "Curves that approach a dashed line from both sides and do not cross it.",
    ),
    "lemma-8": ("all the way to 1", "Two curves to a dashed line, within a funnel."),
    "lemma-9": (
        "without detours",
        "A curve that goes straight to its limit, above one that wobbles around it.",
    ),
}


class Strip(SphinxDirective):
    """The strip, as it looks in the chapter that is named."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        here = self.arguments[0]
        if here not in LEMMAS:
            raise self.error(f"strip: {here!r} must be one of {', '.join(LEMMAS)}")
        order = list(LEMMAS)
        links = "".join(
            self._link(name, order.index(name) - order.index(here)) for name in order
        )
        text = f'<nav class="strip" aria-label="Lemmas 5 to 9">{links}</nav>'
        return [nodes.raw("", text, format="html")]

    @staticmethod
    def _link(name: str, after: int) -> str:
        words, seen = LEMMAS[name]
        kind = "to-come" if after > 0 else "filled"
        current = ' aria-current="page"' if after == 0 else ""
        return (
            f'<a href="{name}.html" class="{kind}"{current}>'
            f'<img src="../_static/pictures/{name}.svg" alt="{seen}">'
            f"<span><b>Lemma {name[-1]}</b> {words}</span></a>"
        )


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("strip", Strip)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
