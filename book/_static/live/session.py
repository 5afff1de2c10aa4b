"""What runs a live cell, in the reader's browser: pyodide's side of the page.

A cell is executed in the namespace of its group. What comes back is a verdict: "holds"
when the cell asserts something and every assertion passed, "refuted" when one failed
(with both sides and their difference), "ran" when there was nothing to assert, "error"
otherwise.

Needs SymPy and marginflow.proofs; nothing else.
"""

from __future__ import annotations

import ast
import contextlib
import io
import traceback

from marginflow import proofs
from marginflow.proofs.report import as_json

__all__ = ["Session"]

_FILE = "<cell>"
_TOO_LONG = 1200


class Session:
    """One namespace per group of cells."""

    def __init__(self) -> None:
        self.namespaces: dict[str, dict] = {}

    def reset(self, group: str) -> None:
        """Forget everything that the cells of `group` defined."""
        self.namespaces.pop(group, None)

    def run(self, group: str, source: str) -> dict[str, object]:
        """Execute one cell; returns verdict, text (what to show) and line (or None)."""
        names = self.namespaces.setdefault(group, {"__name__": "__main__"})
        printed = io.StringIO()
        verdict, line = "ran", None
        try:
            tree = ast.parse(source, _FILE)
            with contextlib.redirect_stdout(printed):
                _execute(ast.parse(source, _FILE), names)
            if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
                verdict = "holds"
        except AssertionError as error:
            verdict, line = "refuted", _line(error)
            print(_explain(tree, error), file=printed)
        except BaseException as error:  # SystemExit too: the session goes on
            verdict, line = "error", _line(error)
            print(_told(error), file=printed)
        text = printed.getvalue().rstrip()
        if len(text) > 20 * _TOO_LONG:
            text = text[: 20 * _TOO_LONG] + "\n… (cut)"
        return {"verdict": verdict, "text": text, "line": line}

    @staticmethod
    def settle(name: str, step_name: str, mutation_name: str = "") -> dict:
        """Settle one step of the named statement, broken if a mutation is named.

        Returns the statement's entry of `marginflow prove --json`, of this step alone.
        """
        statement = proofs.statement(name)
        step, mutation = statement.step(step_name), None
        if mutation_name:
            mutation = next(m for m in step.mutations if m.name == mutation_name)
        report = proofs.Report(statement, step, step.settle(mutation), mutation)
        return as_json([[report]])[0]


_SIDES = "_sides_of_the_last_equality"


class _KeepSides(ast.NodeTransformer):
    """Let ``assert left == right`` leave its two values behind for an explanation.

    Evaluating them a second time could cost seconds, or give something else.
    """

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        test = node.test
        if not (isinstance(test, ast.Compare) and len(test.ops) == 1):
            return node
        both = ast.Tuple([test.left, test.comparators[0]], ast.Load())
        keep = ast.Assign([ast.Name(_SIDES, ast.Store())], both)
        left, right = (
            ast.Subscript(ast.Name(_SIDES, ast.Load()), ast.Constant(i), ast.Load())
            for i in (0, 1)
        )
        check = ast.Assert(ast.Compare(left, test.ops, [right]), node.msg)
        new = [ast.copy_location(statement, node) for statement in (keep, check)]
        return [ast.fix_missing_locations(statement) for statement in new]


def _execute(tree: ast.Module, names: dict) -> None:
    """Execute; a last expression is shown, as a notebook does."""
    tree = _KeepSides().visit(tree)
    last = tree.body[-1] if tree.body else None
    shown = isinstance(last, ast.Expr)
    body = ast.Module(tree.body[:-1] if shown else tree.body, type_ignores=[])
    # optimize=0: an assertion is an assertion.
    exec(compile(body, _FILE, "exec", dont_inherit=True, optimize=0), names)
    if shown:
        expression = ast.Expression(last.value)
        code = compile(expression, _FILE, "eval", dont_inherit=True, optimize=0)
        value = eval(code, names)
        if value is not None:
            print(_read(value))


def _line(error: BaseException) -> int | None:
    """The cell's own line at which the error arose."""
    if isinstance(error, SyntaxError):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno for f in frames if f.filename == _FILE), None)


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _explain(tree: ast.Module, error: AssertionError) -> str:
    """Why an assertion failed, in terms of the values it compared."""
    # Where it stands: in the cell, or in a function of it.
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    failed = next(
        (
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Assert) and node.lineno <= line <= node.end_lineno
        ),
        None,
    )
    if failed is None or frame.f_code.co_filename != _FILE:
        return f"An assertion failed. {_told(error)}"
    names = {**frame.f_globals, **frame.f_locals}
    said = [f"This does not hold:  {ast.unparse(failed.test)}"]
    if str(error):
        said.append(str(error))
    # A failing explanation must not hide the verdict.
    with contextlib.suppress(Exception):
        said += _sides(failed.test, names)
    return "\n".join(said)


def _sides(test: ast.expr, names: dict) -> list[str]:
    """The two sides of a failed equality and their difference, or what was found."""
    import sympy as sp

    def value(node: ast.expr):
        code = compile(ast.Expression(node), _FILE, "eval", dont_inherit=True)
        return eval(code, dict(names))

    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return [f"It was expected to fail, and it holds:  {ast.unparse(test.operand)}"]
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = names[_SIDES]
        if right == 0:
            return [f"left − right = {_read(left)}"]
        said = [f"left:  {_read(left)}", f"right: {_read(right)}"]
        if isinstance(test.ops[0], ast.Eq) and isinstance(left, sp.Expr):
            said.append(f"left − right = {_read(_normal(left - right))}")
        return said
    if isinstance(test, ast.Call) and len(test.args) >= 2:
        left, right, *given = (value(argument) for argument in test.args)
        if isinstance(left, sp.Expr) and isinstance(right, sp.Expr):
            difference = left - right
            for equation in given:
                difference = difference.subs(equation).doit()
            return [f"left − right = {_read(_normal(difference))}"]
    if isinstance(test, ast.Attribute):
        found, owner = value(test), value(test.value)
        if found is None:
            return [f"SymPy cannot tell: {test.attr} is None for  {_read(owner)}"]
        return [f"{test.attr} is {found} for  {_read(owner)}"]
    return [f"It is {_read(value(test))}"]


def _normal(difference):
    """A difference in a form that a reader can take in."""
    import sympy as sp

    return sp.factor(sp.cancel(sp.together(difference)))


def _read(value: object) -> str:
    """As text; formulas as the book writes them."""
    import sympy as sp

    text = repr(value)
    if isinstance(value, sp.Basic):
        try:
            text = proofs.read(value)
        except Exception:
            text = sp.sstr(value)
    return text if len(text) <= _TOO_LONG else text[:_TOO_LONG] + " …"
