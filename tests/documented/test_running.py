"""How commands are typed, and what of their output is compared."""

import pytest

from .classes import CTRL_C, Key, Run
from .collecting import Command
from .running import execute, not_shown


def test_output_is_compared_but_for_numbers_hashes_blanks_and_what_is_left_out():
    came = "bag  1  whole 3bc8defa\n12 bags: 10 whole, 2 partial\nplot in b.html"
    assert not_shown(("bag 0 whole 1c06c0f3", "5 bags: … partial", "plot in …"), came) == []
    assert not_shown(("5 bags: 5 bad", "plot in a.html"), came) == ["5 bags: 5 bad", "plot in a.html"]


def test_a_command_runs_after_what_its_page_takes_for_granted(tmp_path):
    command = Command("p.md", 1, "cat page; exit 3")
    outcome = execute(
        command, Run(instead={"page": "small"}, why="for a test", before="echo a > small"), tmp_path
    )
    assert (outcome.code, outcome.output) == (3, "a\n")


def test_keys_are_pressed_when_what_they_wait_for_is_shown(tmp_path):
    text = "trap 'echo; echo interrupted; exit 5' INT; echo ready; read word; echo got $word; sleep 60"
    keys = (Key("ready", "yes\n"), Key("got yes", CTRL_C))
    outcome = execute(Command("p.md", 1, text), Run(keys=keys), tmp_path)
    assert outcome.code == 5 and "interrupted" in outcome.output


def test_a_key_that_never_comes_due_says_what_was_seen(tmp_path):
    with pytest.raises(AssertionError, match=r"never showed 'ready':(?s:.)*something else"):
        execute(Command("p.md", 1, "echo something else"), Run(keys=(Key("ready", "y"),)), tmp_path)
