"""The built site, opened in a real Chromium: every page, two widths, light and dark."""

from __future__ import annotations

import csv
import functools
import gzip
import json
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest
import yaml
from browsers import chromium, served, watched
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Error, Response, expect

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
GENERATED = {"genindex.html", "prf-prf.html", "py-modindex.html", "search.html"}
REDIRECT = "index.html"
WIDTHS = (1280, 390)
# In the dark only colours are other than in the light.
RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
LARGEST_PAGE = 3 * 2**19  # 1.5 MiB in bytes, compressed as a web server would

pytestmark = pytest.mark.site


def pages() -> list[str]:
    """Paths of the book's pages, without Sphinx's own indices."""
    found = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
    skipped = {*GENERATED, REDIRECT}
    return [p for p in found if p[0] not in "._" and p not in skipped]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    if not (SITE / "index.html").exists():
        pytest.fail("no site at _build/html; build it with `make book`")
    with served(SITE, strict=False) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


LOOK = """async () => {
  // The theme's sidebars slide to their new width.
  const still = Promise.allSettled(document.getAnimations().map(a => a.finished));
  await Promise.race([still, new Promise(r => setTimeout(r, 2000))]);
  await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));
  if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
  const undrawn = () =>
    document.querySelector('.vega-chart:not([data-drawn]), .vega-chart:not(:has(svg))');
  for (let i = 0; i < 100 && undrawn(); i++) await new Promise(r => setTimeout(r, 50));
  const found = undrawn() ? ['chart: not drawn'] : [];
  const html = document.documentElement;
  if (html.scrollWidth > html.clientWidth)
    found.push(`overflow: ${html.scrollWidth} px wide in ${html.clientWidth} px`);
  const raw = document.querySelectorAll('.math').length;
  const shown = document.querySelectorAll('mjx-container').length;
  if (raw > shown) found.push(`mathematics: ${raw} formulas, ${shown} rendered`);
  if (innerWidth >= 1280) {  // on a desk, code, outputs and tables fit their column
    const folds = [...document.querySelectorAll('main details:not([open])')];
    for (const fold of folds) fold.open = true;
    for (const box of document.querySelectorAll('main :is(pre, table)'))
      if (box.clientWidth && box.scrollWidth > box.clientWidth
          && getComputedStyle(box).overflowX !== 'visible')
        found.push(`too wide: ${box.scrollWidth - box.clientWidth} px: `
          + box.textContent.trim().slice(0, 60));
    for (const fold of folds) fold.open = false;
  }
  for (const error of document.querySelectorAll('mjx-merror'))
    found.push(`mathematics: ${error.textContent}`);
  for (const img of document.querySelectorAll('main img')) {
    img.loading = 'eager';
    await img.decode().catch(() => found.push(`image: ${img.src} does not load`));
    if (!img.hasAttribute('alt') || /^\\.\\.\\/_images|^_images/.test(img.alt))
      found.push(`image: ${img.src} has no text alternative`);
  }
  for (const frame of document.querySelectorAll('main :is(pre, table)'))
    if (frame.checkVisibility() && !frame.textContent.trim())
      found.push('empty: a frame around nothing');
  for (const box of document.querySelectorAll('.cell_output .stderr, .problematic'))
    found.push(`error shown on the page: ${box.textContent.trim().slice(0, 80)}`);
  return found;
}"""

# A page of proofs has some ten thousand words of code in six colours, and as many parts
# of formulas: of what looks alike on its ground, axe-core is shown the first.
ALIKE = """() => {
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === 'rgba(0, 0, 0, 0)' && element.parentElement
      ? ground(element.parentElement) : colour;
  };
  const first = new Set(), again = [];
  const words = 'main pre span:not(:has(*))';
  const formulas = 'mjx-container:not([tabindex])';
  for (const part of document.querySelectorAll(`${words}, ${formulas}`)) {
    const {color, fontSize, fontWeight, opacity, display} = getComputedStyle(part);
    const look = [part.tagName, color, fontSize, fontWeight, opacity, display,
      ground(part)].join();
    if (first.has(look)) again.push(part); else first.add(look);
  }
  for (const part of again)
    if (part.matches('span')) part.replaceWith(part.textContent);
    else part.replaceChildren();
}"""

