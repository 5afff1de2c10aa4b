"""Faults injected from outside, and what is left: nothing lost, nothing wrong.

What stands elsewhere: flipped bytes and truncation of every region of records and
checkpoints, no room by a limit on file sizes, many processes at one run
(`test_records`); a killed pool worker and Dask worker (`test_sweep`).
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import fault_children
import official_files
import pytest
from fault_children import GRID
from forks import (
    dask,
    digests,
    finish,
    gone,
    killed_midway,
    leftovers,
    start,
    until,
    workers_of,
)

from marginflow import cli
from marginflow.data import DATA_SETS, DataError, load_images
from marginflow.experiments import checkpoints, runner, sweep, workplaces
from marginflow.experiments.checkpoints import checkpoint_path
from marginflow.experiments.records import read_record, record_path, write_atomically
from marginflow.experiments.runner import Limits, run_one
from marginflow.experiments.spec import RunSpec

SPEC = RunSpec("mnist", "finer", "AdaDeltaNS", 3, "smoke")
MOMENTS = 50


@pytest.fixture(scope="module")
def undisturbed(files, tmp_path_factory) -> Path:
    """The results folder of undisturbed runs."""
    results = tmp_path_factory.mktemp("undisturbed")
    finish(start(fault_children.sweep_child, str(results), str(files)))
    finish(start(official_files.train_child, SPEC, str(results), str(files), 0.0))
    return results


@pytest.fixture(scope="module")
def expected(undisturbed) -> dict[RunSpec, str]:
    """The digest of the rows of each."""
    return digests(undisturbed, [*GRID, SPEC])


# ---- killed at random moments --------------------------------------------------------


def kills(arguments: tuple, moments: random.Random, results: Path, specs):
    """Fifty times: start such a child, kill it at a moment of its time, yield.

    Each second time that counts from when it has a run in hand.
    """
    began = time.monotonic()
    finish(start(*arguments))
    length = time.monotonic() - began
    shutil.rmtree(results / "smoke")
    done = 0
    while done < MOMENTS:
        child, longest = start(*arguments), length
        if done % 2:
            until(lambda child=child: at_work(results, specs) or not child.is_alive())
            longest = length / 2
        if killed_midway(child, moments.uniform(0, longest)):
            done += 1
        else:
            length *= 0.9  # the machine has less else to do than when it was timed
        yield
    finish(start(*arguments))


def at_work(results: Path, specs) -> bool:
    """Whether a process has one of the runs."""
    return any(checkpoints.epochs_done(results, spec) for spec in specs)


def test_a_run_killed_at_fifty_moments(files, expected, tmp_path):
    """From its first instruction on: reading, training, checkpointing, publishing."""
    arguments = (official_files.train_child, SPEC, str(tmp_path), str(files), 0.0)
    taken_up = 0
    for _ in kills(arguments, random.Random(1), tmp_path, [SPEC]):
        found = digests(tmp_path, [SPEC])
        if found:
            assert found == {SPEC: expected[SPEC]}
            record_path(tmp_path, SPEC).unlink()
        checkpoint = checkpoint_path(tmp_path, SPEC)
        if checkpoint.exists():
            assert 0 < checkpoints.load_checkpoint(checkpoint, SPEC)["epoch"] < 6
            taken_up += 1
    assert taken_up > 3
    assert digests(tmp_path, [SPEC]) == {SPEC: expected[SPEC]}
    assert leftovers(tmp_path) == []


def test_a_sweep_killed_at_fifty_moments(files, expected, tmp_path):
    """At work, between runs, at the start; a new one goes on each time."""
    arguments = (fault_children.sweep_child, str(tmp_path), str(files))
    for _ in kills(arguments, random.Random(2), tmp_path, GRID):
        gone(tmp_path, GRID)
        found = digests(tmp_path, GRID)
        assert found == {spec: expected[spec] for spec in found}
        if len(found) == len(GRID):  # the last perhaps without its clearing up
            finish(start(*arguments))
            assert leftovers(tmp_path) == []
            for spec in found:
                record_path(tmp_path, spec).unlink()
    assert digests(tmp_path, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(tmp_path) == []


# ---- Ctrl-C --------------------------------------------------------------------------


RUN = ["run", "mnist", "--scale", "smoke", "--regime", "finer", "--rounds", "0"]


@pytest.mark.parametrize("records", [0, 1])
def test_interrupted_at_random_moments(records, files, expected, tmp_path):
    """The real command and its pool, the whole session, as a terminal does it."""
    moments = random.Random(records)
    results = tmp_path / "results"
    command = [sys.executable, official_files.__file__, str(files), *RUN]
    command += ["--workers", "2", "--checkpoint-seconds", "0"]
    command += ["--results", str(results), "--data", str(files)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # Once there is the folder, Python is up and the command has the signal in hand.
    until(lambda: results.exists() and len(digests(results, GRID)) >= records)
    time.sleep(moments.uniform(0, 2))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode in (0, 130), said
    assert "Traceback" not in said
    gone(results, GRID)
    found = digests(results, GRID)
    assert found == {spec: expected[spec] for spec in found}


def interrupted(child, results: Path, said: Path, files, delay: float):
    """A command interrupted that long after its first worker was born."""
    command = [*RUN, "--workers", "2", "--results", str(results), "--data", str(files)]
    process = start(child, str(said), str(files), command)
    until(lambda: workers_of(process.pid) or not process.is_alive(), step=0.05)
    time.sleep(delay)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    process.join(60)
    return process.exitcode


def test_interrupted_while_workers_start(files, tmp_path):
    """From the birth of the first one on, while they import what they need."""
    moments, said = random.Random(3), tmp_path / "said"
    in_time, length = 0, 0.7
    while in_time < 8:
        results, delay = tmp_path / str(in_time), moments.uniform(0, length)
        child = fault_children.command_child
        code = interrupted(child, results, said, files, delay)
        if code == 2 and "MARGINFLOW_DATA" in said.read_text():
            # Too late: workers were through their imports and saw that the data are
            # not the official ones, which this process alone takes them for.
            length *= 0.8
            assert length > 0.01
            said.unlink()
            continue
        in_time += 1
        assert (code, said.read_text()) == (130, "")
        gone(results, GRID)
    # Nothing but the signal held back makes them so quiet.
    for _ in range(20):
        child = fault_children.unguarded_child
        interrupted(child, tmp_path / "loud", said, files, moments.uniform(0, 0.2))
        if "KeyboardInterrupt" in said.read_text():
            return
    pytest.fail("unguarded workers were quiet, too")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_interrupt_waits_while_a_worker_is_born(elsewhere, monkeypatch):
    """Also one that another thread takes, as a BLAS's may; Python gives it here."""
    done, ended = [], threading.Event()
    thread = threading.Thread(target=ended.wait)
    if elsewhere:
        thread.start()  # before the mask: without one of its own

    def submit(*_):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        done.append("submitted")

    monkeypatch.setattr(workplaces.ProcessPoolExecutor, "submit", submit)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            workplaces._Pool(1).submit(print)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGINT, before)
        ended.set()
    assert done == ["submitted"]


