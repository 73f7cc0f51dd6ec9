"""A report as one HTML file that needs nothing else, no network and no scripts: its parts, and the page."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


@dataclass(frozen=True)
class Card:
    """A headline figure; ``tone`` is a class of the style sheet."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Plot:
    """A picture in the page, as a data URI, and what it says to those who cannot see it."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Grid:
    """Rows under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading with plots, or with a grid."""

    title: str
    text: str
    plots: tuple[Plot, ...] = ()
    grid: Grid | None = None


@dataclass(frozen=True)
class Table:
    """Names and values."""

    title: str
    rows: tuple[tuple[str, str], ...]


def render(
    *,
    title: str,
    subtitle: str,
    notes: Sequence[str],
    cards: Sequence[Card],
    sections: Sequence[Section],
    command: str,
    tables: Sequence[Table],
    spec: str,
) -> str:
    """The page as HTML.

    Args:
        title: What it is about.
        subtitle: Where it comes from.
        notes: Warnings, above everything else.
        cards: Headline figures.
        sections: Plots.
        command: How to make it again.
        tables: Names and values, at the end.
        spec: The resolved task.
    """
    template = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    ).get_template("report.html.j2")
    return template.render(
        title=title,
        subtitle=subtitle,
        notes=notes,
        cards=cards,
        sections=sections,
        command=command.strip(),
        tables=tables,
        spec=spec,
    )


def picture(svg: str, alt: str) -> Plot:
    """An SVG text as part of a page."""
    return Plot(f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}", alt)


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested names and values as rows of a table."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
