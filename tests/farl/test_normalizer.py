"""What the networks read: scaled entries, none that never varies, none that no sensor resolves."""

import numpy as np
import pytest
import torch

from farl.policy import Normalizer


@pytest.fixture
def fitted():
    normalizer = Normalizer(4)
    random = np.random.default_rng(0)
    spread = np.array((0.1, 5e-5, 0.02, 0.0), np.float32)
    normalizer.fit(0.5 + spread * random.standard_normal((5000, 4), dtype=np.float32))
    return normalizer


def test_an_entry_is_read_in_units_of_its_spread_and_a_constant_not_at_all(fitted):
    read = fitted(torch.tensor([0.6, 0.50005, 0.48, 7.0]))
    assert read.tolist() == pytest.approx([1.0, 1.0, -1.0, 0.0], abs=0.05)


def test_what_varies_less_than_a_sensor_resolves_is_not_read(fitted):
    fitted.leave_out((0.001, 0.001, 0.01, 0.001))
    assert fitted(torch.tensor([0.6, 0.501, 0.48, 7.0])).tolist() == pytest.approx(
        [1.0, 0.0, -1.0, 0.0], abs=0.05
    )


def test_without_a_resolution_nothing_is_left_out(fitted):
    before = fitted.inverse_std.clone()
    fitted.leave_out(())
    fitted.leave_out((0.0,) * 4)
    assert torch.equal(fitted.inverse_std, before)


def test_too_few_numbers_are_named(fitted):
    with pytest.raises(ValueError, match=r"expected 4 numbers.*got 2"):
        fitted.leave_out((0.1, 0.1))
