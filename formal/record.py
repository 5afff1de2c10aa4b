#!/usr/bin/env python3
"""Record what Coq shows while it checks the proofs, and render it for the book.

    python3 formal/record.py          run Coq on what has changed, write the record
    python3 formal/record.py --check  run Coq on everything, tell what differs from it

For every proof: each sentence, and the goal that Coq is left with after it.  The book
shows the record, so that it builds, and can be read, without Coq.  formal/recorded/ has
what the results state and rest on, book/_static/steps/ the proofs, one script a file
that a page loads when a reader opens a proof, and book/_formal/ the pages' fragments.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
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
    imports,
    mutations,
    sources,
    versions,
)

SUMMARY = HERE / "recorded" / "summary.json"
FRAGMENTS = HERE.parent / "book" / "_formal"
STEPS = HERE.parent / "book" / "_static" / "steps"
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


def record_file(name: str) -> str:
    """Run Coq on one instrumented source; its proofs with their goals, as a script."""
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
    return script({"file": name, "sha256": sha256(source), "proofs": found})


# The call around a recorded file: a page adds the script, which hands over its steps.
BEGIN, END = "marginflowSteps(", ");\n"


def script(recorded: dict[str, Any]) -> str:
    """The proofs of a file as a script.  Goals share lines, and each is kept once."""
    at: dict[str, int] = {}
    rows: list[str] = []
    for proof in recorded["proofs"]:
        steps = [
            [step["tactic"]]
            + [at.setdefault(line, len(at)) for line in step["goal"].splitlines()]
            for step in proof["steps"]
        ]
        told = {"name": proof["name"], "statement": proof["statement"], "steps": steps}
        rows.append(json.dumps(told, ensure_ascii=False, separators=(",", ":")))
    lines = ",\n".join(json.dumps(line, ensure_ascii=False) for line in at)
    return (
        f'{BEGIN}{{"file":"{recorded["file"]}","sha256":"{recorded["sha256"]}",\n'
        f'"lines":[\n{lines}],\n"proofs":[\n' + ",\n".join(rows) + f"]}}{END}"
    )


def read_steps(name: str) -> dict[str, Any]:
    """What is recorded of a file, goals written out."""
    text = (STEPS / f"{name}.js").read_text()
    recorded = json.loads(text.removeprefix(BEGIN).removesuffix(END))
    lines = recorded.pop("lines")
    for proof in recorded["proofs"]:
        proof["steps"] = [
            {"tactic": tactic, "goal": "\n".join(lines[i] for i in numbers)}
            for tactic, *numbers in proof["steps"]
        ]
    return recorded


def with_proofs() -> list[str]:
    """The files that have proofs, each after those that it needs."""
    names = [name.removesuffix(".v") for name in sources()]
    return [name for name in names if proofs((HERE / f"{name}.v").read_text())]


def unchanged(digests: dict[str, str]) -> set[str]:
    """The files that are recorded as they, and all that they rest on, are now."""
    if not SUMMARY.exists():
        return set()
    summary = json.loads(SUMMARY.read_text())
    if (summary["coq"], summary["coquelicot"]) != versions():
        return set()
    same: set[str] = set()
    for name in sources():
        below = {each.removesuffix(".v") for each in imports((HERE / name).read_text())}
        if summary["sources"].get(name) == digests[name] and below <= same:
            same.add(name.removesuffix(".v"))
    return {name for name in same if (STEPS / f"{name}.js").exists()} | (
        same - {*with_proofs()}
    )


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


Declared = tuple[str, str]
"""The file (without its ending) and the name of a declaration."""


def calls(file: str) -> dict[Declared, set[Declared]]:
    """What each declaration of a compiled file refers to, by Coq's own .glob file."""
    own = file.removesuffix(".v")
    declared: list[tuple[int, Declared]] = []
    referred: list[tuple[int, Declared]] = []
    for line in (HERE / file).with_suffix(".glob").read_text().splitlines():
        if found := re.match(r"R(\d+):\d+ MarginFlow\.(\w+) \S+ (\S+) \w+$", line):
            referred.append((int(found[1]), (found[2], found[3])))
        elif found := re.match(rf"(?:{KINDS}) (\d+):\d+ \S+ (\S+)$", line):
            declared.append((int(found[1]), (own, found[2])))
    made: dict[Declared, set[Declared]] = {name: set() for _, name in declared}
    for at, target in referred:
        owner = max((each for each in declared if each[0] <= at), default=None)
        if owner is not None and owner[1] != target:
            made[owner[1]].add(target)
    return made


def foundations() -> dict[str, list[str]]:
    """The results that each result calls, directly or through lemmas."""
    graph: dict[Declared, set[Declared]] = {}
    for file in sources():
        graph |= calls(file)
    results = {(file, name): name for name, (file, _) in RESULTS.items()}
    found = {}
    for start, result in results.items():
        seen, waiting, met = {start}, [start], set()
        while waiting:
            for each in graph.get(waiting.pop(), set()) - seen:
                seen.add(each)
                if each in results:
                    met.add(results[each])
                else:
                    waiting.append(each)
        found[result] = [name for name in RESULTS if name in met]
    return found


