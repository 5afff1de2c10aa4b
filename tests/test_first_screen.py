"""What a reader of a theory chapter sees: a picture at once, and little code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from browsers import chromium, served
from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
PICTURES = ROOT / "book" / "_static" / "pictures"
WIDTH, HEIGHT = 1280, 800
MOST_CODE = 0.25
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="

# Height of a page, what of it is open code, and the part of its first picture that
# stands in the first screen.
MEASURE = """height => {
  const article = document.querySelector('article');
  const shown = [...article.querySelectorAll('.cell_input, .mfl-editor')]
    .filter(code => code.checkVisibility());
  const pictures = [...article.querySelectorAll('figure img, .strip img')];
  const boxes = pictures.map(p => p.getBoundingClientRect()).filter(b => b.height);
  const {top, bottom} = boxes[0] ?? {top: 1e9, bottom: 1e9 + 1};
  return {
    code: shown.reduce((sum, code) => sum + code.offsetHeight, 0)
      / article.offsetHeight,
    picture: Math.max(0, Math.min(bottom, height) - top) / (bottom - top),
  };
}"""


def theory() -> list[str]:
    """The chapters of the paper's own theory and of what lies beyond it."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    wanted = ("The setting", "The theorem and its proof", "Beyond the paper")
    return [
        chapter["file"].removeprefix("notebooks/")
        for part in parts
        if part["caption"] in wanted
        for chapter in part["chapters"]
        if chapter["file"].startswith("notebooks/")
    ]


def measured(page: Page, address: str) -> dict[str, float]:
    page.goto(address, wait_until="load")
    return page.evaluate(MEASURE, HEIGHT)


def faults(found: dict[str, float]) -> list[str]:
    wrong = []
    if found["picture"] < 1:
        wrong.append(f"{found['picture']:.0%} of its picture in the first screen")
    if found["code"] > MOST_CODE:
        wrong.append(f"{found['code']:.0%} of its height is code")
    return wrong


def test_every_picture_is_shown_and_every_theory_chapter_has_one() -> None:
    drawn = {path.stem for path in PICTURES.glob("*.svg")}
    assert drawn == set(theory())
    for chapter in drawn:
        text = (ROOT / "notebooks" / f"{chapter}.md").read_text(encoding="utf-8")
        shown = f"../book/_static/pictures/{chapter}.svg", f"```{{strip}} {chapter}\n"
        assert sum(text.count(words) for words in shown) == 1, chapter


@pytest.mark.parametrize(
    "picture", sorted(PICTURES.glob("*.svg")), ids=lambda p: p.stem
)
def test_a_phone_shows_the_letters_of_a_picture_large_enough(picture: Path) -> None:
    width = float(re.search(r'width="([\d.]+)pt"', picture.read_text("utf-8"))[1])
    # Letters of 11 pt; a column of 358 px on a phone of 390.
    assert 11 * min(4 / 3, 358 / width) >= 9.5


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})


@pytest.mark.site
def test_a_picture_at_once_and_more_text_than_code(page: Page) -> None:
    with served(SITE, strict=False) as site:
        found = {
            chapter: faults(measured(page, f"{site}/notebooks/{chapter}.html"))
            for chapter in theory()
        }
    assert len(found) >= 20
    assert {chapter: wrong for chapter, wrong in found.items() if wrong} == {}


@pytest.mark.site
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<figure><img height=300 src=dot></figure><p>text", []),
        ("<figure><img height=900 src=dot></figure>", ["89% of its picture"]),
        ("<p>text, and no picture", ["0% of its picture"]),
        (
            "<figure><img height=300 src=dot></figure><div class=cell_input "
            "style='height: 200px'>",
            ["40% of its height is code"],
        ),
        (
            "<figure><img height=300 src=dot></figure><details><summary>code</summary>"
            "<div class=cell_input style='height: 200px'></details>",
            [],
        ),
    ],
)
def test_what_is_out_of_proportion_is_found(page: Page, body, told) -> None:
    style = "<style>* { margin: 0; line-height: 0; vertical-align: top }</style>"
    body = body.replace("src=dot", f"width=9 src={DOT}")
    page.set_content(f"<!doctype html>{style}<article>{body}</article>")
    found = faults(page.evaluate(MEASURE, HEIGHT))
    assert len(found) == len(told)
    assert all(
        wrong.startswith(start) for wrong, start in zip(found, told, strict=True)
    )
