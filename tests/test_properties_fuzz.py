"""Arguments and files that nobody foresaw: only documented errors come of them."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
import torch
from fault_children import here
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from marginflow import cli
from marginflow.claims import read_scoreboard
from marginflow.data import DATA_SETS, DataError, load_images
from marginflow.experiments import perceptron, sweep, workplaces
from marginflow.experiments.checkpoints import (
    _MAGIC,
    checkpoint_path,
    load_checkpoint,
)
from marginflow.experiments.perceptron import PerceptronSpec, load_perceptron
from marginflow.experiments.provenance import FORMAT
from marginflow.experiments.records import RecordError, read_record, record_path
from marginflow.experiments.records import write_record as write
from marginflow.experiments.spec import RunSpec, parse_rounds

SPEC = RunSpec("mnist", "finer", "SGD", 0, "smoke")

fuzz = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def tried(call, *arguments):
    """What came of a call, and what its ValueError says; any other error escapes."""
    try:
        return call(*arguments), None
    except ValueError as error:
        return None, str(error)


# ---- the command line ----------------------------------------------------------------

WORDS = [
    "status",
    "data",
    "prove",
    "perceptron",
    "mnist",
    "cifar10",
    "lemma-5",
    "--scale",
    "smoke",
    "paper",
    "--rounds",
    "0-2",
    "5-1",
    "-1",
    "--algorithms",
    "SGD",
    "AdaDelta",
    "--regime",
    "finer",
    "--reading",
    "released",
    "--dtype",
    "float64",
    "--break",
    "sign",
    "--list",
    "--results",
    "--workers",
    "--data",
    "--help",
    "--json",
    "",
    "nan",
    "\N{GREEK SMALL LETTER EPSILON}",
    "\udcff",  # a byte that is no text, as Python hands it on
    "../..",
    "--",
]
# The operating system passes no NUL.
ARGUMENT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
COMMANDS = ["run", "status", "data", "prove", "perceptron", "claims", "nonsense", ""]


def status_of(arguments: list[str]) -> tuple[int, str]:
    """Exit status and what was said on stderr; no exception may escape."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(arguments)
        except SystemExit as stop:  # argparse's way
            status = 0 if stop.code is None else stop.code
    return status, err.getvalue()


def cheap(arguments: list[str]) -> list[str]:
    """What settles or measures everything takes a minute: only --list."""
    named = arguments[:1] in (["prove"], ["claims"])
    return [*arguments, "--list"] if named else arguments


def refused(*arguments, **options):
    """In place of what would train for seconds."""
    raise ValueError("nothing is trained here")


@given(
    command=st.sampled_from(COMMANDS),
    rest=st.lists(st.one_of(st.sampled_from(WORDS), ARGUMENT), max_size=6),
)
@example(command="status", rest=["mnist", "--results", "\udcff"])
@example(command="status", rest=["mnist", "--rounds", "5-1"])
@example(command="run", rest=["mnist", "--scale", "smoke", "--rounds", "0-2"])
@example(command="run", rest=["mnist", "--workers", "0"])
@example(command="run", rest=["perceptron", "--results", "x"])
@fuzz
def test_any_arguments_end_with_a_documented_status(command, rest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    # A download is the one thing that no argument of a test may start.
    rest = [word for word in rest if not word.startswith("--d")]
    arguments = cheap([command, *rest])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MARGINFLOW_RESULTS", str(folder))
        patch.setenv("MARGINFLOW_DATA", str(folder))
        patch.setattr(perceptron, "record_perceptron", refused)
        patch.setattr(workplaces, "process_pool", lambda workers: here)
        patch.setattr(sweep, "run_together", refused)
        status, said = status_of(arguments)
    assert status in (0, 1, 2)
    assert status != 2 or said or command == "data"
    assert "Traceback" not in said


@given(st.text(alphabet="0123456789-, x.", max_size=12))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_rounds_are_a_list_or_a_value_error(text):
    rounds, error = tried(parse_rounds, text)
    if error is not None:
        assert repr(text) in error or text in error
        return
    assert rounds
    assert all(isinstance(r, int) and r >= 0 for r in rounds)


@given(
    st.fixed_dictionaries(
        {
            "experiment": st.one_of(st.just("mnist"), st.text(max_size=6)),
            "regime": st.one_of(st.just("finer"), st.text(max_size=6)),
            "algorithm": st.one_of(st.just("SGD"), st.none()),
            "round": st.one_of(st.integers(-3, 3), st.floats(), st.booleans()),
            "scale": st.one_of(st.just("smoke"), st.text(max_size=6)),
        }
    )
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_spec_is_right_or_a_value_error_that_names_what_is_not(names):
    spec, error = tried(lambda: RunSpec(**names))
    if error is not None:
        assert any(name in error for name in names)
        return
    assert spec.setting.epochs > 0
    assert len(spec.digest()) == 64


# ---- files ---------------------------------------------------------------------------

blobs = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=200).map(lambda b: b"PAR1" + b + b"PAR1"),
    st.binary(max_size=200).map(lambda b: _MAGIC + b),
    st.text(max_size=60).map(lambda t: t.encode()),
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=5)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(blob=blobs)
@fuzz
def test_any_bytes_as_a_record(blob, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(blob)
    with pytest.raises(RecordError, match=r"x\.parquet"):
        read_record(path)


@given(
    st.dictionaries(
        st.sampled_from(["spec", "digest", "status", "seconds", "other"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    ),
    st.integers(0, 3),
)
@fuzz
def test_a_sealed_record_of_something_else(provenance, rows):
    """Checksums right, content foreign: read for what it is, or refused by name."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        write(path, ["a"], np.ones((rows, 1)), {"format": FORMAT, **provenance})
        assert len(read_record(path).frame) == rows


@given(blob=blobs)
@fuzz
def test_any_bytes_as_a_checkpoint(blob, tmp_path):
    path = checkpoint_path(tmp_path, SPEC)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blob)
    with pytest.raises(RecordError, match="checkpoint"):
        load_checkpoint(path, SPEC)


@given(blob=blobs)
@fuzz
def test_any_bytes_as_a_scoreboard(blob, tmp_path):
    path = tmp_path / "claims.json"
    path.write_bytes(blob)
    findings, error = tried(read_scoreboard, path)
    if error is not None:
        assert "claims.json" in error
        return
    assert findings == []  # such as of "[]"; nothing else of these is a scoreboard


@given(blob=blobs)
@fuzz
def test_any_bytes_as_a_perceptron_record(blob, tmp_path):
    spec = PerceptronSpec(data_seed=1)
    path = record_path(tmp_path, spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blob)
    with pytest.raises(RecordError, match="data-set-01"):
        load_perceptron(tmp_path, [spec])


@given(blob=blobs, name=st.sampled_from(sorted(DATA_SETS)))
@fuzz
def test_any_bytes_as_a_data_file(blob, name, tmp_path):
    for relative in DATA_SETS[name]:
        path = tmp_path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob)
    with pytest.raises(DataError, match="truncated or corrupt"):
        load_images(name, tmp_path, train=True)


def test_the_fuzz_of_files_would_see_another_error(tmp_path):
    """Read without the checks, such bytes raise what nobody documented."""
    path = tmp_path / "x"
    path.write_bytes(b"\x80\x02garbage")
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        torch.load(path, weights_only=True)
    assert not isinstance(caught.value, RecordError | DataError)
