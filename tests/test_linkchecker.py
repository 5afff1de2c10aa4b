"""Links and anchors of the built site, by the linkchecker package; local ones only.

Linkchecker reads a page anew for each of its anchors that is asked for, and slowly.  It
is therefore shown the skeleton of each page: links, images and anchors of its content,
without the text between them and the navigation that all pages repeat.  And it reads
files: of a server it asks a few pages a second at most, out of politeness.
"""

from __future__ import annotations

import csv
import html
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
SETTINGS = "[AnchorCheck]\n[checking]\nrecursionlevel=2\n"
KEPT = {"href", "src", "id", "name"}
PAGE = "<!doctype html><html lang='en'><title>t</title><body>\n{}\n</body></html>\n"

pytestmark = pytest.mark.site


class Skeleton(HTMLParser):
    """Links, images and anchors of a page's content, and of all where it has none."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside, self.tags = "<article" not in page, []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.inside = self.inside or tag == "article"
        kept = [(k, v) for k, v in attributes if k in KEPT and v is not None]
        if self.inside and kept and tag not in ("meta", "script", "link"):
            text = " ".join(f'{k}="{html.escape(v)}"' for k, v in kept)
            self.tags.append(f"<{tag} {text}>" + ("</a>" if tag == "a" else ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "article"

    def __str__(self) -> str:
        return PAGE.format("\n".join(self.tags))


def skeletons(site: Path, folder: Path) -> None:
    """Write the skeleton of every page, an empty file for all else, and a list."""
    pages = []
    for path in site.rglob("*"):
        target = folder / path.relative_to(site)
        if path.is_dir() or "_sources" in path.parts:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".html" and "_static" not in path.parts:
            text = str(Skeleton(path.read_text(encoding="utf-8")))
            target.write_text(text, encoding="utf-8")
            pages.append(path.relative_to(site).as_posix())
        else:
            target.touch()
    links = "\n".join(f"<a href='{page}'>{page}</a>" for page in pages)
    (folder / "all-pages.html").write_text(PAGE.format(links), encoding="utf-8")


def complaints(site: Path) -> list[str]:
    """What linkchecker has to say about a site."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # started by root, linkchecker goes on as nobody
        settings = folder / "settings"
        settings.write_text(SETTINGS, encoding="utf-8")
        skeletons(site, folder / "site")
        address = (folder / "site").as_uri()
        command = [Path(sys.executable).with_name("linkchecker"), "-f", settings]
        options = ["--no-status", "--threads=1", "-o", "csv", "-v"]
        done = subprocess.run(
            [*command, *options, f"{address}/all-pages.html"],
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("# ")]
    rows = list(csv.DictReader(lines, delimiter=";"))
    known = {row["url"].partition("#")[0].removeprefix(address) for row in rows}
    pages = {f"/{p.relative_to(site).as_posix()}" for p in site.rglob("*.html")}
    missed = {p for p in pages if "_static" not in p} - known
    assert not missed, f"not looked at: {missed}\n{done.stderr[-2000:]}"
    bad = [r for r in rows if r["valid"] != "True" or r["warningstring"]]
    assert bool(bad) == bool(done.returncode), done.stderr[-2000:]
    return [
        f"{r['urlname']} in {r['parentname']}: {r['result']} {r['warningstring']}"
        for r in bad
    ]


def test_linkchecker_finds_nothing() -> None:
    if not (SITE / "index.html").exists():
        pytest.fail("no site at _build/html; build it with `make book`")
    assert complaints(SITE) == []


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("page.html", None),
        ("page.html#here", None),
        ("gone.html", "URLError"),
        ("page.html#gone", "Anchor"),
        ("#gone", "Anchor"),
        ("http://192.0.2.1/elsewhere", None),  # foreign: not asked for
    ],
)
def test_linkchecker_finds_what_is_planted(tmp_path: Path, href, told) -> None:
    site = tmp_path
    article = "<nav><a href='gone.html'>n</a></nav><article><h1 id='here'>t</h1>{}"
    page = PAGE.format(article.format(f"<a href='{href}'>a</a></article>"))
    (site / "page.html").write_text(page, encoding="utf-8")
    found = complaints(site)
    assert [told in f for f in found] == [True] if told else found == []
