"""What the book is made from, in one number: when it differs, something is stale.

Neither jupyter-cache nor make sees all that a chapter reads.  The first knows a chapter
by its own code alone, the second compares times, which a deleted file and one restored
with its old time both escape.  So contents decide: a chapter is executed again when the
package, the pins, or a file or folder that its code names has changed, and the site is
built again when anything has that goes into a page.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import gettempdir

# A chapter names what it reads by its way from the folder of chapters.
NAMED = re.compile(r"""["']\.\./([\w./-]+)["']""")
EVERY_CHAPTER = ("src", "constraints.txt")
SITE = (
    *EVERY_CHAPTER, "_config.yml", "_toc.yml", "CITATION.cff", "package-lock.json",
    "pyproject.toml", "book", "notebooks", "results", "formal", "tools",
)  # fmt: skip
BY_PRODUCTS = {".pyc", ".vo", ".vok", ".vos", ".glob", ".aux", ".cache"}

# A socket's path must fit into 107 bytes, and a kernel adds some 30 of its own.
LONGEST_FOLDER = 70


def files(root: Path, names: Iterable[str]) -> list[Path]:
    """The files that are, or are below, what is named; without a tool's by-products."""
    found = set()
    for name in names:
        place = root / name
        below = place.rglob("*") if place.is_dir() else [place]
        found.update(p for p in below if p.is_file() and not _left_out(p, root))
    return sorted(found)


def _left_out(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts
    hidden = any(part.startswith((".", "__pycache__")) for part in parts)
    return hidden or path.suffix in BY_PRODUCTS


def digest(root: Path, names: Iterable[str]) -> str:
    """A number for names and contents of files, which any edit of them changes."""
    total = hashlib.sha256()
    for path in files(root, names):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return total.hexdigest()[:16]


def reads(chapter: Path) -> list[str]:
    """What a chapter's outputs hang on besides its code, as ways from the root."""
    named = NAMED.findall(chapter.read_text(encoding="utf-8"))
    return [*EVERY_CHAPTER, *sorted(set(named))]


def chapter_state(chapter: Path) -> str:
    return digest(chapter.parent.parent, reads(chapter))


def site_state(root: Path) -> str:
    """Of everything that goes into a page, what chapters read included."""
    read = {name for page in (root / "notebooks").glob("*.md") for name in reads(page)}
    return digest(root, {*SITE, *read})


def execution_cache(root: Path) -> Path:
    return root / "_build" / ".jupyter_cache"


def drop_stale(cache, root: Path) -> None:
    """Forget outputs that were made in another state than the present one."""
    for record in cache.list_cache_records():
        chapter = root / "notebooks" / Path(record.uri).name
        if not chapter.is_file() or record.data.get("state") != chapter_state(chapter):
            cache.remove_cache(record.pk)


def kernel_environment(empty: Path) -> dict[str, str]:
    """The environment of a chapter's kernel: nothing of the user's own changes outputs.

    Without PYTHONOPTIMIZE, which would switch every assertion off, with defaults in
    place of the user's settings of IPython, matplotlib and interactive Python, and
    without what torch's compiler kept of others: a library of theirs that was cut short
    ends the kernel with a bus error.

    Args:
        empty: a folder in which IPython finds no profile, and torch nothing compiled.
    """
    import matplotlib

    kept = {k: v for k, v in os.environ.items() if k not in DROPPED}
    settings = Path(matplotlib.get_data_path()) / "matplotlibrc"
    return kept | {
        "IPYTHONDIR": str(empty),
        "MATPLOTLIBRC": str(settings),
        "TORCHINDUCTOR_CACHE_DIR": str(empty / "torch"),
    }


DROPPED = {"PYTHONOPTIMIZE", "PYTHONSTARTUP"}


def socket_folder() -> str | None:
    """Where sockets can be: None is the usual place, unless its path is too long."""
    return None if len(os.fsencode(gettempdir())) <= LONGEST_FOLDER else "/tmp"
