"""Every command of the pages has a class, and is one that its program understands."""

from __future__ import annotations

import pytest

from .classes import Parsed, Run, rule_for
from .collecting import Command, collect, commands_of, pages
from .parsing import WrongCommand, check
from .scenarios import PAGES, class_of
from .shell import is_form, simple_commands

WHAT_TO_DO = (
    "nothing says what becomes of it: give its page in tests/documented/scenarios.py a line that runs it, "
    "or RULES in tests/documented/classes.py a reason why it is only parsed"
)


@pytest.mark.parametrize("page", pages())
def test_every_command_has_a_class(page):
    unknown = [f"{command}\n  {WHAT_TO_DO}" for command in commands_of(page) if class_of(command) is None]
    assert not unknown, "\n" + "\n".join(unknown)


@pytest.mark.parametrize("page", pages())
def test_every_command_is_understood_by_its_program(page):
    wrong = []
    for command in commands_of(page):
        try:
            check(command)
        except WrongCommand as error:
            wrong.append(f"{command}\n  {error}")
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_a_page_names_nothing_else(page):
    texts = {command.text for command in commands_of(page)}
    gone = [text for text in PAGES[page] if text not in texts]
    assert not gone, f"tests/documented/scenarios.py: {page} has these commands no more: {gone}"


@pytest.mark.parametrize("page", PAGES)
def test_what_is_run_small_is_still_understood(page):
    for documented, how in PAGES[page].items():
        if isinstance(how, Run):
            text = how.text(documented)
            if not text.startswith("python -m tests."):
                check(Command(page, 0, text))


def test_what_both_a_page_and_a_rule_speak_of_is_stated_once():
    twice = [
        str(command)
        for page in PAGES
        for command in commands_of(page)
        if isinstance(PAGES[page].get(command.text), Parsed) and rule_for(command) is not None
    ]
    assert not twice, f"RULES parses these already: {twice}"


PAGE = """
# A page

Type `farl bags ls demos` or, over two
lines, `farl
tasks --json t.json`; `farl` alone is a name, and `kill -9` is not ours.

```bash
farl tasks            # what there is
farl finetune DiscTable \\
    --episodes 2
cd ros2_ws && colcon build
```

```
what is printed
```

```
$ farl bags check demos
1 findings in 5 bags
$ farl bags ls demos
```

```
a ──▶ b
```

| in a table |
|---|
| `farl demos TASK --kind task\\|failure` |
"""


def test_commands_are_found_with_their_lines_and_outputs():
    found = list(collect("p.md", PAGE))
    assert [(c.line, c.text, c.shown, c.inline) for c in found] == [
        (4, "farl bags ls demos", (), True),
        (4, "farl tasks --json t.json", (), True),
        (9, "farl tasks", (), False),
        (10, "farl finetune DiscTable --episodes 2", (), False),
        (12, "cd ros2_ws && colcon build", (), False),
        (20, "farl bags check demos", ("1 findings in 5 bags",), False),
        (22, "farl bags ls demos", (), False),
        (31, "farl demos TASK --kind task|failure", (), True),
    ]
    assert [c.shown_of_block for c in found if c.block == 9] == [(), (), ("what is printed",)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("farl finetun DiscTable", "no subcommand 'finetun'"),
        ("farl finetune DiscTable --episode 5", "No such option"),
        ("farl finetune DiscTable --episodes five", "valid integer"),
        ("farl finetune DiscTable && farl bags lst demos", "no subcommand 'lst'"),
        ("farl demos DiscTable --out demos", "--kind is missing"),
        ("farl record DiscTable --kind tusk", "tusk"),
        ("farl tasks DiscTable", "too many arguments"),
        ("make finetun", "finetun"),
        ("make demos ARGS= TASK='DiscTable --seeds 3'", "No such option"),
        ("ros2 launch farl_ros finetunes.launch.py", "no launch file"),
        ("ros2 launch farl_ros finetune.launch.py taks:=DiscTable", "no argument 'taks'"),
        ("ros2 launch farl_ros finetune.launch.py episodes:=many", "expected a value of type int"),
        ("ros2 launch farl_ros finetune.launch.py task:=DiscTable sim:=false", "without host"),
        ("ros2 service call /scenery/ready std_srvs/srv/Trigger", "there is no node 'scenery'"),
        ("python -m benchmarks.hot_paths", "no module"),
        ("python -m benchmarks.pixels --episode five", "refuses"),
        ("pip install -r requirements/nothing.txt", "is not in the repository"),
        ("for kind in task tusk; do farl demos DiscTable --kind $kind --out x; done", "tusk"),
        ("fral tasks", "no program of ours"),
    ],
)
def test_a_wrong_command_is_refused(text, says):
    with pytest.raises(WrongCommand, match=says):
        check(Command("p.md", 1, text))


def test_nothing_is_run_that_reads_its_arguments_by_itself(monkeypatch):
    monkeypatch.setattr("docs.generate.report_pictures.picture", lambda *_: pytest.fail("it was run"))
    check(Command("p.md", 1, "python -m docs.generate.report_pictures runs"))


def test_a_form_is_filled_in_every_way():
    text = "farl demos TASK --kind task|recovery --out …"
    assert is_form(text) and not is_form('farl rearm --note "WHO looked"')
    assert [words[3:5] for words in simple_commands(text)] == [["--kind", "task"], ["--kind", "recovery"]]


def test_a_new_command_must_be_given_a_class():
    assert class_of(Command("README.md", 1, "farl evaluate BoundedSoccer --episodes 3")) is None
    assert class_of(Command("docs/new.md", 1, "farl tasks")) == Parsed("run in README.md")
    assert isinstance(class_of(Command("docs/new.md", 1, "farl ready")), Parsed)


def test_a_reduction_must_fit_and_say_why():
    with pytest.raises(ValueError, match="is not in it"):
        Run(instead={"--steps 9": "--steps 1"}, why="long").text("farl finetune DiscTable")
    with pytest.raises(ValueError, match="needs a reason"):
        Run(also="--steps 1").text("farl finetune DiscTable")
