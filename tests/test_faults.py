"""Faults injected from outside, and what is left: nothing lost, nothing wrong.

What stands elsewhere: flipped bytes and truncation of every region of records and
checkpoints, no room by a limit on file sizes, two processes at one run
(`test_records`); a killed pool worker and Dask worker (`test_sweep`).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import fault_children
import official_files
import pytest
from fault_children import GRID

from marginflow import cli
from marginflow.data import DATA_SETS, DataError, load_images
from marginflow.experiments import runner
from marginflow.experiments.records import read_record, record_path
from marginflow.experiments.runner import checkpoint_path, run_one
from marginflow.experiments.spec import RunSpec

SPEC = RunSpec("mnist", "finer", "AdaDeltaNS", 3, "smoke")
MOMENTS = 50

forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(
    [
        "official_files",
        "fault_children",
        "marginflow.experiments.training",
        "pyarrow.parquet",
    ]
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("official")
    official_files.generate(root)
    return root


@pytest.fixture
def data(files, monkeypatch):
    """The generated files, for this process."""
    official_files.use_generated(files, monkeypatch.setitem, monkeypatch.setattr)
    runner._data.cache_clear()
    return files


@pytest.fixture(scope="module")
def expected(files, tmp_path_factory) -> dict[RunSpec, str]:
    """What undisturbed runs record: the digest of the rows of each."""
    results = tmp_path_factory.mktemp("expected")
    finish(start(fault_children.sweep_child, str(results), str(files)))
    finish(start(official_files.train_child, SPEC, str(results), str(files), 0.0))
    return digests(results, [*GRID, SPEC])


def start(target, *arguments):
    process = forkserver.Process(target=target, args=arguments)
    process.start()
    return process


def finish(process, seconds: float = 240.0) -> None:
    process.join(seconds)
    assert process.exitcode == 0


def digests(results, specs) -> dict[RunSpec, str]:
    """Rows' digests of the records there are; damaged ones raise."""
    return {
        spec: read_record(record_path(results, spec), spec).provenance["content"]
        for spec in specs
        if record_path(results, spec).exists()
    }


def leftovers(results) -> list[str]:
    """Files that are neither records nor locks."""
    paths = (p for p in Path(results).rglob("*") if p.is_file())
    return [p.name for p in paths if p.suffix not in (".parquet", ".lock")]


def gone(results, specs, seconds: float = 60.0) -> None:
    """Wait until no process has any of the runs."""
    end = time.monotonic() + seconds
    while any(runner.epochs_done(results, spec) for spec in specs):
        assert time.monotonic() < end, "a worker outlived its sweep"
        time.sleep(0.002)


def killed_midway(child, seconds: float) -> bool:
    """Kill -9 after that long; False if the child was through before."""
    time.sleep(seconds)
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


# ---- killed at random moments --------------------------------------------------------


def test_a_run_killed_at_fifty_moments(files, expected, tmp_path):
    """From its first instruction on: reading, training, checkpointing, publishing."""
    moments = random.Random(1)
    arguments = (official_files.train_child, SPEC, str(tmp_path), str(files), 0.0)
    began = time.monotonic()
    finish(start(*arguments))
    length = time.monotonic() - began
    shutil.rmtree(tmp_path / "smoke")
    kills = 0
    while kills < MOMENTS:
        if killed_midway(start(*arguments), moments.uniform(0, length)):
            kills += 1
        else:
            length *= 0.9  # the machine has less else to do than when it was timed
        found = digests(tmp_path, [SPEC])
        if found:
            assert found == {SPEC: expected[SPEC]}
            record_path(tmp_path, SPEC).unlink()
        checkpoint = checkpoint_path(tmp_path, SPEC)
        if checkpoint.exists():
            assert 0 < runner.load_checkpoint(checkpoint, SPEC)["epoch"] < 6
    finish(start(*arguments))
    assert digests(tmp_path, [SPEC]) == {SPEC: expected[SPEC]}
    assert leftovers(tmp_path) == []


