"""The site as it is built: strictly, whole, and with nothing that a browser would fetch from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
mkdocs = pytest.importorskip("mkdocs", reason="needs requirements/docs.txt")

FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
    "image": "href",
}
"""Attributes of elements that make a browser fetch something by itself."""
NOT_FETCHED = {"canonical", "prev", "next", "edit", "alternate"}
"""Relations of ``link`` elements that only name a page."""


class Links(HTMLParser):
    """What one page fetches, where it leads, what can be led to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.led_to: list[str] = []
        self.anchors: set[str] = set()
        self.classes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.classes |= set((given.get("class") or "").split())
        if tag == "a" and given.get("href"):
            self.led_to.append(given["href"])
        if FETCHED.get(tag) in given and given.get("rel") not in NOT_FETCHED:
            self.fetched.append(given[FETCHED[tag]])
        if "url(" in (given.get("style") or ""):
            self.fetched += re.findall(r"url\(([^)]*)\)", given["style"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site, built as `make docs` builds it: a warning is an error."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        build(load_config(str(ROOT / "mkdocs.yml"), strict=True, site_dir=str(folder)))
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Every built page by its path; the error page's links are meant from the root of a server."""
    found = {path: Links(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    return {path: page for path, page in found.items() if path.name != "404.html"}


def test_the_pages_a_newcomer_needs_are_there(site):
    for name in (
        "index",
        "first-hour",
        "on-your-panda",
        "healthy",
        "how-it-works",
        "results",
        "safety",
        "troubleshooting",
    ):
        assert (site / f"{name}.html").is_file(), name


def test_a_browser_fetches_nothing_from_elsewhere(pages):
    outside = {
        f"{path.name}: {target}"
        for path, page in pages.items()
        for target in page.fetched
        if urlsplit(target).scheme not in ("", "data") or target.startswith("//")
    }
    assert outside == set()


def test_no_style_sheet_fetches_anything_from_elsewhere(site):
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"@import[^;]*http|url\(\s*['\"]?(?:https?:)?//[^)]*", text) == [], sheet.name


def test_the_theme_is_given_no_reason_to_fetch(pages):
    # Its script fetches mermaid for diagrams, and a repository's stars for a link to one.
    assert not {"mermaid", "md-source"} & {name for page in pages.values() for name in page.classes}


def test_every_link_leads_to_a_page_and_an_anchor_that_are_there(site, pages):
    broken = set()
    for path, page in pages.items():
        for link in page.led_to:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                broken.add(f"{path.relative_to(site)}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.add(f"{path.relative_to(site)}: {link}: no such anchor")
    assert broken == set()


def test_formulas_are_mathml(site):
    text = (site / "how-it-works.html").read_text(encoding="utf-8")
    assert text.count("<math") > 20
    assert "FORMULA" not in text
    assert "\\gamma" not in text
