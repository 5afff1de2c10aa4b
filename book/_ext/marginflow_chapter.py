"""What stands at the end of every executable chapter: take it away, run it, cite it.

Each chapter is written out as a notebook and as a script beside the site's pages, and
its last section links both, the source it came from, and the services that can run it.
All outward links are built from the one `repository` setting of _config.yml.
"""

from __future__ import annotations

import html
from pathlib import Path

import jupytext
from sphinx.application import Sphinx

DOWNLOADS = "_downloads"
FORMATS = {"ipynb": "Jupyter notebook", "py": "Python script"}

BIBTEX = """\
@article{englert2024adadelta,
  title   = {Implicit Regularization of {AdaDelta}},
  author  = {Englert, Matthias and Lazi\\'c, Ranko and Semler, Avi},
  journal = {Transactions on Machine Learning Research},
  year    = {2024},
  url     = {https://openreview.net/forum?id=nm40lbbwoR}
}
@software{marginflow,
  title   = {marginflow: executable companion to
             ``Implicit Regularization of {AdaDelta}''},
  author  = {The marginflow authors},
  version = {VERSION},
  note    = {Chapter ``TITLE''}
}"""


def is_chapter(pagename: str) -> bool:
    return pagename.startswith("notebooks/")


def reads_records(app: Sphinx, pagename: str) -> bool:
    text = Path(app.env.doc2path(pagename)).read_text(encoding="utf-8")
    return '"../results' in text


def write_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Put NAME.ipynb and NAME.py, without outputs, beside the pages."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / DOWNLOADS
    folder.mkdir(exist_ok=True)
    for page in filter(is_chapter, app.env.found_docs):
        source = Path(app.env.doc2path(page))
        notebook = jupytext.read(source)
        jupytext.write(notebook, folder / f"{source.stem}.ipynb")
        jupytext.write(notebook, folder / f"{source.stem}.py", fmt="py:percent")


def add_take_away(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if not is_chapter(pagename):
        return
    stem = pagename.rsplit("/", 1)[-1]
    repository, branch = app.config.marginflow_repository
    owner = repository.removeprefix("https://github.com/")
    links = [
        f'<a href="../{DOWNLOADS}/{stem}.{suffix}" download>{label} (.{suffix})</a>'
        for suffix, label in FORMATS.items()
    ]
    source = f"{repository}/blob/{branch}/{pagename}.md"
    links += [
        f'<a href="{source}">Source (MyST Markdown)</a>',
        f'<a href="https://mybinder.org/v2/gh/{owner}/{branch}'
        f'?urlpath=lab/tree/{pagename}.md">JupyterLab on Binder</a>',
    ]
    if reads_records(app, pagename):
        records = f"{repository}/tree/{branch}/results"
        links.append(f'<a href="{records}">Records behind its figures (Parquet)</a>')
    version = app.config.release or "0.1.0"
    title = context["title"]
    bibtex = BIBTEX.replace("VERSION", version).replace("TITLE", _plain(title))
    context["body"] += f"""
<section class="take-away" aria-label="Take this chapter with you">
<p class="take-away-title">Take this chapter with you</p>
<p>{" · ".join(links)}</p>
<details><summary>Cite (BibTeX)</summary>
<div class="highlight-text notranslate"><div class="highlight"><pre>{
        html.escape(bibtex)
    }</pre></div></div>
</details>
</section>"""


def add_card(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Title, description and picture for whoever is sent a link to a page."""
    title = html.escape(_plain(context.get("title", "")))
    tags = {
        "og:site_name": "marginflow",
        "og:type": "article",
        "og:title": title,
        "og:description": "Executable companion to Implicit Regularization of AdaDelta",
        "twitter:card": "summary_large_image",
    }
    if app.config.html_baseurl:  # the picture's address must be absolute
        base = app.config.html_baseurl.rstrip("/")
        tags["og:url"] = f"{base}/{pagename}.html"
        tags["og:image"] = f"{base}/_static/card.png"
    context["metatags"] = context.get("metatags", "") + "".join(
        f'\n<meta property="{name}" content="{content}">'
        for name, content in tags.items()
    )


def _plain(title: str) -> str:
    """A page title without its markup."""
    text, inside = "", False
    for letter in title:
        if letter in "<>":
            inside = letter == "<"
        elif not inside:
            text += letter
    return html.unescape(text)


def setup(app: Sphinx) -> dict[str, object]:
    app.add_config_value("marginflow_repository", ["", "main"], "html")
    app.connect("html-page-context", add_take_away)
    app.connect("html-page-context", add_card)
    app.connect("build-finished", write_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
