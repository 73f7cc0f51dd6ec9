"""``farl perception``: train the detector, calibrate the camera."""

from __future__ import annotations

import importlib.util
import tempfile
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from farl_ros.commands.common import SeedOption, UsageError, console, load, one_thread

app = typer.Typer(help="The camera: train what it looks for, calibrate where it is.", no_args_is_help=True)
SCENES = "farl_ros.twin_scenes:scenes"
INSTALL = "pip install -r requirements/perception-train.txt"


@app.command()
def train(
    task: Annotated[str, typer.Option(help="Task name: one of the Franka's table.")],
    out: Annotated[Path | None, typer.Option(help="Model folder; by default models/perception/TASK.")] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Rendered pictures to train from.")] = 800,
    validation: Annotated[int, typer.Option(min=1, help="Pictures to watch the training with.")] = 100,
    test: Annotated[int, typer.Option(min=1, help="Pictures to evaluate with.")] = 200,
    minutes: Annotated[float, typer.Option(min=0.1, help="Of training, besides drawing pictures.")] = 9.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of minutes.")] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Weights of an earlier training (last.pt in its --work) to go on from."),
    ] = None,
    recorded: Annotated[
        list[Path] | None,
        typer.Option(help="Bag with pictures, or librealsense's .db3, to train from too; may be repeated."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take every so many-th recorded picture.")] = 10,
    work: Annotated[
        Path | None, typer.Option(help="Folder for pictures and weights; by default a temporary one.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or the number of a GPU.")] = "cpu",
    seed: SeedOption = 0,
) -> None:
    """Train a YOLOv8 detector from rendered pictures of the task's twin, and evaluate it on unseen ones.

    Needs Ultralytics (AGPL-3.0), which nothing else here does. Nothing is downloaded.

    Pictures of your own camera are labelled by their colours (config/perception): record them with nothing
    else of these colours in sight, and look at the labels in the folder of --work.

    Examples:
      farl perception train --task FrankaFragilePushWall

      farl perception train --task FrankaFragilePushWall --work detector --start old/fit/weights/last.pt
      --recorded bags/episode_0001 --recorded bags/episode_0002
    """
    spec = load(task)
    if importlib.util.find_spec("ultralytics") is None:
        raise UsageError(
            f"training a detector needs Ultralytics, which is not installed: {INSTALL} (AGPL-3.0; in an "
            "environment of its own if you do not want it beside this package). Detection by colour needs "
            "neither it nor a model"
        )
    from farl_ros.sight.errors import SightError
    from farl_ros.sight.files import detectors, perception_of  # OpenCV and OpenGL: most commands need neither
    from farl_ros.sight.recorded_pictures import recorded_pictures
    from farl_ros.twin_scenes import scenes
    from perception.build import colour_detector
    from perception.training.fit import FitSettings, TrainingError
    from perception.training.pictures import labelled_by
    from perception.training.train import TrainSettings, train_detector

    settings = TrainSettings(pictures, validation, test, seed)
    limits = {"minutes": minutes} if epochs is None else {"minutes": None, "epochs": epochs}
    fit = FitSettings(device=device, seed=seed, **limits)
    folder = detectors() / spec.name if out is None else out
    pictures_of_ours = chain.from_iterable(recorded_pictures(path, every) for path in recorded or ())
    ours = labelled_by(colour_detector(perception_of(spec.name)), pictures_of_ours)
    try:
        with tempfile.TemporaryDirectory(prefix="detector-") as scratch:
            found = train_detector(
                scenes(spec.name), Path(scratch) if work is None else work, folder, settings, fit, start, ours
            )
    except (TrainingError, SightError) as error:
        raise UsageError(str(error)) from error
    console.print(
        f"{folder}: mAP50 {found.map50:.3f}, located {found.located:.1%}, position error median "
        f"{1e3 * found.error_median:.1f} mm, p95 {1e3 * found.error_p95:.1f} mm, on {found.pictures} pictures"
    )
    console.print(
        f"use it: detector: {{kind: fused, model: {spec.name}}} in the task's file in config/perception"
    )


@app.command()
def board(
    out: Annotated[Path, typer.Option(help="Picture to write (PNG).")] = Path("board.png"),
) -> None:
    """Write the board to print. Measure a square of the print: calibrate needs its true size."""
    from matplotlib.image import imsave

    from perception.calibration.board import Board

    plain, pixels = Board(), 300
    dots_per_inch = 0.0254 * pixels / plain.square  # so that it is printed in its true size
    try:
        imsave(out, plain.picture(pixels, margin=150), cmap="gray", vmin=0, vmax=255, dpi=dots_per_inch)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot write {out}: {error}; give a file that ends in .png in a folder that exists"
        ) from error
    console.print(
        f"{out}: {plain.columns} x {plain.rows} squares, {1e3 * plain.square:g} mm wide each when printed in "
        "its true size (100 %)"
    )


@app.command()
def calibrate(
    camera: Annotated[str, typer.Option(help="Camera name, or a camera YAML file.")] = "d435",
    on_hand: Annotated[
        bool, typer.Option("--on-hand/--beside-robot", help="Where the camera is fixed.")
    ] = False,
    folder: Annotated[
        Path | None,
        typer.Option(help="Use the recorded pictures and poses in this folder; no camera, no arm."),
    ] = None,
    record: Annotated[Path, typer.Option(help="Folder to keep the pictures and poses in.")] = Path(
        "calibration-pictures"
    ),
    pictures: Annotated[int, typer.Option(min=8, help="To take.")] = 15,
    square: Annotated[float, typer.Option(min=0.001, help="Measured side of a square [m].")] = 0.03,
    marker: Annotated[float, typer.Option(min=0.001, help="Measured side of a marker [m].")] = 0.022,
    out: Annotated[Path | None, typer.Option(help="File to write; by default that of the camera.")] = None,
) -> None:
    """Find out where the camera is, with a ChArUco board (print it: farl perception board).

    The camera on the hand: the board lies still on the table. Beside the robot: the board is in the hand.
    Move the hand between the pictures, tilted to all sides. Ends with 1 when the result is not good enough.

    Examples:
      farl perception calibrate --beside-robot

      farl perception calibrate --folder calibration-pictures --square 0.0298 --marker 0.0219
    """
    from farl_ros.calibrating.guide import Asked, guide
    from perception.calibration.hand_eye import CalibrationError
    from perception.cameras.camera import CameraError

    one_thread()
    asked = Asked(camera, on_hand, folder, record, pictures, square, marker, out)
    try:
        passed = guide(asked, console)
    except (CalibrationError, CameraError) as error:
        raise UsageError(str(error)) from error
    if not passed:
        raise typer.Exit(1)
