"""What stands at the end of every executable chapter: take it away, run it, cite it.

Each chapter is written out as a notebook and as a script beside the site's pages, and
its last section links both, the source it came from, and the services that can run it.
All outward links are built from the one `marginflow_repository` setting of _config.yml.

Binder opens the chapters themselves, in JupyterLab, by jupytext.  Colab knows notebooks
alone: .github/workflows/book.yml keeps those that are written here on a branch of their
own, and each begins with a cell that installs the package where it is missing.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import quote

import jupytext
import nbformat
from sphinx.application import Sphinx

from marginflow import __version__

DOWNLOADS = "_downloads"
FORMATS = {"ipynb": "Jupyter notebook", "py": "Python script"}

# The branch on which the workflow publishes the notebooks, for Colab.
NOTEBOOKS = "notebooks"

INSTALL = """\
# Installs marginflow where it is missing, in Google Colab for example.
from importlib.util import find_spec

if find_spec("marginflow") is None:
    %pip install --quiet "marginflow @ git+REPOSITORY@BRANCH" altair"""

# The same for a chapter that reads files of the project, such as recorded runs.
CLONE = """\
# Fetches and installs marginflow where it is missing, in Google Colab for example.
from pathlib import Path

if not Path("../results").is_dir():
    !git clone --quiet --depth 1 --branch BRANCH REPOSITORY marginflow
    %pip install --quiet ./marginflow altair
    %cd marginflow/notebooks"""

SCRIPT = """\
Needs marginflow: `pip install "marginflow @ git+REPOSITORY@BRANCH" altair`. A chapter
that reads `../results` runs in the folder `notebooks` of a checkout of REPOSITORY."""

JUPYTERLAB = """\
git clone --branch BRANCH REPOSITORY
cd NAME
make setup
.venv/bin/pip install jupyterlab
.venv/bin/jupyter lab PAGE.md   # then: Open With, Notebook"""

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
  author  = {{The marginflow authors}},
  year    = {YEAR},
  url     = {REPOSITORY},
  version = {VERSION},
  note    = {Chapter ``TITLE''}
}"""


def is_chapter(pagename: str) -> bool:
    return pagename.startswith("notebooks/")


def reads_records(app: Sphinx, pagename: str) -> bool:
    text = Path(app.env.doc2path(pagename)).read_text(encoding="utf-8")
    return '"../results' in text


def fill(app: Sphinx, template: str) -> str:
    """Put the one setting into a template."""
    repository, branch = app.config.marginflow_repository
    name = repository.rsplit("/", 1)[-1]
    for word, value in (("REPOSITORY", repository), ("BRANCH", branch), ("NAME", name)):
        template = template.replace(word, value)
    return template


def write_downloads(app: Sphinx, exception: Exception | None) -> None:
    """Put NAME.ipynb and NAME.py, without outputs, beside the pages."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / DOWNLOADS
    folder.mkdir(exist_ok=True)
    for page in filter(is_chapter, app.env.found_docs):
        source = Path(app.env.doc2path(page))
        notebook = jupytext.read(source)
        cells = notebook.cells
        reads = any('"../' in c.source for c in cells if c.cell_type == "code")
        first = nbformat.v4.new_code_cell(fill(app, CLONE if reads else INSTALL))
        notebook.cells = [first, *cells]
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{i}"  # the same in every build
        jupytext.write(notebook, folder / f"{source.stem}.ipynb")
        first = nbformat.v4.new_markdown_cell(fill(app, SCRIPT))
        notebook.cells = [first, *cells]
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
    lab = quote(f"lab/tree/{pagename}.md?factory=Jupytext%20Notebook", safe="")
    runs = [
        f'<a href="https://mybinder.org/v2/gh/{owner}/{branch}?urlpath={lab}">'
        "JupyterLab on Binder</a>",
        f'<a href="https://colab.research.google.com/github/{owner}/blob/{NOTEBOOKS}/'
        f'{stem}.ipynb">Google Colab</a>',
    ]
    kept = [f'<a href="{source}">Source (MyST Markdown)</a>']
    issue = f"{repository}/issues/new?title={quote(plain(context['title']))}"
    kept.append(f'<a href="{issue}">Say what is wrong here</a>')
    if reads_records(app, pagename):
        records = f"{repository}/tree/{branch}/results"
        kept.append(f'<a href="{records}">Records behind its figures (Parquet)</a>')
    version = __version__
    title = context["title"]
    year = re.search(r"\d{4}", app.config.copyright)[0]
    bibtex = fill(app, BIBTEX).replace("VERSION", version).replace("YEAR", year)
    bibtex = bibtex.replace("TITLE", plain(title))
    commands = fill(app, JUPYTERLAB).replace("PAGE", pagename)
    context["body"] += f"""
<section class="take-away" aria-label="Take this chapter with you">
<p class="take-away-title">Take this chapter with you</p>
<p>Download: {" · ".join(links)}</p>
<p>In the repository: {" · ".join(kept)}</p>
<p>Open in: {" · ".join(runs)}</p>
{_folded("Open in your own JupyterLab", commands)}
{_folded("Cite (BibTeX)", bibtex)}
</section>"""


def _folded(summary: str, text: str) -> str:
    """Text behind a summary; sphinx-copybutton puts its button on the block."""
    return f"""<details><summary>{summary}</summary>
<div class="highlight-text notranslate"><div class="highlight"><pre>{
        html.escape(text)
    }</pre></div></div>
</details>"""


def plain(title: str) -> str:
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
    app.connect("build-finished", write_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
