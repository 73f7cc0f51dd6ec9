"""The ament_python package farl_ros: the root of this repository."""

from pathlib import Path

from setuptools import Distribution, find_packages, setup

ROOT = Path(__file__).resolve().parent
NAME = "farl_ros"
PACKAGES = ("failurebench", "farl", "farl_ros", "perception")
NODES = (
    "episode",
    "finetuner",
    "franka_controller",
    "offline_trainer",
    "policy",
    "recorder",
    "replay",
    "safety_shield",
    "scene",
    "session",
    "simulator",
    "state_estimator",
    "teleop",
)


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """Lists a folder's files as data files that keep their place under share/farl_ros."""
    found = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    files = sorted(path for path in found if "__pycache__" not in path.parts)
    parents = sorted({path.parent for path in files})
    return [(f"share/{NAME}/{parent}", [str(f) for f in files if f.parent == parent]) for parent in parents]


class InstallData(Distribution().get_command_class("install_data")):
    """Also puts executables where `ros2 run` and `ros2 launch` look for them: pip fills only bin/."""

    STUB = '#!/bin/sh\nexec "$(dirname "$0")/../../bin/{name}" "$@"\n'

    def run(self) -> None:
        """Install the data files, then what is missing in lib/farl_ros; colcon has filled it already."""
        super().run()
        folder = Path(self.install_dir) / "lib" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("farl", *NODES):
            stub = folder / name
            if not stub.exists():
                stub.write_text(self.STUB.format(name=name), encoding="utf-8")
                stub.chmod(0o755)
                self.outfiles.append(str(stub))


setup(
    name=NAME,
    version="0.1.0",
    description="Failure-aware reinforcement learning on a Franka arm",
    maintainer="farl_ros maintainers",
    maintainer_email="maintainers@farl-ros.invalid",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[part for name in PACKAGES for part in (name, f"{name}.*")]),
    package_data={
        **{name: ["py.typed"] for name in ("farl", "failurebench", "perception")},
        "farl_ros": ["report.html.j2"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *tree("launch"),
        *tree("config"),
        *tree("models"),
    ],
    # Its other requirements are pinned in requirements/: an entry point that checked them here would refuse
    # to start where ROS 2's own packages come from elsewhere.
    install_requires=["setuptools"],
    extras_require={"test": ["pytest"]},  # without it `colcon test` runs no test at all
    cmdclass={"install_data": InstallData},
    entry_points={
        "console_scripts": [
            "farl = farl_ros.cli:main",
            *(f"{node} = farl_ros.nodes.{node}:main" for node in NODES),
        ]
    },
)
