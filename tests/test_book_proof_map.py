"""The proof map shows what the proofs say, and can be read and operated."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from marginflow import proofs
from marginflow.book.proof_map import LEVELS, formal_proofs, proof_map, statuses
from marginflow.proofs import Argument, Statement, Step
from marginflow.proofs.report import settled_by

SVG = "{http://www.w3.org/2000/svg}"
LINKS = {s.name: f"{s.page}.html" for s in proofs.STATEMENTS if s.name != "theorem-2"}


COQ = formal_proofs(proofs.STATEMENTS, Path(__file__).parent.parent / "formal")


@pytest.fixture(scope="module")
def drawing() -> ElementTree.Element:
    return ElementTree.fromstring(proof_map(proofs.STATEMENTS, LINKS, COQ))


def part(drawing: ElementTree.Element, name: str) -> ElementTree.Element:
    (found,) = drawing.findall(f"{SVG}g[@data-name='{name}']")
    return found


def box(drawing: ElementTree.Element, name: str) -> ElementTree.Element:
    return part(drawing, name)[0]


def frames(drawing: ElementTree.Element) -> list[ElementTree.Element]:
    return [r for r in drawing.iter(f"{SVG}rect") if r.get("fill-opacity")]


@pytest.mark.parametrize("statement", proofs.STATEMENTS, ids=lambda s: s.name)
def test_each_statement_is_a_box_that_says_how_it_was_settled(drawing, statement):
    element = box(drawing, statement.name)
    status = statuses(proofs.STATEMENTS, COQ)[statement.name]
    words = [text.text for text in element.findall(f"{SVG}text")]
    assert words[0] == statement.title + (" ✓" if statement.name in COQ else "")
    assert words[1] == f"{LEVELS[status].symbol} {status}"
    first, *rest = element.findall(f"{SVG}rect")
    assert first.get("fill") == LEVELS[status].colour
    assert [r.get("class") for r in rest] == ["own"] * statement.companion
    assert settled_by(statement) in element.get("aria-label")
    assert statement.claim in element.find(f"{SVG}title").text


def test_a_status_is_that_of_all_it_rests_on():
    found = statuses(proofs.STATEMENTS, COQ)
    assert found["lemma-7"] == found["theorem-F"] == "Coq"
    assert found["lemma-9"] == found["theorem-2"] == "Coq, cited"  # by Proposition 1
    assert found["theorem-G"] == "machine, paper, cited"  # by Theorem 4
    assert found["proposition-B"] == "machine, paper"
    assert found["proposition-1"] == "cited"
    assert statuses(proofs.STATEMENTS, {})["lemma-9"] == "machine, paper, cited"


@pytest.mark.parametrize("way", ["above", "below"])
def test_an_arrow_keeps_what_it_says_and_fades_the_rest(drawing, way):
    style = drawing.find(f"{SVG}style").text
    (rule,) = re.findall(rf"#{way}-lemma-9:target\) :is\((.*)\) \{{", style)
    kept = set(re.findall(r':not\(\[data-name="([^"]+)"', rule))
    names = {"lemma-9", "theorem-2", "theorem-2-classes"}
    if way == "above":
        assert {"lemma-8", "lemma-7", "lemma-6", "proposition-1"} < kept
        assert "theorem-2" not in kept
    else:
        assert kept == names
    faded = set(re.findall(r'data-(?:from|to)="([^"]+)"', rule))
    assert faded == {s.name for s in proofs.STATEMENTS} - kept
    arrow = part(drawing, "lemma-9").find(f"{SVG}a[@id='{way}-lemma-9']")
    assert arrow.get("href") == f"#{way}-lemma-9"
    touch = arrow.find(f"{SVG}rect")
    assert min(float(touch.get("width")), float(touch.get("height"))) >= 24


def test_boxes_are_links_only_where_there_is_a_page(drawing):
    assert box(drawing, "lemma-8").tag == f"{SVG}a"
    assert box(drawing, "lemma-8").get("href") == "lemma-8.html"
    assert box(drawing, "theorem-2").tag == f"{SVG}g"


def test_lines_lead_to_all_that_a_statement_rests_on(drawing):
    """Along one line or several; and none is there that several make superfluous."""
    lines = [p for p in drawing.iter(f"{SVG}path") if p.get("class") == "edge"]
    pairs = {(p.get("data-from"), p.get("data-to")) for p in lines}
    reached = set(pairs)
    while more := {(a, d) for a, b in reached for c, d in pairs if b == c} - reached:
        reached |= more
    names = {s.name for s in proofs.STATEMENTS}
    direct = {(r, s.name) for s in proofs.STATEMENTS for r in s.rests_on if r in names}
    assert len(lines) == len(pairs)
    assert pairs <= direct <= reached
    over = {(a, d) for a, b in reached for c, d in reached if b == c}
    assert not pairs & over


def test_a_title_too_long_for_its_box_is_set_narrower(drawing):
    narrow = {
        text.text: float(text.get("textLength"))
        for text in drawing.iter(f"{SVG}text")
        if text.get("textLength")
    }
    assert "Theorem 2 for many classes ✓" in narrow
    assert "Theorem 2 ✓" not in narrow
    assert max(narrow.values()) < min(float(r.get("width")) for r in frames(drawing))


def test_boxes_lie_inside_the_page_and_apart(drawing):
    width, height = map(float, drawing.get("viewBox").split()[2:])
    assert width <= 390
    boxes = [
        tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        for rect in frames(drawing)
    ]
    assert len(boxes) == len(proofs.STATEMENTS)
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert x + w <= width
        assert y + h <= height
        for a, b, c, d in boxes[i + 1 :]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_lines_lead_downwards_from_box_to_box(drawing):
    tops = {float(r.get("y")) for r in frames(drawing)}
    for line in drawing.iter(f"{SVG}path"):
        if line.get("class") == "edge":
            numbers = [float(n) for n in re.findall(r"-?\d+", line.get("d"))]
            start, end = numbers[1], numbers[-1]
            assert end > start
            assert min(abs(end + 5 - top) for top in tops) <= 1


def test_nothing_but_current_colour_and_mid_tones(drawing):
    text = ElementTree.tostring(drawing, encoding="unicode")
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", text))
    found = statuses(proofs.STATEMENTS, COQ)
    assert used == {LEVELS[status].colour for status in found.values()}
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_text_is_escaped():
    step = Step("x", Argument("a", "b", "c"), "because")
    odd = Statement("odd", '"<script>"', (step,), "nowhere", "A < B & C")
    drawing = proof_map([odd], {"odd": 'x"y.html'})
    assert "<script>" not in drawing
    ElementTree.fromstring(drawing)


def test_map_follows_the_data():
    """Take the references to Lemma 6 away, and no line leads away from it."""

    def from_lemma_6(statements):
        return proof_map(statements, {}).count('data-from="lemma-6" data-to')

    fewer = tuple(
        dataclasses.replace(
            s,
            steps=tuple(
                dataclasses.replace(
                    step, under=tuple(u for u in step.under if u != "lemma-6")
                )
                for step in s.steps
            ),
        )
        for s in proofs.STATEMENTS
    )
    assert from_lemma_6(proofs.STATEMENTS) > 0
    assert from_lemma_6(fewer) == 0


def test_formal_proofs_are_found_by_the_names_of_their_theorems(tmp_path):
    (tmp_path / "Lemma7.v").write_text("Lemma helper : x.\nTheorem lemma_7_i :\n  y.\n")
    (tmp_path / "Lemma5.v").write_text("Theorem lemma_5 : z.\nTheorem lemma_55 : z.\n")
    (tmp_path / "notes.txt").write_text("Theorem lemma_6 : z.\n")
    found = formal_proofs(proofs.STATEMENTS, tmp_path)
    assert found == {
        "lemma-5": "lemma_5 in Lemma5.v",
        "lemma-7": "lemma_7_i in Lemma7.v",
    }
    assert formal_proofs(proofs.STATEMENTS, tmp_path / "missing") == {}


def test_this_repository_s_formal_proofs_carry_the_mark():
    cited = {s.name for s in proofs.STATEMENTS if settled_by(s) == "cited"}
    on_paper = {"proposition-B", "proposition-C", "remark-D", "theorem-G"}
    on_paper |= {"proposition-R", "theorem-J"}
    assert set(COQ) == {s.name for s in proofs.STATEMENTS} - cited - on_paper
