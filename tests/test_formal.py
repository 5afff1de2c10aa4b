"""The Coq sources, what was recorded of them, and what must not compile.

The first half needs no Coq. The second compiles everything, tries every mutation and
makes the record again; without Coq it is skipped, and says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from browsers import chromium
from playwright.sync_api import expect

FORMAL = Path(__file__).resolve().parents[1] / "formal"
BOOK = FORMAL.parent / "book"
sys.path.insert(0, str(FORMAL))

import coq  # noqa: E402
import record  # noqa: E402

INSTALLED = coq.versions()
needs_coq = pytest.mark.skipif(
    INSTALLED is None, reason="Coq or Coquelicot is not installed (see `make proofs`)"
)
SUMMARY = json.loads(record.SUMMARY.read_text())
MUTATIONS = coq.mutations()
SOURCES = {name: (FORMAL / name).read_text() for name in coq.sources()}


# ---- without Coq ----------------------------------------------------------------


def test_the_project_lists_every_source_after_those_it_needs():
    assert {*SOURCES} == {path.name for path in FORMAL.glob("*.v")}
    seen: set[str] = set()
    for name, text in SOURCES.items():
        assert coq.imports(text) <= seen, name
        seen.add(name)


def test_the_record_is_of_these_sources():
    digests = {
        name: hashlib.sha256(text.encode()).hexdigest()
        for name, text in SOURCES.items()
    }
    assert SUMMARY["sources"] == digests, "run python3 formal/record.py"


@pytest.mark.parametrize("name", record.with_proofs())
def test_the_recorded_steps_are_those_of_the_source(name):
    recorded = record.read_steps(name)
    assert recorded["sha256"] == SUMMARY["sources"][f"{name}.v"]
    for proof in recorded["proofs"]:
        # every proof ends with nothing left
        assert proof["steps"][-1]["goal"] == "", proof["name"]
        for step in proof["steps"]:
            assert isinstance(step.pop("goal"), str)
    assert recorded["proofs"] == record.proofs(SOURCES[f"{name}.v"])


def test_every_proof_is_recorded_and_on_a_page():
    files = {path.stem for path in record.STEPS.glob("*.js")}
    assert files == {*record.with_proofs()}
    pages = [*BOOK.glob("formal*.md")]
    included = re.findall(
        r"_formal/steps-(\S+)\.md", " ".join(page.read_text() for page in pages)
    )
    assert sorted(included) == sorted(map(record.kebab, files))


def test_no_page_is_heavy_with_steps():
    for page in [*BOOK.glob("formal*.md"), *BOOK.glob("../notebooks/*.md")]:
        included = re.findall(r"_formal/(\S+\.md)", page.read_text())
        size = sum((record.FRAGMENTS / name).stat().st_size for name in included)
        assert size < 250_000, page.name


def test_goals_that_share_lines_are_read_back_as_they_were(monkeypatch, tmp_path):
    step = {"tactic": "  - lra.", "goal": "x : R\n=====\n0 <= x"}
    last = {"tactic": "  Qed.", "goal": ""}
    proof = {"name": "a", "statement": "Lemma a : P.", "steps": [step, step, last]}
    told = {"file": "A", "sha256": "0", "proofs": [proof, proof]}
    text = record.script(told)
    assert text.count("0 <= x") == 1
    monkeypatch.setattr(record, "STEPS", tmp_path)
    (tmp_path / "A.js").write_text(text)
    assert record.read_steps("A") == told
    (tmp_path / "A.js").write_text(text.replace("0 <= x", "0 < x"))
    assert record.read_steps("A") != told


def test_only_what_has_changed_is_recorded_anew(monkeypatch, tmp_path):
    digests = SUMMARY["sources"]
    monkeypatch.setattr(
        record, "versions", lambda: (SUMMARY["coq"], SUMMARY["coquelicot"])
    )
    everything = {name.removesuffix(".v") for name in SOURCES}
    assert record.unchanged(digests) == everything
    edited = record.unchanged(digests | {"KKT.v": "another"})
    assert {"Arcs", "Clarke", "Loss"} <= edited
    assert not {"KKT", "Theorem4", "TheoremF"} & edited
    monkeypatch.setattr(record, "versions", lambda: ("9.9", "9.9"))
    assert record.unchanged(digests) == set()


def test_the_fragments_of_the_book_follow_from_the_record():
    for path, text in record.fragments().items():
        assert path.read_text() == text, f"{path.name}: run python3 formal/record.py"
    steps = {path for path in record.fragments() if path.match("steps-*")}
    assert {*record.FRAGMENTS.glob("steps-*.md")} == steps


def test_lemmas_of_one_name_in_two_files_are_two(monkeypatch, tmp_path):
    """`first` calls A's lemma `same`, and only B's calls `second`."""
    globs = {
        "A": "prf 1:4 <> same\nprf 20:24 <> first\nR30:33 MarginFlow.A <> same thm\n",
        "B": "prf 1:4 <> second\nprf 20:24 <> same\n"
        "R30:35 MarginFlow.B <> second thm\n"
        "prf 50:54 <> third\nR60:63 MarginFlow.B <> same thm\n",
    }
    for name, text in globs.items():
        (tmp_path / f"{name}.glob").write_text(text)
    monkeypatch.setattr(record, "HERE", tmp_path)
    monkeypatch.setattr(record, "sources", lambda: ["A.v", "B.v"])
    results = {"first": ("A", ""), "second": ("B", ""), "third": ("B", "")}
    monkeypatch.setattr(record, "RESULTS", results)
    assert record.foundations() == {"first": [], "second": [], "third": ["second"]}


def test_the_picture_leaves_out_only_arrows_that_follow():
    calls = SUMMARY["calls"]
    drawn = record.needed(calls)

    def below(graph, name):
        return {m for each in graph[name] for m in {each} | below(graph, each)}

    assert sum(map(len, drawn.values())) < sum(map(len, calls.values()))
    for name in calls:
        assert below(drawn, name) == below(calls, name)
    where = {n: i for i, column in enumerate(record.columns(drawn)) for n in column}
    assert all(where[each] < where[name] for name in calls for each in calls[name])


def test_the_picture_holds_all_of_its_boxes():
    drawn = record.render_graph(SUMMARY)
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn).groups())
    boxes = re.findall(
        r'<rect x="(-?\d+)" y="(-?\d+)" width="(\d+)" height="(\d+)"', drawn
    )
    assert len(boxes) == len(SUMMARY["calls"])
    corners = {(int(x), int(y)) for x, y, *_ in boxes}
    assert len(corners) == len(boxes)  # none upon another
    for x, y, wide, tall in (map(int, box) for box in boxes):
        assert 0 <= x <= width - wide
        assert 0 <= y <= height - tall


@pytest.mark.parametrize(
    ("told", "cites"),
    [
        ("admits_chain_rule L -> growth_rates L l w", True),
        ("(forall f, definable f -> admits_chain_rule f) -> growth_rates L l w", True),
        ("A /\\ (admits_chain_rule L -> B)", True),
        ("A -> admits_chain_rule L", False),
        ("(forall f, definable f -> admits_chain_rule f) /\\ A", False),
        ("(admits_chain_rule L -> A) -> B", False),
        ("admits_chain_rule L /\\ forall v : R -> vec J, A v", False),
    ],
)
def test_what_is_cited_is_a_premise(told, cites):
    assert record.cited_by(told) == (["Proposition 1"] if cites else [])


def test_the_page_says_rightly_what_is_cited():
    """The table on the page's top, and results that prove what others cite."""
    chain, dense, last = "Proposition 1", "Rademacher's theorem", record.CITED_LAST
    expected = {
        "theorem_2_rates": [chain],
        "theorem_2_limit_directions": [chain, dense],
        "theorem_2": [chain, dense, last],
        "theorem_2_smooth": [last],
        "theorem_2_linear": [],
        "many_classes_rates": [chain],
        "many_classes_limit_directions": [chain, dense],
        "theorem_2_many_classes": [chain, dense, last],
        "theorem_2_softmax_smooth": [last],
        "theorem_2_linear_many_classes": [],
        "theorem_2_cross_entropy": [],
        "one_point_inequality": [],
        "softmax_learning_many_classes": [],
    }
    types = SUMMARY["types"]
    assert {name: record.cited_by(types[name]) for name in expected} == expected


