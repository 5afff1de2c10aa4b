"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from marginflow import __version__, cli, proofs


def run(*arguments: str, capsys) -> tuple[int, str, str]:
    status = cli.main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_all_proofs_stand(capsys):
    status, out, err = run("prove", capsys=capsys)
    assert (status, err) == (0, "")
    for statement in proofs.STATEMENTS:
        assert statement.title in out
    assert "REFUTED" not in out
    assert "UNDECIDED" not in out


def test_one_proof_shows_its_steps(capsys):
    status, out, _ = run("prove", "lemma-7", capsys=capsys)
    assert status == 0
    for step in proofs.statement("lemma-7").steps:
        assert step.name in out
    assert "argued on paper" in out
    assert "proven by solver" in out
    assert "rests on lemma-5, lemma-6" in out


def test_broken_proof_shows_the_counterexample(capsys):
    status, out, _ = run("prove", "lemma-7", "--break", "sign", capsys=capsys)
    assert status == 0
    assert "below, broken by “sign”: refuted by solver" in out
    assert "at g = 0, β = 1/2, β′ = -3/4, δ = 1, ρ = 0" in out
    assert "3 of 3 broken steps refuted" in out


def test_one_mutation_over_all_statements(capsys):
    status, out, _ = run("prove", "--break", "rho", capsys=capsys)
    assert status == 0
    assert "Lemma 6" in out
    assert "Lemma 7" in out
    assert "Corollary A" not in out


def test_every_mutation_at_once(capsys):
    status, out, _ = run("prove", "--break", "all", "--json", capsys=capsys)
    assert status == 0
    found = [step["outcome"] for each in json.loads(out) for step in each["steps"]]
    assert set(found) == {"refuted"}
    assert len(found) == sum(
        len(step.mutations) for each in proofs.STATEMENTS for step in each.steps
    )


def test_json_is_complete(capsys):
    status, out, _ = run("prove", "lemma-8", "--json", capsys=capsys)
    assert status == 0
    (lemma_8,) = json.loads(out)
    assert lemma_8["verdict"] == "machine + paper"
    assert [s["name"] for s in lemma_8["steps"]] == [
        step.name for step in proofs.statement("lemma-8").steps
    ]
    assert {"from", "to", "why", "under", "engine", "outcome"} <= set(
        lemma_8["steps"][0]
    )


def test_list_needs_no_proof(capsys):
    status, out, _ = run("prove", "--list", capsys=capsys)
    assert status == 0
    assert "lemma-7: no-lemma-6, chain, sign" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lemma-10",), "unknown statement 'lemma-10'; choose from proposition-1"),
        (("lemma-7", "--break", "turn"), "no mutation 'turn'; its mutations are"),
        (("--break", "turn"), "no statement has a mutation 'turn'; there are"),
        (("proposition-1", "--break", "all"), "nothing is machine-checked here"),
    ],
)
def test_unknown_names_exit_with_2(arguments, message, capsys):
    status, out, err = run("prove", *arguments, capsys=capsys)
    assert status == 2
    assert out == ""
    assert message in err


@pytest.fixture
def broken_lemma_7(monkeypatch):
    """Lemma 7 with its step `below` replaced by the mutation `sign`."""
    whole = proofs.statement("lemma-7")
    step = whole.step("below")
    wrong = next(m for m in step.mutations if m.name == "sign").check
    steps = tuple(
        dataclasses.replace(s, check=wrong) if s is step else s for s in whole.steps
    )
    broken = dataclasses.replace(whole, steps=steps)
    others = tuple(s for s in proofs.STATEMENTS if s is not whole)
    monkeypatch.setattr(proofs, "STATEMENTS", (*others, broken))


@pytest.mark.usefixtures("broken_lemma_7")
def test_failed_proof_exits_with_1(capsys):
    status, out, _ = run("prove", capsys=capsys)
    assert status == 1
    assert "REFUTED at below" in out
    status, out, _ = run("prove", "lemma-7", capsys=capsys)
    assert status == 1
    assert "✗  3  below" in out
    assert "β′ = -3/4" in out


