"""Live cells: the code of a chapter's checks, to run and to break in the browser.

``{live-panel}`` stands once on a page and starts Python. ``{live} lemma-5`` shows the
cells that carry the tag ``live`` in ``notebooks/lemma-5.md``: the page has no code of
its own, so that what a reader runs is what the chapter ran. The directive's content is
a list of mutations to offer, in YAML; each has to occur exactly once in those cells, or
the build fails::

    ```{live} lemma-5
    :title: Lemma 5
    - label: eq. (1) with a plus
      find: "dL**2 - g)"
      replace: "dL**2 + g)"
    ```

``{live} free`` takes code as its content instead: a cell to write in.

Where pyodide is missing (see tools/fetch_live.py) the same code is shown, without
buttons, and the panel says what is missing.
"""

from __future__ import annotations

import html
import json
import zipfile
from pathlib import Path

import jupytext
import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

STATIC = "_static/live"
APP = "marginflow.zip"


def manifest(source: Path) -> dict:
    """What tools/fetch_live.py left: sizes, or what is missing."""
    path = source / "book" / STATIC / "pyodide" / "manifest.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {"missing": "tools/fetch_live.py has not been run"}


def live_cells(notebook: Path) -> list[str]:
    """Sources of the cells of a chapter that are tagged ``live``, in order."""
    cells = jupytext.read(notebook).cells
    return [c.source for c in cells if "live" in c.metadata.get("tags", [])]


def megabytes(size: float) -> str:
    return f"{size / 1e6:.0f} MB"


class Panel(SphinxDirective):
    """The button that starts Python, and what it says about itself."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        self.env.note_dependency(
            str(source / "book" / STATIC / "pyodide/manifest.json")
        )
        found = manifest(source)
        if "missing" in found:
            text = (
                '<div class="mfl-panel mfl-missing"><p><strong>This build of the book '
                "cannot run Python in your browser:</strong> "
                f"{html.escape(found['missing'])}. The code below is complete; it runs "
                "in any Python that has SymPy, and in the chapters.</p></div>"
            )
            return [nodes.raw("", _assets(self.env.docname) + text, format="html")]
        total = sum(found["files"].values())
        # Scripts are not counted while they load; the bar is of the rest.
        counted = sum(s for n, s in found["files"].items() if not n.endswith(".js"))
        versions = found["versions"]
        text = f"""<div class="mfl-panel" data-home="{_up(self.env.docname)}{STATIC}/"
  data-counted="{counted}" data-size="{megabytes(total)}">
  <p><button type="button" class="mfl-start" hidden>Start Python</button>
  <button type="button" class="mfl-stop" hidden>Interrupt</button>
  <span class="mfl-state" role="status">This page runs code by JavaScript, which
  browsers run from a web server only (<code>make serve</code>), not from a
  file.</span></p>
  <progress class="mfl-progress" max="1" value="0" aria-label="Loading Python" hidden>
  </progress>
  <p class="mfl-fine">pyodide {versions["pyodide"]} with SymPy {versions["sympy"]}, in a
  thread of its own. Nothing that you type leaves your browser.</p>
