"""Formulas are rendered when the book is built, so that pages come with them.

MathJax does it here, in node, for the written pages and their hover previews at once;
readers get its HTML, its style and its fonts, need no script, and see nothing move.
Beside each formula stands its MathML, for who listens to the page.  Where node or
MathJax is missing, the pages keep their TeX, and MathJax renders it in the browser.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from marginflow_previews import change_tips, tip_files
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

FORMULA = re.compile(r"\\\((?P<inline>[^<>]*?)\\\)|\\\[(?P<display>[^<>]*?)\\\]", re.S)
BOX = re.compile(
    r'<(?P<tag>span|div) class="(?:[^"]* )?math notranslate nohighlight"[^>]*>'
    r".*?</(?P=tag)>",
    re.S,
)
SCRIPTS = re.compile(
    r"\s*<script>window\.MathJax = .*?</script>|"
    r'\s*<script\b[^>]*\bsrc="[^"]*tex-chtml\.js[^"]*"></script>'
)
TYPESET = re.compile(r"\s*onShow\(instance\) \{MathJax\.typeset.*")
STYLE = "mathematics.css"
FONTS = "mathjax/output/chtml/fonts/woff-v2"
FIRST_FONTS = ("MathJax_Main-Regular", "MathJax_Math-Italic")

# As high as the text around it: what MathJax finds by measuring where it is a script.
SIZE = 'mjx-container[jax="CHTML"] { font-size: calc(1ex / 0.431); }\n'


def formulas(text: str) -> set[tuple[str, bool]]:
    """TeX of a page's formulas, and whether they are displayed."""
    return {_formula(m) for box in BOX.finditer(text) for m in FORMULA.finditer(box[0])}


def _formula(match: re.Match[str]) -> tuple[str, bool]:
    display = match["display"] is not None
    return html.unescape(match["display"] if display else match["inline"]), display


def fill(text: str, rendered: dict[tuple[str, bool], str]) -> str:
    """The page with its formulas as they are to be seen."""

    def box(match: re.Match[str]) -> str:
        return FORMULA.sub(lambda m: rendered.get(_formula(m), m[0]), match[0])

    return BOX.sub(box, text)


def render(
    wanted: set[tuple[str, bool]], root: Path, fonts: str
) -> tuple[dict[tuple[str, bool], str], str]:
    """The HTML of each formula, and the style that all need.

    Raises:
        OSError: there is no node, or no MathJax for it.
        ValueError: TeX that MathJax does not understand.
    """
    beside = Path(sys.executable).with_name("node")
    node = str(beside) if beside.exists() else shutil.which("node")
    if node is None or not (root / "node_modules" / "mathjax").exists():
        raise OSError("node or its package mathjax is missing")
    ordered = sorted(wanted)
    asked = [json.dumps({"tex": tex, "display": shown}) for tex, shown in ordered]
    program = Path(__file__).with_name("mathematics.mjs")
    done = subprocess.run(
        [node, str(program), fonts],
        cwd=root,
        input="\n".join(asked) + "\n",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise OSError(f"node says: {done.stderr.strip()[-500:]}")
    *answers, last = map(json.loads, done.stdout.splitlines())
    for (tex, _), answer in zip(ordered, answers, strict=True):
        if "error" in answer:
            raise ValueError(f"{answer['error']} in the formula {tex}")
    found = (answer["html"] for answer in answers)
    return dict(zip(ordered, found, strict=True)), last["css"]


def head(page: str, static: str) -> str:
    """The page without MathJax, with its style and the fonts that it needs at once."""
    fonts = "".join(
        f'\n<link rel="preload" as="font" type="font/woff" crossorigin href="'
        f'{static}/{FONTS}/{name}.woff">'
        for name in FIRST_FONTS
    )
    style = f'\n<link rel="stylesheet" href="{static}/{STYLE}">'
    return SCRIPTS.sub("", page).replace("</head>", f"{fonts}{style}\n</head>", 1)


def prerender(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = {p: p.read_text("utf-8") for p in out.rglob("*.html")}
    tips = {p: p.read_text("utf-8") for p in tip_files(app)}
    wanted = set().union(*map(formulas, pages.values()))
    for text in tips.values():
        change_tips(text, lambda _, tip: wanted.update(formulas(tip)) or tip)
    if not wanted:
        return  # no page was written, and all have their formulas
    try:
        rendered, css = render(wanted, Path(app.srcdir), FONTS)
    except OSError as error:
        logger.info("Formulas are left to the browser: %s", error)
        return
    except ValueError as error:
        logger.warning("%s", error)
        return
    (out / "_static" / STYLE).write_text(css + SIZE, encoding="utf-8")
    for path, page in pages.items():
        static = "../" * (len(path.relative_to(out).parts) - 1) + "_static"
        filled = fill(page, rendered)
        changed = head(filled, static) if filled != page else SCRIPTS.sub("", page)
        if changed != page:
            path.write_text(changed, encoding="utf-8")
    for path, text in tips.items():
        filled = change_tips(text, lambda _, tip: fill(tip, rendered))
        path.write_text(TYPESET.sub("", filled), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    # After the previews are written, before the policy names what is on a page.
    app.connect("build-finished", prerender, priority=700)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
