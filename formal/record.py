#!/usr/bin/env python3
"""Record what Coq shows while it checks the proofs, and render it for the book.

    python3 formal/record.py          run Coq, write formal/recorded/ and book/_formal/
    python3 formal/record.py --check  run Coq, tell what differs from the record

For every proof of a lemma's file: each sentence, and the goal that Coq is left with
after it. The book shows the record, so that it builds, and can be read, without Coq.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import sys
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from coq import (
    HERE,
    RESULTS,
    WHAT_TO_INSTALL,
    assumptions,
    coqc,
    mutations,
    sources,
    versions,
)

RECORDED = HERE / "recorded"
FRAGMENTS = HERE.parent / "book" / "_formal"
# The files whose proofs the book shows, and under which name.
SHOWN = {
    "Lemma5": "lemma-5",
    "Lemma6": "lemma-6",
    "Lemma7": "lemma-7",
    "Lemma8": "lemma-8",
    "Lemma9": "lemma-9",
    "CorollaryA": "corollary-a",
    "KKT": "kkt",
    "Comparison": "comparison",
    "SmoothedMargin": "smoothed-margin",
    "Polar": "polar",
    "FiniteLength": "finite-length",
    "Direction": "direction",
    "Theorem4": "theorem-4",
    "Theorem2": "theorem-2",
    "ManyClasses": "many-classes",
    "DiscreteFactor": "discrete-factor",
    "DiscreteDirection": "discrete-direction",
    "DiscreteAdaDelta": "discrete-adadelta",
    "TheoremF": "theorem-f",
}
STEP = r"     = fun step_(\d+) : True => step_\d+\n     : True -> True\n"
# Context that every goal of a file shares: the index types and the flow itself.
AMBIENT = re.compile(r"\s+\w+(, \w+)* : (Type|FiniteType \w+|Process2 \w+|Dataset .*)$")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split(text: str) -> list[str]:
    """Cut a Coq source into its sentences; joined, they are the source again.

    A sentence ends with a full stop before white space, or is a bullet or brace.
    Comments, which nest, and white space go with the sentence that follows.
    """
    sentences, start, at, depth, begun = [], 0, 0, 0, False
    while at < len(text):
        two = text[at : at + 2]
        if two == "(*":
            depth, at = depth + 1, at + 2
        elif two == "*)":
            depth, at = depth - 1, at + 2
        elif depth:
            at += 1
        elif not begun and (
            bullet := re.match(r"[-+*]+(?=\s)|\d+: \{|[{}]", text[at:])
        ):
            at += len(bullet.group())
            sentences.append(text[start:at])
            start = at
        elif text[at] == "." and (at + 1 == len(text) or text[at + 1].isspace()):
            at += 1
            sentences.append(text[start:at])
            start, begun = at, False
        else:
            begun = begun or not text[at].isspace()
            at += 1
    return [*sentences, text[start:]]


def bare(sentence: str) -> str:
    """A sentence without its comments and the white space around it."""
    while re.search(r"\(\*(?:(?!\(\*|\*\)).)*\*\)", sentence, re.DOTALL):
        sentence = re.sub(r"\(\*(?:(?!\(\*|\*\)).)*\*\)", "", sentence, flags=re.DOTALL)
    return sentence.strip()


def proofs(text: str) -> list[dict[str, Any]]:
    """The statements of a source with their proofs, sentence by sentence."""
    found: list[dict[str, Any]] = []
    before, inside = "", False
    for sentence in split(text):
        code = bare(sentence)
        if code.startswith("Proof"):
            name = re.match(r"(?:Theorem|Lemma|Fact|Let|Definition)\s+([\w']+)", before)
            found.append({"name": name.group(1) if name else "", "statement": before})
            found[-1]["steps"], inside = [], True
        elif code in {"Qed.", "Defined."}:
            inside = False
        elif inside:
            # The margin of the first line, so that the layout survives.
            margin = re.search(
                r"[^\n]*\Z", sentence[: len(sentence) - len(sentence.lstrip())]
            )
            found[-1]["steps"].append({"tactic": margin.group() + code})
        before = code or before
    return found


def instrument(text: str) -> str:
    """The same source, which shows the goal after every sentence of a proof."""
    pieces, inside, count = [], False, 0
    for sentence in split(text):
        code = bare(sentence)
        inside = inside and code not in {"Qed.", "Defined."}
        pieces.append(sentence)
        if inside:
            pieces.append(f" Eval cbv in (fun step_{count} : True => step_{count}).")
            pieces.append(" Show.")
            count += 1
        inside = inside or code.startswith("Proof")
    return "".join(pieces)


def goal(shown: str) -> str:
    """What Coq shows, cut down to the goal in focus and what is special to it."""
    if "============================" not in shown:
        return ""
    first = re.split(r"\n\ngoal \d+ is:", shown.strip("\n"))[0]
    lines = first.splitlines()
    several = re.match(r"(\d+) goals", lines[0])
    kept = [line[2:] for line in lines[1:] if line.strip() and not AMBIENT.match(line)]
    head = [f"{several.group(1)} goals, the first:"] if several else []
    return "\n".join([*head, *kept])


def record_file(name: str) -> dict[str, Any]:
    """Run Coq on one instrumented source and gather its proofs with their goals."""
    source = HERE / f"{name}.v"
    text = source.read_text()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{name}.v"
        copy.write_text(instrument(text))
        run = coqc(copy, HERE)
    if run.returncode:
        raise RuntimeError(f"{name}.v with goals shown: {run.stderr}")
    parts = re.split(STEP, run.stdout)
    shown = dict(zip(parts[1::2], parts[2::2], strict=True))
    found = proofs(text)
    count = 0
    for proof in found:
        for step in proof["steps"]:
            step["goal"] = goal(shown[str(count)])
            count += 1
    return {"file": f"{name}.v", "sha256": sha256(source), "proofs": found}


def record_types() -> dict[str, str]:
    """What Coq says each result states, with everything that it quantifies over."""
    files = sorted({file for file, _ in RESULTS.values()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Types.v"
        checks = "".join(f"Check @{name}.\n" for name in RESULTS)
        file.write_text(
            "From Coq Require Import Reals.\n"
            "From Coquelicot Require Import Coquelicot.\n"
            f"From MarginFlow Require Import {' '.join(files)}.\n"
            f"Open Scope R_scope.\n{checks}"
        )
        run = coqc(file, HERE)
    if run.returncode:
        raise RuntimeError(run.stderr)
    told = re.split(r"^@?(\w+)\n     : ", run.stdout, flags=re.MULTILINE)
    return {n: t.rstrip() for n, t in zip(told[1::2], told[2::2], strict=True)}


# The theorems of others, by the names under which statements have them as premises.
CITED = {
    "admits_chain_rule": "Proposition 1",
    "separated_flow": "Proposition 1",
    "gradients_dense": "Rademacher's theorem",
    "desingularizing_inequality": "Ji and Telgarsky's inequality",
}
CITED_LAST = CITED["desingularizing_inequality"]


# What Coq's .glob files call declarations that others may refer to.
KINDS = "prf|def|rec|ind|inst|class|proj|method|constr"


def calls(file: str) -> dict[str, set[str]]:
    """What each declaration of a compiled file refers to, by Coq's own .glob file."""
    declared: list[tuple[int, str]] = []
    referred: list[tuple[int, str]] = []
    for line in (HERE / file).with_suffix(".glob").read_text().splitlines():
        if found := re.match(r"R(\d+):\d+ MarginFlow\S* \S+ (\S+) \w+$", line):
            referred.append((int(found.group(1)), found.group(2)))
        elif found := re.match(rf"(?:{KINDS}) (\d+):\d+ \S+ (\S+)$", line):
            declared.append((int(found.group(1)), found.group(2)))
    made: dict[str, set[str]] = {name: set() for _, name in declared}
    for at, target in referred:
        owner = max((each for each in declared if each[0] <= at), default=None)
        if owner is not None and owner[1] != target:
            made[owner[1]].add(target)
    return made


