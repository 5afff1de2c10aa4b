"""A Chromium and a strict little web server, for tests of the book's own scripts."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

PATIENCE = 240_000
"""Milliseconds: on a busy machine a page may take minutes, and is none the worse."""

# Nothing inline, nothing foreign, no eval. WebAssembly is what Python needs to run.
STRICT = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'"
)


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless, patient Chromium.

    Raises:
        LookupError: there is none.
    """
    named = os.environ.get("CHROMIUM")
    executable = named or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        raise LookupError(
            "no Chromium or Chrome found; install one, or name it in CHROMIUM"
        )
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        browser.new_page = _patient(browser.new_page)
        browser.new_context = _patient(browser.new_context)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


def _patient(make: Callable[..., Any]) -> Callable[..., Any]:
    """What makes pages or contexts, with waits that a busy machine does not break."""

    def made(**options: Any) -> Any:
        new = make(**options)
        new.set_default_timeout(PATIENCE)
        return new

    return made


@contextmanager
def chromium() -> Iterator[Browser]:
    """The same, for tests: skipped where there is none, but not in CI."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(launched())
        except LookupError as missing:
            if os.environ.get("CI"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        yield browser


class _Handler(http.server.SimpleHTTPRequestHandler):
    policy: str | None = STRICT

    def end_headers(self) -> None:
        if self.policy:
            self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address) -> None:
        pass  # the browser left before the end of a file


class _Open(_Handler):
    policy = None


@contextmanager
def served(folder: Path, *, strict: bool = True) -> Iterator[str]:
    """The address of ``folder``, served under a strict Content-Security-Policy or none.

    The theme's own pages start with inline scripts, so the whole site needs none.
    """
    kind = _Handler if strict else _Open
    handler = functools.partial(kind, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def watched(page: Page, address: str) -> list[str]:
    """A list that fills with whatever goes wrong on ``page`` from now on."""
    found: list[str] = []
    page.on("pageerror", lambda e: found.append(f"script error: {e}"))
    page.on(
        "console",
        lambda m: m.type in ("error", "warning") and found.append(f"console: {m.text}"),
    )
    page.on(
        "request",
        lambda r: (
            r.url.startswith((address, "data:"))
            or found.append(f"external request: {r.url}")
        ),
    )
    return found
