"""Pages come with their formulas, load little, move little; previews have a body."""

from __future__ import annotations

import gzip
import http.server
import json
import posixpath
import re
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from browsers import chromium, served
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import marginflow_first_load as first_load  # noqa: E402
import marginflow_mathematics as mathematics  # noqa: E402
import marginflow_previews as previews  # noqa: E402

PAGES = ("book/index.html", "notebooks/lemma-5.html", "notebooks/lemma-8.html")
# At 1.6 Mbit/s, 200 kB are a second; the rest of three goes to waiting for answers.
HELD_UP_BY = 400_000

BOX = '<span class="math notranslate nohighlight">\\(a &lt; b\\)</span>'
DISPLAYED = '<div class="output math notranslate nohighlight">\n\\[x^2\\]</div>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


# ---- formulas ------------------------------------------------------------------------


def test_formulas_are_found_and_filled_in() -> None:
    page = f"<p>{BOX} and \\(c\\)</p>{DISPLAYED}"
    found = {("a < b", False), ("x^2", True)}
    assert mathematics.formulas(page) == found
    filled = mathematics.fill(page, dict.fromkeys(found, "<i>f</i>"))
    assert filled.count("<i>f</i>") == 2
    assert "\\(c\\)" in filled, "text that is no formula stays"


def rendered(*wanted: tuple[str, bool]) -> tuple[dict, str]:
    try:
        return mathematics.render(set(wanted), ROOT, "fonts")
    except OSError as error:
        pytest.skip(str(error))


def test_a_formula_has_its_glyphs_and_its_mathml() -> None:
    formulas, css = rendered((r"\tfrac{1}{\delta}", False), (r"x \tag{1}", True))
    for (tex, _), shown in formulas.items():
        assert "<mjx-container" in shown, tex
        assert "<math xmlns" in shown, tex
        assert "NaN" not in shown, tex
    assert 'url("fonts/MathJax_' in css


@pytest.mark.parametrize("tex", [r"\nosuchcommand", r"\frac{1}{", r"\left( x"])
def test_a_wrong_formula_is_an_error(tex: str) -> None:
    rendered(("x", False))
    with pytest.raises(ValueError, match="in the formula"):
        rendered((tex, False))