def foundations() -> dict[str, list[str]]:
    """The results that each result calls, directly or through lemmas."""
    graph: dict[str, set[str]] = {}
    for file in sources():
        for name, targets in calls(file).items():
            graph.setdefault(name, set()).update(targets)
    found = {}
    for result in RESULTS:
        seen, waiting, met = {result}, [result], set()
        while waiting:
            for name in graph.get(waiting.pop(), set()) - seen:
                seen.add(name)
                if name in RESULTS:
                    met.add(name)
                else:
                    waiting.append(name)
        found[result] = [name for name in RESULTS if name in met]
    return found


def record() -> dict[str, str]:
    """Everything that is recorded: file name in recorded/ against its text."""
    coq, coquelicot = versions() or ("", "")
    every = {path.name: sha256(path) for path in sorted(HERE.glob("*.v"))}
    summary = {"coq": coq, "coquelicot": coquelicot, "sources": every}
    rests_on = {
        n: sorted(axioms) for n, axioms in assumptions([*RESULTS], HERE).items()
    }
    summary |= {"assumptions": rests_on, "calls": foundations()}
    texts = {"summary.json": summary | {"types": record_types()}}
    texts |= {f"{name}.json": record_file(name) for name in SHOWN}
    return {
        name: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in texts.items()
    }