def record(reuse: bool = False) -> dict[Path, str]:
    """Everything that is recorded: each file against its text.

    Args:
        reuse: take over what is recorded of sources that have not changed.
    """
    coq, coquelicot = versions() or ("", "")
    every = {path.name: sha256(path) for path in sorted(HERE.glob("*.v"))}
    summary: dict[str, Any] = {"coq": coq, "coquelicot": coquelicot, "sources": every}
    summary["assumptions"] = sorted(assumptions([*RESULTS], HERE))
    summary |= {"calls": foundations(), "types": record_types()}
    texts = {SUMMARY: json.dumps(summary, indent=1, ensure_ascii=False) + "\n"}
    kept = unchanged(every) if reuse else set()

    def steps(name: str) -> str:
        if name in kept:
            return (STEPS / f"{name}.js").read_text()
        return record_file(name)

    with ThreadPoolExecutor(2) as pool:
        names = with_proofs()
        for name, text in zip(names, pool.map(steps, names), strict=True):
            texts[STEPS / f"{name}.js"] = text
    return texts


def kebab(name: str) -> str:
    """A file's name as pages have it: DiscreteAdaDelta is discrete-adadelta."""
    words = name.replace("AdaDelta", "Adadelta")
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "-", words).lower()


def title(name: str) -> str:
    """What a source says that it is about."""
    text = (HERE / f"{name}.v").read_text()
    found = re.match(r"\(\*\* \* (.*?)(?:\n\n| *\*\))", text, re.S)
    return " ".join(found.group(1).split()) if found else ""


FEW = 8  # proofs of a file that are listed without being asked for


def render(name: str, types: dict[str, str]) -> str:
    """A fragment of the book: what a file proves, and its proofs, to be opened.

    `types` are the results of that file, if it has any, with what Coq says they state.
    """
    lines = [f"% Made by formal/record.py from formal/{name}.v."]
    found = proofs((HERE / f"{name}.v").read_text())
    count = f"{len(found)} proofs" if len(found) > 1 else "one proof"
    lines += [
        "```{raw} html",
        f'<details class="coq" data-steps="{name}"{" open" * (len(found) <= FEW)}>',
        f"<summary><code>{name}.v</code>, {html.escape(title(name))}: {count}, "
        "goal by goal</summary>",
        "<noscript><p>A script brings the goals; without scripts, read the source."
        "</p></noscript>",
    ]
    if types:
        told = "\n".join(f"{result} :\n  {told}" for result, told in types.items())
        told = html.escape(re.sub(r"\n {1,7}", "\n  ", told))
        lines += ["<p>Asked what it has proven, Coq answers:</p>"]
        lines += [f'<pre tabindex="0">{told}</pre>']
    for proof in found:
        code = f"<code>{html.escape(proof['name'])}</code>"
        lines.append(
            f'<details class="coq-proof"><summary>Proof of {code}, step by step'
            "</summary></details>"
        )
    return "\n".join([*lines, "</details>", "```", ""])


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


def is_premise(told: str, at: int) -> bool:
    """Whether what stands at this place of a statement is assumed, not concluded.

    It is where an odd number of the groups around it are followed by an arrow.
    """
    arrows, depth, found = 0, 0, False
    for mark in re.findall(r"->|[()]", told[at:]):
        if mark == "(":
            depth += 1
        elif mark == ")" and depth:
            depth -= 1
        elif mark == ")":
            arrows, found = arrows + found, False
        else:
            found = found or not depth
    return (arrows + found) % 2 == 1


def cited_by(told: str) -> list[str]:
    """The theorems of others that a statement has as premises."""
    told = re.sub(r"\bforall [^(),]*,", "", told)  # binders have arrows of their own

    def cites(word: str) -> bool:
        found = re.finditer(rf"\b{word}\b", told)
        return any(is_premise(told, each.end()) for each in found)

    return [*dict.fromkeys(what for word, what in CITED.items() if cites(word))]


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
    tallest = max(map(len, placed))
    at = {
        name: (10 + i * WIDE, 10 + (j + (tallest - len(column)) / 2) * HIGH)
        for i, column in enumerate(placed)
        for j, name in enumerate(column)
    }
    width = 10 + len(placed) * WIDE
    height = 20 + tallest * HIGH
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
    summary = json.loads(SUMMARY.read_text())
    types = summary["types"]
    made = {FRAGMENTS / "mutations.md": render_mutations()}
    made[FRAGMENTS / "foundations.md"] = render_foundations(summary)
    made[FRAGMENTS / "graph.md"] = render_graph(summary)
    for name in with_proofs():
        own = {each: types[each] for each in RESULTS if RESULTS[each][0] == name}
        made[FRAGMENTS / f"steps-{kebab(name)}.md"] = render(name, own)
    return made


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    if versions() is None:
        print(WHAT_TO_INSTALL, file=sys.stderr)
        return 2
    now = record(reuse=not check)
    if check:
        old = {path: path.read_text() for path in [SUMMARY, *STEPS.glob("*.js")]}
        differ = sorted(p.name for p in {*now, *old} if now.get(p) != old.get(p))
        print("differs from the record:", *differ or ["nothing"])
        return 1 if differ else 0
    for folder in (SUMMARY.parent, FRAGMENTS, STEPS):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in now.items():
        path.write_text(text)
    made = fragments()
    for path, text in made.items():
        path.write_text(text)
    for path in {*FRAGMENTS.glob("steps-*.md"), *STEPS.glob("*.js")} - {*now, *made}:
        path.unlink()  # of a source that is gone, or goes by another name
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