def test_where_node_is_missing_the_pages_keep_their_script(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        mathematics.render({("x", False)}, tmp_path, "fonts")


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_formulas_need_no_script(browser: Browser, page: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    with served(SITE, strict=False) as address:
        tab.goto(f"{address}/{page}")
        boxes = tab.locator(".bd-article .math")
        assert boxes.count() == tab.locator(".bd-article .math mjx-container").count()
        assert boxes.first.bounding_box()["width"] > 4
    context.close()


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_formulas_are_no_stops_of_the_tab_key(browser: Browser, page: str) -> None:
    """Save those that are so wide that they scroll; those are made here."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    with served(SITE, strict=False) as address:
        tab.goto(f"{address}/{page}", wait_until="load")
        stops = "document.querySelectorAll('mjx-container[tabindex]').length"
        assert tab.locator("mjx-container").count() >= 5
        assert tab.evaluate(stops) == 0
        tab.add_style_tag(content=".bd-article div.math {width: 20px}")
        tab.evaluate("dispatchEvent(new Event('resize'))")
        assert tab.evaluate(stops) > 0, "a formula that scrolls can be reached"
    tab.close()


# ---- what a page waits for -----------------------------------------------------------


def test_scripts_wait_and_keep_their_order() -> None:
    page = (
        '<script src="_static/documentation_options.js?v=1"></script>'
        '<script src="a.js"></script><script>let own = 1;</script>'
        '<script defer="defer" src="b.js"></script><script type="module" src="c.js">'
    )
    assert first_load.later(page) == page.replace(
        '<script src="a.js"', '<script defer src="a.js"'
    )


def test_icons_that_pages_show_are_kept_and_no_others() -> None:
    theme = (
        "@font-face{font-weight:900;src:url(../vendor/fa-solid-900.woff2)}"
        "@font-face{font-weight:400;src:url(../vendor/fa-brands-400.woff2)}"
        '.fa-sun:before{content:"\\f185"}.fa-bars:before,.fa-navicon:before'
        '{content:"\\f0c9"}.fa-guitar:before{content:"\\f7a6"}.other{color:red}'
    )
    names = first_load.shown(['<i class="fas fa-sun"></i><i class="fa-bars fa-lg">'])
    style, letters = first_load.trim(theme, 'content:"\\f107"', names)
    assert letters == {0xF185, 0xF0C9, 0xF107}
    assert "guitar" not in style
    assert "brands" not in style
    assert ".other{color:red}" in style
    assert f"{first_load.FONT}) format" in style


def test_drawings_keep_their_room(tmp_path: Path) -> None:
    start = '<?xml version="1.0"?><svg xmlns="x"'
    box = 'viewBox="0 0 30 12.5"><g width="7pt"'
    (tmp_path / "pt.svg").write_text(f'{start} width="30pt" height="12.5pt" {box}/>')
    (tmp_path / "box.svg").write_text(f"{start} {box}/>")
    page = '<img alt="a" src="{}" /> <img src="pt.svg" width="9"> <img src="no.svg">'
    for name, size in {
        "pt": 'width="40" height="17"',
        "box": 'width="30" height="12"',
    }.items():
        drawn = first_load.sized(page.format(f"{name}.svg"), tmp_path)
        assert drawn == page.replace('"{}"', f'"{name}.svg" {size}')


class _Slow(http.server.SimpleHTTPRequestHandler):
    """Compresses text, as servers of static sites do; 1.6 Mbit/s, 75 ms away."""

    line = threading.Lock()

    def do_GET(self) -> None:
        time.sleep(0.075)
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix not in (".woff", ".woff2", ".png"):
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for start in range(0, len(body), 8000):
            with self.line:  # all answers share it
                time.sleep(8000 / 200_000)
                self.wfile.write(body[start : start + 8000])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def slow_site() -> Iterator[str]:
    handler = partial(_Slow, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


MOVES = """window.moved = 0;
new PerformanceObserver(list => { for (const each of list.getEntries())
  if (!each.hadRecentInput) window.moved += each.value;
}).observe({type: 'layout-shift', buffered: true});"""
BLOCKING = """() => performance.getEntriesByType('resource')
  .filter(e => e.renderBlockingStatus === 'blocking' || /woff/.test(e.name))
  .map(e => e.encodedBodySize).reduce((a, b) => a + b, 0)
  + performance.getEntriesByType('navigation')[0].encodedBodySize"""


@pytest.mark.site
@pytest.mark.parametrize("page", PAGES)
def test_text_waits_for_little_and_nothing_moves(
    browser: Browser, slow_site: str, page: str
) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.add_init_script(MOVES)
    tab.goto(f"{slow_site}/{page}", wait_until="load")
    tab.wait_for_timeout(500)
    assert tab.evaluate("window.moved") < 0.1
    assert tab.evaluate(BLOCKING) < HELD_UP_BY
    names = tab.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    assert not [n for n in names if "fontawesome.js" in n or "fa-solid" in n]
    assert tab.evaluate("document.fonts.check('900 16px \"Font Awesome 6 Free\"')")
    tab.close()


# ---- hover previews ------------------------------------------------------------------


def tips(site: Path) -> Iterator[tuple[str, str, BeautifulSoup]]:
    """Page, selector and content of every preview of the site."""
    folder = site / "_static" / "tippy"
    for path in sorted(folder.rglob("*.js")):
        text = path.read_text(encoding="utf-8")
        if text.startswith(previews.START):
            first = text.split("\n", 1)[0].removeprefix(previews.START)
            page = path.relative_to(folder).as_posix().rsplit(".", 2)[0] + ".html"
            for selector, tip in json.loads(first).items():
                yield page, selector, BeautifulSoup(tip, "html.parser")


@pytest.mark.site
def test_every_preview_has_a_body_and_links_that_lead_somewhere() -> None:
    found, seen = [], 0
    for page, selector, tip in tips(SITE):
        seen += 1
        blocks = [b for b in tip.find_all(recursive=False)]
        bodies = [b for b in blocks if not re.fullmatch("h[1-6]", b.name)]
        if not bodies or tip.select(".paper-page"):
            found.append(f"{page}: {selector} shows no body")
        for link in tip.select("a[href]"):
            url = urllib.parse.urlsplit(link["href"])
            if url.scheme:
                continue
            place = (
                posixpath.join(posixpath.dirname(page), url.path) if url.path else page
            )
            target = SITE / posixpath.normpath(place)
            if not target.is_file() or (
                url.fragment and f'id="{url.fragment}"' not in target.read_text("utf-8")
            ):
                found.append(f"{page}: {selector} leads to {link['href']}")
    assert seen > 500
    assert found == []


def test_previews_are_mended() -> None:
    heading = '<h1>Lemma<a class="headerlink" href="#lemma">#</a></h1>'
    selector = 'a[href="../notebooks/lemma-8.html#lemma"]'
    assert previews.mended(selector, heading) == ""
    tip = f'{heading}<p><a href="#b">b</a> <a href="c.html#d">d</a></p>'
    mended = previews.mended(selector, tip)
    assert 'href="../notebooks/lemma-8.html#b"' in mended
    assert 'href="c.html#d"' in mended
    assert "headerlink" not in mended
    here = previews.mended('a[href="#lemma"]', tip)
    assert 'href="#b"' in here
    text = f"{previews.START}{json.dumps({selector: heading, 'a': tip})}\nrest\n"
    changed = previews.change_tips(text, previews.mended)
    assert selector not in changed
    assert changed.endswith("\nrest\n")


def test_notes_in_the_margin_are_hidden_from_previews_alone() -> None:
    body = '<h1>t</h1><p class="paper-page">Paper, p. 7</p>\n<p>text</p>'
    context = {"body": body}
    previews.hide_notes(None, "p", "t", context, None)
    assert context["body"] == "<h1>t</h1><p>text</p>"
    previews.show_notes(None, "p", "t", context, None)
    assert context == {"body": body}


@pytest.mark.site
def test_a_server_that_knows_jekyll_leaves_the_site_alone() -> None:
    """GitHub's would drop every folder whose name begins with an underscore."""
    assert (SITE / ".nojekyll").is_file()


# ---- the first page ------------------------------------------------------------------


@pytest.mark.site
@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_page_begins_with_a_question_a_picture_and_an_answer(
    browser: Browser, width: int
) -> None:
    screen = {1280: 800, 390: 844}[width]
    tab = browser.new_page(viewport={"width": width, "height": screen})
    with served(SITE, strict=False) as address:
        tab.goto(f"{address}/book/index.html", wait_until="load")
        assert tab.locator("p:has-text('Which one does AdaDelta choose?')").is_visible()
        picture = tab.locator(".first-picture :is(img, .mfx)").bounding_box()
        assert picture["y"] + picture["height"] < screen, "in the first screen"
        new = tab.locator("p:has-text('New in this book')").bounding_box()
        screens = 1 if width > 1000 else 2
        assert new["y"] + new["height"] < screens * screen, "what is new, soon"
        parts = tab.locator(".bd-sidebar-primary .caption-text").all_text_contents()
    tab.close()
    assert next(p.strip() for p in parts) == "Start here"


def test_the_picture_is_what_the_package_draws() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    import draw_first_page

    points = re.findall(
        r"\[(-?[\d.]+), (-?[\d.]+), (-?1)\]",
        (ROOT / "book/_static/explorer/presets.js").read_text("utf-8"),
    )
    explorers = [[float(number) for number in point] for point in points]
    assert draw_first_page.POINTS.tolist() == explorers
    assert draw_first_page.PICTURE.read_text("utf-8") == draw_first_page.draw()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("theorem-2-loss", "−0.9974"),
        ("theorem-2-norm", "0.4981"),
        ("perceptron-margin-higher", "on 21 of 21 data sets"),
        ("perceptron-separation", "on 3 of 21 data sets"),
        ("mnist-margin-finer", "6.8 ± 0.35"),
    ],
)
def test_the_readme_says_what_the_scoreboard_says(name: str, told: str) -> None:
    claims = json.loads((ROOT / "results" / "claims.json").read_text("utf-8"))
    (claim,) = (c for c in claims if c["name"] == name)
    assert told in (ROOT / "README.md").read_text("utf-8")
    assert any(told.replace("−", "-") in r["found"] for r in claim["results"])