def render(recorded: dict[str, Any], types: dict[str, str]) -> str:
    """A fragment of the book: what a file proves, and its proofs, goal by goal.

    `types` are the results of that file, if it has any, with what Coq says they state.
    """
    lines = [f"% Made by formal/record.py from formal/{recorded['file']}."]
    if types:
        lines += ["Asked what it has proven, Coq answers:", "", "```coq"]
        for name, told in types.items():
            lines += [f"{name} :", "  " + re.sub(r"\n {1,7}", "\n  ", told)]
        lines += ["```", ""]
    lines += ["```{raw} html", '<div class="coq">']
    for proof in recorded["proofs"]:
        lines += [
            '<details class="coq-proof"><summary>Proof of '
            f"<code>{html.escape(proof['name'])}</code>, step by step</summary>",
            f'<pre tabindex="0">{html.escape(proof["statement"])}</pre>',
        ]
        lead = ""
        for step in proof["steps"]:
            lead += step["tactic"]
            if re.fullmatch(r"\s*([-+*]+|\d+: \{|[{}])", step["tactic"]):
                continue  # a bullet or a brace: shown with what it introduces
            lead = re.sub(r"^  ", "", lead, flags=re.MULTILINE)
            tactic, lead = f"<code>{html.escape(lead)}</code>", ""
            if step["goal"]:
                shown = f'<pre tabindex="0">{html.escape(step["goal"])}</pre>'
                lines.append(f"<details><summary>{tactic}</summary>{shown}</details>")
            else:
                lines.append(f'<p class="coq-done">{tactic}</p>')
        lines.append("</details>")
    return "\n".join([*lines, "</div>", "```", ""])


def render_mutations() -> str:
    """The list of wrong variants, where each is refused and what refutes it."""
    lines = ["% Made by formal/record.py from formal/mutations.json."]
    for each in mutations():
        refuted = each.get("refuted_by")
        also = f"; false by `{refuted}`" if refuted else ""
        kind, _, number = each["statement"].rpartition("-")
        title = f"{kind.replace('-', ' ').capitalize()} {number}".strip()
        lines.append(
            f"- *{title}.* {each['why']} "
            f"(`{each['name']}`: refused in `{each['breaks']}`{also})"
        )
    return "\n".join([*lines, ""])


def cited_by(told: str) -> list[str]:
    """The theorems of others that a statement has as premises."""
    return [*dict.fromkeys(what for word, what in CITED.items() if word in told)]


def render_foundations(summary: dict[str, Any]) -> str:
    """The list of what each result has as premises and what its proof calls."""
    lines = ["% Made by formal/record.py from what Coq wrote about the sources."]
    for name, called in summary["calls"].items():
        told = summary["types"][name]
        cited = cited_by(told)
        lines.append(f"- `{name}`. Cited: {', '.join(cited) or 'nothing'}.")
        if called:
            lines.append(f"  Calls: {', '.join(f'`{each}`' for each in called)}.")
    return "\n".join([*lines, ""])


