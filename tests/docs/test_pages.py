"""What the pages say of the code is there: files and symbols; and every result has its place."""

import re

import pytest

pytest.importorskip("mkdocs", reason="needs requirements/docs.txt")

from docs.generate import places, results
from docs.generate.code_lines import SymbolError, line_of
from docs.generate.formulas import FormulaError, Formulas
from docs.generate.places import ROOT
from farl_ros.graph import finetune_graph

PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT / "docs").as_posix())
def test_files_and_symbols_that_a_page_names_are_there(page):
    for file, symbol in places.symbols(page.read_text(encoding="utf-8")):
        assert line_of(ROOT / file, symbol) > 0


def test_how_it_works_names_a_file_for_every_equation():
    text = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    assert len(places.symbols(text)) > 30
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13):
        assert re.search(rf"\\tag\{{{number}\}}|\({number}\)", text), f"Eq. {number}"


def test_a_formula_is_taken_out_and_put_in_whole():
    formulas = Formulas()
    text = formulas.take_out("a $`x_1`$ b\n\n```math\ny^2 \\tag{7}\n```\n")
    assert "x_1" not in text and "math" not in text
    html = formulas.put_in(text)
    assert "<msub><mi>x</mi><mn>1</mn></msub>" in html
    assert "<msup><mi>y</mi><mn>2</mn></msup>" in html
    assert "(7)" in html


def test_a_row_of_a_formula_that_would_not_be_shown_is_an_error():
    with pytest.raises(FormulaError, match="of 2 rows 1 are shown"):
        Formulas().take_out("```math\n\\begin{array}{ll} a & b \\\\ c & \\end{array}\n```")


def test_a_symbol_that_is_not_there_is_an_error():
    with pytest.raises(SymbolError, match=r"does not define Shield\.chekc"):
        line_of(ROOT / "farl/shield.py", "Shield.chekc")


def test_the_line_of_a_method_is_that_of_its_definition():
    line = line_of(ROOT / "farl/shield.py", "Shield.check_batch")
    text = (ROOT / "farl/shield.py").read_text(encoding="utf-8").split("\n")
    assert text[line - 1].strip().startswith("def check_batch(")


TEXTS = [*PAGES, *sorted(ROOT.glob("*.md"))]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files_as_github_follows_them(text):
    def check(label, target):
        if not re.match(r"[a-z]+:|#", target):
            assert (text.parent / target.partition("#")[0]).exists(), target
        return target

    places.with_links(text.read_text(encoding="utf-8"), check)


def test_links_in_code_blocks_are_left_alone():
    text = "```\n[a](b.md)\n```\n[c](d.md)"
    assert places.with_links(text, lambda _, target: f"x/{target}") == "```\n[a](b.md)\n```\n[c](x/d.md)"


def test_a_link_beside_the_documentation_becomes_a_page_of_the_site():
    changed = places.in_site(
        "docs/reference/nodes.md", "[`f`](../../farl/risk.py) [g](../bags.md#look)", line_of
    )
    assert changed == "[`f`](../repository/farl/risk.py.shown.md) [g](../bags.md#look)"


def test_a_link_to_nothing_is_an_error():
    with pytest.raises(places.PlaceError, match=r"farl/no\.py, which is not there"):
        places.linked("docs/index.md", "[x](../farl/no.py)")


def test_every_result_is_on_the_results_page_with_its_command():
    text = results.filled(results.MARK, ROOT)
    for path in (ROOT / results.FOLDER).glob("*.csv"):
        assert f"../{results.FOLDER}/{path.name}" in text
    assert text.count("python -m benchmarks.") == len(results.tables(ROOT))


def test_a_summary_is_the_mean_and_spread_over_the_seeds():
    rows = [
        {
            "task": "T",
            "preset": "paper",
            "failures_per_1e6_steps": failures,
            "success_rate": "0.5",
            "recovery_share": "0.1",
            "final_return": "10",
            "expert_return": "20",
        }
        for failures in ("10", "20", "30")
    ]
    _, body = results.failurebench(rows)
    assert body == [["T", "paper", "3", "20\u00a0±\u00a010", "50.0 %", "10.0 %", "10\u00a0±\u00a00", "20"]]


def test_the_jobs_that_the_reference_shows_are_those_of_the_graph():
    page = (ROOT / "docs/reference/jobs.md").read_text(encoding="utf-8")
    for node in finetune_graph("BoundedPush", episodes=1):
        assert f"[{node.name}](nodes.md#{node.executable})" in page
