"""Audits: verdicts by hand, what was decided then beside what is said now, and the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farl.calibration import NEVER, StepRisks, up_to_violation
from farl.datasets import Episode, digests
from farl.models import ModelBundle
from farl.types import EpisodeKind
from farl_ros import audit as auditing
from farl_ros.audit import Verdict, Watched, audit, read_watched, telling
from farl_ros.audit_report import notes_on, write_audit
from farl_ros.bag_episodes import write_episode, write_trajectory
from farl_ros.bag_writer import BagError
from farl_ros.paths import share_folder
from farl_ros.task_models import load_models_for
from farl_ros.task_spec import TaskSpec
from tests.farl_ros.conftest import Recorded, watched
from tests.farl_ros.test_quality import episode

STEPS, HORIZON = 30, 10


@pytest.fixture(scope="module")
def bundle(spec: TaskSpec) -> ModelBundle:
    """The shipped models: H 10, lead 4, window 10."""
    return replace(load_models_for(spec, share_folder() / "models" / "DiscTable"), threshold=0.5)


def recorded(
    seed: int,
    failure_at: int | None = None,
    kind: EpisodeKind = EpisodeKind.FAILURE,
    swapped: Sequence[int] = (),
    looked: bool = False,
) -> Watched:
    e = replace(episode(seed, failure_at, STEPS), kind=kind)
    intervened = np.isin(np.arange(STEPS), swapped)
    risk = np.where(intervened, 0.9, 0.1) if looked else np.full(STEPS, np.nan)
    return Watched(Path(f"bags/{seed}"), e, e.actions, intervened, risk.astype(np.float32), 0.4)


@pytest.fixture
def foretold(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[int]]:
    """Steps at which a risk of 0.9 is foretold, by the episode's number; 0 elsewhere."""
    risky: dict[int, list[int]] = {}

    def foretell(model: object, policy: object, episodes: Sequence[Episode], horizon: int) -> StepRisks:
        assert horizon == HORIZON
        risks, ahead, seen, index = [], [], [], []
        for i, e in enumerate(episodes):
            n = up_to_violation(e)
            step_risk = np.zeros((n, horizon + 1), np.float32)
            step_risk[[s for s in risky.get(e.episode, ()) if s < n], 0] = 0.9
            risks.append(step_risk)
            ahead.append(np.arange(n)[::-1] if e.failed else np.full(n, NEVER))
            seen.append(len(e) - 1 - np.arange(n))
            index.append(np.full(n, i))
        return StepRisks(*(np.concatenate(x) for x in (risks, ahead, seen, index)))

    monkeypatch.setattr(auditing, "foretell", foretell)
    return risky


def test_verdicts_by_hand(spec: TaskSpec, bundle: ModelBundle, foretold: dict[int, list[int]]) -> None:
    foretold.update({1: [5], 2: [17], 3: [13, 18], 4: [7, 8], 6: [2], 7: [3]})
    cases = {
        1: (recorded(1, 20), Verdict.MISSED, None),  # 15 steps before: out of the window
        2: (recorded(2, 20), Verdict.LATE, 3),
        3: (recorded(3, 20), Verdict.CAUGHT, 7),
        4: (recorded(4), Verdict.FALSE_ALARM, None),
        5: (recorded(5), Verdict.QUIET, None),
        6: (recorded(6, kind=EpisodeKind.RECOVERY), Verdict.OPEN, None),
        7: (recorded(7, kind=EpisodeKind.ONLINE, swapped=(3,), looked=True), Verdict.OPEN, None),
    }
    found = audit(spec, bundle, [w for w, _, _ in cases.values()])
    assert [(e.verdict, e.lead) for e in found.episodes] == [(v, lead) for _, v, lead in cases.values()]
    assert found.counted == 5, "neither the recovery nor the episode that somebody stepped into"
    times = found.lead_times
    assert (times.leads, times.missed, times.late) == ((3, 7), 1, 1)
    assert found.figures.caught == pytest.approx(1 / 3)
    assert found.figures.false_alarms == pytest.approx(2 / 60)  # of two clean episodes of 30 steps
    assert found.reliability is not None
    # flags 17, 13 and 18 are followed by a failure within 10 steps; 5, 7 and 8 are not
    assert found.figures.precision == pytest.approx(3 / 6)


def test_a_failure_in_spite_of_the_shield_counts(
    spec: TaskSpec, bundle: ModelBundle, foretold: dict[int, list[int]]
) -> None:
    foretold[1] = [14]
    (only,) = (result := audit(spec, bundle, [recorded(1, 20, EpisodeKind.ONLINE, (14, 15), True)])).episodes
    assert (only.verdict, only.lead, result.counted) == (Verdict.CAUGHT, 6, 1)
    assert result.reliability is None, "it did not go as it would have gone without a shield"
    assert only.changed.nonzero()[0].tolist() == [15], "then and now agree in step 14, in 15 no more"


