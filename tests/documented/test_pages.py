"""The commands of each page, run from top to bottom as somebody would who reads it: ``make test-docs``."""

from __future__ import annotations

from collections import defaultdict

import pytest

from .classes import Run
from .collecting import commands_of
from .running import execute, not_shown, prepare
from .scenarios import PAGES, class_of

RUN = [page for page, table in PAGES.items() if any(isinstance(how, Run) for how in table.values())]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", RUN)
def test_page(page, tmp_path):
    prepare(tmp_path)
    done, outputs = set(), defaultdict(str)
    for command in commands_of(page):
        how = class_of(command)
        if not isinstance(how, Run) or command.text in done:
            continue
        done.add(command.text)
        print(f"\n{command}")
        outcome = execute(command, how, tmp_path)
        print(outcome.output)
        assert outcome.code == how.exit_code, f"{command}: exit code {outcome.code}\n{outcome.output}"
        outputs[command.block] += outcome.output
        missing = not_shown(command.shown, outcome.output)
        missing += not_shown(command.shown_of_block, outputs[command.block])
        assert not missing, f"{command}: the page shows {missing}, and this came:\n{outcome.output}"