# ---- a scheduler lost ----------------------------------------------------------------


def on_dask(
    address: str, results: Path, said: Path, files, answer_seconds=1.0, **patience
):
    """The command, at work on a scheduler's workers."""
    command = [*RUN, "--scheduler", address, "--checkpoint-seconds", "0"]
    command += ["--results", str(results), "--data", str(files)]
    child = fault_children.command_child
    return start(child, str(said), str(files), command, answer_seconds, **patience)


def test_a_scheduler_lost_at_random_moments(files, expected, tmp_path):
    """Each time the command ends and says so; given again, it goes on."""
    pytest.importorskip("distributed")
    moments, said, results = random.Random(5), tmp_path / "said", tmp_path / "results"
    losses, length = 0, 1.0
    while losses < 3:
        with dask(tmp_path, files) as (scheduler, address, _):
            command = on_dask(address, results, said, files)
            until(lambda: at_work(results, GRID))
            time.sleep(moments.uniform(0, length))
            scheduler.kill()
            command.join(60)
            assert command.exitcode in (0, 2)
        if command.exitcode == 0:
            length *= 0.8
        else:
            losses += 1
            assert f"the Dask scheduler at '{address}' was lost" in said.read_text()
            assert "give the command again" in said.read_text()
        assert said.read_text().count("\n") == losses  # and nothing else
        gone(results, GRID)
        found = digests(results, GRID)
        assert found == {spec: expected[spec] for spec in found}
        if len(found) == len(GRID):
            shutil.rmtree(results)
    finish(start(fault_children.sweep_child, str(results), str(files)))
    assert digests(results, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(results) == []


def test_a_scheduler_that_comes_back(files, expected, tmp_path):
    """At the same address, with workers, in time: the command goes on by itself."""
    pytest.importorskip("distributed")
    said, results = tmp_path / "said", tmp_path / "results"
    with dask(tmp_path, files) as (scheduler, address, _):
        command = on_dask(address, results, said, files, 60.0)
        until(lambda: digests(results, GRID))
        scheduler.kill()
        scheduler.join()
        with dask(tmp_path, files, port=int(address.rpartition(":")[2])):
            command.join(120)
    assert command.exitcode == 0, said.read_text()
    assert digests(results, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(results) == []


@pytest.fixture
def loop():
    """An event loop at work in a thread of its own, as a Dask client has one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class Client:
    """What the sweep asks of a Dask client; its scheduler answers unless it hangs."""

    def __init__(self, loop, *, hangs: bool = False) -> None:
        self.loop = SimpleNamespace(asyncio_loop=loop)
        self.scheduler = self
        self.hangs = hangs
        self.asked = 0

    async def identity(self) -> dict:
        self.asked += 1
        await asyncio.sleep(60 if self.hangs else 0)
        return {}

    def submit(self, function, *arguments, pure):
        async def result():
            if self.hangs or function is time.sleep:
                await asyncio.sleep(*arguments)
            return function(*arguments)

        return result()


def test_a_result_lost_on_its_way_ends_its_future(loop):
    """As the scheduler dies between a run's end and the word of it."""
    comm = pytest.importorskip("distributed.comm")

    def lose():
        raise comm.CommClosedError("connection reset by peer")

    with workplaces._DaskExecutor(Client(loop)) as executor:
        assert executor.submit(abs, -3).result(9) == 3
        lost = executor.submit(lose)
        assert workplaces.is_loss(lost.exception(9))
        assert sweep._outcomes(lost, (SPEC,)) == []
        for trouble in (int, sys.exit):
            future = executor.submit(trouble, "x")
            assert sweep._outcomes(future, (SPEC,))[0].status == "failed"


@pytest.mark.parametrize("hangs", [True, False])
def test_only_a_silent_scheduler_is_given_up(loop, monkeypatch, hangs):
    monkeypatch.setattr(workplaces, "SILENT_SECONDS", 0.1)
    client = Client(loop, hangs=hangs)
    with workplaces._DaskExecutor(client) as executor:
        future = executor.submit(time.sleep, 30 if hangs else 0.5)
        assert set(sweep._as_they_come([future], None)) == {future}
        assert (sweep._outcomes(future, (SPEC,)) == []) is hangs
    assert client.asked >= 1


def test_a_scheduler_that_hangs(files, expected, tmp_path, monkeypatch):
    """It lives and says nothing: stopped by a signal while runs are under way."""
    pytest.importorskip("distributed")
    said, results = tmp_path / "said", tmp_path / "results"
    with dask(tmp_path, files) as (scheduler, address, _):
        command = on_dask(address, results, said, files, silent_seconds=2.0)
        until(lambda: at_work(results, GRID))
        os.kill(scheduler.pid, signal.SIGSTOP)
        command.join(120)
        monkeypatch.setattr(workplaces, "ANSWER_SECONDS", 0.2)
        with pytest.raises(ValueError, match=r"no Dask scheduler answers \(silent for"):
            workplaces.dask_scheduler(address)().__enter__()
        scheduler.kill()
    assert command.exitcode == 2, said.read_text()
    assert f"the Dask scheduler at '{address}' was lost" in said.read_text()
    finish(start(fault_children.sweep_child, str(results), str(files)))
    assert digests(results, GRID) == {spec: expected[spec] for spec in GRID}
    assert leftovers(results) == []


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
def test_disk_full(free_kilobytes, files, undisturbed, expected, tmp_path):
    disk = tmp_path / "disk"
    other = next(spec for spec in GRID if spec.algorithm == "SGD")
    before = record_path(undisturbed, other).read_bytes()
    with small_disk(disk, 256):
        write_atomically(record_path(disk, other), before)
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
    assert run_one(SPEC, tmp_path, data, limits=Limits(1e-9)).status == "recorded"
    assert len(saved) == SPEC.setting.epochs - 1
    assert digests(tmp_path, [SPEC]) == {SPEC: expected[SPEC]}
    provenance = read_record(record_path(tmp_path, SPEC)).provenance
    assert provenance["recorded"].startswith("1969-")
    assert 0 < provenance["seconds"] < 600


# ---- data files ----------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_damage_in_any_region_of_a_data_file(name, data, tmp_path):
    """A bit flipped, all cut off from there, or foreign bytes: named each time."""
    root = tmp_path / "copy"
    shutil.copytree(data, root)
    load_images(name, root, train=True)
    for relative in DATA_SETS[name]:
        path = root / relative
        whole = path.read_bytes()
        # Header, first and last example, and in between.
        for place in (0, 3, 7, 20, len(whole) // 2, len(whole) - 1):
            if place >= len(whole):
                continue
            flipped, foreign = bytearray(whole), bytearray(whole)
            flipped[place] ^= 1 << (place % 8)
            foreign[place : place + 9] = b"\x93NUMPY\x01\x00v"
            for damaged in (flipped, whole[:place], foreign):
                path.write_bytes(damaged)
                with pytest.raises(DataError, match=path.name):
                    load_images(name, root, train=True)
        path.write_bytes(whole)
    load_images(name, root, train=True)
