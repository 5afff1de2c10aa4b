"""Records and checkpoints: whole or not there, and never read when damaged."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import official_files
import pytest
import torch
from forks import finish, start

from marginflow.experiments import checkpoints, devices, records
from marginflow.experiments.checkpoints import (
    checkpoint_path,
    epochs_done,
    load_checkpoint,
    save_checkpoint,
)
from marginflow.experiments.records import (
    RecordError,
    content_digest,
    load_frame,
    read_record,
    record_path,
    write_atomically,
    write_record,
)
from marginflow.experiments.runner import run_one
from marginflow.experiments.spec import RunSpec

SPEC = RunSpec("mnist", "finer", "AdaDeltaNS", 3, "smoke")


@pytest.fixture(scope="module")
def reference(files, tmp_path_factory):
    """The record of an undisturbed run, made in a process of its own."""
    results = tmp_path_factory.mktemp("reference")
    finish(_child(official_files.train_child, SPEC, results, files))
    return read_record(record_path(results, SPEC), SPEC)


def _child(target, spec, results, root, number=0.0):
    return start(target, spec, str(results), str(root), number)


def _bytes(record) -> bytes:
    return np.ascontiguousarray(record.frame.to_numpy()).tobytes()


# ---- what a record holds -------------------------------------------------------------


def test_record_has_rows_and_provenance(reference):
    provenance = reference.provenance
    assert provenance["spec"] == json.loads(json.dumps(SPEC.identity()))
    assert provenance["digest"] == SPEC.digest()
    assert provenance["status"] == "finished"
    assert provenance["packages"]["torch"] == torch.__version__.split("+")[0]
    assert set(provenance["data_md5"]) == {"train", "test"}
    assert provenance["seconds"] > provenance["evaluation_seconds"] > 0
    assert list(reference.frame.epoch) == SPEC.setting.evaluated_epochs()
    assert reference.path.stat().st_size < 30_000


def test_same_spec_same_rows_whatever_the_process(reference, data, tmp_path):
    outcome = run_one(SPEC, tmp_path, data)
    assert outcome.status == "recorded"
    mine = read_record(record_path(tmp_path, SPEC), SPEC)
    assert _bytes(mine) == _bytes(reference)
    assert mine.provenance["content"] == reference.provenance["content"]


def test_recorded_run_is_not_run_again(data, tmp_path):
    run_one(SPEC, tmp_path, data)
    before = record_path(tmp_path, SPEC).read_bytes()
    assert run_one(SPEC, tmp_path, data).status == "present"
    assert record_path(tmp_path, SPEC).read_bytes() == before


def test_what_a_killed_process_left_beside_a_record_goes(data, tmp_path):
    """Killed after its record had its name, before it cleared up."""
    run_one(SPEC, tmp_path, data)
    record, checkpoint = record_path(tmp_path, SPEC), checkpoint_path(tmp_path, SPEC)
    part = records.part_path(tmp_path, SPEC)
    draft = record.with_name(f".{record.name}.0.tmp")
    before, left = record.read_bytes(), (checkpoint, part, draft)
    for path in left:
        path.write_bytes(b"left")
    with checkpoints.Claim(checkpoint.with_suffix(".lock")) as held:
        assert held  # by another, who may be at it still
        assert run_one(SPEC, tmp_path, data).status == "present"
        assert all(path.exists() for path in left)
    assert run_one(SPEC, tmp_path, data).status == "present"
    assert not any(path.exists() for path in left)
    assert record.read_bytes() == before


def test_load_frame_names_every_row(data, tmp_path):
    other = RunSpec("mnist", "finer", "SGD", 3, "smoke")
    for spec in (SPEC, other):
        run_one(spec, tmp_path, data)
    missing = RunSpec("mnist", "finer", "SGD", 4, "smoke")
    frame, provenances = load_frame(tmp_path, [SPEC, missing, other])
    assert set(frame.algorithm) == {"AdaDeltaNS", "SGD"}
    assert set(frame["round"]) == {3}
    assert len(provenances) == 2
    empty, none = load_frame(tmp_path, [missing])
    assert empty.empty
    assert none == []


def test_content_digest_sees_names_and_every_bit():
    rows = np.arange(6.0).reshape(2, 3)
    digest = content_digest("abc", rows)
    assert digest == content_digest("abc", rows.copy(order="F"))
    assert digest != content_digest("abd", rows)
    rows[1, 2] = np.nextafter(rows[1, 2], 9)
    assert digest != content_digest("abc", rows)


# ---- damage --------------------------------------------------------------------------


def test_every_flipped_byte_is_found_or_harmless(reference, tmp_path):
    whole = reference.path.read_bytes()
    path = tmp_path / "flipped.parquet"
    places = sorted(
        {*range(0, 64), *range(len(whole) - 64, len(whole)), *range(64, len(whole), 37)}
    )
    found = 0
    for place in places:
        for bit in (1, 0x80):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            try:
                record = read_record(path, SPEC)
            except RecordError:
                found += 1
            else:  # then it must say exactly the same
                assert _bytes(record) == _bytes(reference)
                assert record.provenance == reference.provenance
    assert found > len(places)  # most of the 2 · len(places)


def test_every_truncation_is_found(reference, tmp_path):
    whole = reference.path.read_bytes()
    path = tmp_path / "short.parquet"
    for length in {0, 1, 4, 8, *range(16, len(whole), 211), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(RecordError, match=r"short\.parquet"):
            read_record(path, SPEC)


def test_foreign_files_are_refused(tmp_path):
    import pandas as pd

    path = tmp_path / "x.parquet"
    with pytest.raises(RecordError, match="does not exist"):
        read_record(path)
    pd.DataFrame({"a": [1.0]}).to_parquet(path)
    with pytest.raises(RecordError, match="not a record of marginflow"):
        read_record(path)
    path.write_bytes(b"PAR1" + os.urandom(200) + b"PAR1")
    with pytest.raises(RecordError, match="cannot be read as a record"):
        read_record(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RecordError, match="cannot be read as a record"):
        read_record(path)


def test_record_of_another_spec_is_named(reference):
    other = RunSpec("mnist", "finer", "AdaDeltaNS", 4, "smoke")
    with pytest.raises(RecordError, match="another spec: round is 3, not 4"):
        read_record(reference.path, other)


def test_record_of_another_version(tmp_path, monkeypatch):
    path = tmp_path / "x.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(records, "FORMAT", 99)
        write_record(path, ["a"], np.ones((1, 1)), {"format": 99, "digest": ""})
    with pytest.raises(RecordError, match=r"has format 99; this version .* reads"):
        read_record(path)


def test_damaged_record_stops_its_run_and_stays(data, tmp_path):
    path = record_path(tmp_path, SPEC)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 no more PAR1")
    with pytest.raises(RecordError, match="delete it to run it again"):
        run_one(SPEC, tmp_path, data)
    assert path.read_bytes() == b"PAR1 no more PAR1"


@pytest.fixture
def checkpoint(tmp_path):
    path = checkpoint_path(tmp_path, SPEC)
    state = {"epoch": 3, "w": torch.arange(50.0), "rows": torch.eye(2)}
    save_checkpoint(path, SPEC, state)
    return path


def test_checkpoint_round_trip(checkpoint):
    state = load_checkpoint(checkpoint, SPEC)
    assert state["epoch"] == 3
    assert torch.equal(state["w"], torch.arange(50.0))


def test_every_damage_to_a_checkpoint_is_found(checkpoint):
    whole = checkpoint.read_bytes()
    for place in {*range(0, 100), *range(100, len(whole), 53), len(whole) - 1}:
        damaged = bytearray(whole)
        damaged[place] ^= 4
        checkpoint.write_bytes(damaged)
        with pytest.raises(RecordError, match=r"checkpoint.*(delete it|move it away)"):
            load_checkpoint(checkpoint, SPEC)
    for length in {0, 10, 80, *range(100, len(whole), 301), len(whole) - 1}:
        checkpoint.write_bytes(whole[:length])
        with pytest.raises(RecordError, match=r"checkpoint.*(delete it|move it away)"):
            load_checkpoint(checkpoint, SPEC)


def test_checkpoint_of_another_spec(checkpoint):
    other = RunSpec("mnist", "coarser", "AdaDeltaNS", 3, "smoke")
    with pytest.raises(RecordError, match="of another spec"):
        load_checkpoint(checkpoint, other)


def test_damaged_checkpoint_stops_its_run_and_stays(checkpoint, data, tmp_path):
    checkpoint.write_bytes(b"junk")
    with pytest.raises(RecordError, match="move it away to start that run anew"):
        run_one(SPEC, tmp_path, data)
    assert checkpoint.read_bytes() == b"junk"
    assert not record_path(tmp_path, SPEC).exists()


# ---- writing -------------------------------------------------------------------------


def test_write_atomically_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_failed_write_leaves_all_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"one")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_write_is_flushed_before_it_has_its_name_and_so_is_the_name(
    tmp_path, monkeypatch
):
    """What a loss of power may find: no name, or a name and all of its bytes."""
    seen = []

    def flush(descriptor: int) -> None:
        seen.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.exists()))

    path = tmp_path / "file"
    monkeypatch.setattr(os, "fsync", flush)
    write_atomically(path, b"one")
    (draft, before), (folder, after) = seen
    assert draft.name.endswith(".tmp")
    assert folder == tmp_path
    assert (before, after) == (False, True)


@pytest.mark.parametrize("limit", [1000, 20_000])
def test_no_room_for_checkpoint_or_record(limit, files, reference, tmp_path):
    # The operating system itself refuses to let a file grow beyond the limit.
    child = _child(official_files.starved_child, SPEC, tmp_path, files, limit)
    child.join()
    assert child.exitcode == 7
    left = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".lock"]
    assert left == []
    finish(_child(official_files.train_child, SPEC, tmp_path, files))
    assert _bytes(read_record(record_path(tmp_path, SPEC))) == _bytes(reference)


# ---- many at once --------------------------------------------------------------------


def test_two_at_once_train_once(files, data, tmp_path):
    lock = checkpoint_path(tmp_path, SPEC).with_suffix(".lock")
    claim = checkpoints.Claim(lock)
    with claim as mine:
        assert mine
        claim.tell(2, 6)
        assert epochs_done(tmp_path, SPEC) == (2, 6)
        finish(_child(official_files.train_child, SPEC, tmp_path, files))
        assert not record_path(tmp_path, SPEC).exists()
    assert epochs_done(tmp_path, SPEC) is None
    children = [
        _child(official_files.train_child, SPEC, tmp_path, files) for _ in range(4)
    ]
    for child in children:
        finish(child)
    read_record(record_path(tmp_path, SPEC), SPEC)
    names = sorted(p.name for p in record_path(tmp_path, SPEC).parent.iterdir())
    assert names == [".state", "AdaDeltaNS-03.parquet"]


def test_scale_too_large_for_the_memory(data, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "_available_memory", lambda: 2**20)
    with pytest.raises(
        ValueError, match=r"needs about 0\.. GiB of memory for one worker and cpu has"
    ):
        run_one(SPEC, tmp_path, data)


def test_memory_estimate_grows_with_the_scale():
    sizes = [
        devices.required_bytes(RunSpec("cifar10", "finer", "SGD", 0, scale))
        for scale in ("smoke", "laptop", "paper")
    ]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 14_715_648 * 9 * 4
