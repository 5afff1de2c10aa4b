"""Runs stopped on purpose before their end, and runs with a compiled step."""

from __future__ import annotations

import dataclasses
import fcntl
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from marginflow import cli
from marginflow.experiments import spec, sweep, workplaces
from marginflow.experiments.checkpoints import checkpoint_path, epochs_done
from marginflow.experiments.records import (
    RecordError,
    load_frame,
    part_path,
    read_record,
    record_path,
    write_atomically,
)
from marginflow.experiments.runner import Limits, Outcome, run_one
from marginflow.experiments.spec import RunSpec, grid

SPEC = RunSpec("mnist", "finer", "AdaDeltaNS", 1, "smoke")


def rows(path) -> bytes:
    return np.ascontiguousarray(read_record(path, SPEC).frame.to_numpy()).tobytes()


def test_stopped_run_goes_on_to_the_same_record(data, tmp_path):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    assert run_one(SPEC, whole, data).status == "recorded"

    assert run_one(SPEC, parted, data, limits=Limits(stop_after=2)).status == "stopped"
    part = part_path(parted, SPEC)
    told = read_record(part, SPEC)
    assert told.provenance["status"] == "stopped"
    assert told.provenance["epochs_done"] == 2
    assert list(told.frame.epoch) == [
        e for e in SPEC.setting.evaluated_epochs() if e <= 2
    ]
    assert checkpoint_path(parted, SPEC).exists()
    assert not record_path(parted, SPEC).exists()

    # Not a step is made twice: going on changes the part, then gives the record.
    assert run_one(SPEC, parted, data, limits=Limits(stop_after=4)).status == "stopped"
    assert read_record(part, SPEC).provenance["epochs_done"] == 4
    assert run_one(SPEC, parted, data).status == "recorded"
    assert rows(record_path(parted, SPEC)) == rows(record_path(whole, SPEC))
    assert not part.exists()
    assert not checkpoint_path(parted, SPEC).exists()


def test_parts_are_read_only_when_asked_for(data, tmp_path):
    run_one(SPEC, tmp_path, data, limits=Limits(stop_after=2))
    assert load_frame(tmp_path, [SPEC])[0].empty
    frame, (provenance,) = load_frame(tmp_path, [SPEC], parts=True)
    assert frame.epoch.max() == 2
    assert provenance["status"] == "stopped"


def test_command_stops_and_status_tells(data, tmp_path, capsys, monkeypatch):
    @contextmanager
    def here():
        with ThreadPoolExecutor(1) as executor:
            yield executor

    monkeypatch.setattr(workplaces, "process_pool", lambda workers: here)
    grid = ["mnist", "--scale", "smoke", "--regime", "finer", "--rounds", "0"]
    grid += ["--results", str(tmp_path)]
    assert cli.main(["run", *grid, "--stop-after", "3", "--workers", "1"]) == 0
    assert "5 stopped" in capsys.readouterr().out
    assert cli.main(["run", *grid, "--stop-after", "2", "--workers", "1"]) == 0
    assert "--stop-after 2: every run was at epoch 3 before" in capsys.readouterr().out
    assert cli.main(["status", *grid]) == 0
    out = capsys.readouterr().out
    assert "0 of 5 recorded, 5 stopped, stopped ones at epoch 3, about" in out
    assert "  SGD        /" in out

    first = RunSpec("mnist", "finer", "SGD", 0, "smoke")
    path = part_path(tmp_path, first)
    path.write_bytes(path.read_bytes()[:-5])
    assert cli.main(["status", *grid]) == 2
    assert str(path) in capsys.readouterr().err


def test_record_of_another_setting_names_the_number(data, tmp_path, monkeypatch):
    run_one(SPEC, tmp_path, data)
    key = ("mnist", "smoke", "finer")
    longer = dataclasses.replace(spec.SETTINGS[key], epochs=7)
    monkeypatch.setitem(spec.SETTINGS, key, longer)
    with pytest.raises(RecordError, match=r"setting\.epochs is 6, not 7; move it away"):
        read_record(record_path(tmp_path, SPEC), SPEC)


def test_status_names_a_few_of_many_damaged_records(tmp_path, capsys):
    specs = grid("mnist", scale="smoke", rounds=range(2))
    for one in specs:
        write_atomically(record_path(tmp_path, one), b"no record")
    arguments = ["--scale", "smoke", "--rounds", "0-1", "--results", str(tmp_path)]
    assert cli.main(["status", "mnist", *arguments]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 6
    assert told[-1] == "marginflow status: ... and 15 more like these"


def test_stop_must_be_an_epoch(data, tmp_path, capsys):
    arguments = ["run", "mnist", "--results", str(tmp_path), "--stop-after", "0"]
    assert cli.main(arguments) == 2
    assert "stop-after is 0" in capsys.readouterr().err


def test_compiled_step_gives_the_same_run_up_to_rounding(data, tmp_path):
    """And so `compiled`, like the device, is no part of what a run is."""
    numbers = {"experiment": "mnist", "scale": "smoke", "dtype": "float64"}
    specs = [
        RunSpec(regime="finer", algorithm="AdaDeltaNS", round=1, compiled=c, **numbers)
        for c in (False, True)
    ]
    assert specs[0] == specs[1]
    assert specs[0].digest() == specs[1].digest()
    tables = []
    for one, folder in zip(specs, ("plain", "compiled"), strict=True):
        run_one(one, tmp_path / folder, data)
        record = read_record(record_path(tmp_path / folder, one), one)
        assert record.provenance["compiled"] is one.compiled
        tables.append(torch.tensor(record.frame.to_numpy()))
    torch.testing.assert_close(*tables, rtol=1e-9, atol=1e-12, equal_nan=True)
    tables[1][-1, 2] *= 1 + 1e-6
    with pytest.raises(AssertionError):
        torch.testing.assert_close(*tables, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_what_was_recorded_before_a_scheduler_was_lost_stands(monkeypatch, tmp_path):
    specs = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])

    @contextmanager
    def lost_after_the_first():
        with ThreadPoolExecutor(1) as executor:
            yield executor
        raise workplaces.SchedulerLostError("no scheduler answers")

    def work(group, *_):
        if group[0] != specs[0]:
            raise CancelledError
        return [Outcome(group[0], "recorded")]

    monkeypatch.setattr(sweep, "_work", work)
    told = []
    outcomes = sweep.run_sweep(
        specs, tmp_path, workplace=lost_after_the_first, report=told.append
    )
    assert [o.status for o in outcomes] == ["recorded"] + ["failed"] * 4
    assert told == outcomes  # each is told once


def test_a_lock_with_foreign_words_is_a_run_that_has_told_nothing(tmp_path):
    lock = checkpoint_path(tmp_path, SPEC).with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    lock.write_text("not ours")
    assert epochs_done(tmp_path, SPEC) is None
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert epochs_done(tmp_path, SPEC) == (0, 0)