ACCESSIBLE = """async (rules) => {
  const result = await axe.run(
    {runOnly: rules, resultTypes: ['violations'], preload: false});
  return result.violations.flatMap(v => v.nodes.map(
    n => `accessibility: ${v.id}: ${n.html.slice(0, 120)}`));
}"""


def problems(
    browser: Browser, address: str, folder: Path, path: str, mode: str
) -> list[str]:
    """What is wrong with one page of the ``folder`` served at ``address``.

    Light pages are looked at on a desk first and dark ones in the hand first; the last
    width is the one at which axe-core reads the page.
    """
    page = browser.new_page(color_scheme=mode, viewport={"width": 1280, "height": 900})
    found = watched(page, address)
    files: list[Path] = []

    def note(response: Response) -> None:
        if response.status >= 400:
            found.append(f"status {response.status}: {response.url}")
        else:
            url = urllib.parse.urlsplit(response.url)
            files.append(folder / urllib.parse.unquote(url.path).lstrip("/"))

    page.on("requestfailed", lambda r: found.append(f"failed request: {r.url}"))
    page.on("response", note)
    try:
        page.goto(f"{address}/{path}", wait_until="load")
        for width in WIDTHS if mode == "dark" else reversed(WIDTHS):
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{width} px: {p}" for p in page.evaluate(LOOK)]
        page.evaluate(ALIKE)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found += page.evaluate(ACCESSIBLE, RULES[mode])
        theme = page.evaluate("document.documentElement.dataset.theme ?? ''")
        if theme and theme != mode:
            found.append(f"theme is {theme} although the reader prefers {mode}")
    except Error as error:
        found.append(f"page does not open: {error}")
    page.close()
    weight = sum(compressed(file) for file in files if file.is_file())
    if weight > LARGEST_PAGE:
        found.append(f"weight: {weight / 1e6:.1f} MB")
    return found


@functools.cache
def compressed(file: Path) -> int:
    body = file.read_bytes()
    return min(len(body), len(gzip.compress(body, 6)))


def broken_links(folder: Path, path: str) -> list[str]:
    """Links of one page to pages or anchors of the site that do not exist."""
    found = []
    soup = BeautifulSoup((folder / path).read_text(encoding="utf-8"), "html.parser")
    for a in soup.find_all("a", href=True):
        url = urllib.parse.urlsplit(a["href"])
        if url.scheme or url.netloc:
            continue
        target = folder / path
        if url.path:
            target = (folder / path).parent / urllib.parse.unquote(url.path)
        if not target.is_file():
            found.append(f"link: {a['href']} leads nowhere")
        elif url.fragment and target.suffix == ".html":
            anchor = urllib.parse.unquote(url.fragment)
            text = target.read_text(encoding="utf-8")
            if f'id="{anchor}"' not in text and f'name="{anchor}"' not in text:
                found.append(f"link: {a['href']} has no anchor")
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_pages(browser: Browser, site: str, mode: str) -> None:
    found = {p: problems(browser, site, SITE, p, mode) for p in pages()}
    assert not {p: f for p, f in found.items() if f}


def test_links() -> None:
    found = {p: broken_links(SITE, p) for p in pages()}
    assert not {p: f for p, f in found.items() if f}


def test_no_page_names_a_place_on_the_machine_that_built_it() -> None:
    found = [p for p in pages() if str(ROOT) in (SITE / p).read_text("utf-8")]
    assert found == []


def test_every_chapter_is_on_the_site() -> None:
    chapters = {p.stem for p in (ROOT / "notebooks").glob("*.md")}
    built = {Path(p).stem for p in pages() if p.startswith("notebooks/")}
    assert chapters == built


