"""The scoreboard: every claim measured, and the book saying what the records say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from marginflow import claims, cli
from marginflow.claims.measures import (
    OBSERVATIONS,
    Observation,
    final,
    full_rounds,
    separation,
    verdicts,
)
from marginflow.experiments.records import RecordError, record_path
from marginflow.experiments.spec import ALGORITHMS, RunSpec

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"


@pytest.fixture(scope="module")
def fresh():
    """Every claim, measured now."""
    return claims.scoreboard(RESULTS)


def test_the_book_says_what_the_records_say(fresh):
    kept = claims.read_scoreboard(RESULTS / "claims.json")
    assert claims.differences(kept, fresh) == []


def test_every_claim_of_the_paper_is_there(fresh):
    names = [f.name for f in fresh]
    assert len(names) == len(set(names)) >= 30
    pages = {f.page for f in fresh}
    assert {f"lemma-{n}" for n in (5, 6, 7, 8, 9)} <= pages
    assert {"theorem-2", "theorem-4", "proposition-1"} <= pages
    assert {f"experiment-{n}" for n in (1, 2, 3)} <= pages
    assert {f.verdict for f in fresh} <= set(claims.VERDICTS)


def test_statements_are_reproduced(fresh):
    for f in fresh:
        if not f.page.startswith("experiment"):
            cited = f.name in ("proposition-1-proof", "theorem-4-proof")
            assert f.verdict == ("cited" if cited else "reproduced"), f


def test_changed_verdict_is_noticed(fresh):
    kept = [replace(fresh[0], verdict="not reproduced"), *fresh[1:]]
    (line,) = claims.differences(kept, fresh)
    assert fresh[0].name in line
    assert "'not reproduced' in the book" in line
    assert len(claims.differences(fresh[1:], fresh)) == 1
    assert len(claims.differences(fresh, fresh[1:])) == 1
    recorded = next(i for i, f in enumerate(fresh) if f.page == "experiment-2")
    kept = list(fresh)
    kept[recorded] = replace(fresh[recorded], found="0.123")
    assert "found is '0.123' in the book" in claims.differences(kept, fresh)[0]


def test_scoreboard_round_trip(fresh, tmp_path):
    path = tmp_path / "claims.json"
    claims.write_scoreboard(path, fresh)
    assert claims.read_scoreboard(path) == fresh
    path.write_text("[1]")
    with pytest.raises(ValueError, match="cannot be read as a scoreboard"):
        claims.read_scoreboard(path)


# ---- records decide ------------------------------------------------------------------


def runs(margins: dict[str, float], losses: dict[str, float] | None = None, rounds=3):
    """Made-up records: three evaluated epochs, separated from the second one on."""
    rows = []
    for r in range(rounds):
        for algorithm in ALGORITHMS:
            for epoch, accuracy in ((0, 0.1), (30, 1.0), (40, 1.0), (60, 1.0)):
                margin = margins[algorithm] if epoch else np.nan
                loss = (losses or {}).get(algorithm, 1.0)
                rows.append(
                    {
                        "experiment": "mnist",
                        "scale": "laptop",
                        "regime": "finer",
                        "algorithm": algorithm,
                        "round": r,
                        "epoch": float(epoch),
                        "log_loss": np.log(loss) - epoch,
                        "train_accuracy": accuracy,
                        "test_accuracy": 0.9,
                        "log_normalized_margin": np.log(margin),
                    }
                )
    return pd.DataFrame(rows)


def verdict_of(name: str, frame: pd.DataFrame) -> tuple[float, str]:
    (observation,) = [o for o in OBSERVATIONS if o.name == name]
    return observation.verdict(frame)


HIGH = {"SGD": 4.0, "AdaDelta": 3.0, "AdaDeltaS": 3.0}
LOW = {"AdaDeltaN": 1.5, "AdaDeltaNS": 1.0}


def test_margins_decide():
    number, verdict = verdict_of("mnist-margin-finer", runs(HIGH | LOW))
    assert (number, verdict) == (pytest.approx(2.0), "reproduced")
    swapped = dict(zip(ALGORITHMS, reversed((HIGH | LOW).values()), strict=True))
    number, verdict = verdict_of("mnist-margin-finer", runs(swapped))
    assert verdict == "not reproduced"
    assert number < 1


def test_a_run_without_margin_counts_against():
    frame = runs(HIGH | LOW)
    lost = (frame.algorithm == "SGD") & (frame["round"] == 1)
    frame.loc[lost, "log_normalized_margin"] = np.nan
    frame.loc[lost, "train_accuracy"] = 0.9
    number, _ = verdict_of("mnist-margin-rounds-finer", frame)
    assert number == pytest.approx(2 / 3)
    assert verdict_of("mnist-separation-finer", frame)[1] == "not reproduced"


def test_separation_must_last():
    frame = runs(HIGH | LOW, rounds=1)
    assert set(separation(frame)) == {30.0}
    back = (frame.algorithm == "SGD") & (frame.epoch == 40)
    frame.loc[back, "train_accuracy"] = 0.99
    when = separation(frame)
    assert when[0, "SGD"] == 60.0
    assert when[0, "AdaDelta"] == 30.0


def test_losses_decide():
    losses = {"AdaDeltaN": 0.25, "AdaDeltaNS": 0.25}
    number, verdict = verdict_of("mnist-loss-finer", runs(HIGH | LOW, losses))
    assert (number, verdict) == (pytest.approx(4.0), "reproduced")
    slower = {"AdaDeltaN": 4.0, "AdaDeltaNS": 4.0}
    assert verdict_of("mnist-loss-finer", runs(HIGH | LOW, slower))[1] == (
        "not reproduced"
    )


def test_only_full_rounds_are_compared():
    frame = runs(HIGH | LOW)
    frame = frame[~((frame["round"] == 2) & (frame.algorithm == "SGD"))]
    assert set(full_rounds(frame)["round"]) == {0, 1}
    assert verdict_of("mnist-margin-finer", frame[frame["round"] == 2])[1] == (
        "not recorded"
    )
    assert len(final(frame)) == 14


def test_what_needs_the_paper_scale_is_not_judged_below_it():
    frame = runs(HIGH | LOW)
    assert verdict_of("cifar-test-finer", frame)[1] == "not testable at this scale"
    assert verdict_of("cifar-test-finer", frame.assign(scale="paper"))[1] == (
        "reproduced"
    )


def test_table_has_a_row_for_each_observation():
    table = verdicts(runs(HIGH | LOW), "mnist")
    assert len(table) == sum(o.experiment == "mnist" for o in OBSERVATIONS)
    assert set(table.verdict[table.regime == "coarser"]) == {"not recorded"}


def test_changed_records_change_the_scoreboard(tmp_path):
    # Drop a record that a verdict rests on: the round is no longer full.
    copy = tmp_path / "results"
    shutil.copytree(RESULTS / "laptop", copy / "laptop")
    name = "mnist-margin-coarser"
    (before,) = claims.scoreboard(copy, [name])
    record_path(copy, RunSpec("mnist", "coarser", "SGD", 0)).unlink()
    claims.table._records.cache_clear()
    (after,) = claims.scoreboard(copy, [name])
    assert claims.differences([before], [after])
    path = record_path(copy, RunSpec("mnist", "coarser", "SGD", 1))
    path.write_bytes(path.read_bytes()[:-40])
    claims.table._records.cache_clear()
    with pytest.raises(RecordError, match=r"SGD-01\.parquet"):
        claims.scoreboard(copy, [name])


# ---- the command ---------------------------------------------------------------------


def test_command_lists_measures_and_refuses(capsys, tmp_path):
    assert cli.main(["claims", "--list"]) == 0
    assert "lemma-5-proof" in capsys.readouterr().out
    assert cli.main(["claims", "lemma-5-proof", "mnist-margin-finer"]) == 0
    out = capsys.readouterr().out
    assert "steps: 6 algebra" in out
    assert cli.main(["claims", "lemma-5-proof", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["verdict"] == "reproduced"
    assert cli.main(["claims", "lemma-55"]) == 2
    assert "claim 'lemma-55' is unknown" in capsys.readouterr().err
    assert cli.main(["claims", "lemma-5-proof", "--write"]) == 2
    assert "name no claims with it" in capsys.readouterr().err


def test_check_tells_a_wrong_book(capsys, tmp_path):
    (finding,) = claims.scoreboard(tmp_path, ["lemma-5-proof"])
    claims.write_scoreboard(tmp_path / "claims.json", [finding])
    arguments = ["claims", "lemma-5-proof", "--results", str(tmp_path), "--check"]
    assert cli.main(arguments) == 0
    assert "1 claims, as the book says" in capsys.readouterr().out
    wrong = replace(finding, verdict="not reproduced")
    claims.write_scoreboard(tmp_path / "claims.json", [wrong])
    assert cli.main(arguments) == 1
    assert "lemma-5-proof: verdict is 'not reproduced'" in capsys.readouterr().out


def test_empty_results_are_not_recorded(tmp_path):
    findings = claims.scoreboard(
        tmp_path, ["perceptron-separation", "mnist-margin-finer", "cifar-test-finer"]
    )
    assert {f.verdict for f in findings} == {"not recorded"}


def test_equal_to_the_tolerance_is_within_it():
    number = 0.884 - 0.874  # 0.010000000000000009
    assert number > 0.01
    for holds, measured, verdict in (
        ("at most", number, "reproduced"),
        ("at most", 0.011, "not reproduced"),
        ("at least", 0.3 - 0.29, "reproduced"),
        ("at least", 0.009, "not reproduced"),
    ):
        observation = Observation(
            name="x",
            experiment="mnist",
            regime="finer",
            says="",
            measure=lambda _, m=measured: m,
            measured="",
            tolerance=0.01,
            holds=holds,
        )
        assert observation.verdict(runs(HIGH | LOW))[1] == verdict
