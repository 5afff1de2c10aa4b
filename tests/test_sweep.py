"""Sweeps over processes and a Dask cluster, workers killed, and the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import fault_children
import official_files
import pytest
import torch
from fault_children import GRID, WHOLE, here
from forks import (
    dask,
    digests,
    finish,
    gone,
    leftovers,
    start,
    until,
    workers_of,
)

from marginflow import cli
from marginflow.experiments import devices, runner, status, sweep, workplaces
from marginflow.experiments.records import read_record, record_path
from marginflow.experiments.runner import Outcome
from marginflow.experiments.spec import RunSpec, grid

SMOKE = ["mnist", "--scale", "smoke", "--rounds", "0-1"]


def command(files, *arguments: str) -> list[str]:
    """``marginflow`` on the generated files, in a process of its own."""
    return [sys.executable, official_files.__file__, str(files), *arguments]


def run(files, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(files, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )


@pytest.fixture(scope="module")
def reference(files, tmp_path_factory) -> dict[RunSpec, str]:
    """What one process records of the whole small grid: the digest of each run."""
    results = tmp_path_factory.mktemp("reference")
    finish(start(fault_children.sweep_child, str(results), str(files), None, WHOLE))
    return digests(results, WHOLE)


# ---- the process pool ----------------------------------------------------------------


def test_killed_workers_and_a_killed_command(files, reference, tmp_path):
    """kill -9 to a worker, then to the command; given again, it ends all the same."""
    arguments = ["run", *SMOKE, "--results", str(tmp_path), "--workers", "2"]
    arguments += ["--checkpoint-seconds", "0"]
    process = subprocess.Popen(
        command(files, *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )
    until(lambda: len(records(tmp_path)) >= 2)
    (victim, *_) = workers_of(process.pid)
    os.kill(victim, signal.SIGKILL)
    before = len(records(tmp_path))
    until(lambda: len(records(tmp_path)) > before + 2)  # by others in their place
    assert victim not in workers_of(process.pid)
    process.kill()
    process.wait()
    gone(tmp_path, WHOLE)  # the workers go with it: soon nobody holds a lock
    found = digests(tmp_path, WHOLE)
    assert found == {spec: reference[spec] for spec in found}
    assert len(found) < len(WHOLE)
    done = run(files, *arguments)
    assert done.returncode == 0, done.stderr
    assert "[20/20]" in done.stdout
    assert " left" in done.stdout
    assert digests(tmp_path, WHOLE) == reference
    assert leftovers(tmp_path) == []


def test_lanes_record_every_run(data, reference, tmp_path):
    outcomes = sweep.run_sweep(list(reference), tmp_path, data, workplace=here, lanes=5)
    assert {o.status for o in outcomes} == {"recorded"}
    for spec in reference:
        record = read_record(record_path(tmp_path, spec), spec)
        assert record.provenance["lanes"] == 5


def records(results) -> list[Path]:
    return sorted(Path(results).rglob("*.parquet"))


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_workers_must_be_a_positive_integer(workers):
    for make in (workplaces.process_pool, workplaces.dask_cluster):
        with pytest.raises(
            ValueError, match=r"(workers|dask) is .* a positive integer"
        ):
            make(workers)


def _die(*_):
    os._exit(9)


def test_workers_that_always_die_are_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(sweep, "_work", _die)
    monkeypatch.setattr(sweep, "ATTEMPTS", 2)
    specs = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])
    told = []
    outcomes = sweep.run_sweep(
        specs, tmp_path, workplace=workplaces.process_pool(1), report=told.append
    )
    assert [o.status for o in outcomes] == ["failed"] * 5
    assert "died 2 times in a row" in outcomes[0].message
    assert told == outcomes


def test_groups_of_a_sweep_in_lanes():
    specs = grid("mnist", scale="smoke", rounds=range(3))
    for lanes, many in ((5, 6), (15, 2), (10, 4), (95, 2)):
        groups = sweep._groups(specs, lanes)
        assert len(groups) == many
        assert all(len({s.folder for s in group}) == 1 for group in groups)
        assert sorted(s for group in groups for s in group) == sorted(specs)
    rounds = [{s.round for s in group} for group in sweep._groups(specs, 5)]
    assert all(len(each) == 1 for each in rounds)
    assert sweep._groups(specs, 1) == [(spec,) for spec in specs]


# ---- Dask ----------------------------------------------------------------------------


def test_dask_with_a_killed_worker(files, reference, tmp_path):
    """Three worker processes; one is killed while it trains; every run is recorded."""
    pytest.importorskip("distributed")
    results, said = tmp_path / "results", tmp_path / "said"
    with dask(tmp_path, files, workers=3) as (_, address, crew):
        arguments = ["run", *SMOKE, "--scheduler", address]
        arguments += ["--results", str(results), "--data", str(files)]
        child = fault_children.command_child
        process = start(child, str(said), str(files), arguments)
        until(lambda: records(results) or not process.is_alive())
        until(lambda: any(map(has_a_run, crew)) or not process.is_alive())
        victim = next(filter(has_a_run, crew))
        victim.kill()
        finish(process)
        assert sum(each.is_alive() for each in crew) == 2
    assert said.read_text() == ""
    assert digests(results, WHOLE) == reference
    assert leftovers(results) == []


def has_a_run(worker) -> bool:
    """Whether it holds the lock of one."""
    for link in Path(f"/proc/{worker.pid}/fd").iterdir():
        with suppress(OSError):
            if os.readlink(link).endswith(".lock"):
                return True
    return False


def test_a_dask_cluster_of_its_own(files, reference, tmp_path):
    """The one that --dask starts, in the real command."""
    pytest.importorskip("distributed")
    arguments = ["run", "mnist", "--scale", "smoke", "--rounds", "0", "--dask", "1"]
    arguments += ["--regime", "finer", "--results", str(tmp_path)]
    done = run(files, *arguments)
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path, WHOLE) == {spec: reference[spec] for spec in GRID}
    assert leftovers(tmp_path) == []


def test_no_scheduler_at_the_address(data, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")

    class Client:
        def __init__(self, address, timeout):
            raise OSError("timed out")

    monkeypatch.setattr("distributed.Client", Client)
    arguments = ["--results", str(tmp_path), "--scheduler", "tcp://127.0.0.1:9"]
    assert cli.main(["run", *SMOKE, *arguments]) == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err


# ---- status, data, bad input ---------------------------------------------------------


def test_status_tells_recorded_missing_and_damaged(data, tmp_path, capsys):
    one = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])
    sweep.run_sweep(one, tmp_path, data, workplace=here)
    status = ["status", "mnist", "--scale", "smoke", "--regime", "finer"]
    status += ["--rounds", "0-2", "--results", str(tmp_path)]
    assert cli.main(status) == 0
    out = capsys.readouterr().out
    assert "5 of 15 recorded, 10 missing, about" in out
    assert "on one CPU left" in out
    assert "  SGD        #.." in out
    path = record_path(tmp_path, RunSpec("mnist", "finer", "SGD", 0, "smoke"))
    path.write_bytes(path.read_bytes()[:-9])
    assert cli.main(status) == 2
    captured = capsys.readouterr()
    assert "  SGD        !.." in captured.out
    assert str(path) in captured.err
    # The damaged one is named, and holds up no other.
    two = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0, 1])
    outcomes = sweep.run_sweep(two, tmp_path, data, workplace=here)
    assert [o.status for o in outcomes] == ["failed", *["present"] * 4] + [
        "recorded"
    ] * 5
    assert str(path) in outcomes[0].message


def test_status_of_nothing(tmp_path, capsys):
    assert cli.main(["status", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "laptop/cifar10-coarser: 0 of 95 recorded, 95 missing, nothing" in out


def test_data_command(data, tmp_path, capsys):
    assert cli.main(["data"]) == 0
    out = capsys.readouterr().out
    assert f"mnist: 4 files in {data}, all md5 right" in out
    assert cli.main(["data", "mnist", "--data", str(tmp_path)]) == 2
    out = capsys.readouterr().out
    assert out.count("ubyte is missing") == 4
    assert "--download" in out
    assert cli.main(["data", "svhn"]) == 2
    assert "name is 'svhn'; choose one of mnist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "3-1"], "rounds is '3-1'"),
        (["--workers", "0"], "workers is 0"),
        (["--dask", "0"], "dask is 0"),
        (["--lanes", "0"], "lanes is 0"),
        (["--for", "soon"], "for is 'soon'"),
        (["--algorithms", "Adam"], "algorithm is 'Adam'"),
        (["--reduction", "sum"], "--reduction is no option of `marginflow run mnist`"),
        (["--workers", "1", "--dask", "1"], "--workers and --dask exclude each other"),
        (["--checkpoint-seconds", "nan"], "checkpoint-seconds is nan"),
    ],
)
def test_bad_arguments_exit_with_2(arguments, message, data, tmp_path, capsys):
    status = cli.main(["run", *SMOKE, "--results", str(tmp_path), *arguments])
    assert status == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["svhn"], ["mnist", "--scale", "huge"], ["mnist", "--regime", "x"]]
)
def test_unknown_names_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", *arguments])
    assert caught.value.code == 2
    assert "invalid choice" in capsys.readouterr().err


def test_results_that_cannot_be_written(data, tmp_path, capsys):
    place = tmp_path / "file"
    place.write_text("not a folder")
    assert cli.main(["run", *SMOKE, "--results", str(place / "below")]) == 2
    assert "where nothing can be written" in capsys.readouterr().err
    assert place.read_text() == "not a folder"


def test_a_look_at_the_results_folder_makes_none(tmp_path, monkeypatch):
    """Another command may be about to write there: nothing of its own to take away."""
    seen = []

    def look(path, mode):
        seen.append(path.parent)
        return open(path, mode)

    monkeypatch.setattr(Path, "open", look)
    cli._check_writable(tmp_path / "not" / "there")
    (tmp_path / "there").mkdir()
    cli._check_writable(tmp_path / "there")
    assert seen == [tmp_path, tmp_path / "there"]
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


def test_missing_data_is_told_once_and_says_what_to_do(
    data, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(workplaces, "process_pool", lambda workers: here)
    runner._data.cache_clear()
    arguments = ["--results", str(tmp_path), "--data", str(tmp_path / "none")]
    assert cli.main(["run", *SMOKE, *arguments, "--workers", "1"]) == 2
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == "20 failed"
    assert captured.err.count("marginflow run:") == 1
    assert captured.err.count("is missing") == 4
    assert "--download" in captured.err


def test_outcomes_are_in_the_order_of_the_specs(monkeypatch, tmp_path):
    @contextmanager
    def threads():
        with ThreadPoolExecutor(3) as executor:
            yield executor

    def work(group, *_):
        time.sleep(0.01 * (hash(group[0]) % 5))
        return [Outcome(spec, "recorded") for spec in group]

    monkeypatch.setattr(sweep, "_work", work)
    specs = grid("mnist", scale="smoke", rounds=range(2))
    outcomes = sweep.run_sweep(specs, tmp_path, workplace=threads)
    assert [o.spec for o in outcomes] == specs


def test_another_regimes_time_counts_in_proportion_to_the_images_seen(monkeypatch):
    """At desk scale CIFAR-10's coarser runs have twice the finer ones' epochs."""
    monkeypatch.setattr(
        status, "_seconds", lambda _, folder, __: [10.0] * ("coarser" in folder)
    )
    finer, coarser = (
        RunSpec("cifar10", regime, "SGD", 0, "desk") for regime in ("finer", "coarser")
    )
    assert status.estimate_seconds(coarser, "results") == 10.0
    assert status.estimate_seconds(finer, "results") == 5.0


def test_estimates_come_from_records_of_the_same_kind(data, tmp_path):
    spec = RunSpec("mnist", "finer", "SGD", 0, "smoke")
    assert status.estimate_seconds(spec, tmp_path) is None
    sweep.run_sweep([spec], tmp_path, data, workplace=here)
    own = read_record(record_path(tmp_path, spec)).provenance["seconds"]
    later = RunSpec("mnist", "finer", "SGD", 5, "smoke")
    assert status.estimate_seconds(later, tmp_path) == own
    other = RunSpec("mnist", "coarser", "SGD", 5, "smoke")
    assert status.estimate_seconds(other, tmp_path) > 0


def test_workers_by_default_are_the_cpus(monkeypatch):
    asked = []
    monkeypatch.setattr(workplaces, "process_pool", asked.append)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    spec = RunSpec("mnist", "finer", "SGD", 0, "smoke", device="cpu")
    cli._workplace({}, spec)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    cli._workplace({}, spec)
    monkeypatch.setattr(devices, "resolve_device", lambda name: torch.device("meta"))
    cli._workplace({}, spec)
    assert asked == [3, 7, 1]


def test_durations_for_people():
    assert status.clock(40) == "40 s"
    assert status.clock(750) == "12 min"
    assert status.clock(12600) == "3.5 h"
