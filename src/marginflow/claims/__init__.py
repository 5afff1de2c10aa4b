"""What the paper claims, and what became of each claim here."""

from marginflow.claims.claim import VERDICTS, Claim, Finding, Result
from marginflow.claims.table import (
    Scoreboard,
    as_json,
    claims,
    differences,
    experiment_table,
    perceptron_table,
    read_scoreboard,
    require_records,
    scoreboard,
    write_scoreboard,
)

__all__ = [
    "VERDICTS",
    "Claim",
    "Finding",
    "Result",
    "Scoreboard",
    "as_json",
    "claims",
    "differences",
    "experiment_table",
    "perceptron_table",
    "read_scoreboard",
    "require_records",
    "scoreboard",
    "write_scoreboard",
]
