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
import unicodedata
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from marginflow_chapter import plain
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

WHOLE = "_downloads/marginflow.md"
VERSIONS = {"PyTorch": "torch", "SymPy": "sympy", "Z3": "z3-solver"}
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)
SHORTEST, LONGEST = 30, 200  # letters of a description
SIGNS = {"to": "→", "in": "∈", "le": "≤", "ge": "≥", "ne": "≠", "log": "log", "|": "‖"}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def letters(tex: str) -> str:
    r"""Simple TeX in letters, ``\beta \to 1`` as β → 1; what is not simple stays."""

    def one(command: re.Match) -> str:
        name = command[1].removeprefix("var")
        try:
            return unicodedata.lookup(f"GREEK SMALL LETTER {name}")
        except KeyError:
            return SIGNS.get(name, command[0])

    power = re.sub(r"\^(\d)", lambda digit: digit[1].translate(RAISED), tex)
    return re.sub(r"\\([A-Za-z]+|.)", one, power)


def description(doctree: nodes.document) -> str:
    """The page's first sentences without TeX, up to some 200 letters; "" if none."""
    for paragraph in doctree.findall(nodes.paragraph):
        parts = [
            letters(part) if isinstance(part.parent, nodes.math) else part
            for part in paragraph.findall(nodes.Text)
        ]
        text = " ".join("".join(parts).split())
        plain_words = len(text) >= SHORTEST and not set(text) & set("\\^{")
        if isinstance(paragraph.parent, nodes.section) and plain_words:
            cut = text[:LONGEST].rpartition(" ")[0] + " …"
            return text if len(text) <= LONGEST else cut
    return ""


def add_card(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Title, description and picture for search, and for whoever is sent a link."""
    tags = {
        "og:site_name": "marginflow",
        "og:type": "article",
        "og:title": plain(context.get("title", "")),
        "twitter:card": "summary_large_image",
    }
    if text := description(doctree) if doctree else "":
        tags |= {"description": text, "og:description": text}
    if app.config.html_baseurl:  # the picture's address must be absolute
        base = app.config.html_baseurl.rstrip("/")
        tags["og:url"] = f"{base}/{pagename}.html"
        tags["og:image"] = f"{base}/_static/card.png"
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n<meta {"property" if ":" in name else "name"}="{name}"'
        f' content="{html.escape(content)}">'
        for name, content in tags.items()
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
    app.connect("html-page-context", add_card)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
