"""What a hover over a link shows: the body of its target, with links that lead there.

sphinx-tippy takes the paragraph below a heading, which may be the note in the margin;
it leaves links within the target's page as they are, which lead elsewhere on the page
that shows the preview; and it makes a box for a heading with nothing below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

NOTE = re.compile(r'<p class="paper-page">.*?</p>\n?', re.S)
LINK = re.compile(r'^a\[href="([^"#]*)(?:#[^"]*)?"\]$')
START = "selector_to_html = "


def hide_notes(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Show sphinx-tippy (priority 450) the page without its notes in the margin."""
    if "body" in context:
        context["marginflow_body"] = context["body"]
        context["body"] = NOTE.sub("", context["body"])


def show_notes(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if "marginflow_body" in context:
        context["body"] = context.pop("marginflow_body")


def change_tips(text: str, change: Callable[[str, str], str]) -> str:
    """A file of previews, each of them changed, and without those that are empty then.

    Args:
        change: of the selector of links, and the HTML of what they show.
    """
    if not text.startswith(START):
        return text
    first, rest = text.split("\n", 1)
    tips = json.loads(first.removeprefix(START))
    tips = {selector: change(selector, tip) for selector, tip in tips.items()}
    tips = {selector: tip for selector, tip in tips.items() if tip}
    return f"{START}{json.dumps(tips)}\n{rest}"


def mended(selector: str, tip: str) -> str:
    """A preview with links that lead where they did; empty if it is a heading alone."""
    page = LINK.match(selector)
    soup = BeautifulSoup(tip, "html.parser")
    for link in soup.select(".headerlink"):
        link.decompose()
    for link in soup.select('a[href^="#"]'):
        link["href"] = f"{page[1] if page else ''}{link['href']}"
    blocks = soup.find_all(recursive=False)
    alone = all(re.fullmatch("h[1-6]", block.name) for block in blocks)
    return "" if alone else str(soup)


def tip_files(app: Sphinx) -> list[Path]:
    return sorted(Path(app.outdir, "_static", "tippy").rglob("*.js"))


def mend(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for path in tip_files(app):
        text = path.read_text(encoding="utf-8")
        path.write_text(change_tips(text, mended), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", hide_notes, priority=440)
    app.connect("html-page-context", show_notes, priority=460)
    # After sphinx-tippy has written its files.
    app.connect("build-finished", mend, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
