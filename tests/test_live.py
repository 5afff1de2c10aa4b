"""The live cells: their Python by itself, their directive, and the page in Chromium."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from browsers import chromium, served, watched
from bs4 import BeautifulSoup
from playwright.sync_api import Locator, Page, expect

from marginflow import proofs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
LIVE = ROOT / "book" / "_static" / "live"
LEMMAS = ("lemma-5", "lemma-7", "lemma-8")
CHAPTERS = (*LEMMAS, "lemma-6", "lemma-9", "theorem-4")

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
def session():
    return load(LIVE / "session.py").Session()


@pytest.fixture(scope="module")
def live_cells():
    return load(ROOT / "book" / "_ext" / "marginflow_live.py").live_cells


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
    "for i in range(3):\n    assert i < 2": ("refuted", "left:  2\nright: 2", 2),
    "def f(a):\n    assert a == 1\nf(3)": ("refuted", "does not hold:  a == 1", 3),
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


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_cells_hold_by_themselves_and_each_mutation_is_refuted(
    session, live_cells, chapter
) -> None:
    cells = live_cells(ROOT / "notebooks" / f"{chapter}.md")

    def outcomes(sources: list[str]) -> list[dict]:
        session.reset("group")
        results = [session.run("group", source) for source in sources]
        return [r for r in results if r["verdict"] not in ("holds", "ran")]

    sources = [source for source, _ in cells]
    assert outcomes(sources) == []
    mutations = [(i, m) for i, (_, found) in enumerate(cells) for m in found]
    assert len(mutations) >= 3
    for i, mutation in mutations:
        broken = sources[i].replace(mutation["find"], mutation["replace"])
        first = outcomes([*sources[:i], broken, *sources[i + 1 :]])[0]
        assert first["verdict"] == "refuted", (mutation["label"], first["text"])
        assert "This does not hold:" in first["text"], mutation["label"]


def test_a_step_is_settled_and_its_mutation_refuted(session) -> None:
    (step,) = session.settle("lemma-5", "line-4")["steps"]
    assert (step["name"], step["outcome"]) == ("line-4", "proven")
    (step,) = session.settle("lemma-5", "line-4", "swap")["steps"]
    assert (step["outcome"], step["mutation"]) == ("refuted", "swap")
    assert step["witness"]["left"] != step["witness"]["right"]
    with pytest.raises(ValueError, match="has no step 'line-9'"):
        session.settle("lemma-5", "line-9")


# The directive, in a small book -----------------------------------------------------


CHAPTER = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# A chapter

```{code-cell} ipython3
---
tags: [live]
mutations:
- {label: "no", find: one = 1, replace: one = 2}
---
one = 1
assert one == 1 < 2
```

```{code-cell} ipython3
hidden = 1
```
"""
CELL = "one = 1\nassert one == 1 < 2"


def build(folder: Path, text: str, manifest: dict, chapter: str = CHAPTER) -> str:
    """Build a page ``book/index`` with the extension; returns Sphinx's complaints."""
    files = {
        "book/index.rst": f"Title\n=====\n\n{text}\n",
        "book/_static/live/session.py": "",
        "book/_static/live/pyodide/manifest.json": json.dumps(manifest),
        "notebooks/chapter.md": chapter,
        "src/marginflow/__init__.py": "",
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
    "versions": {"pyodide": "1", "sympy": "2", "mpmath": "3", "z3": "4"},
    "modules": 500,
    "files": {"pyodide.mjs": 1_000_000, "packages.zip": 11_000_000},
}
LIVE_CHAPTER = ".. live:: chapter\n"


def test_directive_shows_the_chapters_cells(tmp_path) -> None:
    assert build(tmp_path, f".. live-panel::\n\n{LIVE_CHAPTER}", WHOLE) == ""
    page = page_of(tmp_path)
    assert code_of(page) == [CELL]
    panel = page.select_one(".mfl-panel")
    assert panel["data-counted"] == "11000000"
    assert panel["data-size"] == "12 MB"
    assert "z3 4, in a thread" in panel.text
    solver = importlib.metadata.version("z3-solver")
    assert f"and z3 {solver}: two versions have to agree" in panel.text
    assert page.select_one(".mfl-break")["data-replace"] == "one = 2"
    assert page.select_one("script[src='../_static/live/live.js']")
    assert (tmp_path / "out" / "_static" / "live" / "marginflow.zip").exists()
    # A reader without scripts meets no button that does nothing.
    for button in page.select("section button"):
        assert button.has_attr("hidden") or button.find_parent(hidden=True)


def test_without_z3_the_page_says_what_stays_undecided(tmp_path) -> None:
    versions = {k: v for k, v in WHOLE["versions"].items() if k != "z3"}
    found = WHOLE | {"versions": versions, "without_z3": "no network"}
    assert build(tmp_path, ".. live-panel::", found) == ""
    told = page_of(tmp_path).select_one(".mfl-panel").text
    assert "without z3, so that the solver’s steps stay undecided (no network)" in told


