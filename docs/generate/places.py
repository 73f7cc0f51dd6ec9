"""Where a file of the repository stands in the site, and what its page shows.

Pages link to files beside ``docs/`` by relative paths, which work on GitHub and in an editor. In the site
such a file is a page of its own under ``repository/``: Markdown is rendered, code is shown with line numbers,
the rest is copied.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs"
REPOSITORY = "repository"
COPIED = {".html", ".csv", ".png", ".jpg", ".svg", ".json"}
LANGUAGES = {
    ".py": "python",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".sh": "bash",
    ".toml": "toml",
    ".xml": "xml",
    ".j2": "jinja",
}
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<target>[^()\s]+)(?P<title> \"[^\"]*\")?\)")
_SYMBOL = re.compile(r"^\[`(?P<file>[^`\s]+\.py)` `(?P<symbol>[\w.]+)`\]$")


class PlaceError(ValueError):
    """A link leads nowhere; the message names the page and the target."""


def repository_path(source: str) -> str:
    """The path in the repository of a page, given its path below the site's source folder."""
    if source.startswith(f"{REPOSITORY}/"):
        return source.removeprefix(f"{REPOSITORY}/").removesuffix(".shown.md")
    return f"{DOCS}/{source}"


def site_path(path: str) -> str:
    """The path below the site's source folder of a file, or folder, of the repository."""
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    if Path(path).suffix == ".md" or Path(path).suffix in COPIED:
        return f"{REPOSITORY}/{path}"
    return f"{REPOSITORY}/{path}.shown.md"


def with_links(markdown: str, change: Callable[[str, str], str]) -> str:
    """The text with every link's target changed, outside of code blocks.

    Args:
        markdown: A page.
        change: Called with the link's text, brackets included, and its target; gives the new target.
    """
    lines, fence = [], ""
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and fence and line.strip() == fence:
            fence = ""
        elif not fence:
            line = _LINK.sub(
                lambda m: f"{m['text']}({change(m['text'], m['target'])}{m['title'] or ''})", line
            )
        lines.append(line)
    return "\n".join(lines)


def resolved(page: str, target: str, root: Path = ROOT) -> str | None:
    """The path in the repository that a link of a page leads to; None if it leads out, or within the page.

    Args:
        page: The page's path in the repository.
        target: As it stands in the page, perhaps with an anchor.
        root: Of the repository.

    Raises:
        PlaceError: There is no such file.
    """
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("#")[0]))
    if path.startswith(f"{DOCS}/"):
        return path  # MkDocs checks these itself, and some are made while the site is built
    if path.startswith("..") or not (root / path).exists():
        raise PlaceError(f"{page}: the link {target!r} leads to {path}, which is not there; correct the link")
    return path


def linked(page: str, markdown: str, root: Path = ROOT) -> set[str]:
    """The files and folders beside ``docs/`` that a page links to."""
    found = set()

    def note(text: str, target: str) -> str:
        path = resolved(page, target, root)
        if path is not None and not path.startswith(f"{DOCS}/"):
            found.add(path)
        return target

    with_links(markdown, note)
    return found


def shown(path: str, root: Path = ROOT) -> str:
    """The Markdown of the page that stands for a file, or a folder, of the repository."""
    here = root / path
    head = "---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n\n"
    if here.is_dir():
        below = sorted(entry for entry in here.iterdir() if entry.is_file() and entry.name != "__init__.py")
        entries = "\n".join(f"- [`{entry.name}`]({here.name}/{entry.name})" for entry in below)
        return f"{head}# `{path}/`\n\n{entries}\n"
    text = here.read_text(encoding="utf-8")
    if here.suffix == ".md":
        return head + text
    language = LANGUAGES.get(here.suffix, "dockerfile" if here.name == "Dockerfile" else "text")
    return f'{head}# `{path}`\n\n``````{language} linenums="1"\n{text.rstrip()}\n``````\n'


def in_site(page: str, markdown: str, line_of: Callable[[str, str], int], root: Path = ROOT) -> str:
    """A page's Markdown with its links as they must be in the site.

    Args:
        page: The page's path in the repository.
        markdown: Its text.
        line_of: Line of a symbol in a file; asked for links whose text is a file and a symbol, as code.
        root: Of the repository.
    """
    here = posixpath.dirname(site_path(page))

    def change(text: str, target: str) -> str:
        path = resolved(page, target, root)
        if path is None:
            return target
        anchor = "#" + target.partition("#")[2] if "#" in target else ""
        symbol = _SYMBOL.match(text)
        if symbol:
            anchor = f"#__span-0-{line_of(symbol['file'], symbol['symbol'])}"
        return posixpath.relpath(site_path(path), here) + anchor

    return with_links(markdown, change)


def symbols(markdown: str) -> list[tuple[str, str]]:
    """The files and symbols, such as ``farl/shield.py`` and ``Shield.check``, that a page's links name."""
    found = []

    def note(text: str, target: str) -> str:
        symbol = _SYMBOL.match(text)
        if symbol:
            found.append((symbol["file"], symbol["symbol"]))
        return target

    with_links(markdown, note)
    return found