def test_a_sweep_killed_at_fifty_moments(files, expected, tmp_path):
    """At work, between runs, at the start; a new one goes on each time."""
    moments = random.Random(2)
    arguments = (fault_children.sweep_child, str(tmp_path), str(files))
    began = time.monotonic()
    finish(start(*arguments))
    length = time.monotonic() - began
    shutil.rmtree(tmp_path / "smoke")
    kills = 0
    while kills < MOMENTS:
        if killed_midway(start(*arguments), moments.uniform(0, length)):
            kills += 1
        else:
            length *= 0.9
        gone(tmp_path, GRID)
        found = digests(tmp_path, GRID)
        assert found == {spec: expected[spec] for spec in found}
        if len(found) == len(GRID):
            assert leftovers(tmp_path) == []
            for spec in found:
                record_path(tmp_path, spec).unlink()
    finish(start(*arguments))
    assert digests(tmp_path, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(tmp_path) == []


# ---- Ctrl-C --------------------------------------------------------------------------


def test_interrupted_at_random_moments(files, expected, tmp_path):
    """The real command and its pool, the whole session, as a terminal does it.

    A worker that is still starting may print where it was interrupted; that one in the
    midst of runs ends silently is shown in `test_sweep`.
    """
    moments = random.Random(3)
    script = Path(official_files.__file__)
    command = [sys.executable, str(script), str(files), "run", "mnist"]
    command += ["--scale", "smoke", "--regime", "finer", "--rounds", "0"]
    command += ["--workers", "2", "--checkpoint-seconds", "0", "--quiet"]
    command += ["--results", str(tmp_path), "--data", str(files)]
    for _ in range(3):
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # Once there are results, Python is up and the command has the signal in hand.
        end = time.monotonic() + 120
        while not any(tmp_path.iterdir()) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 6))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode in (0, 130), said
        gone(tmp_path, GRID)
        found = digests(tmp_path, GRID)
        assert found == {spec: expected[spec] for spec in found}
        shutil.rmtree(tmp_path / "smoke", ignore_errors=True)


# ---- two at once ---------------------------------------------------------------------