@pytest.mark.parametrize("result", coq.RESULTS)
def test_every_result_is_stated_where_it_is_said_to_be(result):
    file, _ = coq.RESULTS[result]
    assert re.search(rf"^Theorem {result}\b", SOURCES[f"{file}.v"], re.MULTILINE)
    assert SUMMARY["types"][result]


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_is_taken_for_granted(name):
    assert coq.unproven(SOURCES[name]) == []


@pytest.mark.parametrize(
    "planted", ["Admitted.", "Axiom cheat : False.", "  - admit.", "Parameter x : nat."]
)
def test_a_planted_gap_is_seen(planted):
    text = SOURCES["Lemma5.v"] + f"\n(* a comment (* nested *) *)\n{planted}\n"
    assert len(coq.unproven(text)) == 1
    assert coq.unproven(SOURCES["Lemma5.v"] + f"(* (* *) {planted} *)") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A. B.", ["A.", " B."]),
        ("From X.Y Require Z. lra.", ["From X.Y Require Z.", " lra."]),
        ("(* a. b. (* c. *) *) A.", ["(* a. b. (* c. *) *) A."]),
        ("- a. + b.", ["-", " a.", " +", " b."]),
        ("{ a. } b.", ["{", " a.", " }", " b."]),
        ("2: { a. }", ["2: {", " a.", " }"]),
        ("x - y. z.", ["x - y.", " z."]),
    ],
)
def test_sources_are_cut_at_sentences(text, expected):
    cut = record.split(text)
    assert cut == [*expected, ""]
    assert "".join(cut) == text


