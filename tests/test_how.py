"""How runs are computed: lanes, precision, segments, stopping, odd file systems.

None of it is run on a GPU here; what of it does not need one is tested on the CPU.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import io
import os
import random
import signal
import subprocess
import sys
import time
import weakref

import official_files
import pytest
import torch
from forks import until

from marginflow import cli, networks
from marginflow.data import load_images, seeded_generator
from marginflow.experiments import checkpoints, devices, metrics, runner
from marginflow.experiments.checkpoints import (
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from marginflow.experiments.devices import (
    fixed_arithmetic,
    full_precision,
    required_bytes,
)
from marginflow.experiments.member import Member
from marginflow.experiments.records import (
    RecordError,
    part_path,
    read_record,
    record_path,
    write_atomically,
)
from marginflow.experiments.runner import Limits, run_one
from marginflow.experiments.spec import ALGORITHMS, RunSpec
from marginflow.experiments.training import train
from marginflow.flat import FlatNetwork

SPEC = RunSpec("mnist", "finer", "AdaDeltaNS", 1, "smoke")


def spec(algorithm="AdaDeltaNS", round=1, **names) -> RunSpec:
    return RunSpec("mnist", "finer", algorithm, round, "smoke", **names)


@pytest.fixture
def sets(data):
    """Training and test set of the smoke scale, in float64."""
    return tuple(
        load_images("mnist", data, train=t, limit=n, dtype=torch.float64)
        for t, n in ((True, 40), (False, 20))
    )


# ---- lanes ---------------------------------------------------------------------------


def test_lanes_in_any_order_are_the_plain_runs(sets):
    """Algorithms × rounds as one program, to 1e-12 over an epoch in float64."""
    lanes = [spec(a, r, dtype="float64") for r in (1, 2) for a in ALGORITHMS]
    random.Random(0).shuffle(lanes)
    together = train(lanes, sets, stop_after=1)
    for one, result in zip(lanes, together, strict=True):
        assert result.spec == one
        (plain,) = train(one, sets, stop_after=1)
        for name, value in plain.weights.items():
            torch.testing.assert_close(
                result.weights[name], value, rtol=1e-12, atol=1e-14
            )
        torch.testing.assert_close(
            result.rows, plain.rows, rtol=1e-11, atol=1e-13, equal_nan=True
        )
    # The comparison can fail: ρ = 0.91 in place of 0.9 is far from it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Member, "decays", lambda self, k: 0.91 + 0.0 * k)
        wrong = train(lanes, sets, stop_after=1)
    name = next(iter(together[0].weights))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(
            wrong[0].weights[name], together[0].weights[name], rtol=1e-9, atol=1e-12
        )


def test_a_scheduled_lane_goes_on_with_its_own_decay(sets):
    lanes = [spec(a, dtype="float64") for a in ("AdaDeltaNS", "SGD", "AdaDeltaS")]
    whole = train(lanes, sets)
    states: dict = {}
    train(lanes, sets, stop_after=3, after_epoch=lambda m: states.update(
        {m.spec: m.state_dict()}))  # fmt: skip
    resumed = train(lanes, sets, states=[states[s] for s in lanes])
    for one, other in zip(whole, resumed, strict=True):
        assert torch.equal(one.rows.nan_to_num(-7), other.rows.nan_to_num(-7))
    # ... and a plain run goes on from a lane's checkpoint.
    (plain,) = train(lanes[0], sets, states=[states[lanes[0]]])
    torch.testing.assert_close(
        plain.rows, whole[0].rows, rtol=1e-9, atol=1e-12, equal_nan=True
    )


def test_members_are_released_after_training(sets, monkeypatch):
    """Weights and averages do not stay on the device when their group has ended."""
    alive: list = []
    make = Member.__init__

    def noted(self, *arguments, **options):
        make(self, *arguments, **options)
        alive.append(weakref.ref(self))

    monkeypatch.setattr(Member, "__init__", noted)
    train([spec(a, dtype="float64") for a in ALGORITHMS], sets, stop_after=1)
    gc.collect()
    assert len(alive) == 5
    assert not any(each() for each in alive)


# ---- checkpoints on other devices, and of other versions -----------------------------


def test_a_checkpoint_from_a_gpu_is_read_without_one(tmp_path, monkeypatch):
    """Saved with its storages tagged cuda:0, as an optimizer's state once was."""
    path = checkpoint_path(tmp_path, SPEC)
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        save_checkpoint(path, SPEC, {"w": torch.arange(4.0)})
    if not torch.cuda.is_available():
        payload = io.BytesIO(path.read_bytes()[len(checkpoints._MAGIC) + 65 :])
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(payload, weights_only=True)
    state = load_checkpoint(path, SPEC)
    assert state["w"].device.type == "cpu"
    assert torch.equal(state["w"], torch.arange(4.0))


