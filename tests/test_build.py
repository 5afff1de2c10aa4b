"""The book is built from what is there now, and from nothing of the user's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import execute_chapters  # noqa: E402
import make_book  # noqa: E402
import marginflow_state as state  # noqa: E402

# ---- what is stale -------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A checkout in small: a chapter that counts the tests, and one that does not."""
    for folder in ("src", "notebooks", "results", "tests", "formal", "book"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file.txt").write_text(folder)
    (tmp_path / "constraints.txt").write_text("pins")
    chapters = {
        "counts": 'len(list(Path("../tests").glob("*")))',
        "reads": 'read("../results/file.txt")',
        "computes": "1 + 1",
    }
    for name, code in chapters.items():
        text = f"```{{code-cell}} ipython3\n{code}\n```\n"
        (tmp_path / "notebooks" / f"{name}.md").write_text(text)
    return tmp_path


def edit(path: Path) -> None:
    """As `git checkout` or `cp -p` may leave a file: new inside, old by its time."""
    path.write_text("edited")
    os.utime(path, (0, 0))


def add(path: Path) -> None:
    path.with_name("new.txt").write_text("new")


CHANGES = {"edit": edit, "delete": Path.unlink, "add": add}
STALE = {
    "src": {"counts", "reads", "computes"},
    "tests": {"counts"},
    "results": {"reads"},
    "formal": set(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("folder", STALE)
def test_what_a_chapter_reads_decides(book: Path, folder: str, change: str) -> None:
    stale = STALE[folder]
    if (folder, change) == ("results", "add"):
        stale = set()  # the chapter reads one file of the folder
    chapters = sorted((book / "notebooks").glob("*.md"))
    before = {c.stem: state.chapter_state(c) for c in chapters}
    site = state.site_state(book)
    CHANGES[change](book / folder / "file.txt")
    after = {c.stem: state.chapter_state(c) for c in chapters}
    assert {name for name in before if before[name] != after[name]} == stale
    assert state.site_state(book) != site


def test_by_products_make_nothing_stale(book: Path) -> None:
    before = state.site_state(book)
    (book / "src" / "__pycache__").mkdir()
    (book / "src" / "__pycache__" / "a.pyc").write_text("compiled")
    (book / "formal" / "Arcs.vo").write_text("compiled")
    (book / "formal" / ".lia.cache").write_text("cache")
    assert state.site_state(book) == before


def test_stale_outputs_are_forgotten(book: Path) -> None:
    cache = get_cache(book / "cache")
    for chapter in (book / "notebooks").glob("*.md"):
        notebook = jupytext.read(chapter)
        told = {"state": state.chapter_state(chapter)}
        kept = CacheBundleIn(notebook, str(chapter), data=told)
        cache.cache_notebook_bundle(kept, check_validity=False)

    def kept_now() -> set[str]:
        state.drop_stale(cache, book)
        return {Path(r.uri).stem for r in cache.list_cache_records()}

    assert kept_now() == {"counts", "reads", "computes"}
    edit(book / "tests" / "file.txt")
    assert kept_now() == {"reads", "computes"}
    (book / "notebooks" / "reads.md").unlink()
    assert kept_now() == {"computes"}


def test_chapters_name_what_they_read_in_the_way_that_is_looked_for() -> None:
    named = {c.stem: state.reads(c) for c in (ROOT / "notebooks").glob("*.md")}
    assert "tests" in named["how-this-is-tested"]
    assert "results" in named["how-this-is-tested"]
    assert "results/claims.json" in named["claims"]
    assert "formal" in named["proof-map"]
    for chapter in (ROOT / "notebooks").glob("*.md"):
        for cell in jupytext.read(chapter).cells:
            if cell.cell_type == "code":
                for other in ("Path()", "Path.cwd(", "__file__", "open("):
                    assert other not in cell.source, f"{chapter.stem}: {other}"


@pytest.mark.parametrize("change", [None, "edit", "delete", "add"])
def test_a_site_is_built_when_something_changed_and_only_then(
    book: Path, monkeypatch: pytest.MonkeyPatch, change: str | None
) -> None:
    built = []

    def build(command: list[str], **options: object) -> subprocess.CompletedProcess:
        built.append(command)
        make_book.SITE.mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(make_book, "ROOT", book)
    monkeypatch.setattr(make_book, "SITE", book / "_build" / "html")
    monkeypatch.setattr(make_book, "BUILT", book / "_build" / "html" / ".built")
    monkeypatch.setattr(make_book, "execute_missing", lambda: 0)
    monkeypatch.setattr(make_book, "print_book", lambda: 0)
    monkeypatch.setattr(make_book.subprocess, "run", build)
    assert make_book.main() == 0
    assert len(built) == 1
    if change:
        CHANGES[change](book / "results" / "file.txt")
    assert make_book.main() == 0
    assert len(built) == (2 if change else 1)


# ---- nothing of the user's own, no place that is wrong -------------------------------


def outputs(code: str, folder: Path) -> list[str]:
    text = f"```{{code-cell}} ipython3\n{code}\n```\n"
    notebook: nbformat.NotebookNode = jupytext.reads(text, fmt="md:myst")
    execute_chapters.execute(notebook, folder)
    found = notebook.cells[0].outputs
    return [o.get("text") or o["data"]["text/plain"] for o in found]


def profile(home: Path, patch: pytest.MonkeyPatch) -> None:
    settings = home / "ipython" / "profile_default" / "ipython_kernel_config.py"
    settings.parent.mkdir(parents=True)
    settings.write_text("c.InteractiveShell.ast_node_interactivity = 'all'\n")
    patch.setenv("IPYTHONDIR", str(home / "ipython"))


def startup(home: Path, patch: pytest.MonkeyPatch) -> None:
    (home / "startup.py").write_text("import os\nos.environ['HERE'] = 'startup'\n")
    patch.setenv("PYTHONSTARTUP", str(home / "startup.py"))


def matplotlibrc(home: Path, patch: pytest.MonkeyPatch) -> None:
    (home / "matplotlibrc").write_text("font.size: 77\n")
    patch.setenv("MATPLOTLIBRC", str(home))


def optimize(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("PYTHONOPTIMIZE", "1")


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("plant", "code", "expected"),
    [
        (profile, "1\n2", "2"),
        (startup, "import os\nos.environ.get('HERE', 'unset')", "'unset'"),
        (matplotlibrc, "import matplotlib\nmatplotlib.rcParams['font.size']", "10.0"),
        (optimize, "__debug__", "True"),
    ],
)
def test_settings_of_the_user_change_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant, code: str, expected: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    plant(home, monkeypatch)
    assert outputs(code, tmp_path) == [expected]


@pytest.mark.notebook
def test_a_long_temporary_folder_has_room_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert outputs("40 + 2", tmp_path) == ["42"]


def test_two_builds_at_once_are_one_too_many(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copytree(ROOT / "book" / "_ext", tmp_path / "book" / "_ext")
    for tool in ("execute_chapters.py", "make_book.py"):
        command = [sys.executable, str(tmp_path / "tools" / tool)]
        with execute_chapters.alone(tmp_path):
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert f"another build of {tmp_path} is under way" in done.stderr
        assert "Traceback" not in done.stderr
