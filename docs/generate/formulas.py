"""Formulas as MathML, made while the site is built: the browser needs no script and fetches nothing.

They are written as GitHub reads them, too: blocks with the language ``math``, and $`…`$ within a line.
"""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_BLOCK = re.compile(r"^```math\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"\$`([^`]+)`\$")
_TAG = re.compile(r"\\tag\{([^}]*)\}")


class FormulaError(ValueError):
    """A formula cannot be shown whole; the message quotes it."""


class Formulas:
    """Takes the formulas out of a page's Markdown, and puts them into its HTML."""

    def __init__(self) -> None:
        self._made: list[str] = []

    def take_out(self, markdown: str) -> str:
        """The Markdown with a word in the place of each formula."""
        markdown = _BLOCK.sub(lambda match: self._keep(self._block(match[1])), markdown)
        return _INLINE.sub(lambda match: self._keep(convert(match[1])), markdown)

    def put_in(self, html: str) -> str:
        """The HTML with the formulas in the places of those words."""
        return re.sub(r"FORMULA(\d+)END", lambda match: self._made[int(match[1])], html)

    def _keep(self, mathml: str) -> str:
        self._made.append(mathml)
        return f"FORMULA{len(self._made) - 1}END"

    @staticmethod
    def _block(latex: str) -> str:
        number = _TAG.search(latex)
        formula = convert(_TAG.sub("", latex).strip(), display="block")
        rows = latex.count(r"\\") + latex.count(r"\begin{")
        if formula.count("<mtr") != rows:
            raise FormulaError(
                f"of {rows} rows {formula.count('<mtr')} are shown; fill empty cells with \\; in: {latex}"
            )
        label = f'<span class="number">({number[1]})</span>' if number else ""
        return f'<span class="formula">{formula}{label}</span>'
