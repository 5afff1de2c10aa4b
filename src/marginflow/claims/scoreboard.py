"""The scoreboard: every claim measured afresh, and kept as JSON for the book.

The book shows ``results/claims.json``, and a test compares the two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marginflow.checks import one_of
from marginflow.claims.claim import Claim, Finding
from marginflow.claims.sentences import claims

__all__ = [
    "as_json",
    "as_text",
    "differences",
    "read_scoreboard",
    "require_records",
    "scoreboard",
    "write_scoreboard",
]


def _chosen(names: Sequence[str] | None) -> list[Claim]:
    known = {claim.name: claim for claim in claims()}
    return [known[one_of("claim", name, known)] for name in names or known]


def require_records(
    results: str | os.PathLike, names: Sequence[str] | None = None
) -> None:
    """Refuse a folder without any record, where a claim would need one.

    Raises:
        ValueError: a name is unknown, or there is nothing to judge by.
    """
    if not any(claim.experiment for claim in _chosen(names)):
        return
    folder = Path(results).absolute()
    if next(folder.glob("*/*/*.parquet"), None) is None:
        raise ValueError(
            f"there are no records in {folder}; name their folder by --results, or "
            "make some with `marginflow run`"
        )


def scoreboard(
    results: str | os.PathLike, names: Sequence[str] | None = None
) -> list[Finding]:
    """Measure claims, all of them or those named, afresh.

    Args:
        results: folder of the records.
        names: of claims.

    Raises:
        ValueError: a name is unknown.
        RecordError: a record is damaged or of another spec.
    """
    folder = Path(results).absolute()
    return [Finding(c, tuple(c.measure(c, folder))) for c in _chosen(names)]


def as_text(findings: Sequence[Finding]) -> str:
    """Findings for a terminal: a line for each result."""
    return "\n".join(
        f"{f.name:29} {r.reading:9}{r.verdict:27} {r.found}"
        + (f" ({r.rounds} rounds, {r.scale} scale)" if r.rounds else "")
        for f in findings
        for r in f.results
    )


def as_json(findings: Sequence[Finding]) -> str:
    """Findings as text, for a file or another program."""
    return json.dumps([f.as_json() for f in findings], ensure_ascii=False, indent=1)


def write_scoreboard(path: str | os.PathLike, findings: Sequence[Finding]) -> None:
    """Keep findings for the book, as JSON, whole or not at all."""
    from marginflow.experiments.records import write_atomically

    write_atomically(path, f"{as_json(findings)}\n".encode())


def read_scoreboard(path: str | os.PathLike) -> list[Finding]:
    """What :func:`write_scoreboard` kept.

    Raises:
        ValueError: the file is missing or no such list.
    """
    try:
        entries = json.loads(Path(path).read_text("utf-8"))
        known = {claim.name: claim for claim in claims()}
        return [Finding.from_json(known[entry["name"]], entry) for entry in entries]
    except FileNotFoundError:
        raise ValueError(
            f"{path} does not exist; `marginflow claims --write` makes it from the "
            "records beside it"
        ) from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} cannot be read as a scoreboard ({error}); `marginflow claims "
            "--write` makes it anew from the records beside it"
        ) from error


def differences(kept: Sequence[Finding], fresh: Sequence[Finding]) -> list[str]:
    """What the book says otherwise than the records do: one line for each difference.

    Verdicts and words must agree.  Numbers must, where they come from records; those of
    flows may differ in their last digits from one machine to another.
    """
    old, new = ({f.name: f for f in findings} for findings in (kept, fresh))
    lines = [f"{name} is not in the book" for name in new.keys() - old.keys()]
    lines += [f"{name} is in the book alone" for name in old.keys() - new.keys()]
    for name in new.keys() & old.keys():
        mine, theirs = _facts(old[name]), _facts(new[name])
        for field in theirs:
            if mine.get(field) != theirs[field]:
                lines.append(
                    f"{name}: {field} is {mine.get(field)!r} in the book and "
                    f"{theirs[field]!r} by the records"
                )
    return sorted(lines)


def _facts(finding: Finding) -> dict[str, Any]:
    fields = ["verdict"]
    if finding.claim.experiment:
        fields += ["found", "number", "low", "high", "rounds", "records"]
    return {
        " ".join(filter(None, (field, r.reading, r.scale))): getattr(r, field)
        for r in finding.results
        for field in fields
    }