@pytest.mark.parametrize("name", SOURCES)
def test_cutting_loses_nothing(name):
    assert "".join(record.split(SOURCES[name])) == SOURCES[name]


def test_a_goal_is_cut_down_to_what_is_special_to_it():
    shown = (
        "2 goals\n  \n  J : Type\n  H : FiniteType J\n  H0 : Process2 J\n  t : R\n"
        "  ============================\n  0 <= t\n\ngoal 2 is:\n 1 = 1\n"
    )
    expected = "2 goals, the first:\nt : R\n============================\n0 <= t"
    assert record.goal(shown) == expected
    assert record.goal("No more goals.") == ""


def test_mutations_are_well_formed_and_cover_every_lemma():
    names = [each["name"] for each in MUTATIONS]
    assert len({*names}) == len(names)
    covered = {each["statement"] for each in MUTATIONS}
    assert {*(label for _, label in coq.RESULTS.values())} <= covered
    for each in MUTATIONS:
        assert SOURCES[each["file"]].count(each["find"]) == 1, each["name"]
        assert each["find"] != each["replace"]
        assert each["why"].endswith(".")
        if "refuted_by" in each:
            assert coq.home(each["refuted_by"])


def test_a_mutation_that_no_longer_applies_is_an_error():
    stray = MUTATIONS[0] | {"find": "no such text"}
    with pytest.raises(ValueError, match="must occur once in"):
        coq.try_mutation(stray)


def test_an_edited_proof_no_longer_agrees_with_the_record():
    recorded = record.read_steps("Lemma6")["proofs"]
    edited = SOURCES["Lemma6.v"].replace("intros A t T j; split.", "intros A t T j.")
    steps = [[step["tactic"] for step in proof["steps"]] for proof in recorded]
    now = [
        [step["tactic"] for step in proof["steps"]] for proof in record.proofs(edited)
    ]
    assert len(now) == len(steps)
    assert now != steps


def test_the_enclosing_proof_of_a_line():
    text = "Lemma a : P.\nProof.\n  x.\nQed.\nTheorem b :\n  Q.\nProof. y. Qed.\n"
    at = [coq.enclosing_result(text, line) for line in range(1, 8)]
    assert at == ["", "a", "a", "a", "", "", "b"]


