"""What the paper claims, and what became of each claim here."""

from marginflow.claims.claim import VERDICTS, Claim, Finding, Result, share
from marginflow.claims.scoreboard import (
    as_json,
    as_text,
    differences,
    read_scoreboard,
    require_records,
    scoreboard,
    write_scoreboard,
)
from marginflow.claims.sentences import claims

__all__ = [
    "VERDICTS",
    "Claim",
    "Finding",
    "Result",
    "as_json",
    "as_text",
    "claims",
    "differences",
    "read_scoreboard",
    "require_records",
    "scoreboard",
    "share",
    "write_scoreboard",
]
