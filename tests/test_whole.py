"""The stamp, descriptions, sitemap and one Markdown file, on a book of three pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parent.parent
CONF = """
import sys
sys.path.insert(0, {ext!r})
extensions = ["myst_parser", "marginflow_whole"]
myst_enable_extensions = ["dollarmath"]
html_theme = "sphinx_book_theme"
html_baseurl = "https://example.org/book/"
html_theme_options = {{"extra_footer": "<p>Kept.</p>"}}
"""
PAGES = {
    "index": "# Top\n\nToo short.\n\n```{toctree}\nb\na\n```\n",
    "a": "---\nkernelspec: none\n---\n# Last\n\nA first sentence that *says* <more> &"
    " more than forty letters do.\n\nAnother one.\n",
    "b": "# First\n\nOf this formula, $\\sqrt{w}$, no plain words can be made.\n\n"
    "As $\\log t \\ge 10^6$, $\\varepsilon \\to 0$. " + "many words and " * 30,
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    text = CONF.format(ext=str(ROOT / "book" / "_ext"))
    (folder / "conf.py").write_text(text, encoding="utf-8")
    for name, page in PAGES.items():
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", str(folder)]
    subprocess.run([*build, str(folder / "out")], check=True, timeout=300)
    return folder / "out"


def head(out: Path, page: str, tag: str) -> str | None:
    soup = BeautifulSoup((out / f"{page}.html").read_text("utf-8"), "html.parser")
    found = soup.head.find("meta", attrs={"name": tag})
    return found and found["content"]


def test_every_page_says_what_it_was_built_from(out: Path) -> None:
    from importlib.metadata import version

    for page in PAGES:
        text = (out / f"{page}.html").read_text("utf-8")
        soup = BeautifulSoup(text, "html.parser")
        stamp = soup.select_one(".build-stamp").text
        assert "a copy without its history" in stamp  # a temporary folder has none
        assert f"PyTorch {version('torch')}" in stamp
        assert "Kept." in text
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from marginflow_whole import commit

    if (ROOT / ".git").exists():
        assert commit(ROOT).startswith("commit ")


def test_pages_have_descriptions_of_their_own(out: Path) -> None:
    told = "A first sentence that says <more> & more than forty letters do."
    assert head(out, "a", "description") == told
    long = head(out, "b", "description")
    assert long.startswith("As log t ≥ 10⁶, ε → 0. many words")
    assert long.endswith(" …")
    assert len(long) <= 202
    assert head(out, "index", "description") is None
    soup = BeautifulSoup((out / "a.html").read_text("utf-8"), "html.parser")
    card = {m["property"]: m["content"] for m in soup.head.select("meta[property]")}
    assert (card["og:title"], card["og:description"]) == ("Last", told)
    assert card["og:url"] == "https://example.org/book/a.html"


def test_the_sitemap_and_the_markdown_follow_the_contents(out: Path) -> None:
    tree = ElementTree.parse(out / "sitemap.xml")
    places = [
        place.text for place in tree.getroot().iter() if place.tag.endswith("loc")
    ]
    assert places == [f"https://example.org/book/{p}.html" for p in ("index", "b", "a")]
    whole = (out / "_downloads" / "marginflow.md").read_text("utf-8")
    assert whole.index("# Top") < whole.index("# First") < whole.index("# Last")
    assert "kernelspec" not in whole
