"""A Content-Security-Policy on every page: no foreign file, no injected script.

A static site sends no headers of its own, so that the policy stands in the page.  The
theme's pages start with inline scripts and have inline handlers; each is named by its
hash, and a script that is not among them does not run.  Styles may be inline, because
MathJax and the charts set them.  WebAssembly is what Python needs in the reader's
browser.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

MARK = '<meta http-equiv="Content-Security-Policy"'
SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.DOTALL | re.IGNORECASE)
HANDLER = re.compile(r"<[a-z][^<>]*?\son[a-z]+=\"([^\"]*)\"", re.IGNORECASE)
HEAD = re.compile(r"<head\b[^>]*>(\s*<meta charset=[^>]*>)?", re.IGNORECASE)

# `file:` is for a site opened from a folder; pages from the web cannot load it at all.
POLICY = {
    "default-src": "'self' file:",
    "script-src": "'self' file: 'wasm-unsafe-eval'",
    "style-src": "'self' file: 'unsafe-inline'",
    "img-src": "'self' file: data:",
    "font-src": "'self' file: data:",
    "worker-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self' file:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self' file:",
}


def hash_of(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def handlers(page: str) -> set[str]:
    """The code of a page's inline event handlers."""
    return {html.unescape(code) for code in HANDLER.findall(page)}


def policy(page: str, others: Iterable[str] = ()) -> str:
    """The policy under which a page runs its own inline scripts and no others.

    Args:
        others: handlers of other pages; the search reads those in, to excerpt them.
    """
    scripts = [m[2] for m in SCRIPT.finditer(page) if "src=" not in m[1].lower()]
    named = handlers(page) | set(others)
    hashes = sorted({hash_of(code) for code in named.union(scripts)})
    if named:
        hashes.append("'unsafe-hashes'")  # lets hashes name handlers, too
    rules = POLICY | {"script-src": " ".join([POLICY["script-src"], *hashes])}
    return "; ".join(f"{rule} {sources}" for rule, sources in rules.items())


def protect(page: str, others: Iterable[str] = ()) -> str:
    """The page with its policy, before anything that the policy governs.

    What has one already stays as it is, and so does a fragment that pages include.
    """
    found = HEAD.search(page)
    if found is None or MARK in page:
        return page
    tag = f'\n{MARK} content="{policy(page, others)}">'
    return page[: found.end()] + tag + page[found.end() :]


def protect_site(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    paths = sorted(Path(app.outdir).rglob("*.html"))
    pages = {path: path.read_text(encoding="utf-8") for path in paths}
    shared = set().union(*map(handlers, pages.values()))
    for path, page in pages.items():
        protected = protect(page, shared)
        if protected is not page:
            path.write_text(protected, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    # After every other extension has written its pages.
    app.connect("build-finished", protect_site, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