def quotations() -> list[tuple[str, str, str]]:
    """(page, source, marker) for every statement that the book quotes."""
    quoted = []
    for page in sorted([*BOOK.glob("formal*.md"), *(BOOK / "_formal").glob("*.md")]):
        blocks = re.findall(
            r"\{literalinclude\} (\S+\.v)\n(.*?)`{3}", page.read_text(), re.DOTALL
        )
        for source, options in blocks:
            marker = re.search(r':start-after: "(.*)"', options)
            assert marker, f"{page.name}: {source} without a marker"
            assert ':end-before: "(* end statement *)"' in options
            quoted.append((page.name, Path(source).name, marker.group(1)))
    return quoted


def test_the_book_quotes_statements_that_exist():
    quoted = quotations()
    assert {source for _, source, _ in quoted} >= {f"Lemma{n}.v" for n in range(5, 10)}
    for page, source, marker in quoted:
        after = SOURCES[source].split(f"(* {marker}\n")
        assert len(after) == 2, f"{page} quotes {source}: {marker}"
        assert "(* end statement *)" in after[1]


def test_every_marked_statement_is_in_the_book():
    marked = {
        (name, f"{marker} *)")
        for name, text in SOURCES.items()
        for marker in re.findall(r"\(\* (statement: .*?) \*\)", text)
    }
    assert marked == {(source, marker) for _, source, marker in quotations()}


def test_without_coq_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(coq, "versions", lambda: None)
    monkeypatch.setattr(coq, "install", lambda: False)
    monkeypatch.setattr(record, "versions", lambda: None)
    assert coq.main(["build"]) == 2
    assert record.main([]) == 2
    told = capsys.readouterr().err
    assert told.count("apt-get install coq libcoq-coquelicot") == 2


def test_nothing_is_installed_without_the_right_to(monkeypatch):
    found = {"apt-get": "/usr/bin/apt-get"}
    monkeypatch.setattr(coq.shutil, "which", found.get)
    monkeypatch.setattr(coq.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(coq.subprocess, "run", lambda *_, **__: pytest.fail("ran"))
    assert coq.install() is False
    found.clear()
    assert coq.install() is False


# ---- with Coq -------------------------------------------------------------------


@pytest.fixture(scope="module")
def compiled():
    """Every source compiled, once."""
    with coq.alone():
        failure = coq.compile_files(FORMAL, coq.stale(FORMAL))
    assert failure is None, failure
    return FORMAL


@needs_coq
def test_everything_compiles_and_rests_on_the_reals_alone(compiled, capsys):
    assert coq.build() == 0
    assert "lemma_9" in capsys.readouterr().out
    assert {*SUMMARY["assumptions"]} == coq.CLASSICAL_REALS


@needs_coq
def test_what_coqchk_objects_to_stops_the_build(
    compiled, monkeypatch, tmp_path, capsys
):
    checker = tmp_path / "coqchk"
    checker.write_text("#!/bin/sh\necho 'Fatal Error: not what it was' >&2\nexit 1\n")
    checker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert coq.build() == 1
    assert (
        "coqchk ended with 1: Fatal Error: not what it was" in capsys.readouterr().err
    )


@needs_coq
def test_the_separate_checker_reads_the_compiled_files(compiled, tmp_path):
    for name in coq.sources():
        shutil.copy2((FORMAL / name).with_suffix(".vo"), tmp_path)
    assert coq.recheck(tmp_path) == ""
    content = (tmp_path / "Lemma8.vo").read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[::-1]):
        (tmp_path / "Lemma8.vo").write_bytes(damaged)
        assert coq.recheck(tmp_path).startswith("coqchk ended with")
    shutil.copy2(FORMAL / "Lemma7.vo", tmp_path / "Lemma8.vo")
    assert "Lemma7" in coq.recheck(tmp_path)


