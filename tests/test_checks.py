"""What an argument may be: each check lets the right through and names the wrong."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from marginflow import checks

LET_THROUGH = [
    (checks.positive_integer, (3,), 3),
    (checks.positive_integer, (np.int64(3),), 3),
    (checks.positive, (np.float32(0.5),), 0.5),
    (checks.positive, (torch.tensor(2.0),), 2.0),
    (checks.non_negative, (0,), 0.0),
    (checks.probability, (1,), 1.0),
    (checks.one_of, ("a", ["a", "b"]), "a"),
]

REFUSED = [
    (checks.positive_integer, (0,), "is 0; it must be a positive integer"),
    (checks.positive_integer, (True,), "is True; it must be a positive"),
    (checks.positive_integer, (2.0,), "is 2.0; it must be a positive"),
    (checks.positive_integer, ("3",), "is '3'; it must be a positive"),
    (checks.positive, (0.0,), "is 0.0; it must be a finite number > 0"),
    (checks.positive, (float("inf"),), "is inf; it must be a finite"),
    (checks.positive, (float("nan"),), "is nan; it must be a finite"),
    (checks.positive, ("1",), "is '1'; it must be a finite"),
    (checks.positive, (True,), "is True; it must be a finite"),
    (checks.positive, ([1, 2],), r"is \[1, 2\]; it must be a finite"),
    (checks.positive, (10**400,), "it must be a finite"),
    (checks.non_negative, (-1e-9,), "is -1e-09; it must be a finite number >= 0"),
    (checks.probability, (1.1,), r"is 1.1; it must be a number in \[0, 1\]"),
    (checks.one_of, ("c", ["a", "b"]), "is 'c'; choose one of a, b"),
    (checks.one_of, (["a"], ["a", "b"]), "choose one of a, b"),
    (checks.real_array, ([1j],), "of dtype complex128; it must hold real"),
    (checks.real_array, (["a"],), "it must hold real numbers"),
    (checks.real_array, ([[1], [1, 2]],), "all rows of one length"),
    (checks.real_array, ([1.0, np.inf],), "contains inf, which is non-finite"),
    (checks.examples, ([1.0],), r"has shape \(1,\); it must be \(n, ...\)"),
    (checks.examples, (np.zeros((0, 2)),), r"has shape \(0, 2\)"),
    (checks.matrix, (np.zeros((2, 3)), 2), r"\(2, 3\); it must be \(n, 2\)"),
    (checks.matrix, (np.zeros((2, 3, 4)),), r"it must be \(n, d\)"),
    (checks.vector, ([1.0], 2), r"has shape \(1,\); it must be \(2,\)"),
    (checks.vector, ([],), r"it must be \(p,\)"),
    (checks.terms, ([1, 2], 3, "one needs"), r"it must be \(\) or \(3,\)"),
    (checks.terms, (0, 3, "one needs"), "contains 0.0; one needs arg > 0"),
    (checks.terms, (-1, 3, "one needs", True), "one needs arg >= 0"),
    (checks.signs, ([1, 0], 2), "contains 0.0; Section 2 takes labels"),
    (checks.signs, ([1, -1], 3), r"has shape \(2,\); it must be \(3,\)"),
    (checks.signs, (["a", "b"], 2), "it must hold real numbers"),
    (checks.classes, ([0, 3], 2, 3), "contains 3.0; 3 outputs take class indices"),
    (checks.classes, ([0, -1], 2, 3), "contains -1.0"),
    (checks.classes, ([0, 0.5], 2, 3), "contains 0.5"),
]


@pytest.mark.parametrize(("check", "arguments", "value"), LET_THROUGH)
def test_what_is_right_comes_back_in_its_type(check, arguments, value):
    got = check("arg", *arguments)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(("check", "arguments", "told"), REFUSED)
def test_what_is_wrong_is_named_with_its_value(check, arguments, told):
    with pytest.raises(ValueError, match=told) as error:
        check("arg", *arguments)
    assert str(error.value).startswith("arg ")


def test_arrays_are_copied_from_tensors_frames_and_views():
    rows = np.arange(6.0).reshape(3, 2)
    tensor = torch.tensor(rows, requires_grad=True)
    assert np.array_equal(checks.matrix("x", tensor), rows)
    backwards = checks.matrix("x", rows[::-1])
    assert torch.equal(torch.from_numpy(backwards), tensor.detach().flip(0))
    backwards[:] = 0
    assert rows[2, 1] == 5
    assert checks.terms("delta", 2, 3, "").tolist() == [2, 2, 2]
    assert checks.terms("g0", 0, 2, "", zero=True).tolist() == [0, 0]
    assert checks.signs("y", [True, True], 2).tolist() == [1, 1]
    assert checks.classes("y", [0, 2], 2, 3).dtype == np.int64


def test_bad_input_is_told_without_torch():
    code = "import sys, marginflow.checks; print('torch' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "False"