def test_every_chapter_can_be_taken_away() -> None:
    for chapter in (ROOT / "notebooks").glob("*.md"):
        for suffix in ("ipynb", "py"):
            assert (SITE / "_downloads" / f"{chapter.stem}.{suffix}").stat().st_size


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("procedure-1", "Procedure 1"),
        ("process-2", "Process 2"),
        ("assumption-2", "Assumption 2"),
        ("theorem-2", "Theorem 2"),
        ("remark-3", "Remark 3"),
        ("lemma-5", "Lemma 5"),
        ("lemma-9", "Lemma 9"),
    ],
)
def test_the_book_numbers_as_the_paper_does(page: str, name: str) -> None:
    text = (SITE / "notebooks" / f"{page}.html").read_text(encoding="utf-8")
    assert f'<span class="caption-number">{name} </span>' in text


# ---- what stands around a chapter's text ---------------------------------------------


def config() -> dict:
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["sphinx"]["config"]


def soup(page: str) -> BeautifulSoup:
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


def without_data(folder: Path, path: str) -> list[str]:
    """Executed figures of a page that do not lead to their data and to their code."""
    found = []
    page = BeautifulSoup((folder / path).read_text(encoding="utf-8"), "html.parser")
    for figure in page.select(".cell_output figure, .cell_output .vega-chart"):
        cell = figure.find_parent(class_="cell")
        name = figure.get("id") or "chart"
        links = {a.text: a["href"] for a in cell.select(".figure-data a")}
        target = (folder / path).parent / links.get("Data (CSV)", "nowhere")
        if not target.is_file():
            found.append(f"{name}: no data")
            continue
        lines = target.read_text(encoding="utf-8").splitlines()
        rows = list(csv.DictReader(n for n in lines if not n.startswith("#")))
        if not rows or None in rows[-1]:
            found.append(f"{name}: no rows in its data")
        anchor = links.get("Code", "")
        if anchor.startswith("#") and not cell.find(id=anchor[1:]):
            found.append(f"{name}: its code is elsewhere")
        elif not anchor:
            found.append(f"{name}: no code")
    return found


def test_every_figure_leads_to_its_data_and_its_code() -> None:
    chapters = [p for p in pages() if p.startswith("notebooks/")]
    assert not {p: f for p in chapters if (f := without_data(SITE, p))}
    figures = [len(soup(p).select(".figure-data")) for p in chapters]
    named = [t.read_text().count("figure:") for t in (ROOT / "notebooks").glob("*.md")]
    assert sum(figures) >= sum(named) > 30


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("", "", None),
        ("fig.csv", "gone.csv", "no data"),
        ("x,y\n1,2", "x,y", "no rows"),
        ('id="code"', 'id="core"', "elsewhere"),
        ('href="#code"', 'href=""', "no code"),
    ],
)
def test_a_figure_without_its_data_is_caught(tmp_path: Path, old, new, told) -> None:
    page = """<div class="cell"><div id="code">plot(x)</div><div class="cell_output">
    <figure id="fig"><p class="figure-data"><a href="fig.csv">Data (CSV)</a>
    <a href="#code">Code</a></p></figure></div></div>"""
    table = "# panel 1\nx,y\n1,2\n"
    (tmp_path / "page.html").write_text(page.replace(old, new) if old else page)
    (tmp_path / "fig.csv").write_text(table.replace(old, new) if old else table)
    found = without_data(tmp_path, "page.html")
    assert [told in f for f in found] == [True] if told else found == []


def test_figures_from_records_lead_to_them() -> None:
    repository, branch = config()["marginflow_repository"]
    page = soup("notebooks/experiment-3.html")
    links = [a["href"] for a in page.select("#fig-experiment-3 .figure-data a")]
    for folder in ("cifar10-finer", "cifar10-coarser"):
        assert f"{repository}/tree/{branch}/results/desk/{folder}" in links
        assert (ROOT / "results" / "desk" / folder).is_dir()