def test_an_older_layout_is_named_and_not_said_to_be_damaged(tmp_path):
    path = checkpoint_path(tmp_path, SPEC)
    save_checkpoint(path, SPEC, {})
    data = path.read_bytes()
    path.write_bytes(data.replace(b"checkpoint 2", b"checkpoint 1", 1))
    with pytest.raises(RecordError, match=r"layout 1, and this one reads 2") as caught:
        load_checkpoint(path, SPEC)
    assert "delete" not in str(caught.value)
    assert "move it away" in str(caught.value)


def test_a_checkpoint_holds_no_more_than_it_must(sets):
    one = Member(spec(dtype="float64"), torch.device("cpu"))
    state = one.state_dict()
    tensors = [state["w"], *state["averages"]]
    assert all(t.numel() == one.w.numel() for t in tensors)
    kept = sum(t.numel() for t in tensors)
    everything = sum(
        t.numel()
        for value in state.values()
        for t in (value if isinstance(value, tuple) else [value])
        if isinstance(t, torch.Tensor)
    )
    assert everything == kept + state["rows"].numel()


# ---- what the provenance tells -------------------------------------------------------


def test_provenance_tells_each_segment_and_flags_are_the_commands_own(data, tmp_path):
    """Begun without --compile, gone on with it: the record says both."""
    plain, compiled = spec(), spec(compiled=True)
    assert run_one(plain, tmp_path, data, Limits(stop_after=2)).status == "stopped"
    seen = []
    made = Member._optimizer

    def noted(self):
        optimizer = made(self)
        seen.append(optimizer)
        return optimizer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Member, "_optimizer", noted)
        assert run_one(compiled, tmp_path, data).status == "recorded"
    assert seen[-1].param_groups[0]["fused"] is True
    told = read_record(record_path(tmp_path, plain), plain).provenance
    first, second = told["segments"]
    assert (first["epochs"], second["epochs"]) == ([0, 2], [2, 6])
    assert (first["compiled"], second["compiled"]) == (False, True)
    assert {"device", "precision", "deterministic", "lanes", "commit"} <= set(first)
    assert first["seconds"] + second["seconds"] == pytest.approx(
        told["seconds"], abs=0.002
    )
    assert (told["precision"], told["lanes"]) == ("float32", 1)


def test_half_precision_trains_otherwise_and_measures_alike(sets):
    def last(precision):
        (result,) = train(spec(precision=precision), float32(sets), stop_after=1)
        return result

    exact, half = last("float32"), last("bf16")
    assert exact.weights.keys() == half.weights.keys()
    assert all(t.dtype == torch.float32 for t in half.weights.values())
    log_loss = metrics.COLUMNS.index("log_loss")
    # Epoch 0 is measured before any step: to the bit the same, hence in float32.
    assert half.rows[0, log_loss] == exact.rows[0, log_loss]
    assert half.rows[1, log_loss] != exact.rows[1, log_loss]
    assert float(half.rows[1, log_loss]) == pytest.approx(
        float(exact.rows[1, log_loss]), rel=0.05
    )


def float32(sets):
    from dataclasses import replace

    return tuple(replace(s, x=s.x.float()) for s in sets)


def test_tf32_is_on_where_asked_for_and_never_while_measuring():
    flags = torch.backends.cudnn
    before = flags.allow_tf32
    for precision, on in (("float32", False), ("tf32", True), ("bf16", False)):
        with fixed_arithmetic(precision=precision):
            assert flags.allow_tf32 is torch.backends.cuda.matmul.allow_tf32 is on
            with full_precision():
                assert not flags.allow_tf32
            assert flags.allow_tf32 is on
    assert flags.allow_tf32 is before


@pytest.mark.parametrize("before", [True, False])
def test_arithmetic_is_afterwards_as_it_was(before):
    torch.set_flush_denormal(before)
    try:
        with fixed_arithmetic():
            assert devices._flushes_denormals()
        assert devices._flushes_denormals() is before
    finally:
        torch.set_flush_denormal(False)


# ---- memory --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "parameters"), [("mnist", 1_667_872), ("cifar10", 14_715_648)]
)
def test_networks_on_the_meta_device_have_the_papers_sizes(experiment, parameters):
    released = RunSpec(experiment, "finer", "SGD", 0, "paper", "released")
    with torch.device("meta"):
        module = devices.network(released)
    assert {p.device.type for p in module.parameters()} == {"meta"}
    assert sum(p.numel() for p in module.parameters()) == parameters


