"""The live cells: their Python by itself, their directive, and the page in Chromium."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from browsers import chromium, served, watched
from bs4 import BeautifulSoup
from playwright.sync_api import Locator, Page, expect

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
LIVE = ROOT / "book" / "_static" / "live"
LEMMAS = ("lemma-5", "lemma-7", "lemma-8")
PATIENCE = 240_000  # ms; generous, a test machine may be busy

# The page without the theme, whose own scripts are inline: as strict as can be.
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title>
<link rel="icon" href="data:,"></head><body><main>{}</main></body></html>"""


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The session, in this Python --------------------------------------------------------


@pytest.fixture
def session(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "src" / "marginflow" / "proofs")
    yield load(LIVE / "session.py").Session()
    sys.modules.pop("reading", None)


VERDICTS = {
    "import sympy as sp; x = sp.Symbol('x'); assert sp.expand(x*(x+1)) == x**2 + x": (
        "holds", "", None,
    ),
    "import sympy as sp\nx = sp.Symbol('x')\nassert sp.expand((x+1)**2) == x**2 + 1": (
        "refuted", "left − right = 2·x", 3,
    ),
    "assert 1 == 2, 'by the way'": ("refuted", "by the way", 1),
    "import sympy as sp\nassert not sp.Integer(1).is_positive": (
        "refuted", "it holds:  sp.Integer(1).is_positive", 2,
    ),
    "import sympy as sp\nassert sp.Symbol('x').is_positive": (
        "refuted", "SymPy cannot tell", 2,
    ),
    "import sympy as sp\nassert sp.Integer(-3).is_positive": (
        "refuted", "is_positive is False for  −3", 2,
    ),
    "def f(a, b):\n    return a == b\nimport sympy as sp\nx = sp.Symbol('x')\n"
    "assert f(x, 3*x)": ("refuted", "left − right = −2·x", 5),
    "for i in range(3):\n    assert i < 2": ("refuted", "An assertion failed", 2),
    "print('shown')\n1 + 1": ("ran", "shown\n2", None),
    "": ("ran", "", None),
    "1 / 0": ("error", "ZeroDivisionError", 1),
    "def f(:": ("error", "SyntaxError", 1),
    "raise SystemExit": ("error", "SystemExit", 1),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), VERDICTS.items())
def test_verdicts(session, source, expected) -> None:
    verdict, text, line = expected
    result = session.run("group", source)
    assert (result["verdict"], result["line"]) == (verdict, line), result["text"]
    assert text in result["text"]


def test_cells_of_a_group_share_names_and_a_reset_forgets_them(session) -> None:
    session.run("a", "x = 1")
    assert session.run("a", "assert x == 1")["verdict"] == "holds"
    assert session.run("b", "assert x == 1")["verdict"] == "error"
    session.reset("a")
    assert "NameError" in session.run("a", "x")["text"]


def test_sides_of_an_equality_are_evaluated_once(session) -> None:
    source = "n = [0]\ndef f():\n    n[0] += 1\n    return n[0]\nassert f() == 5"
    assert session.run("a", source)["verdict"] == "refuted"
    assert session.run("a", "assert n == [1]")["verdict"] == "holds"


# The directive, in a small book -----------------------------------------------------


CHAPTER = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# A chapter

```{code-cell} ipython3
---
tags: [live]
---
one = 1
assert one == 1 < 2
```

