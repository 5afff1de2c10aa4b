"""Sweeps over processes and a Dask cluster, workers killed, and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import official_files
import pytest

from marginflow import cli
from marginflow.experiments import runner, sweep
from marginflow.experiments.records import read_record, record_path
from marginflow.experiments.runner import Outcome, epochs_done
from marginflow.experiments.spec import RunSpec, grid

HERE = Path(__file__).parent
SMOKE = ["mnist", "--scale", "smoke", "--rounds", "0-1"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("official")
    official_files.generate(root)
    return root


@pytest.fixture
def data(files, monkeypatch):
    """The generated files, for commands in this process."""
    official_files.use_generated(files, monkeypatch.setitem, monkeypatch.setattr)
    monkeypatch.setenv("MARGINFLOW_DATA", str(files))
    runner._data.cache_clear()
    return files


def command(files, *arguments: str) -> list[str]:
    """``marginflow`` on the generated files, in a process of its own."""
    return [sys.executable, str(HERE / "official_files.py"), str(files), *arguments]


def run(files, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(files, *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )


@pytest.fixture(scope="module")
def reference(files, tmp_path_factory):
    """Records of the whole small grid, by one worker."""
    results = tmp_path_factory.mktemp("reference")
    done = run(files, "run", *SMOKE, "--results", str(results), "--workers", "1")
    assert done.returncode == 0, done.stderr
    return contents(results)


def contents(results) -> dict[RunSpec, str]:
    """Digest of the rows of every record of the small grid."""
    return {
        spec: read_record(record_path(results, spec), spec).provenance["content"]
        for spec in grid("mnist", scale="smoke", rounds=range(2))
    }


def leftovers(results) -> list[Path]:
    """Files that are neither records nor locks."""
    kept = (".parquet", ".lock")
    return [p for p in Path(results).rglob("*") if p.is_file() and p.suffix not in kept]


@contextmanager
def here():
    """A workplace in this process: one thread, so runs take turns."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


# ---- the process pool ----------------------------------------------------------------


def test_killed_worker_is_replaced_and_nobody_can_tell(files, reference, tmp_path):
    results = str(tmp_path)
    process = subprocess.Popen(
        command(files, "run", *SMOKE, "--results", results, "--workers", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )
    until(lambda: len(records(tmp_path)) >= 2)
    for victim in workers_of(process.pid)[:1]:
        os.kill(victim, signal.SIGKILL)
    output, error = process.communicate()
    assert process.returncode == 0, error
    assert "[20/20]" in output
    assert " left" in output
    assert contents(results) == reference
    assert leftovers(results) == []


def test_killed_sweep_goes_on(files, reference, tmp_path):
    """kill -9 to the whole command, twice, each time with a run under way."""
    arguments = ["--results", str(tmp_path), "--workers", "1"]
    arguments += ["--checkpoint-seconds", "0"]
    for n in (1, 8):
        process = subprocess.Popen(
            command(files, "run", *SMOKE, *arguments),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MARGINFLOW_DATA": str(files)},
        )
        until(lambda n=n: len(records(tmp_path)) >= n)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        # The worker goes with it: soon nobody holds a lock.
        until(lambda: not any(epochs_done(tmp_path, spec) for spec in reference))
        for path in records(tmp_path):
            read_record(path)
    done = run(files, "run", *SMOKE, *arguments)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path) == reference
    assert leftovers(tmp_path) == []


def test_lockstep_records_every_run(data, reference, tmp_path):
    outcomes = sweep.run_sweep(
        list(reference), tmp_path, data, workplace=here, lockstep=True
    )
    assert {o.status for o in outcomes} == {"recorded"}
    for spec in reference:
        record = read_record(record_path(tmp_path, spec), spec)
        assert record.provenance["lockstep"] == 5