def test_workers_and_lanes_that_share_a_memory_are_counted_together(monkeypatch):
    one = RunSpec("mnist", "finer", "SGD", 0, "paper")
    assert required_bytes(one, 95) > 10 * required_bytes(one)
    monkeypatch.setattr(devices, "_available_memory", lambda: 2 * required_bytes(one))
    devices.check_memory(one, torch.device("cpu"), workers=2)
    with pytest.raises(ValueError, match=r"GiB of memory for 3 workers and cpu has"):
        devices.check_memory(one, torch.device("cpu"), workers=3)


# ---- measures over many chunks -------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 2, 3, 500])
def test_alignment_and_margins_over_many_chunks(chunk, monkeypatch):
    monkeypatch.setattr(metrics, "_CHUNK", 500)
    flat = FlatNetwork(networks.mlp([3, 6, 4], generator=seeded_generator(1)))
    w = flat.initial
    x = torch.rand(7, 3, dtype=torch.float64, generator=seeded_generator(2))
    y = torch.arange(7) % 4
    chi = torch.rand(w.shape, dtype=torch.float64, generator=seeded_generator(4)) + 0.5

    def measured():
        logits = metrics.logits_of(flat, w, x)
        cosine = metrics.alignment(flat, w, x, y, chi)
        return [*map(float, metrics.fit(logits, y)), cosine]

    whole = measured()
    monkeypatch.setattr(metrics, "_CHUNK", chunk)
    assert measured() == pytest.approx(whole, rel=1e-12)


# ---- stopping in time ----------------------------------------------------------------


def test_a_deadline_ends_runs_with_their_epoch(data, tmp_path, monkeypatch):
    now = time.time()
    assert run_one(SPEC, tmp_path, data, Limits(deadline=now - 1)).status == "not begun"
    assert list(tmp_path.rglob("*.parquet")) == []
    # The clock passes the deadline while the second epoch is at work.
    asked = []

    def over(self):
        asked.append(None)
        return len(asked) > 3

    with monkeypatch.context() as patch:
        patch.setattr(Limits, "over", over)
        assert run_one(SPEC, tmp_path, data).status == "stopped"
    told = read_record(part_path(tmp_path, SPEC)).provenance
    assert 0 < told["epochs_done"] < SPEC.setting.epochs
    assert (
        load_checkpoint(checkpoint_path(tmp_path, SPEC), SPEC)["epoch"]
        == (told["epochs_done"])
    )
    assert run_one(SPEC, tmp_path, data).status == "recorded"
    assert run_one(SPEC, tmp_path / "other", data).status == "recorded"
    one, other = (
        read_record(record_path(folder, SPEC)).provenance["content"]
        for folder in (tmp_path, tmp_path / "other")
    )
    assert one == other


def test_sigterm_lets_runs_finish_their_epoch_and_save(files, tmp_path):
    arguments = ["run", "mnist", "--scale", "smoke", "--workers", "2"]
    results = tmp_path / "r"
    arguments += ["--rounds", "0-18", "--results", str(results)]
    process = subprocess.Popen(
        [sys.executable, official_files.__file__, str(files), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MARGINFLOW_DATA": str(files)},
    )
    until(lambda: list(results.rglob("*.parquet")) or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "not begun" in out
    assert "the same command, given again, goes on from there" in out


@pytest.mark.parametrize(
    ("text", "seconds"), [("28m", 1680), ("90s", 90), ("2h", 7200), ("1.5h", 5400)]
)
def test_times_for_people(text, seconds):
    assert cli._seconds(text) == seconds
    for wrong in ("", "m", "-3m", "0", "3 d"):
        with pytest.raises(ValueError, match="for is"):
            cli._seconds(wrong)


# ---- odd file systems ----------------------------------------------------------------


def test_a_file_system_without_hard_links_loses_no_run(data, tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    assert run_one(SPEC, tmp_path, data).status == "recorded"
    assert [p.name for p in tmp_path.rglob("*.tmp")] == []


def test_a_file_system_without_locks_is_told_before_training(
    data, tmp_path, monkeypatch
):
    def refused(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)
    monkeypatch.setattr(runner, "_train_and_record", None)
    with pytest.raises(OSError, match="No locks available") as caught:
        run_one(SPEC, tmp_path, data)
    assert "--results" in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_full_disk_is_told_with_the_path_and_what_to_do(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(tmp_path / "x.parquet", b"x")
    assert str(tmp_path / "x.parquet") in str(caught.value)
    assert "make room there" in str(caught.value)


def test_a_refused_run_leaves_no_empty_results_behind(data, tmp_path, capsys):
    for rest in (["--rounds", "3-1"], ["--workers", "0"], ["--device", "abacus"]):
        results = tmp_path / "a" / "b"
        arguments = ["run", "mnist", "--scale", "smoke", "--results", str(results)]
        assert cli.main([*arguments, *rest]) == 2
        assert not (tmp_path / "a").exists()
        assert capsys.readouterr().err.count("marginflow run:") == 1
