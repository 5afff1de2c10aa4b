"""Beside every figure of a chapter: what it draws as CSV, its code, its records.

A figure that was shown under `figures.use_book_style` carries its own table among its
outputs (see `marginflow.book.figure_csv`); an interactive chart carries its data in its
specification.  Both are written below ``_downloads/CHAPTER/`` of the site and linked
under the figure, next to the cell that made it and to whatever folder or file below
``results/`` its caption names.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

from docutils import nodes
from marginflow_chapter import DOWNLOADS, is_chapter, reads_records
from myst_nb.core.render import MimeRenderPlugin, load_mime_renders
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)

CHART = re.compile(r"application/vnd\.vegalite\.v\d+\+json")
RECORDS = re.compile(r"\bresults/[\w./-]*\w")


class Table(MimeRenderPlugin):
    """Carries the tables of outputs into the document, where `add_links` finds them."""

    @staticmethod
    def handle_mime(renderer, data, inline):
        if data.mime_type == "text/csv":
            return [nodes.raw("", data.string, format="csv")]
        if CHART.fullmatch(data.mime_type):
            spec = data.content
            spec = json.loads(spec) if isinstance(spec, str) else spec
            text = "".join(map(_csv, spec["datasets"].values()))
            return [nodes.raw("", text, format="csv")]
        return None


def _csv(rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tables(env: BuildEnvironment) -> dict[str, dict[str, str]]:
    """CSV by chapter and name, kept with what Sphinx knows about the chapters."""
    if not hasattr(env, "marginflow_tables"):
        env.marginflow_tables = {}
    return env.marginflow_tables


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    tables(env).pop(docname, None)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames, other: BuildEnvironment
) -> None:
    tables(env).update(tables(other))


def add_links(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") != "cell_code":
            continue
        options = cell["cell_metadata"].get("mystnb", {}).get("figure", {})
        for table in list(cell.findall(_is_table)):
            bundle = table.parent.parent
            bundle.remove(table.parent)
            if not is_chapter(docname):
                continue
            known = tables(app.env).setdefault(docname, {})
            name = _free(options.get("name", "chart"), known)
            known[name] = table.astext()
            if isinstance(bundle.parent, nodes.figure):
                figure = bundle.parent
                figure += nodes.legend("", _line(app, docname, cell, name, figure))
            else:
                cell += _line(app, docname, cell, name, None)


def _is_table(node: nodes.Node) -> bool:
    return isinstance(node, nodes.raw) and node["format"] == "csv"


def _free(name: str, taken: dict[str, str]) -> str:
    """The name, or the name with the first number that is not taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _line(
    app: Sphinx,
    docname: str,
    cell: nodes.container,
    name: str,
    figure: nodes.figure | None,
) -> nodes.paragraph:
    repository, branch = app.config.marginflow_repository
    chapter = docname.rsplit("/", 1)[-1]
    links = [("Data (CSV)", f"../{DOWNLOADS}/{chapter}/{name}.csv")]
    source = cell.children[0]
    if source.get("nb_element") == "cell_code_source":
        anchor = f"code-{name}"
        source["ids"].append(anchor)
        links.append(("Code", f"#{anchor}"))
    else:
        links.append(("Code", f"{repository}/blob/{branch}/{docname}.md"))
    if figure is not None:
        caption = next(figure.findall(nodes.caption))
        paths = dict.fromkeys(RECORDS.findall(caption.astext()))
    else:
        paths = ["results"] if reads_records(app, docname) else []
    for path in paths:
        place = Path(app.srcdir) / path
        if not place.exists():
            logger.warning("the caption of %s names %s: no such record", name, path)
        view = "blob" if place.suffix else "tree"
        label = path.removeprefix("results/")
        label = "Records" if label == "results" else f"Records ({label})"
        links.append((label, f"{repository}/{view}/{branch}/{path}"))
    line = nodes.paragraph(classes=["figure-data"])
    for i, (label, address) in enumerate(links):
        if i:
            line += nodes.Text(" · ")
        line += nodes.reference("", label, refuri=address, internal=True)
    return line


def write_tables(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    for docname, known in tables(app.env).items():
        folder = Path(app.outdir) / DOWNLOADS / docname.rsplit("/", 1)[-1]
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in known.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")


def setup(app: Sphinx) -> dict[str, object]:
    if Table not in load_mime_renders():
        load_mime_renders().append(Table)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("doctree-read", add_links)
    app.connect("build-finished", write_tables)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