def test_interrupted_sweep_stops_at_once(files, tmp_path):
    process = subprocess.Popen(
        command(files, "run", *SMOKE, "--results", str(tmp_path), "--workers", "1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )
    until(lambda: len(records(tmp_path)) >= 1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode in (0, 130), error
    assert "Traceback" not in error
    for path in records(tmp_path):
        read_record(path)


def records(results) -> list[Path]:
    return sorted(Path(results).rglob("*.parquet"))


def until(condition, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def workers_of(pid: int) -> list[int]:
    """Children of a process that are pool workers (not the resource tracker)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat[1]) == pid and b"spawn_main" in line:
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_workers_must_be_a_positive_integer(workers):
    for make in (sweep.process_pool, sweep.dask_cluster):
        with pytest.raises(ValueError, match=r"workers is .* a positive integer"):
            make(workers)


def _die(*_):
    os._exit(9)


def test_workers_that_always_die_are_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(sweep, "_work", _die)
    monkeypatch.setattr(sweep, "ATTEMPTS", 2)
    specs = grid("mnist", scale="smoke", regimes=["finer"], rounds=[0])
    told = []
    outcomes = sweep.run_sweep(
        specs, tmp_path, workplace=sweep.process_pool(1), report=told.append
    )
    assert [o.status for o in outcomes] == ["failed"] * 5
    assert "died 2 times in a row" in outcomes[0].message
    assert told == outcomes


def test_groups_of_a_lockstep_sweep():
    specs = grid("mnist", scale="smoke", rounds=range(3))
    groups = sweep._groups(specs, lockstep=True)
    assert len(groups) == 6
    assert all(len({(s.folder, s.round) for s in group}) == 1 for group in groups)
    assert sorted(s for group in groups for s in group) == sorted(specs)
    assert sweep._groups(specs, lockstep=False) == [(spec,) for spec in specs]


# ---- Dask ----------------------------------------------------------------------------


def test_dask_cluster_with_a_killed_worker(files, reference, tmp_path):
    """Three worker processes; one is killed while it trains; every run is recorded."""
    pytest.importorskip("distributed")
    done = subprocess.run(
        [sys.executable, str(HERE / "dask_sweep.py"), str(files), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["killed"] is not None
    assert sorted(told["outcomes"]) == ["recorded"] * 20
    assert told["workers"] >= 2
    assert contents(tmp_path) == reference
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
    assert "'svhn' is unknown" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "3-1"], "rounds is '3-1'"),
        (["--workers", "0"], "workers is 0"),
        (["--dask", "0"], "workers is 0"),
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


def test_missing_data_is_told_once_and_says_what_to_do(
    data, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(sweep, "process_pool", lambda workers: here)
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


def test_estimates_come_from_records_of_the_same_kind(data, tmp_path):
    spec = RunSpec("mnist", "finer", "SGD", 0, "smoke")
    assert sweep.estimate_seconds(spec, tmp_path) is None
    sweep.run_sweep([spec], tmp_path, data, workplace=here)
    own = read_record(record_path(tmp_path, spec)).provenance["seconds"]
    later = RunSpec("mnist", "finer", "SGD", 5, "smoke")
    assert sweep.estimate_seconds(later, tmp_path) == own
    other = RunSpec("mnist", "coarser", "SGD", 5, "smoke")
    assert sweep.estimate_seconds(other, tmp_path) > 0


def test_workers_by_default_are_the_cpus(monkeypatch):
    import argparse

    from marginflow.experiments import commands

    asked = []
    monkeypatch.setattr(sweep, "process_pool", asked.append)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5})
    given = {"scheduler": None, "dask": None, "workers": None, "device": "cpu"}
    commands._workplace(argparse.Namespace(**given))
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    commands._workplace(argparse.Namespace(**given))
    commands._workplace(argparse.Namespace(**given | {"device": "cuda"}))
    assert asked == [3, 7, 1]


def test_durations_for_people():
    assert sweep.clock(40) == "40 s"
    assert sweep.clock(750) == "12 min"
    assert sweep.clock(12600) == "3.5 h"
