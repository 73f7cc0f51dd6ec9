"""Environments shared by the tests: building the Sawyer scene takes a third of a second."""

from functools import cache

import pytest

from failurebench.kit import kit, task_names


@cache
def _environment(name, arguments):
    return kit(name).make(**dict(arguments))


@pytest.fixture
def make():
    """Return a function that makes an environment, once for each set of arguments."""
    return lambda name, **arguments: _environment(name, tuple(sorted(arguments.items())))


@pytest.fixture(params=task_names())
def task(request):
    return request.param
