"""The proof map shows what the proofs say, and can be read and operated."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from marginflow import proofs
from marginflow.book.proof_map import LEVELS, formal_proofs, proof_map
from marginflow.proofs import Argument, Statement, Step
from marginflow.proofs.report import settled_by

SVG = "{http://www.w3.org/2000/svg}"
LINKS = {s.name: f"{s.page}.html" for s in proofs.STATEMENTS if s.name != "theorem-2"}


@pytest.fixture(scope="module")
def drawing() -> ElementTree.Element:
    return ElementTree.fromstring(proof_map(proofs.STATEMENTS, LINKS))


def box(drawing: ElementTree.Element, title: str) -> ElementTree.Element:
    found = [
        element
        for element in drawing
        if element.find(f"{SVG}text") is not None
        and element.find(f"{SVG}text").text == title
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("statement", proofs.STATEMENTS, ids=lambda s: s.name)
def test_each_statement_is_a_box_that_says_how_it_was_settled(drawing, statement):
    element = box(drawing, statement.title)
    level = LEVELS[settled_by(statement)]
    words = [text.text for text in element.findall(f"{SVG}text")]
    assert words[1].startswith(level.symbol)
    assert element.find(f"{SVG}rect").get("fill") == level.colour
    assert settled_by(statement) in element.get("aria-label")
    assert statement.claim in element.find(f"{SVG}title").text


def test_boxes_are_links_only_where_there_is_a_page(drawing):
    assert box(drawing, "Lemma 8").tag == f"{SVG}a"
    assert box(drawing, "Lemma 8").get("href") == "lemma-8.html"
    assert box(drawing, "Theorem 2").tag == f"{SVG}g"


def test_one_line_for_each_dependency(drawing):
    names = {s.name for s in proofs.STATEMENTS}
    pairs = {(s.name, ref) for s in proofs.STATEMENTS for ref in s.rests_on}
    lines = [p for p in drawing.iter(f"{SVG}path") if p.get("class") == "edge"]
    assert len(lines) == sum(ref in names for _, ref in pairs)


def test_boxes_lie_inside_the_page_and_apart(drawing):
    width, height = map(float, drawing.get("viewBox").split()[2:])
    assert width <= 390
    boxes = [
        tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        for rect in drawing.iter(f"{SVG}rect")
    ]
    assert len(boxes) == len(proofs.STATEMENTS)
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert x + w <= width
        assert y + h <= height
        for a, b, c, d in boxes[i + 1 :]:
            assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_lines_lead_downwards_from_box_to_box(drawing):
    tops = {float(r.get("y")) for r in drawing.iter(f"{SVG}rect")}
    for line in drawing.iter(f"{SVG}path"):
        if line.get("class") == "edge":
            numbers = [float(n) for n in re.findall(r"-?\d+", line.get("d"))]
            start, end = numbers[1], numbers[-1]
            assert end > start
            assert min(abs(end + 5 - top) for top in tops) <= 1


def test_nothing_but_current_colour_and_mid_tones(drawing):
    text = ElementTree.tostring(drawing, encoding="unicode")
    used = set(re.findall(r"#[0-9A-Fa-f]{6}", text))
    assert used == {LEVELS[settled_by(s)].colour for s in proofs.STATEMENTS}
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_text_is_escaped():
    step = Step("x", Argument("a", "b", "c"), "because")
    odd = Statement("odd", '"<script>"', (step,), "nowhere", "A < B & C")
    drawing = proof_map([odd], {"odd": 'x"y.html'})
    assert "<script>" not in drawing
    ElementTree.fromstring(drawing)


def test_map_follows_the_data():
    """Take the references to Lemma 6 away, and its lines go."""
    whole = proof_map(proofs.STATEMENTS, {}).count('class="edge"')
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
    lost = sum("lemma-6" in s.rests_on for s in proofs.STATEMENTS)
    assert lost > 3
    assert proof_map(fewer, {}).count('class="edge"') == whole - lost


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
    drawing = ElementTree.fromstring(proof_map(proofs.STATEMENTS, LINKS, found))
    assert "lemma_5 in Lemma5.v" in box(drawing, "Lemma 5 ✓").get("aria-label")
    assert "Coq" not in box(drawing, "Lemma 6").get("aria-label")


def test_this_repository_s_formal_proofs_carry_the_mark():
    folder = Path(__file__).parent.parent / "formal"
    found = formal_proofs(proofs.STATEMENTS, folder)
    cited = {s.name for s in proofs.STATEMENTS if settled_by(s) == "cited"}
    on_paper = {"proposition-B", "proposition-C", "remark-D", "theorem-G"}
    assert set(found) == {s.name for s in proofs.STATEMENTS} - cited - on_paper
