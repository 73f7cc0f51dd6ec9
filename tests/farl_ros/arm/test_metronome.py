"""What counts on a machine that was late, and what does not."""

import pytest

from tests.farl_ros.arm import metronome
from tests.farl_ros.arm.metronome import TRIES, Metronome, counts_when_punctual, when_punctual


@pytest.fixture
def late(monkeypatch):
    """Make each run beside a metronome that was so late [s]; the list is used up."""
    given = []

    class Fake:
        def __enter__(self):
            self.late = given.pop(0)
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(metronome, "Metronome", Fake)
    return given


def test_a_metronome_is_hardly_late_and_never_early():
    with Metronome() as machine:
        pass
    assert 0.0 <= machine.late < 5.0


def test_a_failure_counts_only_while_the_machine_was_punctual(late):
    runs = []

    @counts_when_punctual
    def test():
        runs.append(1)
        raise AssertionError("wrong")

    late[:] = [0.2, 0.001]
    with pytest.raises(AssertionError, match="wrong"):
        test()
    assert len(runs) == 2
    late[:] = [0.2] * TRIES
    with pytest.raises(pytest.skip.Exception, match=r"too busy.*wrong"):
        test()


def test_a_test_that_passes_is_run_once_on_any_machine(late):
    runs = []
    late[:] = [0.2]
    counts_when_punctual(lambda: runs.append(1))()
    assert runs == [1]


def test_what_must_always_hold_fails_on_any_machine(late):
    @counts_when_punctual
    def test():
        pytest.fail("it moved")

    late[:] = [0.2]
    with pytest.raises(pytest.fail.Exception, match="it moved"):
        test()


def test_nothing_is_measured_on_a_late_machine(late):
    late[:] = [0.2, 0.001, 0.001]
    results = iter([1, None, 3])
    assert when_punctual(lambda: next(results)) == 3
    late[:] = [0.2] * TRIES
    assert when_punctual(lambda: 1) is None