def test_undecided_proof_exits_with_1(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    status, out, _ = run("prove", "lemma-7", capsys=capsys)
    assert status == 1
    assert "undecided by solver" in out
    assert "UNDECIDED at positive" in out


def test_break_that_is_not_refuted_exits_with_1(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "z3", None)
    status, out, _ = run("prove", "lemma-7", "--break", "sign", capsys=capsys)
    assert status == 1
    assert "0 of 3 broken steps refuted" in out


@pytest.mark.parametrize("arguments", [["--help"], ["prove", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from marginflow.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as done:\n"
        "    assert done.code == 0\n"
        "heavy = {'torch', 'sympy', 'numpy', 'z3', 'scipy', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage: marginflow" in done.stdout


def test_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} -m marginflow.cli prove --list | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_terminal_without_greek_letters_gets_question_marks():
    done = subprocess.run(
        [sys.executable, "-m", "marginflow.cli", "prove", "lemma-5"],
        capture_output=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii", "PATH": "", "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert b"Lemma 5" in done.stdout


# ---- the command as a process --------------------------------------------------------


def shell(command: str, **options) -> subprocess.CompletedProcess:
    """A line of bash, `marginflow` being this one."""
    line = f'marginflow() {{ "{sys.executable}" -m marginflow "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, **options
    )


def with_results(folder) -> dict[str, str]:
    return {**os.environ, "MARGINFLOW_RESULTS": str(folder)}


def test_version_is_the_packages_own():
    done = shell("marginflow --version")
    assert (done.returncode, done.stdout) == (0, f"marginflow {__version__}\n")


@pytest.mark.parametrize("where", [">&-", "> /dev/full", ">&- 2>&-"])
@pytest.mark.parametrize(
    "command",
    ["prove --list", "prove --list lemma-7", "status --scale smoke", "--version"],
)
def test_output_that_cannot_be_written_is_no_traceback(command, where, tmp_path):
    env = with_results(tmp_path)
    env.pop("PYTHONUNBUFFERED", None)  # with it, print fails, and no flush does
    done = shell(f"marginflow {command} {where}", env=env)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    full = "full" in where
    assert done.returncode == (2 if full else 0)
    assert ("No space left on device" in done.stderr) is full


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "mnist", "--rounds", "3-1"], "rounds is '3-1'"),
        (["run", "mnist", "--scale", "plateau"], "which mnist has not"),
        (["run", "mnist", "--algorithms", "Adam"], "algorithm is 'Adam'"),
        (["run", "mnist", "--algorithms", ""], "algorithm is ''"),
        (["run", "mnist", "--algorithms", ","], "algorithm is ','"),
        (["run", "mnist", "--for", "soon"], "for is 'soon'"),
        (["run", "mnist", "--workers", "0"], "workers is 0"),
        (["run", "perceptron", "--scale", "smoke"], "--scale is no option"),
        (["run", "perceptron", "--data-sets", "x"], "rounds is 'x'"),
        (["run", "mnist", "--results", "/dev/null/x"], "nothing can be written"),
        (["status", "svhn"], "name is 'svhn'; choose one of"),
        (["data", "svhn"], "name is 'svhn'; choose one of"),
        (["claims", "lemma-55"], "claim is 'lemma-55'; choose one of"),
    ],
)
def test_what_needs_no_torch_is_refused_without_it(arguments, said):
    code = (
        "import sys\n"
        "from marginflow.cli import main\n"
        f"status = main({arguments!r})\n"
        "assert status == 2, status\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--algorithms", "SGD", "AdaDelta", "mnist"],
        ["mnist", "--algorithms", "SGD", "AdaDelta"],
        ["mnist", "--algorithms=SGD,AdaDelta"],
        ["--algorithms", "SGD,AdaDelta", "mnist", "--rounds", "3"],
    ],
)
def test_algorithms_and_experiment_come_in_either_order(arguments):
    args = cli.build_parser().parse_args(cli._gathered(["run", *arguments]))
    assert args.experiment == "mnist"
    assert {s.algorithm for s in cli._specs(args, "mnist")} == {"SGD", "AdaDelta"}


def test_status_tells_of_all_three_experiments(capsys, tmp_path):
    status, out, _ = run("status", "--results", str(tmp_path), capsys=capsys)
    assert status == 0
    assert "perceptron/sum: 0 of 21 recorded, 21 missing" in out
    assert "laptop/mnist-finer: 0 of 95 recorded" in out
    assert "laptop/cifar10-coarser: 0 of 95 recorded" in out


def test_completion_names_commands_and_experiments():
    pytest.importorskip("argcomplete")
    for line, expected in (("marginflow st", "status"), ("marginflow run mn", "mnist")):
        done = shell(
            "marginflow 8>&1 9>/dev/null >/dev/null 2>&1",
            env={
                **os.environ,
                "_ARGCOMPLETE": "1",
                "COMP_LINE": line,
                "COMP_POINT": str(len(line)),
            },
        )
        assert done.stdout.split("\x0b") == [f"{expected} "]


def test_what_a_run_compiles_is_its_own(monkeypatch):
    """Another run's library, cut short by a kill, would end this one: bus error."""
    name = "TORCHINDUCTOR_CACHE_DIR"
    monkeypatch.delenv(name, raising=False)
    with cli._own_compiler_cache():
        folder = os.environ[name]
        assert os.listdir(folder) == []
    assert name not in os.environ
    assert not os.path.exists(folder)
    monkeypatch.setenv(name, "a user's choice")
    with cli._own_compiler_cache():
        assert os.environ[name] == "a user's choice"
    assert os.environ[name] == "a user's choice"
