"""Live cells and live proofs: to run and to break in the reader's browser.

A cell of a chapter that carries the tag ``live`` can be run where it stands, and
``{live} lemma-5`` shows all such cells of ``notebooks/lemma-5.md`` on another page: the
page has no code of its own, so that what a reader runs is what the chapter ran. The
cell's metadata may offer mutations; each has to occur exactly once in it, or the build
fails::

    ```{code-cell} ipython3
    ---
    tags: [live]
    mutations:
    - {label: eq. (1) with a plus, find: "dL**2 - g)", replace: "dL**2 + g)"}
    ---
    ```

The live cells of a chapter share a namespace of their own: they must run by
themselves, with SymPy, z3 and `marginflow.proofs`. ``{live} free`` takes code as its
content instead: a cell to write in. ``{live-panel}`` stands once on a page, above its
cells, and starts Python; a chapter gets one by itself. ``{live-proofs}`` tables every
step of every proof, with a button that settles them all, and lists every mutation.

Where pyodide is missing (see tools/fetch_live.py) the same code is shown, without
buttons, and the panel says what is missing. All buttons are hidden until a script shows
them, for a reader without scripts.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import platform
import zipfile
from pathlib import Path

import jupytext
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

STATIC = "_static/live"
APP = "marginflow.zip"
Cells = list[tuple[str, list[dict]]]
"""Cells to run: the source of each, and its mutations."""


def manifest(source: Path) -> dict:
    """What tools/fetch_live.py left: sizes, or what is missing."""
    path = source / "book" / STATIC / "pyodide" / "manifest.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {"missing": "tools/fetch_live.py has not been run"}
    if not found.keys() & {"missing", "modules"}:  # an earlier checkout's
        return {"missing": "tools/fetch_live.py has to be run again"}
    return found


def live_cells(notebook: Path) -> Cells:
    """The cells of a chapter that are tagged ``live``, in order.

    Raises:
        ExtensionError: a mutation lacks a part, or does not change exactly one place.
    """
    cells = [
        (cell.source, cell.metadata.get("mutations", []))
        for cell in jupytext.read(notebook).cells
        if "live" in cell.metadata.get("tags", [])
    ]
    for source, mutations in cells:
        for mutation in mutations:
            texts = {k for k, v in mutation.items() if isinstance(v, str)}
            if not set(mutation) == texts == {"label", "find", "replace"}:
                problem = f"a mutation has label, find, replace, texts; got {mutation}"
            elif (times := source.count(mutation["find"])) != 1:
                problem = (
                    f"{mutation['find']!r} occurs {times} times in its live cell; "
                    "a mutation changes one place"
                )
            else:
                continue
            raise ExtensionError(f"{notebook.name}: {problem}")
    return cells


def megabytes(size: float) -> str:
    return f"{size / 1e6:.0f} MB"


# The panel ---------------------------------------------------------------------------


def _panel(source: Path, docname: str, hint: str, compact: bool = False) -> str:
    """The button that starts Python, and what it says about itself."""
    found = manifest(source)
    if "missing" in found:
        return f"""{_style(docname)}<div class="mfl-panel mfl-missing"><p><strong>This
  build of the book cannot run Python in your browser:</strong>
  {html.escape(found["missing"])}. The code below is complete; it runs in any Python
  that has SymPy, and in the chapters.</p></div>"""
    total = sum(found["files"].values())
    # Scripts are not counted while they load; the bar is of the rest.
    counted = sum(s for n, s in found["files"].items() if not n.endswith(".mjs"))
    small, fine = "", _versions(found)
    if compact:
        small = " mfl-compact"
        page = f"{_up(docname)}book/check-it-yourself.html"
        fine = f'In your browser; <a href="{page}">which Python, and every proof</a>.'
    return f"""{_style(docname)}<div class="mfl-panel{small}"
  data-home="{_up(docname)}{STATIC}/" data-counted="{counted}"
  data-modules="{found["modules"]}" data-size="{megabytes(total)}" data-hint="{hint}">
  <p><button type="button" class="mfl-start" hidden>Start Python</button>
  <button type="button" class="mfl-stop" hidden>Interrupt</button>
  <span class="mfl-state" role="status">Code runs here by JavaScript, which browsers run
  from a web server only (<code>make serve</code>), not from a file. Without it, the
  code and its outputs can be read.</span></p>
  <progress class="mfl-progress" max="1" value="0" aria-label="Loading Python" hidden>
  </progress>
  <p class="mfl-fine">{fine}</p>
