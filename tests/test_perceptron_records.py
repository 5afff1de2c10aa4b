"""Records of Experiment 1: written once, read back equal, refused when not right."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from marginflow.cli import main
from marginflow.experiments.perceptron import (
    PerceptronSpec,
    load_perceptron,
    record_perceptron,
    run_perceptron,
)
from marginflow.experiments.records import RecordError, record_path

RESULTS = Path(__file__).parent.parent / "results"
SPEC = PerceptronSpec(data_seed=3, rounds=2, epochs=40, reduction="mean")


def test_a_record_says_what_the_run_said(tmp_path: Path) -> None:
    path = record_perceptron(tmp_path, SPEC)
    frame = load_perceptron(tmp_path, [SPEC])
    expected = run_perceptron(SPEC).frame()
    assert frame[list(expected.columns)].equals(expected)
    before = path.read_bytes()
    assert record_perceptron(tmp_path, SPEC) == path
    assert path.read_bytes() == before, "a record is never written twice"


def test_other_settings_have_another_place(tmp_path: Path) -> None:
    other = dataclasses.replace(SPEC, stability_std=0.25)
    assert record_path(tmp_path, other) != record_path(tmp_path, SPEC)


def test_a_record_of_another_spec_is_refused(tmp_path: Path) -> None:
    path = record_perceptron(tmp_path, SPEC)
    other = dataclasses.replace(SPEC, data_seed=4)
    path.rename(record_path(tmp_path, other))
    with pytest.raises(RecordError, match=r"another spec: data_seed is 3, not 4"):
        load_perceptron(tmp_path, [other])


def test_a_flipped_bit_is_named_or_harmless(tmp_path: Path) -> None:
    path = record_perceptron(tmp_path, SPEC)
    sound, frame = path.read_bytes(), load_perceptron(tmp_path, [SPEC])
    refused = []
    for position in range(0, len(sound), len(sound) // 60):
        damaged = bytearray(sound)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        try:
            # Some bytes, such as the name of the writing library, carry no content.
            assert load_perceptron(tmp_path, [SPEC]).equals(frame)
        except RecordError as error:
            refused.append(str(error))
    assert len(refused) > 30
    assert all(path.name in message for message in refused)


def test_a_missing_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"data-set-03\.parquet does not exist"):
        load_perceptron(tmp_path, [SPEC])


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_books_records_are_complete_and_sound(reduction: str) -> None:
    specs = [PerceptronSpec(data_seed=s, reduction=reduction) for s in range(21)]
    frame = load_perceptron(RESULTS, specs)
    assert len(frame) == 21 * 500


def test_the_books_records_can_be_made_again() -> None:
    spec = PerceptronSpec(data_seed=7, reduction="mean")
    recorded = load_perceptron(RESULTS, [spec])
    few = run_perceptron(dataclasses.replace(spec, rounds=2)).frame()
    same = few.merge(recorded, on=["algorithm", "round"], suffixes=("", "_recorded"))
    gap = (same.normalized_margin - same.normalized_margin_recorded).abs().max()
    assert len(same) == 10
    assert gap < 1e-6  # other processors round otherwise, and 5000 steps add that up


def test_the_command_records_and_refuses(tmp_path: Path, capsys) -> None:
    argv = ["run", "perceptron", "--quiet", "--reduction", "mean", "--data-sets", "1"]
    assert main([*argv, "--results", str(tmp_path)]) == 0
    frame = load_perceptron(tmp_path, [PerceptronSpec(data_seed=1, reduction="mean")])
    assert len(frame) == 500
    assert main(["run", "perceptron", "--data-sets", "one", "--quiet"]) == 2
    assert "'one'" in capsys.readouterr().err
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    argv[-1] = "2"
    assert main([*argv, "--results", str(blocked)]) == 2
    assert "file" in capsys.readouterr().err
