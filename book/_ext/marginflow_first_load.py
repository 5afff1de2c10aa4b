"""A page loads what it shows, and text waits for nothing that it does not need.

The theme brings Font Awesome, thousands of icons, as a script of 1.5 MB, as fonts and
as style rules, for a dozen that pages show.  What is left of it here is a font of those
few, which the theme's own rules name.  Scripts no longer hold the page up, and
pictures have their room before they have come.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx

RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"(\\?[^"]*)"\}')
OF_THEME = re.compile(r'--pst-icon-[\w-]+:"(.)"')
USED = re.compile(r"(?<![\w-])fa-([a-z0-9-]+)")
LETTER = re.compile(r'content:"\\(f[0-9a-f]{3})"')
FACE = re.compile(r"@font-face\{[^}]*/(fa-[a-z]+)-(\d+)\.woff2[^}]*\}")
LOADED = re.compile(r"\s*<(?:script|link)\b[^>]*fontawesome[^>]*>(?:</script>)?")
# Where the site's address is looked up: inline scripts after it need it at once.
AT_ONCE = "documentation_options.js"
SCRIPT = re.compile(r'<script\b(?![^>]*\b(?:defer|async|type=))([^>]*\bsrc="([^"]*)")')
PICTURE = re.compile(r'<img\b(?![^>]*\bwidth=)[^>]*?\bsrc="([^":]+\.svg)"')
SIZE = re.compile(r'\b(width|height)="([\d.]+)pt"|viewBox="0 0 ([\d.]+) ([\d.]+)"')
PIXELS = 4 / 3  # of a point

THEME = "_static/styles/pydata-sphinx-theme.css"
BOOK = "_static/styles/sphinx-book-theme.css"
FONTS = "_static/vendor/fontawesome/webfonts"
FONT = "icons.woff"


def shown(pages: list[str]) -> set[str]:
    """The names of icons in classes of the pages, and others that look like them."""
    return {name for page in pages for name in USED.findall(page)}


def trim(theme: str, book: str, names: set[str]) -> tuple[str, set[int]]:
    """The theme's style with rules for these icons alone, and their letters."""
    letters = {ord(found) for found in OF_THEME.findall(theme)}
    letters |= {int(found, 16) for found in LETTER.findall(book)}

    def keep(match: re.Match[str]) -> str:
        ours = names & {each[4:-7] for each in match[1].split(",")}
        if ours and (letter := match[2].lstrip("\\")):
            letters.add(int(letter, 16) if len(letter) > 1 else ord(letter))
        return match[0] if ours else ""

    def face(match: re.Match[str]) -> str:
        if match[1] != "fa-solid":
            return ""
        source = f'src:url(../vendor/fontawesome/webfonts/{FONT}) format("woff")'
        return re.sub(r"src:[^}]*", source, match[0])

    return FACE.sub(face, RULE.sub(keep, theme)), letters


def write_font(source: Path, letters: set[int], target: Path) -> None:
    """A font of a few letters of another."""
    options = subset.Options(flavor="woff", notdef_outline=True)
    font = subset.load_font(source, options)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=letters)
    maker.subset(font)
    subset.save_font(font, target, options)


def later(page: str) -> str:
    """The page whose scripts run, in the same order, once it has been read."""

    def defer(match: re.Match[str]) -> str:
        return match[0] if AT_ONCE in match[2] else f"<script defer{match[1]}"

    return SCRIPT.sub(defer, page)


def sized(page: str, folder: Path) -> str:
    """The page, in ``folder``, whose drawings say how wide and high they are."""

    def size(match: re.Match[str]) -> str:
        path = folder / match[1]
        if not path.is_file():  # of a fragment, which is shown in another folder
            return match[0]
        drawing = path.read_text(encoding="utf-8")
        width, height = measures(drawing[: drawing.index(">", drawing.index("<svg"))])
        return f'{match[0]} width="{width}" height="{height}"'

    return PICTURE.sub(size, page)


def measures(tag: str) -> tuple[int, int]:
    """Pixels that a drawing wants to be wide and high, by its outermost tag."""
    found = [match.groups() for match in SIZE.finditer(tag)]
    points = {name: round(float(length) * PIXELS) for name, length, *_ in found if name}
    (box,) = ((float(w), float(h)) for *_, w, h in found if w)
    return points.get("width", round(box[0])), points.get("height", round(box[1]))


def lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    pages = {p: p.read_text(encoding="utf-8") for p in out.rglob("*.html")}
    for path, page in pages.items():
        depth = len(path.relative_to(out).parts) - 1
        font = f"{'../' * depth}{FONTS}/{FONT}"
        link = (
            '\n<link rel="preload" as="font" type="font/woff" crossorigin '
            f'href="{font}">'
        )
        lighter = sized(later(LOADED.sub("", page)), path.parent)
        if lighter != page:
            path.write_text(lighter.replace("</head>", f"{link}\n</head>", 1), "utf-8")
    theme, fonts = out / THEME, out / FONTS
    if (fonts / "fa-solid-900.ttf").exists():  # not yet replaced by an earlier build
        style, letters = trim(
            theme.read_text("utf-8"),
            (out / BOOK).read_text("utf-8"),
            shown([*pages.values()]),
        )
        theme.write_text(style, encoding="utf-8")
        write_font(fonts / "fa-solid-900.ttf", letters, fonts / FONT)
        for unused in [
            *fonts.glob("fa-*"),
            *(out / "_static/scripts").glob("fontawesome*"),
        ]:
            unused.unlink()


# Whatever it drops, it tells on this level.
logging.getLogger("fontTools.subset").setLevel(logging.WARNING)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", lighten, priority=710)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