def columns(calls: dict[str, list[str]]) -> list[list[str]]:
    """The results, each in the first column after all that it calls.

    Within a column, near to what is called (two passes by the mean of the rows).
    """
    rank: dict[str, int] = {}
    for name in TopologicalSorter(calls).static_order():
        rank[name] = 1 + max((rank[called] for called in calls[name]), default=-1)
    made = [[n for n in calls if rank[n] == k] for k in range(max(rank.values()) + 1)]
    row = {name: i for column in made for i, name in enumerate(column)}
    callers = {n: [each for each in calls if n in calls[each]] for n in calls}
    for near in (calls, callers, calls):
        for column in made:
            column.sort(key=lambda n: mean([row[m] for m in near[n]] or [row[n]]))
            row |= {name: i for i, name in enumerate(column)}
    return made


def needed(calls: dict[str, list[str]]) -> dict[str, list[str]]:
    """The calls less those that follow from others (the transitive reduction)."""

    def below(name: str) -> set[str]:
        return {m for each in calls[name] for m in {each} | below(each)}

    return {
        name: [c for c in called if not any(c in below(other) for other in called)]
        for name, called in calls.items()
    }


WIDE, HIGH, BOX, TALL = 246, 34, 208, 24


def render_graph(summary: dict[str, Any]) -> str:
    """The same as a picture: results from left to right, what is cited in colour."""
    edges = needed(summary["calls"])
    placed = columns(edges)
    at = {
        name: (10 + i * WIDE, 10 + (j + (16 - len(column)) / 2) * HIGH)
        for i, column in enumerate(placed)
        for j, name in enumerate(column)
    }
    width = 10 + len(placed) * WIDE
    height = 20 + max(16, *map(len, placed)) * HIGH
    lines = ["% Made by formal/record.py from what Coq wrote about the sources."]
    lines += ["```{raw} html", '<div class="coq-graph" tabindex="0" role="region"']
    lines += [' aria-label="What each result calls; the list below says the same">']
    lines += [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" aria-hidden="true">'
    ]
    for name, called in edges.items():
        x, y = at[name]
        for each in called:
            u, v = at[each][0] + BOX, at[each][1] + TALL / 2
            bend = (x - u) / 2
            lines.append(
                f'<path d="M{u:.0f} {v:.0f} C{u + bend:.0f} {v:.0f} {x - bend:.0f} '
                f'{y + TALL / 2:.0f} {x:.0f} {y + TALL / 2:.0f}"/>'
            )
    for name, (x, y) in at.items():
        cited = cited_by(summary["types"][name])
        kind = "proven" if not cited else "cited" if CITED_LAST in cited else "chain"
        told = ", ".join(cited) or "nothing"
        lines.append(
            f'<g class="{kind}"><title>{name}. Cited: {told}.</title>'
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{TALL}" rx="4"/>'
            f'<text x="{x + 7:.0f}" y="{y + 16:.0f}">{name}</text></g>'
        )
    return "\n".join([*lines, "</svg></div>", "```", ""])


def fragments() -> dict[Path, str]:
    """The fragments of the book that follow from the record, without running Coq."""
    summary = json.loads((RECORDED / "summary.json").read_text())
    types = summary["types"]
    made = {FRAGMENTS / "mutations.md": render_mutations()}
    made[FRAGMENTS / "foundations.md"] = render_foundations(summary)
    made[FRAGMENTS / "graph.md"] = render_graph(summary)
    for name, label in SHOWN.items():
        recorded = json.loads((RECORDED / f"{name}.json").read_text())
        own = {each: types[each] for each in RESULTS if RESULTS[each][0] == name}
        made[FRAGMENTS / f"steps-{label}.md"] = render(recorded, own)
    return made


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    if versions() is None:
        print(WHAT_TO_INSTALL, file=sys.stderr)
        return 2
    now = record()
    if check:
        old = {path.name: path.read_text() for path in RECORDED.glob("*.json")}
        differ = sorted(name for name in {*now, *old} if now.get(name) != old.get(name))
        print("differs from the record:", *differ or ["nothing"])
        return 1 if differ else 0
    RECORDED.mkdir(exist_ok=True)
    FRAGMENTS.mkdir(parents=True, exist_ok=True)
    for name, text in now.items():
        (RECORDED / name).write_text(text)
    for path, text in fragments().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