def test_without_pyodide_the_page_says_so_and_loads_nothing(tmp_path) -> None:
    missing = {"missing": "node is not installed"}
    assert build(tmp_path, f".. live-panel::\n\n{LIVE_CHAPTER}", missing) == ""
    page = page_of(tmp_path)
    assert "node is not installed" in page.select_one(".mfl-panel").text
    assert not page.select("script[src*=live]")
    assert code_of(page) == [CELL]
    buttons = page.select("section button")
    assert buttons
    assert all(button.find_parent(hidden=True) for button in buttons)


def test_every_step_and_every_mutation_is_listed(tmp_path) -> None:
    assert build(tmp_path, ".. live-panel::\n\n.. live-proofs::", WHOLE) == ""
    page = page_of(tmp_path)
    steps = [step for each in proofs.STATEMENTS for step in each.steps]
    mutations = [mutation for step in steps for mutation in step.mutations]
    assert [s["data-step"] for s in page.select(".mfl-step")] == [s.name for s in steps]
    listed = [row["data-mutation"] for row in page.select(".mfl-mutation")]
    assert listed == [mutation.name for mutation in mutations]
    assert len(page.select("option")) == len(mutations)
    assert page.select_one("script[src='../_static/live/proofs.js']")


@pytest.mark.parametrize(
    ("directive", "change", "told"),
    [
        (".. live:: nowhere", {}, "no chapter notebooks/nowhere.md"),
        (LIVE_CHAPTER, {"find: one = 1": "find: one = 3"}, "occurs 0 times"),
        (LIVE_CHAPTER, {"find: one = 1": "find: one"}, "occurs 2 times"),
        (LIVE_CHAPTER, {"label: ": "name: "}, "has label, find, replace"),
        (
            LIVE_CHAPTER,
            {"[live]": "[]"},
            "no cell of chapter.md carries the tag 'live'",
        ),
    ],
)
def test_a_wrong_directive_is_an_error_of_the_build(
    tmp_path, directive, change, told
) -> None:
    chapter = CHAPTER
    for old, new in change.items():
        chapter = chapter.replace(old, new)
    complaint = build(tmp_path, directive, WHOLE, chapter)
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
    assert told["missing"] == "pyodide 0 has no file pyodide.mjs"


def test_without_a_wheel_of_z3_the_rest_is_put_in_place(tmp_path, monkeypatch) -> None:
    fetch = load(ROOT / "tools" / "fetch_live.py")
    for name in ("package.json", *fetch.RUNTIME):
        (tmp_path / name).write_text('{"version": "0"}', encoding="utf-8")
    # pip asks where nothing is, and so fails as it does without a network.
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    packed = {}

    def compile_packages(pyodide, archive, folders):
        packed.update(folders)
        archive.write_bytes(b"")
        return 7

    monkeypatch.setattr(fetch, "compile_packages", compile_packages)
    target = tmp_path / "site"
    told = fetch.put_in_place(tmp_path, target)
    assert "pip could not fetch z3 for the browser: ERROR" in told["without_z3"]
    assert set(packed) == {"sympy", "mpmath"}
    assert told["modules"] == 7
    assert not fetch.in_place(target, fetch.versions(tmp_path))  # the next one tries


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
def test_the_page_shows_the_chapters_code(built, lemma, live_cells) -> None:
    cells = [source for source, _ in live_cells(ROOT / "notebooks" / f"{lemma}.md")]
    assert len(cells) > 0
    assert code_of(built, f"[data-group={lemma}] textarea") == cells


def bare(built: BeautifulSoup) -> str:
    """The live part of the page alone, which a strict policy admits."""
    live = (
        "link[href*='live.css'], .mfl-panel, .mfl, .mfl-proofs, script[src*='/live/']"
    )
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
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        problems = watched(page, address)
        page.goto(f"{address}/book/index.html")
        assert not any("pyodide" in url or ".zip" in url for url in asked)
        size = f"Python loads {sum(manifest['files'].values()) / 1e6:.0f} MB"
        expect(page.locator(".mfl-state")).to_contain_text(size)
        page.get_by_role("button", name="Start Python").click()
        expect(page.locator(".mfl-state")).to_contain_text("ready")
        assert any("pyodide.asm.wasm" in url for url in asked)
        yield page
        assert problems == []


def group(page: Page, name: str) -> Locator:
    return page.locator(f".mfl[data-group={name}]")


def outcome(page: Page, name: str) -> str:
    """The group's verdict, once there is one."""
    summary = group(page, name).locator(".mfl-summary")
    expect(summary).not_to_be_empty()
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
def test_every_proof_is_checked_and_every_mutation_refuted(page) -> None:
    here, told = page.locator(".mfl-proofs"), page.locator(".mfl-told")
    page.get_by_role("button", name="Check every proof now").click()
    expect(told).to_contain_text("steps settled")
    steps = [step for each in proofs.STATEMENTS for step in each.steps]
    counts = Counter(step.settle().outcome.value for step in steps)
    assert told.inner_text().startswith(f"All {len(steps)} steps settled")
    for outcome, count in counts.items():
        assert f"{count} {outcome}" in told.inner_text()
        assert here.locator(f"[data-outcome={outcome}]").count() == count
    assert here.locator("tr[data-verdict=holds]").count() == len(proofs.STATEMENTS)
    mutations = sum(len(step.mutations) for step in steps)
    page.get_by_role("button", name=f"Break all {mutations}").click()
    expect(told).to_contain_text("mutations refuted")
    assert told.inner_text().startswith(f"{mutations} of {mutations} mutations refuted")