def test_what_the_models_were_made_from_counts_in_nothing(
    spec: TaskSpec, bundle: ModelBundle, foretold: dict[int, list[int]]
) -> None:
    known, new = recorded(1, 20), recorded(2, 20)
    seen = {**bundle.card, "trained_on_failures": " ".join(digests([known.episode]))}
    result = audit(spec, replace(bundle, card=seen), [known, new])
    assert [e.trained_on for e in result.episodes] == [True, False]
    assert (result.counted, result.lead_times.missed) == (1, 1)
    assert "1 of 2 episodes are among those that the models were made from" in " ".join(notes_on(result))
    nothing = audit(spec, replace(bundle, card=seen), [known])
    assert nothing.counted == 0 and nothing.figures.caught is None
    assert "No failure counts here" in " ".join(notes_on(nothing))


def test_the_proposed_action_is_judged_not_the_one_that_replaced_it(
    spec: TaskSpec, bundle: ModelBundle, tmp_path: Path
) -> None:
    transitions, decisions = watched(Recorded(12, 5), episode=3, swapped=(4, 5))
    write_episode(tmp_path / "bag", spec, EpisodeKind.ONLINE, transitions, decisions)
    (read,), rejected = read_watched(tmp_path, spec)
    assert not rejected and read.intervened.nonzero()[0].tolist() == [4, 5]
    np.testing.assert_array_equal(read.proposed, [t.proposed.values for t in transitions])
    np.testing.assert_array_equal(read.episode.actions, [t.executed for t in transitions])
    assert read.threshold == 0.5 and read.risk[4] == np.float32(0.9)
    judged = audit(spec, bundle, [read]).episodes[0].risk
    assert (judged != audit(spec, bundle, [replace(read, proposed=read.episode.actions)]).episodes[0].risk)[4]


def test_the_clearest_of_every_verdict_are_shown(
    spec: TaskSpec, bundle: ModelBundle, foretold: dict[int, list[int]]
) -> None:
    foretold.update({10: [1], 11: [1, 2, 3], 12: [1, 2], 20: [12], 21: [15]})
    given = [
        *(recorded(i) for i in (10, 11, 12, 13, 14)),
        *(recorded(i, 20) for i in (20, 21, 22)),
    ]
    shown = [e.watched.episode.episode for e in telling(audit(spec, bundle, given).episodes)]
    assert shown == [22, 11, 12, 20, 21, 13]


def test_a_folder_of_bags_becomes_a_page(
    farl: Callable[..., int], capsys: pytest.CaptureFixture[str], spec: TaskSpec
) -> None:
    for index, failure_at in enumerate((None, 9, 12)):
        path = Path("bags/failure") / f"episode_{index:06d}"
        write_trajectory(path, spec, EpisodeKind.FAILURE, index, Recorded(15, index, failure_at), seed=0)
    transitions, decisions = watched(Recorded(12, 5), episode=3, swapped=(4, 5))
    write_episode(Path("bags/run/episode_000003"), spec, EpisodeKind.ONLINE, transitions, decisions)
    broken = Path("bags/broken/episode_000000")
    broken.mkdir(parents=True)
    (broken / "bag.mcap").write_bytes(b"nothing of the kind")
    assert farl("audit", "bags", "--json", "figures.json") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "4 bags at threshold" in said and "not used: bags/broken/episode_000000" in said
    page = Path("audit/audit.html").read_text()
    assert "<script" not in page and "http" not in page.split("</style>")[1].replace("http://www.w3", "")
    assert page.count("data:image/svg+xml") >= 3
    assert "failure/episode_000001" in page and "run/episode_000003" in page and "broken" in page
    figures = json.loads(Path("figures.json").read_text())
    assert [row["kind"] for row in figures["bags"]] == ["failure"] * 3 + ["online"]
    assert figures["bags"][3]["swapped_then"] == 2 and len(figures["rejected"]) == 1
    assert json.loads(Path("audit/audit.json").read_text())["bags"] == figures["bags"]


def test_bags_that_do_not_say_their_task_need_it_said(farl: Callable[..., int], capsys) -> None:
    Path("bags").mkdir()
    assert farl("audit", "bags") == 2
    assert "no bag in it or below" in " ".join(capsys.readouterr().out.split())


def test_nothing_to_audit_is_said_with_the_reasons(tmp_path: Path, spec: TaskSpec) -> None:
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag.mcap").write_bytes(b"nothing of the kind")
    with pytest.raises(BagError, match="none of 1 bags can be audited"):
        read_watched(tmp_path, spec)


def test_an_audit_without_failures_has_a_page(
    spec: TaskSpec, bundle: ModelBundle, foretold: dict[int, list[int]], tmp_path: Path
) -> None:
    page = write_audit(spec, audit(spec, bundle, [recorded(1)]), ["farl", "audit"], tmp_path).read_text()
    assert "0 of 0" in page and "nan" not in page.split("</style>")[1].split("<h2>")[0]