def test_a_link_to_folded_code_unfolds_it(browser: Browser, site: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/notebooks/lemma-5.html")
    code = page.locator("#code-fig-lemma-5")
    assert not code.is_visible()
    page.locator("#fig-lemma-5 .figure-data a", has_text="Code").press("Enter")
    code.wait_for(state="visible")
    page.close()


def test_outward_links_come_from_the_one_setting() -> None:
    repository, branch = config()["marginflow_repository"]
    owner = repository.removeprefix("https://github.com/")
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text(encoding="utf-8")
    assert "git push --force origin notebooks" in workflow
    for chapter in (ROOT / "notebooks").glob("*.md"):
        stem = chapter.stem
        box = soup(f"notebooks/{stem}.html").select_one(".take-away")
        links = {a.text: a["href"] for a in box.select("a")}
        source = f"{repository}/blob/{branch}/notebooks/{stem}.md"
        assert links["Source (MyST Markdown)"] == source
        assert links["Google Colab"] == (
            "https://colab.research.google.com/github/"
            f"{owner}/blob/notebooks/{stem}.ipynb"
        )
        binder = urllib.parse.urlsplit(links["JupyterLab on Binder"])
        assert binder.path == f"/v2/gh/{owner}/{branch}"
        (lab,) = urllib.parse.parse_qs(binder.query)["urlpath"]
        assert lab.startswith(f"lab/tree/notebooks/{stem}.md?factory=Jupytext")
        assert f"git clone --branch {branch} {repository}\n" in box.text


@pytest.mark.parametrize("chapter", ["lemma-5", "experiment-2"])
def test_a_notebook_installs_what_is_missing_and_only_that(
    tmp_path: Path, chapter: str
) -> None:
    from IPython.core.inputtransformer2 import TransformerManager

    repository, branch = config()["marginflow_repository"]
    text = (SITE / "_downloads" / f"{chapter}.ipynb").read_text(encoding="utf-8")
    first, *others = json.loads(text)["cells"]
    source = "".join(first["source"])
    written = jupytext.read(ROOT / "notebooks" / f"{chapter}.md").cells
    assert ["".join(c["source"]) for c in others] == [c.source for c in written]
    ran = []

    class Shell:
        def run_line_magic(self, name: str, line: str) -> None:
            ran.append(f"{name} {line}")

        def system(self, line: str) -> None:
            ran.append(line)

    def run(folder: Path, code: str) -> list[str]:
        ran.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            exec(TransformerManager().transform_cell(code), {"get_ipython": Shell})
        return ran.copy()

    assert run(ROOT / "notebooks", source) == []
    elsewhere = run(tmp_path, source.replace('find_spec("marg', 'find_spec("nomarg'))
    assert any(line.startswith("pip install") for line in elsewhere)
    assert any(repository in line and branch in line for line in elsewhere)


def test_bibtex_is_copied_by_keyboard_alone(browser: Browser, site: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{site}/notebooks/lemma-5.html")
    box = page.locator(".take-away details", has_text="BibTeX")
    box.locator("button.copybtn").wait_for(state="attached")
    box.locator("summary").focus()
    page.keyboard.press("Enter")
    button = box.locator("button.copybtn")
    for _ in range(3):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    assert button.evaluate("b => getComputedStyle(b).opacity") == "1"
    page.keyboard.press("Enter")
    button.locator("xpath=self::*[contains(@class, 'success')]").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    assert copied == box_text(SITE / "notebooks" / "lemma-5.html")
    assert copied.startswith("@article{englert2024adadelta,")
    assert "Lemma 5" in copied


def box_text(path: Path) -> str:
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    return page.select(".take-away details pre")[-1].text


# ---- the paper's pages in the margin -------------------------------------------------


def notes(page: str) -> list[str]:
    return [note.get_text().replace("\xa0", " ") for note in soup(page).select(NOTE)]


NOTE = "p.paper-page"


def test_every_statement_of_the_paper_has_its_page_in_the_margin() -> None:
    table = config()["marginflow_paper"]
    pattern = re.compile(r":label: ([a-z]+-\d+|kkt-point)$", re.M)
    seen = {}
    for chapter in (ROOT / "notebooks").glob("*.md"):
        text = chapter.read_text(encoding="utf-8")
        for label in pattern.findall(text):
            seen[label] = table["statements"][label]
            assert f"Paper, p. {seen[label]}" in notes(f"notebooks/{chapter.stem}.html")
        for number in re.findall(r"\\tag\{(\d+)\}", text):
            shown = notes(f"notebooks/{chapter.stem}.html")
            assert f"Paper, p. {table['equations'][int(number)]}" in shown
    assert seen == table["statements"]
    for name, (number, page) in table["figures"].items():
        (chapter,) = (
            c
            for c in (ROOT / "notebooks").glob("*.md")
            if f"name: {name}\n" in c.read_text()
        )
        shown = notes(f"notebooks/{chapter.stem}.html")
        assert f"Paper, Figure {number}, p. {page}" in shown


def test_a_note_stands_beside_its_statement_or_above_it(
    browser: Browser, site: str
) -> None:
    page = browser.new_page()
    page.goto(f"{site}/notebooks/lemma-8.html")
    boxes = """() => ['p.paper-page', 'div.proof'].map(s => {
      const box = document.querySelector(s).getBoundingClientRect();
      return [box.left, box.right, box.top, box.bottom]; })"""
    page.set_viewport_size({"width": 1280, "height": 900})
    (left, *_, top, bottom), (_, edge, start, end) = page.evaluate(boxes)
    assert left >= edge
    assert start - 8 <= top < bottom <= end
    page.set_viewport_size({"width": 390, "height": 900})
    (_, right, _, bottom), (_, _, start, _) = page.evaluate(boxes)
    assert right <= 390
    assert bottom <= start
    page.close()


def test_the_chart_keeps_the_readers_choice_in_the_dark(
    browser: Browser, site: str
) -> None:
    page = browser.new_page()
    page.goto(f"{site}/notebooks/runs.html")
    choice = page.locator(".vega-chart select").first
    last = choice.locator("option").last.get_attribute("value")
    choice.select_option(last)
    old = choice.element_handle()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    old.wait_for_element_state("hidden")  # until the chart is drawn anew
    expect(page.locator(".vega-chart select").first).to_have_value(last)
    assert "cannot be drawn" not in page.locator(".vega-chart").inner_text()
    page.close()


# ---- without scripts -----------------------------------------------------------------

# The scoreboard is filtered by radio buttons and CSS alone.
DEAD = """() => [...document.querySelectorAll(
  'article :is(button, select, input:not([type=radio]), .vega-chart)')]
  .filter(part => part.checkVisibility()).map(part => part.outerHTML.slice(0, 90))"""


def dead(browser: Browser, address: str, paths: list[str]) -> dict[str, list[str]]:
    """Controls and empty charts that a reader without scripts meets, by page."""
    context = browser.new_context(java_script_enabled=False)
    page, found = context.new_page(), {}
    for path in paths:
        page.goto(f"{address}/{path}")
        if parts := page.evaluate(DEAD):
            found[path] = parts
    context.close()
    return found


def test_without_scripts_nothing_is_dead(browser: Browser, site: str) -> None:
    marks = re.compile('class="(?:mfx|mfl|mfl-panel|mfl-proofs|vega-chart)[ "]|<button')
    live = [p for p in pages() if marks.search((SITE / p).read_text("utf-8"))]
    assert {"book/explorer.html", "notebooks/runs.html"} < set(live)
    assert dead(browser, site, live) == {}
    assert "script" in soup("notebooks/runs.html").select_one("article noscript").text


@pytest.mark.parametrize("part", ["<button>Play</button>", "<input type='range'>"])
def test_a_dead_control_is_found(browser: Browser, tmp_path: Path, part: str) -> None:
    script = "<script>document.querySelector('article').remove()</script>"
    (tmp_path / "a.html").write_text(f"<article>{part}</article>{script}")
    with served(tmp_path, strict=False) as address:
        assert len(dead(browser, address, ["a.html"])["a.html"]) == 1


# ---- search --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "page", "title"),
    [
        ("Lemma 8", "notebooks/lemma-8.html", "Lemma 8: the adapter converges"),
        ("theorem 2", "notebooks/theorem-2.html", "Theorem 2: where AdaDelta goes"),
        ("KKT points", "notebooks/kkt.html", "KKT points and margin maximization"),
    ],
)
def test_search_puts_the_page_first_that_is_called_so(
    browser: Browser, site: str, asked: str, page: str, title: str
) -> None:
    window = browser.new_page()
    window.goto(f"{site}/search.html?q={urllib.parse.quote(asked)}")
    window.locator(".search-summary", has_text="found").wait_for()
    first = window.locator("#search-results li > a").first
    assert first.get_attribute("href").split("#")[0] == page
    assert title in first.text_content()
    window.close()


# ---- each check can fail -------------------------------------------------------------

PLANTED = {
    "external request": "<img alt='' src='http://192.0.2.1/x.png'>",
    "status 404": "<script src='missing.js'></script>",
    "script error": "<script>undefinedFunction()</script>",
    "console": "<script>console.error('planted')</script>",
    "overflow": "<div style='width: 3000px'>wide</div>",
    "too wide": "<details><summary>s</summary><pre tabindex=0 style='overflow: auto'>"
    + "wide " * 300
    + "</pre></details>",
    "mathematics": "<span class='math'>\\(x\\)</span>",
    "text alternative": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>",
    "does not load": "<img alt='a' src='missing.png'>",
    "chart: not drawn": "<div class='vega-chart' data-spec='{}'></div>",
    "empty": "<pre style='height: 2em'>\n</pre>",
    "error shown": "<div class='cell_output'><div class='stderr'>Traceback</div></div>",
    "theme is": "<script>document.documentElement.dataset.theme = 'sepia'</script>",
    "accessibility: color-contrast": "<p style='color: #ccc'>pale</p>",
    # Of two words of one colour, the second pales on its own ground.
    "accessibility: color-contrast: <span": "<pre>"
    "<span style='color: #767676'>good</span> "
    "<b style='background: #bbb'><span style='color: #767676'>pale</span></b></pre>",
    "accessibility: label": "<input type='text'>",
}
PAGE = (
    "<!doctype html><html lang='en'><link rel=icon href=data:,><title>t</title>"
    "<body style='background: white'><main><h1 id='top'>t</h1>{}</main></body></html>"
)


@pytest.mark.parametrize("defect", PLANTED)
def test_each_check_catches_a_planted_defect(
    browser: Browser, tmp_path: Path, defect: str
) -> None:
    (tmp_path / "good.html").write_text(PAGE.format("<p>fine</p>"), encoding="utf-8")
    (tmp_path / "bad.html").write_text(PAGE.format(PLANTED[defect]), encoding="utf-8")
    with served(tmp_path, strict=False) as address:
        assert problems(browser, address, tmp_path, "good.html", "light") == []
        found = problems(browser, address, tmp_path, "bad.html", "light")
        assert any(defect in f for f in found), found


def test_a_heavy_page_is_caught(browser: Browser, tmp_path: Path) -> None:
    import random

    noise = random.Random(0).randbytes(2_000_000).hex()
    (tmp_path / "heavy.html").write_text(PAGE.format(f"<!-- {noise} -->"))
    with served(tmp_path, strict=False) as address:
        found = problems(browser, address, tmp_path, "heavy.html", "light")
    assert len(found) == 1
    assert found[0].startswith("weight: 2")


@pytest.mark.parametrize("href", ["missing.html", "page.html#nowhere", "#nowhere"])
def test_a_broken_link_is_caught(tmp_path: Path, href: str) -> None:
    good = "<a href='page.html#top'>good</a><a href='#top'>good</a>"
    (tmp_path / "page.html").write_text(PAGE.replace("'", '"').format(good))
    assert broken_links(tmp_path, "page.html") == []
    (tmp_path / "bad.html").write_text(PAGE.format(f"<a href='{href}'>bad</a>"))
    assert len(broken_links(tmp_path, "bad.html")) == 1