def test_two_sweeps_at_once_share_the_work(files, expected, tmp_path):
    told = [tmp_path / "one", tmp_path / "two"]
    results = tmp_path / "results"
    children = [
        start(fault_children.sweep_child, str(results), str(files), str(path))
        for path in told
    ]
    for child in children:
        finish(child)
    statuses = [path.read_text().split() for path in told]
    assert sum(s.count("recorded") for s in statuses) == len(GRID)
    assert {s for both in statuses for s in both} <= {"recorded", "present", "busy"}
    assert digests(results, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(results) == []


# ---- the disk ------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, kilobytes: int):
    """A file system of that size at ``folder``; skips where none can be mounted."""
    folder.mkdir(exist_ok=True)
    options = f"size={kilobytes}k,mode=777"
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk; test_records limits file sizes")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("free_kilobytes", [0, 4, 12, 40])
def test_disk_full(free_kilobytes, files, expected, tmp_path):
    disk = tmp_path / "disk"
    other = next(spec for spec in GRID if spec.algorithm == "SGD")
    with small_disk(disk, 256):
        finish(start(official_files.train_child, other, str(disk), str(files), 30.0))
        before = record_path(disk, other).read_bytes()
        fill(disk, free_kilobytes)
        child = start(fault_children.limited_child, str(disk), str(files), SPEC)
        child.join(120)
        assert child.exitcode == (0 if digests(disk, [SPEC]) else 7)
        assert free_kilobytes or child.exitcode == 7
        assert record_path(disk, other).read_bytes() == before
        assert [n for n in leftovers(disk) if n.endswith(".tmp")] == []
        (disk / "ballast").unlink()
        finish(start(fault_children.limited_child, str(disk), str(files), SPEC))
        assert digests(disk, [SPEC]) == {SPEC: expected[SPEC]}
        assert leftovers(disk) == []


def fill(disk: Path, free_kilobytes: int) -> None:
    """Leave only so much."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(4096))
        file.truncate(max(0, file.tell() - 1024 * free_kilobytes))


def test_command_on_a_full_disk_says_so(data, tmp_path, capsys):
    disk = tmp_path / "disk"
    with small_disk(disk, 64):
        fill(disk, 0)
        arguments = ["run", "mnist", "--scale", "smoke", "--results", str(disk)]
        assert cli.main([*arguments, "--data", str(data)]) == 2
        error = capsys.readouterr().err
        assert "nothing can be written (No space left on device)" in error
        assert [p.name for p in disk.iterdir()] == ["ballast"]


def test_results_that_are_read_only(data, tmp_path, capsys):
    """Recorded runs can still be looked at; a new one is refused before it starts."""
    results = tmp_path / "results"
    arguments = ["--scale", "smoke", "--results", str(results)]
    with read_only(results, lambda: run_one(SPEC, results, data)):
        assert cli.main(["status", "mnist", "--rounds", "3", *arguments]) == 0
        assert "1 of 5 recorded" in capsys.readouterr().out
        assert run_one(SPEC, results, data).status == "present"
        other = RunSpec("mnist", "finer", "SGD", 3, "smoke")
        with pytest.raises(OSError, match=r"Read-only|Permission denied"):
            run_one(other, results, data)
        assert cli.main(["run", "mnist", *arguments, "--data", str(data)]) == 2
        assert "nothing can be written" in capsys.readouterr().err
        assert leftovers(results) == []


@contextmanager
def read_only(folder: Path, prepare):
    """``folder``, as ``prepare`` leaves it, without leave to write."""
    if os.geteuid() != 0:
        folder.mkdir()
        prepare()
        every = [folder, *(p for p in folder.rglob("*") if p.is_dir())]
        for path in every:
            path.chmod(0o555)
        try:
            yield
        finally:
            for path in every:
                path.chmod(0o755)
        return
    with small_disk(folder, 1024):  # root may write anywhere but on such a disk
        prepare()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield


# ---- a clock that jumps --------------------------------------------------------------


def test_a_clock_that_jumps(data, expected, tmp_path, monkeypatch):
    """The wall clock is only written down: years back and forth change no row."""
    jumps, now = random.Random(4), time.time
    monkeypatch.setattr(time, "time", lambda: now() + jumps.uniform(-1, 1) * 1e9)
    monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((1969,) + (1,) * 8))
    saved = []
    save = runner.save_checkpoint
    monkeypatch.setattr(
        runner, "save_checkpoint", lambda *a: (saved.append(a), save(*a))
    )
    assert run_one(SPEC, tmp_path, data, checkpoint_seconds=1e-9).status == "recorded"
    assert len(saved) == SPEC.setting.epochs - 1
    assert digests(tmp_path, [SPEC]) == {SPEC: expected[SPEC]}
    provenance = read_record(record_path(tmp_path, SPEC)).provenance
    assert provenance["recorded"].startswith("1969-")
    assert 0 < provenance["seconds"] < 600


# ---- data files ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_a_flipped_bit_in_any_region_of_a_data_file(name, data, tmp_path):
    """Header, first and last example, and in between: the file is named each time."""
    root = tmp_path / "copy"
    shutil.copytree(data, root)
    load_images(name, root, train=True)
    for relative in DATA_SETS[name].files():
        path = root / relative
        whole = path.read_bytes()
        for place in (0, 3, 7, 20, len(whole) // 2, len(whole) - 1):
            if place >= len(whole):
                continue
            damaged = bytearray(whole)
            damaged[place] ^= 1 << (place % 8)
            path.write_bytes(damaged)
            with pytest.raises(DataError, match=path.name):
                load_images(name, root, train=True)
        path.write_bytes(whole)
    load_images(name, root, train=True)