</div>"""
        script = f"{_up(self.env.docname)}{STATIC}/live.js"
        text += f'<script type="module" src="{script}"></script>'
        return [nodes.raw("", _assets(self.env.docname) + text, format="html")]


class Live(SphinxDirective):
    """The live cells of one chapter, or a free cell."""

    required_arguments = 1
    has_content = True
    option_spec = {"title": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        group = self.arguments[0]
        title = self.options.get("title", group)
        source = Path(self.env.srcdir)
        if group == "free":
            cells, mutations = ["\n".join(self.content)], []
        else:
            notebook = source / "notebooks" / f"{group}.md"
            self.env.note_dependency(str(notebook))
            if not notebook.exists():
                raise self.error(f"there is no chapter notebooks/{group}.md")
            cells = live_cells(notebook)
            if not cells:
                raise self.error(f"no cell of {notebook.name} carries the tag 'live'")
            mutations = self._mutations(cells)
        runs = "missing" not in manifest(source)
        text = _group(group, title, cells, mutations, runs)
        return [nodes.raw("", text, format="html")]

    def _mutations(self, cells: list[str]) -> list[dict]:
        # BaseLoader: a label such as "no" stays text.
        offered = yaml.load("\n".join(self.content), Loader=yaml.BaseLoader) or []
        for mutation in offered:
            if set(mutation) != {"label", "find", "replace"}:
                raise self.error(f"a mutation has label, find, replace; got {mutation}")
            times = [cell.count(mutation["find"]) for cell in cells]
            if sum(times) != 1:
                raise self.error(
                    f"{mutation['find']!r} occurs {sum(times)} times in the live cells "
                    "of this chapter; a mutation changes one place"
                )
            mutation["cell"] = times.index(1)
        return offered


def _up(docname: str) -> str:
    return "../" * docname.count("/")


def _assets(docname: str) -> str:
    return f'<link rel="stylesheet" href="{_up(docname)}{STATIC}/live.css">'


def _group(
    group: str, title: str, cells: list[str], mutations: list[dict], runs: bool
) -> str:
    hidden = "" if runs else " hidden"
    shown = html.escape(title)
    parts = [
        f'<section class="mfl" data-group="{group}" aria-label="{shown}, live">',
        f'<div class="mfl-bar"{hidden}>',
    ]
    if len(cells) > 1:
        parts.append(f'<button type="button" class="mfl-all">Check {shown}</button>')
    parts.append(
        '<button type="button" class="mfl-reset">Reset'
        f'<span class="mfl-unseen"> {shown}</span></button>'
        '<span class="mfl-summary" role="status"></span></div>'
    )
    if mutations:
        parts.append(
            f'<div class="mfl-bar" role="group" aria-label="Break {shown}"{hidden}>'
            "<span>Break it:</span>"
        )
        parts += [_break(mutation) for mutation in mutations]
        parts.append("</div>")
    for i, cell in enumerate(cells):
        label = shown if len(cells) == 1 else f"{shown}, cell {i + 1} of {len(cells)}"
        parts.append(_cell(f"mfl-{group}-{i}", label, cell, hidden))
    return "\n".join([*parts, "</section>"])


def _break(mutation: dict) -> str:
    find, replace = (html.escape(mutation[k]) for k in ("find", "replace"))
    return (
        f'<button type="button" class="mfl-break" data-cell="{mutation["cell"]}" '
        f'data-find="{find}" data-replace="{replace}">'
        f"{html.escape(mutation['label'])}</button>"
    )


def _cell(name: str, label: str, source: str, hidden: str) -> str:
    # The line break after <textarea> is not part of its value.
    return f"""<div class="mfl-cell"><label for="{name}">{label}</label>
<textarea id="{name}" rows="{source.count(chr(10)) + 1}" spellcheck="false" wrap="off"
  autocapitalize="off" autocomplete="off" autocorrect="off">
{html.escape(source)}</textarea>
<div class="mfl-bar"{hidden}><button type="button" class="mfl-run"><span
  class="mfl-word">Run</span><span class="mfl-unseen"> {label}</span></button>
<span class="mfl-verdict"></span></div>
<pre class="mfl-output" tabindex="0" role="region" aria-label="Output of {label}"
  hidden></pre></div>"""


def write_app(app: Sphinx, error: Exception | None) -> None:
    """Archive the modules that the cells may import, from their one source."""
    if error or app.builder.format != "html":
        return
    source, static = Path(app.srcdir), Path(app.outdir) / STATIC
    package = source / "src" / "marginflow"
    files = {
        "session.py": source / "book" / STATIC / "session.py",
        "reading.py": package / "proofs" / "reading.py",
        "marginflow/__init__.py": package / "__init__.py",
    }
    for path in sorted((package / "proofs").glob("*.py")):
        files[f"marginflow/proofs/{path.name}"] = path
    static.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(static / APP, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("live-panel", Panel)
    app.add_directive("live", Live)
    app.connect("build-finished", write_app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
