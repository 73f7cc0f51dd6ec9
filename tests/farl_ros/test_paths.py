"""Where files are found: in a checkout and in an installed prefix."""

import importlib.util
import shutil
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import pytest

from farl_ros import paths

ROOT = Path(__file__).resolve().parents[2]


def installed_at(site_packages: Path) -> ModuleType:
    """farl_ros.paths as if it were installed there."""
    copy = site_packages / "farl_ros" / "paths.py"
    copy.parent.mkdir(parents=True)
    shutil.copy(paths.__file__, copy)
    spec = importlib.util.spec_from_file_location("installed_paths", copy)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def share(prefix: Path, package: str) -> Path:
    folder = prefix / "share" / package
    (folder / "msg").mkdir(parents=True)
    (folder / "package.xml").touch()
    return folder


def test_checkout_is_its_own_share_folder():
    assert paths.share_folder() == ROOT
    for name in ("config", "launch", "models"):
        assert (paths.share_folder() / name).is_dir()


def test_interface_folder_has_the_texts_of_the_source_tree():
    source = ROOT / "ros2_ws" / "src" / "farl_interfaces"
    for kind in ("msg", "srv", "action"):
        texts = {path.name: path.read_text() for path in (source / kind).glob(f"*.{kind}")}
        found = paths.interface_folder() / kind
        assert {path.name: path.read_text() for path in found.glob(f"*.{kind}")} == texts != {}


@pytest.mark.parametrize("library", ["lib/python3.12/site-packages", "local/lib/python3.12/dist-packages"])
def test_prefix_is_found_from_the_installed_module(tmp_path, library):
    expected = share(tmp_path, "farl_ros")
    assert installed_at(tmp_path / library).share_folder() == expected


def test_interfaces_are_found_in_a_prefix_of_their_own(tmp_path, monkeypatch):
    library = Path("lib/python3.12/site-packages")
    expected = share(tmp_path / "farl_interfaces", "farl_interfaces")
    package = tmp_path / "farl_interfaces" / library / "farl_interfaces"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    module = installed_at(tmp_path / "farl_ros" / library)
    found = PathFinder.find_spec("farl_interfaces", [str(package.parent)])
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: found)
    assert module.interface_folder() == expected


def test_missing_folders_are_named(tmp_path, monkeypatch):
    module = installed_at(tmp_path / "lib/python3.12/site-packages")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"no share/farl_ros .* install farl_ros again"):
        module.share_folder()
    with pytest.raises(FileNotFoundError, match="message texts of farl_interfaces are missing"):
        module.interface_folder()