</div>
<script type="module" src="{_up(docname)}{STATIC}/live.js"></script>"""


def _versions(found: dict) -> str:
    """Which Python, SymPy and z3 the reader gets, and how the chapters' differ."""
    has = found["versions"]
    text = f"pyodide {has['pyodide']} with SymPy {has['sympy']}"
    if "z3" not in has:
        without = html.escape(found.get("without_z3", "it was not fetched"))
        text += f", without z3, so that the solver’s steps stay undecided ({without})"
    else:
        text += f" and z3 {has['z3']}"
    here = f"Python {platform.python_version()}"
    solver = importlib.metadata.version("z3-solver")
    if has.get("z3") != solver:
        here += f" and z3 {solver}"
    return (
        f"{text}, in a thread of its own. The book’s own outputs were made by {here}: "
        "two versions have to agree. Nothing that you type leaves your browser."
    )


class Panel(SphinxDirective):
    """The panel, where an author puts it."""

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir)
        self.env.note_dependency(
            str(source / "book" / STATIC / "pyodide/manifest.json")
        )
        text = _panel(source, self.env.docname, "Ctrl+Enter runs a cell.")
        return [nodes.raw("", text, format="html")]


# Cells -------------------------------------------------------------------------------


class Live(SphinxDirective):
    """The live cells of one chapter, or a free cell."""

    required_arguments = 1
    has_content = True
    option_spec = {"title": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        group = self.arguments[0]
        title = self.options.get("title", group)
        if group == "free":
            cells: Cells = [("\n".join(self.content), [])]
        else:
            notebook = Path(self.env.srcdir) / "notebooks" / f"{group}.md"
            self.env.note_dependency(str(notebook))
            if not notebook.exists():
                raise self.error(f"there is no chapter notebooks/{group}.md")
            try:
                cells = live_cells(notebook)
            except ExtensionError as error:
                raise self.error(str(error)) from None
            if not cells:
                raise self.error(f"no cell of {notebook.name} carries the tag 'live'")
        return [nodes.raw("", _group(group, title, cells), format="html")]


def put_into_chapters(app: Sphinx, doctree: nodes.document) -> None:
    """Buttons below every live cell of a chapter, and a panel above the first."""
    source, docname = Path(app.srcdir), app.env.docname
    found = [
        node
        for node in doctree.findall(nodes.container)
        if node.get("nb_element") == "cell_code" and "tag_live" in node["classes"]
    ]
    proofs = [
        n for n in doctree.findall(nodes.raw) if '<section class="pf"' in n.rawsource
    ]
    if not found and not proofs:
        return
    app.env.note_dependency(str(source / "book" / STATIC / "pyodide/manifest.json"))
    if "missing" in manifest(source):
        if proofs:
            doctree += nodes.raw("", _style(docname), format="html")
        return
    group = Path(docname).name
    cells = live_cells(source / f"{docname}.md") if found else []
    for i, (node, (code, mutations)) in enumerate(zip(found, cells, strict=True)):
        text = f'<div class="mfl mfl-inline" data-group="{group}">'
        text += _cell(group, i, f"Cell {i + 1} of {len(cells)}", code, mutations)
        place = node.parent.index(node)
        node.parent.insert(place + 1, nodes.raw("", text + "</div>", format="html"))
    text = _panel(source, docname, "", compact=True)
    if found:
        text += f'<div class="mfl" data-group="{group}">'
        text += _group_bar("all cells", "mfl-first") + "</div>"
    if proofs:
        text += f'<script type="module" src="{_up(docname)}{STATIC}/lines.js"></script>'
    order = list(doctree.findall(nodes.Element))
    first = min([*found, *(_cell_of(proof) for proof in proofs)], key=order.index)
    first.parent.insert(first.parent.index(first), nodes.raw("", text, format="html"))


def _cell_of(node: nodes.Node) -> nodes.Node:
    """The cell of which `node` is an output."""
    while node.parent.get("nb_element") != "cell_code_output":
        node = node.parent
    return node.parent.parent


def _up(docname: str) -> str:
    return "../" * docname.count("/")


def _style(docname: str) -> str:
    return f'<link rel="stylesheet" href="{_up(docname)}{STATIC}/live.css">'


def _group(group: str, title: str, cells: Cells) -> str:
    shown = html.escape(title)
    parts = [
        f'<section class="mfl" data-group="{group}" aria-label="{shown}, live">',
        _group_bar(shown if len(cells) > 1 else "", "", reset=shown),
    ]
    if breaks := _breaks(cells):
        parts.append(
            f'<div class="mfl-bar" role="group" aria-label="Break {shown}" hidden>'
            f"<span>Break it:</span>{breaks}</div>"
        )
    for i, (cell, _) in enumerate(cells):
        label = shown if len(cells) == 1 else f"{shown}, cell {i + 1} of {len(cells)}"
        parts.append(_cell(group, i, label, cell, None))
    return "\n".join([*parts, "</section>"])


def _group_bar(check: str, name: str, reset: str = "the cells") -> str:
    """Check all cells of a group, put them back; its verdict in a line."""
    button = f'<button type="button" class="mfl-all">Check {check}</button>'
    return f"""<div class="mfl-bar {name}" hidden>{button if check else ""}
<button type="button" class="mfl-reset">Reset<span class="mfl-unseen"> {reset}</span>
</button><span class="mfl-summary" role="status"></span></div>"""


def _breaks(cells: Cells, first: int = 0) -> str:
    """A button for each mutation of cells that are numbered from `first` on."""
    return "\n".join(
        f'<button type="button" class="mfl-break" data-cell="{first + i}" '
        f'data-find="{html.escape(mutation["find"])}" '
        f'data-replace="{html.escape(mutation["replace"])}" aria-pressed="false">'
        f"{html.escape(mutation['label'])}</button>"
        for i, (_, mutations) in enumerate(cells)
        for mutation in mutations
    )


def _cell(
    group: str, i: int, label: str, source: str, mutations: list[dict] | None
) -> str:
    """An editor with buttons; in a chapter, with mutations, it is closed at first."""
    name = f"mfl-{group}-{i}"
    more = closed = ""
    if mutations is not None:
        closed = " hidden"
        more = '<button type="button" class="mfl-edit">Edit</button>'
        if mutations:
            more += f"<span>Break it:</span>{_breaks([(source, mutations)], i)}"
        more += '<span class="mfl-summary" role="status" hidden></span>'
    # The line break after <textarea> is not part of its value.
    return f"""<div class="mfl-cell"><div class="mfl-editor"{closed}>
<label for="{name}">{label}</label>
<textarea id="{name}" rows="{source.count(chr(10)) + 1}" spellcheck="false" wrap="off"
  autocapitalize="off" autocomplete="off" autocorrect="off">
{html.escape(source)}</textarea></div>
<div class="mfl-bar" hidden><button type="button" class="mfl-run"><span
  class="mfl-word">Run</span><span class="mfl-unseen"> {label}</span></button>
<span class="mfl-verdict"></span>{more}</div>
<pre class="mfl-output" tabindex="0" role="region" aria-label="Output of {label}"
  hidden></pre></div>"""


# Proofs ------------------------------------------------------------------------------


class Proofs(SphinxDirective):
    """Every step of every proof, to be settled at once, and every mutation."""

    def run(self) -> list[nodes.Node]:
        from marginflow.proofs import STATEMENTS

        source = Path(self.env.srcdir)
        for path in (source / "src" / "marginflow" / "proofs").rglob("*.py"):
            self.env.note_dependency(str(path))
        up = _up(self.env.docname)
        steps = [_proof(each, up) for each in STATEMENTS]
        mutations = [
            _mutation(each, step, mutation)
            for each in STATEMENTS
            for step in each.steps
            for mutation in step.mutations
        ]
        engines = {step.check.engine for each in STATEMENTS for step in each.steps}
        letters = ", ".join(
            f"<b>{engine.value[0].upper()}</b> {engine.value}"
            for engine in type(next(iter(engines)))
            if engine in engines
        )
        options = [_options(each) for each in STATEMENTS if each.mutations]
        text = _PROOFS.format(
            steps="\n".join(steps),
            mutations="\n".join(mutations),
            options="\n".join(options),
            broken=len(mutations),
            letters=letters,
        )
        if "missing" not in manifest(source):
            text += f'<script type="module" src="{up}{STATIC}/proofs.js"></script>'
        return [nodes.raw("", text, format="html")]


_PROOFS = """<section class="mfl-proofs" aria-label="Every proof, live">
<div class="mfl-bar" hidden>
<button type="button" class="mfl-prove">Check every proof now</button>
<button type="button" class="mfl-refute">Break all {broken}</button>
<button type="button" class="mfl-halt" hidden>Stop</button></div>
<progress class="mfl-steps" aria-label="Steps settled" hidden></progress>
<p class="mfl-told" role="status"></p>
<table class="mfl-table"><thead><tr><th scope="col">Statement</th>
<th scope="col">Its steps, by engine</th><th scope="col">Here</th></tr></thead>
<tbody>
{steps}
</tbody></table>
<p class="mfl-fine">{letters}. Hover a step for what it says.</p>
<div class="mfl-bar" hidden><label for="mfl-mutation">Break a step:</label>
<select id="mfl-mutation">
{options}
</select><button type="button" class="mfl-one">Break it</button></div>
<dl class="mfl-witness" aria-live="polite"></dl>
<details class="mfl-list"><summary>All {broken} mutations and their
counterexamples</summary>
<table class="mfl-table"><thead><tr><th scope="col">Step</th>
<th scope="col">What is broken</th><th scope="col">What refutes it</th></tr></thead>
<tbody>
{mutations}
</tbody></table></details>
</section>"""


def _proof(statement, up: str) -> str:
    page = f"{up}notebooks/{statement.page}.html"
    return (
        f'<tr data-statement="{statement.name}"><th scope="row">'
        f'<a href="{page}">{html.escape(statement.title)}</a></th>'
        f"<td>{''.join(_step(statement, step) for step in statement.steps)}</td>"
        "<td></td></tr>"
    )


def _step(statement, step) -> str:
    engine, name = step.check.engine.value, html.escape(step.name)
    title = f"{statement.title}, {step.name}"
    return (
        f'<span class="mfl-step" data-step="{name}" data-title="{html.escape(title)}" '
        f'title="{name}: {html.escape(step.why)}">{engine[0].upper()}</span>'
    )


def _mutation(statement, step, mutation) -> str:
    title = html.escape(f"{statement.title}, {step.name}")
    return (
        f'<tr class="mfl-mutation" data-statement="{statement.name}" '
        f'data-step="{html.escape(step.name)}" data-title="{title}" '
        f'data-mutation="{html.escape(mutation.name)}"><th scope="row">{title}</th>'
        f"<td>{html.escape(mutation.change)}</td><td></td></tr>"
    )


def _options(statement) -> str:
    options = "".join(
        f"<option>{html.escape(f'{step.name}: {mutation.change}')}</option>"
        for step in statement.steps
        for mutation in step.mutations
    )
    return f'<optgroup label="{html.escape(statement.title)}">{options}</optgroup>'


# The modules -------------------------------------------------------------------------


def write_app(app: Sphinx, error: Exception | None) -> None:
    """Archive the modules that the cells may import, from their one source."""
    if error or app.builder.format != "html":
        return
    source, static = Path(app.srcdir), Path(app.outdir) / STATIC
    files = {"session.py": source / "book" / STATIC / "session.py"}
    for path in sorted((source / "src" / "marginflow").rglob("*.py")):
        files[str(path.relative_to(source / "src"))] = path
    static.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(static / APP, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def setup(app: Sphinx) -> dict[str, object]:
    app.add_directive("live-panel", Panel)
    app.add_directive("live", Live)
    app.add_directive("live-proofs", Proofs)
    app.connect("doctree-read", put_into_chapters)
    app.connect("build-finished", write_app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
