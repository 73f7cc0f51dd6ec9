"""Where the files beside the code lie: in the source tree, or in the prefix of an installed package."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "farl_ros"
INTERFACES = "farl_interfaces"


def share_folder() -> Path:
    """Returns the folder that holds `config/`, `launch/` and `models/`.

    In a checkout (also one that is installed editable or with `colcon build --symlink-install`) this is the
    checkout itself, so that edits take effect; otherwise `<prefix>/share/farl_ros`.

    Raises:
        FileNotFoundError: Neither is there.
    """
    here = Path(__file__).resolve()
    checkout = here.parents[1]
    if (checkout / "package.xml").is_file():
        return checkout
    for candidate in _shares(here, PACKAGE):
        return candidate
    raise FileNotFoundError(
        f"no share/{PACKAGE} in any folder above {here}: expected a source checkout or an installed prefix; "
        f"install {PACKAGE} again (make setup, or colcon build)"
    )


def interface_folder() -> Path:
    """Returns the folder that holds the texts `msg/*.msg`, `srv/*.srv` and `action/*.action`.

    The installed package comes first (its texts are the ones that the message classes were made of), then
    the source tree. ROS is not imported.

    Raises:
        FileNotFoundError: Neither is there.
    """
    here = Path(__file__).resolve()
    spec = importlib.util.find_spec(INTERFACES)
    installed = [Path(entry) for entry in spec.submodule_search_locations or ()] if spec is not None else []
    source = here.parents[1] / "ros2_ws" / "src" / INTERFACES
    for folder in installed:
        for candidate in _shares(folder, INTERFACES):
            return candidate
    if (source / "msg").is_dir():
        return source
    raise FileNotFoundError(
        f"the message texts of {INTERFACES} are missing: expected an installed {INTERFACES} or the folder "
        f"{source}; build it (make setup, or colcon build)"
    )


def _shares(path: Path, package: str) -> Iterator[Path]:
    """Yields `<prefix>/share/<package>` for every folder above `path` that is such a prefix."""
    for prefix in path.parents:
        share = prefix / "share" / package
        if (share / "package.xml").is_file():
            yield share
