#!/usr/bin/env python3
"""Print the built site as one PDF, and let its first page offer it.

    python tools/make_pdf.py

Puts the articles of all pages, in the order of the contents, on one page and lets the
Chromium of the tests print it; links lead within the file.  What is folded on the pages
stays out, answers to exercises excepted.  Without Chromium or playwright there is no
such file: the first page goes on saying so, and nothing fails.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
JOIN = Path(__file__).with_name("join_pages.js")
PDF = "_downloads/marginflow.pdf"
FIRST = "book/index.html"
# What the first page says, and what takes its place beside the file.
MISSING = re.compile(r'<span class="no-pdf">.*?</span>', re.S)
OFFER = f'<a href="../{PDF}" download>as one PDF</a> (%.0f MB, without folded code)'

START = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">
<link rel="icon" href="data:,"><title>marginflow</title>
<body class="whole-book"></body></html>"""
NUMBER = """<div style="font-size: 8px; width: 100%; text-align: center">
<span class="pageNumber"></span></div>"""

PAPER = {
    "format": "A4", "scale": 0.8, "print_background": True,
    "margin": {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
    "outline": True, "tagged": True, "display_header_footer": True,
    "header_template": "<span></span>", "footer_template": NUMBER,
}  # fmt: skip


def in_order(toc: dict) -> list[str]:
    """The pages in the order of the contents, as _toc.yml has them."""
    found = [toc["root"]]
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            found.append(chapter["file"])
            found += [section["file"] for section in chapter.get("sections", ())]
    return [f"{name}.html" for name in found]


def print_pages(site: Path, pages: list[str], base: str) -> list[str]:
    """Writes the PDF among the site's downloads; returns its links to nowhere.

    Args:
        base: the book's address, for links to files that are no page.

    Raises:
        LookupError: there is no Chromium here, or it does not start.
    """
    from browsers import launched, served
    from playwright.sync_api import Error

    target = site / PDF
    unfinished = target.with_suffix(".part")
    try:
        with served(site, strict=False) as address, launched() as browser:
            page = browser.new_page()
            start = f"{address}/"
            page.route(start, lambda r: r.fulfill(body=START, content_type="text/html"))
            page.goto(start)
            lost = page.evaluate(JOIN.read_text(encoding="utf-8"), [pages, base])
            page.pdf(path=unfinished, **PAPER)
    except Error as trouble:
        if "BrowserType.launch" not in trouble.message:
            raise
        raise LookupError(f"Chromium says: {trouble.message}") from trouble
    os.replace(unfinished, target)
    return lost


def offer(site: Path) -> None:
    """Lets the first page link the file instead of saying that there is none."""
    first = site / FIRST
    size = (site / PDF).stat().st_size / 1e6
    text = MISSING.sub(OFFER % size, first.read_text(encoding="utf-8"))
    unfinished = first.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, first)


def print_book() -> int:
    """Returns 0, without a Chromium too; 1 where a link in the file leads nowhere."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    sys.path.append(str(ROOT / "tests"))
    (SITE / PDF).unlink(missing_ok=True)  # an earlier build's
    try:
        base = config["sphinx"]["config"]["html_baseurl"]
        lost = print_pages(SITE, in_order(toc), base)
    except (ImportError, LookupError) as missing:
        print(f"No PDF of the book: {missing}")
        return 0
    offer(SITE)
    for link in lost:
        print(f"PDF of the book: the link to {link} leads nowhere", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(print_book())
