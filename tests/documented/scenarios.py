"""Page by page: which documented commands are run, and how they are made small; the others fall under RULES.

The commands of a page are run from top to bottom in one folder, each in a shell of its own. ``$MODELS`` is
the folder of the shipped models.
"""

from __future__ import annotations

from collections.abc import Mapping

from .classes import CTRL_C, Key, Parsed, Run, rule_for
from .collecting import Command

How = Run | Parsed
ONE = {"also": "--episodes 1", "why": "one episode tells whether it runs"}
SMALL_TASK = (
    "minutes become seconds with the disc table and few episodes; the shipped policy is not trained again"
)
SHORT_OFFLINE = {"farl offline": "python -m tests.documented.short_offline offline"}
SECONDS = "an offline phase of seconds"
FROM_ROBOT = Parsed(
    "is about what was recorded on a robot; docs/first-hour.md runs it on simulated recordings"
)
TASK_BAGS = (
    "for kind in task recovery; do\n"
    "farl demos {task} --kind $kind --episodes 3 --models $MODELS/{task} --out demos\ndone"
)

PAGES: Mapping[str, Mapping[str, How]] = {
    "README.md": {
        "make finetune": Run(also='ARGS="--episodes 1"', why=ONE["why"]),
        ".venv/bin/farl finetune FrankaDisturbedPush --episodes 50": Run(
            instead={"--episodes 50": "--episodes 1"}, why="half a minute"
        ),
        "farl tasks": Run(),
        "farl finetune BoundedPush --preset uni_o4 --direct --envs 8 --steps 100000": Run(
            instead={"--steps 100000": "--steps 1000"}, why="five minutes"
        ),
        "farl evaluate BoundedPush --episodes 20": Run(
            instead={"--episodes 20": "--episodes 1"}, why="a minute"
        ),
        "farl demos BoundedPush --kind task --out demos": Run(
            instead={"BoundedPush": "DiscTable"}, also="--episodes 12", why=SMALL_TASK
        ),
        "farl demos BoundedPush --kind recovery --out demos": Run(
            instead={"BoundedPush": "DiscTable"},
            also="--episodes 6 --models $MODELS/DiscTable",
            why=SMALL_TASK,
        ),
        "farl demos BoundedPush --kind failure --out demos": Run(
            instead={"BoundedPush": "DiscTable"},
            also="--episodes 30 --models $MODELS/DiscTable",
            why=SMALL_TASK,
        ),
        "farl offline BoundedPush --bags demos --out runs/offline": Run(
            instead={**SHORT_OFFLINE, "BoundedPush": "DiscTable"}, why=SECONDS
        ),
        "farl finetune BoundedPush --models runs/offline/models --steps 20000": Run(
            instead={"BoundedPush": "DiscTable", "--steps 20000": "--steps 200"},
            also="--uncalibrated",
            why="20 s, and models that were trained for seconds need not get a threshold",
        ),
    },
    "docs/first-hour.md": {
        "farl finetune DiscTable --steps 2000 --out runs/first": Run(
            instead={"--steps 2000": "--steps 700"}, why="20 s"
        ),
        "farl finetune BoundedPush --direct --envs 8 --steps 20000 --out runs/shield": Run(
            instead={"--steps 20000": "--steps 1000"}, why="a minute"
        ),
        "farl finetune BoundedPush --preset uni_o4 --direct --envs 8 --steps 20000 --out runs/without": Run(
            instead={"--steps 20000": "--steps 1000"}, why="a minute"
        ),
        "farl demos DiscTable --kind task --out demos": Run(),
        "farl demos DiscTable --kind recovery --out demos": Run(
            also="--episodes 6 --models $MODELS/DiscTable", why=SMALL_TASK
        ),
        "farl demos DiscTable --kind failure --out demos": Run(
            also="--episodes 30 --models $MODELS/DiscTable", why=SMALL_TASK
        ),
        "farl bags check demos": Run(),
        "farl bags info demos/task/episode_000000": Run(),
        "farl record DiscTable --kind task": Parsed("led through its keys in docs/recording.md"),
        "farl offline DiscTable --bags demos --out runs/offline": Run(instead=SHORT_OFFLINE, why=SECONDS),
        "farl demos DiscTable --kind failure --episodes 120 --seed 77 --models runs/offline/models "
        "--out fresh": Run(
            # models of a short offline phase are too bad to be calibrated
            before="rm -r runs/offline/models; cp -r $MODELS/DiscTable runs/offline/models"
        ),
        "farl calibrate fresh/failure --models runs/offline/models --miss-rate 0.05": Run(),
        "farl audit fresh --models runs/offline/models --out audit": Run(),
        "farl finetune DiscTable --models runs/offline/models --episodes 100 --out runs/mine": Run(
            instead={"--episodes 100": "--episodes 13"}, why="a minute"
        ),
        "farl replay demos/task/episode_000000 --into sim": Run(),
        "farl replay runs/mine/bags/episode_000012 --into shield --models runs/offline/models": Run(),
        "farl finetune FrankaDisturbedPush --episodes 50 --out runs/franka": Run(
            instead={"--episodes 50": "--episodes 1"}, why="half a minute"
        ),
        "farl finetune FrankaFragilePushWall --source camera --episodes 3 --out runs/camera": Run(
            instead={"--episodes 3": "--episodes 1"}, why="minutes without a GPU"
        ),
    },
    "docs/on-your-panda.md": {
        "farl record FrankaFragilePushWall --kind task --operator AB --out trial": Parsed(
            "led through its keys in docs/recording.md"
        ),
        "farl bags label demos/failure/episode_000003 --outcome failure --failing 40-47 "
        '--note "grazed the wall" --operator AB': FROM_ROBOT,
        "farl offline FrankaFragilePushWall --bags demos --out runs/offline": FROM_ROBOT,
        "farl calibrate fresh/failure --models runs/offline/models --miss-rate 0.1": FROM_ROBOT,
        "farl report runs/first": FROM_ROBOT,
        "farl bags check runs/first/bags": FROM_ROBOT,
        "farl audit runs/first/bags --models runs/offline/models --out audit-first": FROM_ROBOT,
        "farl replay runs/first/bags/episode_000012 --into shield --models runs/offline/models": FROM_ROBOT,
    },
    "docs/bags.md": {
        "farl bags ls demos": Run(
            before="farl demos DiscTable --kind task --episodes 5 --out demos\n"
            "truncate -s -3000 demos/task/episode_000003/*.mcap"
        ),
        "farl bags check demos": Run(exit_code=1),
        "farl bags label demos/task/episode_000001 --outcome failure --failing 40-47 "
        '--note "cup fell over" --operator AB': Run(),
        "farl bags label demos/task/episode_000001 --undo": Run(),
        "farl bags merge monday/bags tuesday/bags --out demos/task": Run(
            before="for day in monday tuesday; do mkdir $day; cp -r demos/task $day/bags; done"
        ),
        "farl bags split afternoon --out demos/cut": Run(before="cp -r demos/task/episode_000000 afternoon"),
        "farl replay demos/task/episode_000000 --into sim": Run(),
        "farl replay demos/task/episode_000000 --into sim --seed 7 --out other": Run(),
        "farl replay runs/old/bags/episode_000012 --into shield --models runs/new/models": Run(
            before="farl finetune DiscTable --episodes 13 --out runs/old\n"
            "mkdir runs/new; cp -r $MODELS/DiscTable runs/new/models"
        ),
        "farl replay demos/task/episode_000000 --into arm --backend sim": Run(
            before="rm -r demos; farl demos FrankaDisturbedPush --kind task --episodes 1 --out demos",
            keys=(Key("to go on", "move the arm\n"),),
        ),
    },
    "docs/calibration.md": {
        "farl demos DiscTable --kind failure --episodes 120 --seed 77 --out demos --models models": Run(
            before="cp -r $MODELS/DiscTable models"
        ),
        "farl calibrate demos/failure --models models --miss-rate 0.05": Run(),
        "farl finetune DiscTable --models models": Run(
            exit_code=2, before="rm models/calibration.json; sed -i s/choice/forgotten/ models/card.json"
        ),
        "farl audit demos --models models --out audit": Run(
            before="farl demos DiscTable --kind task --episodes 12 --out demos"
        ),
        "farl audit runs/old/bags --models runs/new/models": Run(
            before="farl finetune DiscTable --episodes 2 --out runs/old --models models --uncalibrated\n"
            "mkdir runs/new; cp -r models runs/new/models"
        ),
    },
    "docs/interchange.md": {
        "farl export demos --format lerobot --out datasets/push": Run(
            before=TASK_BAGS.format(task="FrankaFragilePushWall")
        ),
        "farl export demos/task demos/recovery --format robomimic --out push.hdf5": Run(),
        "farl import datasets/push --format lerobot --task FrankaFragilePushWall --out back": Run(),
        "farl import real.lerobot --format lerobot --task FrankaFragilePushWall --kind task "
        "--out demos/task": Parsed("a dataset of others; tests/farl_ros/interchange/test_of_others.py"),
        "farl import lift.hdf5 --format robomimic --task my_lift.yaml --kind task --no-failures --success "
        "--observation robot0_eef_pos,object --out demos/task": Parsed(
            "a dataset of others; tests/farl_ros/interchange/test_of_others.py"
        ),
    },
    "docs/recording.md": {
        "farl record FrankaFragilePushWall --kind task --operator AB": Run(
            keys=(
                Key("idle", "\n"),
                Key("running", "w", 10),
                Key(r"step [1-5]\d", "y"),
                Key(r"\b1/", CTRL_C),
            ),
        ),
    },
    "docs/robot.md": {
        "farl perception board": Run(),
        "farl finetune FrankaFragilePushWall --source camera": Run(**ONE),
        "farl finetune BoundedPush --shadow": Run(**ONE),
    },
    "docs/failurebench.md": {
        ".venv/bin/python -m failurebench.pictures docs/images": Run(before="mkdir -p docs/images"),
    },
}


def class_of(command: Command) -> How | None:
    """What becomes of a command: what its page's table says, else a rule; None where nothing does.

    What another page runs is only parsed here.
    """
    stated = PAGES.get(command.page, {}).get(command.text) or rule_for(command)
    if stated is not None:
        return stated
    elsewhere = (page for page, table in PAGES.items() if isinstance(table.get(command.text), Run))
    return next((Parsed(f"run in {page}") for page in elsewhere), None)