@pytest.mark.site
def test_one_broken_step_shows_its_counterexample(page) -> None:
    page.get_by_label("Break a step").select_option(
        "line-4: eq. (3) with δ and ε exchanged"
    )
    page.get_by_role("button", name="Break it", exact=True).click()
    witness = page.locator(".mfl-witness")
    expect(witness).to_contain_text("refuted by algebra")
    expect(witness).to_contain_text("Lemma 5, line-4")
    expect(witness).to_contain_text("left = ")


@pytest.mark.site
def test_checking_stops_when_asked(page) -> None:
    page.get_by_role("button", name="Break all").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    told = page.locator(".mfl-told")
    expect(told).to_contain_text("stopped after")
    expect(page.get_by_role("button", name="Check every proof now")).to_be_enabled()
    expect(page.locator(".mfl-state")).to_contain_text("ready")


@pytest.mark.site
def test_the_bar_never_stands_still_near_its_end(page, built) -> None:
    """What it shows is time to come: at 99 % less than two seconds are left."""
    other = page.context.browser.new_page()
    other.goto(page.url)
    other.evaluate(
        """() => { window.seen = [];
        const bar = document.querySelector('.mfl-progress');
        new MutationObserver(() => window.seen.push(
            [performance.now(), bar.getAttribute('value'), bar.hidden]
        )).observe(bar, { attributes: true }); }"""
    )
    other.get_by_role("button", name="Start Python").click()
    expect(other.locator(".mfl-state")).to_contain_text("ready")
    seen = other.evaluate("window.seen")
    began, ended = seen[0][0], seen[-1][0]
    near = [time for time, value, _ in seen if value and float(value) > 0.95]
    assert ended - near[0] < 0.25 * (ended - began)
    assert len({value for _, value, _ in seen}) > 40
    other.close()


@pytest.mark.site
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapters_own_cells_have_buttons(chapter, live_cells) -> None:
    path = SITE / "notebooks" / f"{chapter}.html"
    found = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    cells = live_cells(ROOT / "notebooks" / f"{chapter}.md")
    assert code_of(found, ".mfl-inline textarea") == [source for source, _ in cells]
    assert len(found.select(".mfl-panel")) == 1
    offered = [mutation["find"] for _, mutations in cells for mutation in mutations]
    assert [b["data-find"] for b in found.select(".mfl-inline .mfl-break")] == offered


@pytest.mark.site
def test_a_cell_is_broken_where_it_stands(page) -> None:
    chapter = page.context.browser.new_page()
    with served(SITE, strict=False) as address:
        problems = watched(chapter, address)
        chapter.goto(f"{address}/notebooks/lemma-5.html")
        code = chapter.locator(".cell.tag_live").first.locator("details")
        expect(code).to_be_visible()  # folded: it checks
        chapter.get_by_role("button", name="δ and ε exchanged in eq. (3)").click()
        told = chapter.locator(".mfl-inline .mfl-summary:visible")
        expect(told).to_contain_text("✗ refuted in cell 3 of 5")
        expect(code).to_be_hidden()
        area = chapter.locator(".mfl-inline textarea").first
        assert "eq3 = {dw: -sp.sqrt((delta + h) / (epsilon + g)) * dL}" in (
            area.input_value()
        )
        chapter.get_by_role("button", name="Reset").first.click()
        expect(code).to_be_visible()
        chapter.get_by_role("button", name="Check all cells").click()
        told = chapter.locator(".mfl-first .mfl-summary")
        expect(told).to_have_text("✓ every assertion holds")
        assert problems == []
    chapter.close()


@pytest.mark.site
def test_a_line_of_a_proof_is_broken_where_it_stands(page) -> None:
    chapter = page.context.browser.new_page()
    with served(SITE, strict=False) as address:
        problems = watched(chapter, address)
        chapter.goto(f"{address}/notebooks/lemma-5.html")
        line = chapter.locator("[data-statement=lemma-5] li[data-step=line-4]")
        expect(line.locator(".pf-live")).to_be_hidden()
        line.get_by_text("eq. (3) with δ and ε exchanged").click()
        expect(line).to_contain_text("What remains, left minus right")
        told = line.locator(".pf-live")
        expect(told).to_contain_text("✗ refuted here by algebra")
        proof = chapter.locator(".pf[data-statement=lemma-5]")
        proof.get_by_role("button", name="Check every line here").click()
        told = proof.locator(".pf-told")
        expect(told).to_have_text("✓ 6 of 6 lines stand")
        assert proof.locator(".pf-badge.pf-here").count() == 6
        assert problems == []
    chapter.close()


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
    for name in ("live.js", "proofs.js", "python.js", "worker.js", "live.css"):
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
