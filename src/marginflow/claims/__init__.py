"""What the paper claims, and what became of each claim here."""

from marginflow.claims.table import (
    VERDICTS,
    Claim,
    Finding,
    Scoreboard,
    add_command,
    claims,
    differences,
    read_scoreboard,
    scoreboard,
    write_scoreboard,
)

__all__ = [
    "VERDICTS",
    "Claim",
    "Finding",
    "Scoreboard",
    "add_command",
    "claims",
    "differences",
    "read_scoreboard",
    "scoreboard",
    "write_scoreboard",
]
