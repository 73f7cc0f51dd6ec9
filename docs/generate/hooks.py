"""What MkDocs calls while it builds: files of the repository as pages, formulas, results."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # MkDocs loads a hook by its path, from wherever it was started
    sys.path.insert(0, str(ROOT))

from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402

from docs.generate import places, results  # noqa: E402
from docs.generate.code_lines import line_of  # noqa: E402
from docs.generate.formulas import Formulas  # noqa: E402

_formulas: dict[str, Formulas] = {}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each file beside ``docs/`` that a page links to, and for what those link to in turn."""
    for name, svg in results.pictures(ROOT).items():
        files.append(File.generated(config, f"images/{name}", content=svg))
    waiting: set[str] = set()
    for file in files.documentation_pages():
        page = places.repository_path(file.src_uri)
        waiting |= places.linked(page, _with_results(page, file.content_string))
    done: set[str] = set()
    while waiting - done:
        path = (waiting - done).pop()
        done.add(path)
        uri = places.site_path(path)
        if (ROOT / path).suffix in places.COPIED:
            files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
            continue
        text = places.shown(path)
        files.append(File.generated(config, uri, content=text))
        waiting |= places.linked(path, text)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Put the results in, take the formulas out, and turn links to files into links to their pages."""
    path = places.repository_path(page.file.src_uri)
    formulas = _formulas.setdefault(page.file.src_uri, Formulas())
    text = formulas.take_out(_with_results(path, markdown))
    return places.in_site(path, text, lambda file, symbol: line_of(ROOT / file, symbol))


def on_page_content(html: str, *, page: Page, **_: object) -> str:
    """Put the formulas in."""
    return _formulas.pop(page.file.src_uri, Formulas()).put_in(html)


def _with_results(path: str, markdown: str) -> str:
    return results.filled(markdown, ROOT) if path == results.PAGE else markdown
