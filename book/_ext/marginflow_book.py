"""The book's own Sphinx extension: the paper's numbering, fresh outputs, no thebe.

A statement's number is read off its label, so that the book counts as the paper does:
``:label: lemma-5`` is shown and referred to as "Lemma 5", ``process-2`` as "Process 2",
and the companion's own statements, which the paper does not number, carry a letter
(``corollary-A`` is "Corollary A").
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from docutils import nodes
from jupyter_cache import get_cache
from marginflow_state import (
    drop_stale,
    execution_cache,
    kernel_environment,
    site_state,
    socket_folder,
)
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.ext.mathjax import MATHJAX_URL

LABEL = re.compile(r"^([a-z]+)-(\d+|[A-Z])$")
# Code and emphasis are matched whole, and so are left alone.
LONE_STAR = re.compile(r"``[^`]*``|`[^`]*`|\*\*[^*]+\*\*|\*\w[^*]*\w\*|\*")


def name_from_label(app: Sphinx, doctree: nodes.document) -> None:
    """Let ``procedure-1`` and ``process-2``, both algorithms, keep their own names."""
    proofs = getattr(app.env, "proof_list", {})
    for node in doctree.findall(lambda n: "realtype" in getattr(n, "attributes", {})):
        match = LABEL.match(node.get("label", ""))
        if match:
            node["realtype"] = match[1]
            proofs[node["label"]]["realtype"] = match[1]


def number_from_label(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Replace running numbers by the paper's, wherever a label gives one."""
    for counters in env.toc_fignumbers.values():
        for numbers in counters.values():
            for label in numbers:
                match = LABEL.match(label)
                if match:
                    numbers[label] = (match[2],)
    return []


def note_reading(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Remember whether this build reads anything."""
    app.marginflow_reads = bool(docnames)


def write_all_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Once a page has changed, write all: previews of links know written pages only.

    The previews' files, which carry a new name each time, are then all made anew.
    """
    if not app.marginflow_reads:
        return []
    shutil.rmtree(Path(app.outdir, "_static", "tippy"), ignore_errors=True)
    return sorted(env.found_docs)


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Undo jupyter-book's loading of sphinx-thebe.

    It throws on every page that has no Binder to talk to, and asks a foreign host.
    """
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if getattr(listener.handler, "__module__", "") == "sphinx_thebe":
                app.disconnect(listener.id)
    app.registry.css_files = [
        (name, options)
        for name, options in app.registry.css_files
        if name != "sphinx-thebe.css"
    ]


def find_mathjax(app: Sphinx, config: Config) -> None:
    """Fall back to MathJax from the web where set-up could not fetch it (no npm)."""
    if not (Path(app.confdir) / "book" / "_static" / config.mathjax_path).exists():
        config.mathjax_path = MATHJAX_URL


def count(app: Sphinx, config: Config) -> None:
    """Let pages say {{ verdicts }}, as the scoreboard shows, and {{ steps }}."""
    text = Path(app.confdir, "results", "claims.json").read_text(encoding="utf-8")
    counted = {"verdicts": verdicts(json.loads(text)), **proof_steps()}
    config.myst_substitutions = counted


def proof_steps() -> dict[str, int]:
    """How many steps all proofs have, how many engines settle, how many mutations."""
    from marginflow.proofs import STATEMENTS, Engine

    steps = [step for statement in STATEMENTS for step in statement.steps]
    told = {Engine.PAPER, Engine.CITED}
    return {
        "steps": len(steps),
        "settled": sum(step.check.engine not in told for step in steps),
        "mutations": sum(len(step.mutations) for step in steps),
    }


def verdicts(claims: list[dict]) -> str:
    """How many claims there are of each verdict; what is not recorded says nothing.

    Of each reading the first result counts, which is the best-founded scale's.
    """
    found = Counter()
    for claim in claims:
        first = {r.get("reading"): r["verdict"] for r in reversed(claim["results"])}
        said = set(first.values()) - {"not recorded", "too few rounds"}
        found[said.pop() if len(said) == 1 else "mixed" if said else "open"] += 1
    other = {"mixed": "differing by regime or reading", "open": "not recorded"}
    parts = [f"{n} {other.get(name, name)}" for name, n in found.most_common()]
    return f"{len(claims)} claims: {', '.join(parts)}"


def key_cache(app: Sphinx, config: Config) -> None:
    """Let the build find executed chapters where they are kept, and no stale ones.

    What the build is asked for without `make book` it executes itself, in the same
    environment.  The state is a part of the configuration, so that Sphinx reads every
    page again when it has changed.
    """
    root = Path(app.confdir)
    config.nb_execution_cache_path = str(execution_cache(root))
    config.marginflow_state = site_state(root)
    drop_stale(get_cache(config.nb_execution_cache_path), root)
    app.marginflow_empty = TemporaryDirectory(dir=socket_folder())
    environment = kernel_environment(Path(app.marginflow_empty.name))
    os.environ.clear()
    os.environ.update(environment)


def keep_mathematics(app: Sphinx, what, name, obj, options, lines: list[str]) -> None:
    """Let docstrings write norms as ``|w|`` and products of axes as ``(*s, 2)``.

    Both mean something to reStructuredText, but never in this package's docstrings.
    """
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()  # Python's own words for a field of a named tuple
    for i, line in enumerate(lines):
        line = line.replace("|", r"\|")
        lines[i] = LONE_STAR.sub(lambda m: m[0] if m[0] != "*" else r"\*", line)


def keep_axes(app: Sphinx, what, name, obj, options, lines: list[str]) -> None:
    """Keep axes ``*r`` in the types that napoleon writes as text, too."""
    if what in ("attribute", "data", "property") and lines:
        # Of these it takes what stands before the first line's colon for a type.
        (told,) = [x for x in lines if x.startswith(":type: ")] or [""]
        if told:
            lines.remove(told)
            lines[0] = f"{told.removeprefix(':type: ')}: {lines[0]}"
    for i, line in enumerate(lines):
        if line.lstrip().startswith(":type:"):
            lines[i] = LONE_STAR.sub(lambda m: m[0] if m[0] != "*" else r"\*", line)


def shorten_names(app: Sphinx, what, name, obj, options, signature, returns):
    """Names that Sphinx marks as to be shortened, but shows as they are.

    It does so where a default's repr is no Python, and it takes a signature as text.
    """
    if signature and "~" in signature:
        return re.sub(r"~(?:\w+\.)*", "", signature), returns
    return None


def drop_deprecated_role(app: Sphinx, pagename, templatename, context, doctree):
    """Citations carry a role that WAI-ARIA has since given up, in a list of it."""
    for role in (' role="doc-biblioentry"', ' role="list"'):
        if "body" in context:
            context["body"] = context["body"].replace(role, "")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("doctree-read", name_from_label)
    # After Sphinx itself has counted (its collector runs at priority 500).
    app.connect("env-get-updated", number_from_label, priority=900)
    app.connect("env-before-read-docs", note_reading)
    app.connect("env-get-updated", write_all_pages)
    app.connect("config-inited", drop_thebe, priority=900)
    app.add_config_value("marginflow_state", "", "env", str)
    app.connect("config-inited", key_cache, priority=100)
    app.connect("config-inited", count, priority=100)
    app.connect("config-inited", find_mathjax, priority=100)
    app.connect("html-page-context", drop_deprecated_role)
    app.connect("autodoc-process-signature", shorten_names)
    # Before napoleon (500) turns sections into markup of its own.
    app.connect("autodoc-process-docstring", keep_mathematics, priority=400)
    app.connect("autodoc-process-docstring", keep_axes, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