@needs_coq
def test_a_hidden_axiom_is_found(compiled, tmp_path):
    for name in coq.sources():
        for suffix in (".v", ".vo"):
            shutil.copy2((FORMAL / name).with_suffix(suffix), tmp_path)
    text = SOURCES["CorollaryA.v"]
    begin = text.index("Proof.", text.index("Theorem corollary_A"))
    end = text.index("Qed.", begin)
    cheat = "Axiom cheat : forall P : Prop, P.\n"
    at = text.index("(* statement: corollary A *)")
    (tmp_path / "CorollaryA.v").write_text(
        text[:at] + cheat + text[at:begin] + "Proof. apply cheat. " + text[end:]
    )
    assert coq.compile_files(tmp_path, ["CorollaryA.v"]) is None
    for names in (["corollary_A"], ["lemma_6", "corollary_A", "lemma_5"]):
        found = coq.assumptions(names, tmp_path)
        assert any(name.endswith("cheat") for name in found - coq.CLASSICAL_REALS)
    assert coq.assumptions(["lemma_6", "lemma_5"], tmp_path) <= coq.CLASSICAL_REALS


@needs_coq
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each["name"])
def test_a_wrong_variant_is_refused_where_it_should_be(mutation, compiled):
    failure = coq.try_mutation(mutation)
    assert failure is not None, "it compiled"
    assert failure[:2] == (mutation["breaks_file"], mutation["breaks"])
    assert "Syntax error" not in failure.message


@needs_coq
def test_coq_shows_today_what_was_recorded(compiled):
    if (SUMMARY["coq"], SUMMARY["coquelicot"]) != INSTALLED:
        pytest.skip(f"recorded with {SUMMARY['coq']}, here Coq {INSTALLED}")
    old = {p: p.read_text() for p in [record.SUMMARY, *record.STEPS.glob("*.js")]}
    assert record.record() == old


# ---- in a browser ---------------------------------------------------------------


def raw_html(name: str) -> str:
    """What a fragment puts on a page."""
    text = (record.FRAGMENTS / f"steps-{record.kebab(name)}.md").read_text()
    return re.search(r"\{raw\} html\n(.*?)`{3}", text, re.DOTALL).group(1)


def test_steps_come_when_a_proof_is_opened(tmp_path):
    static = tmp_path / "_static"
    (static / "steps").mkdir(parents=True)
    shutil.copy2(BOOK / "_static" / "formal.js", static)
    shutil.copy2(record.STEPS / "KKT.js", static / "steps")
    missing = raw_html("KKT").replace('"KKT"', '"Gone"')
    page = tmp_path / "page.html"
    page.write_text(
        '<!DOCTYPE html><script defer src="_static/formal.js"></script>'
        f"<main>{raw_html('KKT')}</main><aside>{missing}</aside>"
    )
    with chromium() as browser:
        tab = browser.new_page()
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(Path(request.url).name))
        tab.goto(page.as_uri())  # from a folder, where a page may not fetch
        first, second = tab.locator("main .coq-proof").all()[:2]
        assert asked == ["page.html", "formal.js"]
        assert first.locator("pre").count() == 0
        first.locator("> summary").click()
        expect(first.locator("> pre")).to_contain_text("KKT_scaled")
        second.locator("> summary").click()
        expect(second.locator("> pre")).to_contain_text("KKT_multiple")
        assert asked == ["page.html", "formal.js", "KKT.js"]
        proof = record.read_steps("KKT")["proofs"][0]
        shown = first.locator("> details, > .coq-done")
        bullet = re.compile(r"\s*([-+*]+|\d+: \{|[{}])")  # shown with what follows
        steps = [s for s in proof["steps"] if not bullet.fullmatch(s["tactic"])]
        goals = [step["goal"] for step in steps if step["goal"]]
        assert first.locator("details > pre").all_text_contents() == goals
        tactics = "".join(step["tactic"] for step in proof["steps"])
        told = "".join(shown.locator("code").all_text_contents())
        assert re.sub(r"\s", "", told) == re.sub(r"\s", "", tactics)
        lost = tab.locator("aside .coq-proof").first
        for _ in range(2):
            lost.locator("> summary").click()
            expect(lost.get_by_role("status")).to_contain_text("did not come")
            lost.locator("> summary").click()
            expect(lost.get_by_role("status")).to_have_count(0)