def test_a_colon_in_an_attribute_s_words_makes_no_type() -> None:
    from marginflow_book import keep_axes
    from sphinx.ext.napoleon import Config, GoogleDocstring

    written = "The rows, in order: quantity and label."
    for what in ("attribute", "data", "property"):
        shown = GoogleDocstring(written, Config(), what=what, name="a").lines()
        assert ":type: The rows, in order" in shown
        keep_axes(None, what, "a", None, None, shown)
        assert " ".join(shown).strip() == written


def test_steps_are_counted() -> None:
    from marginflow_book import proof_steps

    from marginflow import proofs

    steps = [step for each in proofs.STATEMENTS for step in each.steps]
    told = proof_steps()
    assert told["steps"] == len(steps)
    mutated = [step for step in steps if step.mutations]
    assert len(mutated) == told["settled"] < told["steps"]
    assert told["mutations"] > told["settled"]


def test_verdicts_are_counted() -> None:
    from marginflow_book import verdicts

    def claim(*said: str) -> dict:
        results = [{"verdict": each, "reading": i} for i, each in enumerate(said)]
        # A smaller scale's verdict stands behind the first of its reading.
        return {"results": [*results, {"verdict": "mostly", "reading": 0}]}

    claims = [claim("reproduced", "not recorded"), claim("reproduced"), claim("cited")]
    claims += [claim("reproduced", "undecided"), claim("not recorded")]
    told = verdicts(claims)
    assert told.startswith("5 claims: 2 reproduced, ")
    for part in ("1 cited", "1 differing by regime", "1 not recorded"):
        assert part in told


