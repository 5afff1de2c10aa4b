"""The book as a whole: from what it was built, where its pages are, all of it as text.

Every page's footer names the commit and the versions; each page says in a sentence what
it holds, for search engines and cards; sitemap.xml lists the pages; and the sources of
all pages, in the order of the contents, are one Markdown file among the downloads.
"""

from __future__ import annotations

import html
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

WHOLE = "_downloads/marginflow.md"
VERSIONS = {"PyTorch": "torch", "SymPy": "sympy", "Z3": "z3-solver"}
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)
LONGEST = 200  # letters of a description


def commit(root: Path) -> str:
    """The commit and its date, or that there is none to name."""
    try:
        told = subprocess.run(
            ["git", "log", "-1", "--format=%h of %cs"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "a copy without its history"
    return f"commit {told.stdout.strip()}"


def stamp(root: Path) -> str:
    """What the pages were built from, in a sentence."""
    parts = [f"Python {platform.python_version()}"]
    parts += [f"{name} {version(package)}" for name, package in VERSIONS.items()]
    return f"Built from {commit(root)} with {', '.join(parts)}."


def add_stamp(app: Sphinx, config: Config) -> None:
    footer = config.html_theme_options.get("extra_footer", "")
    line = f'<p class="build-stamp">{html.escape(stamp(Path(app.confdir)))}</p>'
    config.html_theme_options["extra_footer"] = f"{footer}\n{line}"


def description(doctree: nodes.document) -> str:
    """The page's first sentences, up to some 200 letters; "" if it has none."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and len(text) > 40:
            cut = text[:LONGEST].rpartition(" ")[0] + " …"
            return text if len(text) <= LONGEST else cut
    return ""


def describe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    text = html.escape(description(doctree)) if doctree else ""
    if text:
        tags = context.get("metatags", "")
        tags = re.sub(r'(property="og:description" content=)"[^"]*"', "", tags)
        context["metatags"] = tags.replace("<meta >", "") + (
            f'\n<meta name="description" content="{text}">'
            f'\n<meta property="og:description" content="{text}">'
        )


def in_order(env: BuildEnvironment, root: str) -> list[str]:
    """All pages, each before those that its contents list."""
    found = [root]
    for page in env.toctree_includes.get(root, ()):
        found += in_order(env, page)
    return found


def write(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out, base = Path(app.outdir), app.config.html_baseurl.rstrip("/")
    pages = in_order(app.env, app.config.root_doc)
    sources = [Path(app.env.doc2path(page)).read_text("utf-8") for page in pages]
    whole = out / WHOLE
    whole.parent.mkdir(exist_ok=True)
    whole.write_text(
        "\n\n".join(FRONT_MATTER.sub("", source).strip() for source in sources) + "\n",
        encoding="utf-8",
    )
    places = "".join(f"<url><loc>{base}/{page}.html</loc></url>\n" for page in pages)
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{places}</urlset>\n",
        encoding="utf-8",
    )


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", add_stamp, priority=900)
    # After the card's own tags, whose description is the same on all pages.
    app.connect("html-page-context", describe, priority=900)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