```{code-cell} ipython3
hidden = 1
```
"""
CELL = "one = 1\nassert one == 1 < 2"


def build(folder: Path, text: str, manifest: dict) -> str:
    """Build a page ``book/index`` with the extension; returns Sphinx's complaints."""
    files = {
        "book/index.rst": f"Title\n=====\n\n{text}\n",
        "book/_static/live/session.py": "",
        "book/_static/live/pyodide/manifest.json": json.dumps(manifest),
        "notebooks/chapter.md": CHAPTER,
        "src/marginflow/__init__.py": "",
        "src/marginflow/proofs/reading.py": "",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    options = ["-D", "extensions=marginflow_live", "-D", "root_doc=book/index"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-C", *options, folder, folder / "out"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "book" / "_ext")},
        capture_output=True,
        text=True,
    )
    return done.stderr


def page_of(folder: Path) -> BeautifulSoup:
    html = (folder / "out" / "book" / "index.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser")


def code_of(page: BeautifulSoup, selector: str = "textarea") -> list[str]:
    """What a browser makes of it: it drops one line break after the tag."""
    return [area.text.removeprefix("\n") for area in page.select(selector)]


WHOLE = {
    "versions": {"pyodide": "1", "sympy": "2", "mpmath": "3"},
    "files": {"pyodide.js": 1_000_000, "packages.zip": 11_000_000},
}
BROKEN = ".. live:: chapter\n\n   - {label: no, find: 'one = 1', replace: 'one = 2'}\n"


def test_directive_shows_the_chapters_cells(tmp_path) -> None:
    assert build(tmp_path, f".. live-panel::\n\n{BROKEN}", WHOLE) == ""
    page = page_of(tmp_path)
    assert code_of(page) == [CELL]
    assert page.select_one(".mfl-panel")["data-counted"] == "11000000"
    assert page.select_one(".mfl-panel")["data-size"] == "12 MB"
    assert page.select_one(".mfl-break")["data-replace"] == "one = 2"
    assert page.select_one("script[src='../_static/live/live.js']")
    assert (tmp_path / "out" / "_static" / "live" / "marginflow.zip").exists()


def test_without_pyodide_the_page_says_so_and_loads_nothing(tmp_path) -> None:
    missing = {"missing": "node is not installed"}
    assert build(tmp_path, f".. live-panel::\n\n{BROKEN}", missing) == ""
    page = page_of(tmp_path)
    assert "node is not installed" in page.select_one(".mfl-panel").text
    assert not page.select("script[src*=live]")
    assert code_of(page) == [CELL]
    buttons = page.select("section button")
    assert buttons
    assert all(button.find_parent(hidden=True) for button in buttons)


@pytest.mark.parametrize(
    ("directive", "told"),
    [
        (".. live:: nowhere", "no chapter notebooks/nowhere.md"),
        (BROKEN.replace("one = 1", "one = 3"), "occurs 0 times"),
        (BROKEN.replace("one = 1", "one"), "occurs 2 times"),
        (BROKEN.replace("label", "name"), "has label, find, replace"),
    ],
)
def test_a_wrong_directive_is_an_error_of_the_build(tmp_path, directive, told) -> None:
    complaint = build(tmp_path, directive, WHOLE)
    assert "ERROR" in complaint
    assert told in complaint


# Fetching ---------------------------------------------------------------------------


def test_fetching_says_what_is_missing(tmp_path) -> None:
    fetch = load(ROOT / "tools" / "fetch_live.py")
    target = tmp_path / "site"
    told = fetch.put_in_place(tmp_path / "nothing", target)
    assert "pyodide is not in node_modules" in told["missing"]
    assert json.loads((target / "manifest.json").read_text(encoding="utf-8")) == told
    package = tmp_path / "pyodide"
    package.mkdir()
    (package / "package.json").write_text('{"version": "0"}', encoding="utf-8")
    told = fetch.put_in_place(package, target)
    assert told["missing"] == "pyodide 0 has no file pyodide.js"


def test_only_whole_files_of_the_right_versions_count(tmp_path) -> None:
    fetch = load(ROOT / "tools" / "fetch_live.py")
    versions = {"pyodide": "0", "sympy": "1"}
    for name in (*fetch.RUNTIME, fetch.ARCHIVE):
        (tmp_path / name).write_bytes(b"12345")
    sizes = dict.fromkeys((*fetch.RUNTIME, fetch.ARCHIVE), 5)
    text = json.dumps({"versions": versions, "files": sizes})
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    assert fetch.in_place(tmp_path, versions)
    assert not fetch.in_place(tmp_path, {**versions, "sympy": "2"})
    (tmp_path / fetch.ARCHIVE).write_bytes(b"1234")
    assert not fetch.in_place(tmp_path, versions)
    (tmp_path / "manifest.json").unlink()
    assert not fetch.in_place(tmp_path, versions)


# The page, in Chromium --------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> BeautifulSoup:
    path = SITE / "book" / "check-it-yourself.html"
    if not path.exists():
        pytest.fail("no book/check-it-yourself.html in the site; run `make book`")
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.site
@pytest.mark.parametrize("lemma", LEMMAS)
def test_the_page_shows_the_chapters_code(built, lemma, monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    live_cells = load(ROOT / "book" / "_ext" / "marginflow_live.py").live_cells
    cells = live_cells(ROOT / "notebooks" / f"{lemma}.md")
    assert len(cells) > 0
    assert code_of(built, f"[data-group={lemma}] textarea") == cells


def bare(built: BeautifulSoup) -> str:
    """The live part of the page alone, which a strict policy admits."""
    live = "link[href*='live.css'], .mfl-panel, .mfl, script[src*='live.js']"
    return PAGE.format("\n".join(map(str, built.select(live))))


@pytest.fixture(scope="module")
def page(built, tmp_path_factory) -> Iterator[Page]:
    """The live part of the page, under a strict policy, with Python started."""
    manifest = json.loads(
        (SITE / "_static/live/pyodide/manifest.json").read_text(encoding="utf-8")
    )
    if "missing" in manifest:
        pytest.skip(f"this build has no live cells: {manifest['missing']}")
    folder = tmp_path_factory.mktemp("live")
    (folder / "_static").symlink_to(SITE / "_static")
    (folder / "book").mkdir()
    (folder / "book" / "index.html").write_text(bare(built), encoding="utf-8")
    with chromium() as browser, served(folder) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        problems = watched(page, address)
        page.goto(f"{address}/book/index.html")
        assert not any("pyodide" in url or ".zip" in url for url in asked)
        size = f"It will load {sum(manifest['files'].values()) / 1e6:.0f} MB"
        expect(page.locator(".mfl-state")).to_contain_text(size)
        page.get_by_role("button", name="Start Python").click()
        expect(page.locator(".mfl-state")).to_contain_text("ready", timeout=PATIENCE)
        assert any("pyodide.asm.wasm" in url for url in asked)
        yield page
        assert problems == []


def group(page: Page, name: str) -> Locator:
    return page.locator(f".mfl[data-group={name}]")


def outcome(page: Page, name: str) -> str:
    """The group's verdict, once there is one."""
    summary = group(page, name).locator(".mfl-summary")
    expect(summary).not_to_be_empty(timeout=PATIENCE)
    return summary.inner_text()


def check(page: Page, name: str) -> str:
    group(page, name).locator(".mfl-all").click()
    return outcome(page, name)


@pytest.mark.site
@pytest.mark.parametrize("lemma", LEMMAS)
def test_lemma_holds_and_every_mutation_is_refuted(page, lemma) -> None:
    here = group(page, lemma)
    assert check(page, lemma) == "✓ every assertion holds"
    breaks = here.locator(".mfl-break")
    assert breaks.count() >= 3
    for i in range(breaks.count()):
        breaks.nth(i).click()
        assert "✗ refuted" in outcome(page, lemma), breaks.nth(i).inner_text()
        output = here.locator("[data-verdict=refuted] .mfl-output").inner_text()
        assert "This does not hold:" in output
        assert any(w in output for w in ("left − right =", "is False", "cannot tell"))
    here.locator(".mfl-reset").click()
    assert check(page, lemma) == "✓ every assertion holds"


@pytest.mark.site
def test_an_edit_by_keyboard_is_checked(page) -> None:
    here = group(page, "lemma-5")
    here.locator(".mfl-reset").click()
    area = here.locator("textarea").nth(2)
    area.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nassert equal(line[4], 2*line[5], definitions)")
    page.keyboard.press("Control+Enter")
    assert "✗ refuted in cell 3 of 5: left − right =" in outcome(page, "lemma-5")
    assert "mfl-changed" in here.locator(".mfl-cell").nth(2).get_attribute("class")
    page.keyboard.press("Tab")  # not trapped
    assert page.evaluate("document.activeElement.className") == "mfl-run"
    here.locator(".mfl-reset").click()


@pytest.mark.site
def test_running_a_cell_first_runs_stale_ones_above(page) -> None:
    here = group(page, "lemma-7")
    here.locator(".mfl-reset").click()
    first = here.locator("textarea").nth(0)
    first.fill(first.input_value().replace("(1 - beta**2))", "(1 - beta**2) * -1)"))
    here.locator(".mfl-run").nth(1).click()
    assert "✗ refuted in cell 2" in outcome(page, "lemma-7")
    here.locator(".mfl-reset").click()


@pytest.mark.site
def test_the_free_cell_has_sympy_the_books_proofs_and_live_assertions(page) -> None:
    here = group(page, "free")
    for source, told in {
        here.locator("textarea").input_value(): "✓ every assertion holds",
        "assert False": "✗ refuted",
        "1 / 0": "⚠ error",
        "print(6 * 7)": "✓ ran, nothing was asserted",
        "from marginflow.proofs import statement\nreports = list(statement('lemma-5')"
        ".prove())\nassert all(r.verdict.outcome.stands for r in reports)"
        "\nassert len(reports) == 6": "✓ every assertion holds",
    }.items():
        here.locator("textarea").fill(source)
        here.locator(".mfl-run").click()
        assert outcome(page, "free") == told, source


@pytest.mark.site
def test_an_endless_loop_is_interrupted_and_python_comes_back(page) -> None:
    here = group(page, "free")
    here.locator("textarea").fill("while True:\n    pass")
    run = here.locator(".mfl-run")
    run.click()
    expect(run).to_contain_text("Interrupt")
    run.click()
    expect(here.locator(".mfl-verdict")).to_have_text("interrupted")
    here.locator("textarea").fill("assert 2 + 2 == 4")
    run.click()
    assert outcome(page, "free") == "✓ every assertion holds"
    here.locator(".mfl-reset").click()
    assert "Identity" in here.locator("textarea").input_value()


@pytest.mark.site
def test_axe_finds_nothing_on_cells_that_have_run(page) -> None:
    group(page, "lemma-5").locator(".mfl-break").first.click()
    assert "refuted" in outcome(page, "lemma-5")
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    # Evaluated by the browser's protocol, which the page's policy does not bind.
    page.evaluate(script.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa']})")
    assert [v["id"] for v in result["violations"]] == []
    page.evaluate("document.querySelector('.mfl label').remove()")  # planted
    result = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa']})")
    assert [v["id"] for v in result["violations"]] == ["label"]


@pytest.mark.site
def test_what_goes_wrong_is_told(page, built, tmp_path) -> None:
    """Files that are gone, and a page opened from the disk instead of a server."""
    live = tmp_path / "_static" / "live"
    live.mkdir(parents=True)
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text(bare(built), encoding="utf-8")
    for name in ("live.js", "worker.js", "live.css"):
        shutil.copy(LIVE / name, live)
    other = page.context.browser.new_page()
    with served(tmp_path) as address:
        other.goto(f"{address}/book/index.html")
        other.get_by_role("button", name="Start Python").click()
        expect(other.locator(".mfl-state")).to_contain_text("Python did not start")
        expect(other.get_by_role("button", name="Start Python")).to_be_visible()
    other.goto((tmp_path / "book" / "index.html").as_uri())
    expect(other.locator(".mfl-state")).to_contain_text("from a web server only")
    expect(other.locator(".mfl-start")).to_be_hidden()
    other.close()