@pytest.mark.site
@pytest.mark.parametrize("page", ["lemma-7", "assumption-1", "assumption-2"])
def test_parts_of_a_statement_are_counted_as_the_paper_does(
    browser: Browser, page: str
) -> None:
    tab = browser.new_page()
    with served(SITE, strict=False) as address:
        tab.goto(f"{address}/notebooks/{page}.html")
        styles = tab.evaluate(
            "[...document.querySelectorAll('div.proof li')].map("
            "e => getComputedStyle(e).listStyleType)"
        )
        assert set(styles) == {"parts"}
        assert "(i)" not in tab.locator("div.proof").first.inner_text()
        tab.goto(f"{address}/notebooks/procedure-1.html")
        lines = tab.locator("div.proof.algorithm li").first
        assert lines.evaluate("e => getComputedStyle(e).listStyleType") != "parts"
    tab.close()


@pytest.mark.site
def test_signatures_are_python() -> None:
    """A default whose repr is no Python once left marks of reStructuredText."""
    seen = 0
    for path in sorted((SITE / "book" / "api").glob("*.html")):
        soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for signature in soup.select("dt.sig"):
            seen += 1
            assert "~" not in signature.text, signature.text
            assert "<function" not in signature.text
            assert " object at 0x" not in signature.text
    assert seen > 50
