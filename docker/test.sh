#!/usr/bin/env bash
# Builds the image on a plain Debian base and uses it, without a Docker daemon: buildah, in a chroot.
#
#   sudo docker/test.sh [TARGET]     TARGET: runtime (default), or train or dev, which are only built and looked at
#
# Needs root, 15 GB of disk and the Debian packages buildah and debootstrap. The base is Debian by debootstrap; it, the
# storage and pip's downloads stay in FARL_DOCKER_CACHE (/var/tmp/farl-docker), so that the next run takes less. How this machine reaches
# its package servers (pip's settings, certificates, apt's servers) enters the build as secrets and mounts, and stays
# out of the image; so do the proxies of the environment. FARL_DOCKER_STORAGE=vfs: copies where overlays are refused.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
set -m # so that a job in the background heeds SIGINT

target=${1:-runtime}
suite=bookworm
cache=${FARL_DOCKER_CACHE:-/var/tmp/farl-docker}
image=localhost/farl_ros:$target
user_uid=1234
container=''

fail() {
  echo "docker/test.sh: $1" >&2
  exit 1
}

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

check_machine() { # the first thing that is missing, in one sentence
  local program
  [[ $target == runtime || $target == train || $target == dev ]] || fail "expected the target runtime, train or dev, got '$target'"
  [[ $(id -u) == 0 ]] || fail "needs root (debootstrap and chroot do): sudo docker/test.sh"
  for program in buildah debootstrap; do
    command -v $program >/dev/null || fail "$program is missing: apt-get install --no-install-recommends buildah debootstrap"
  done
  mkdir -p "$cache"
  (($(df -Pk "$cache" | awk 'END { print $4 }') > 15000000)) || fail "less than 15 GB are free on the disk of $cache (FARL_DOCKER_CACHE)"
}

overlay_works() {
  local place=$cache/try result=1
  mkdir -p "$place"/{lower,upper,work,merged}
  if mount -t overlay overlay -o "lowerdir=$place/lower,upperdir=$place/upper,workdir=$place/work" "$place/merged" 2>/dev/null; then
    umount "$place/merged" && result=0
  fi
  rm -rf "$place"
  return $result
}

build() { buildah --root "$cache/storage" --runroot "$cache/runroot" --storage-driver "$storage" "$@"; }

# --- how this machine reaches its package servers -----------------------------------------------------------------

gather_settings() { # sets settings, mirror and mounts
  local folder certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
  settings=$(mktemp -d "$cache/settings.XXXXXX") # readable by root only
  mounts=()
  while read -r folder; do
    if [[ -n $folder ]]; then mounts+=(--volume "$folder:$folder:ro"); fi
  done < <(python3 docker/pip_settings.py "$settings/pip.conf" /run/secrets/ca)
  if [[ -f $certificates ]]; then cp "$certificates" "$settings/ca"; else : >"$settings/ca"; fi
  apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$suite" '$2 ~ "^" suite "(-updates|-security)?$" && $3 == "main" { print "deb", $1, $2, $3 }' |
    sort -u >"$settings/sources.list"
  mirror=$(awk -v suite="$suite" '$3 == suite { print $2; exit }' "$settings/sources.list")
}

# --- base -------------------------------------------------------------------------------------------------------------

make_base() { # the image localhost/farl-base: Debian as debootstrap makes it, without any sources for apt
  local root=$cache/base archive=$cache/base-$suite.tar from
  if [[ ! -f $archive ]]; then
    say "debootstrap $suite ..."
    rm -rf "$root"
    debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$cache/debootstrap.log" 2>&1 ||
      { tail -n 20 "$cache/debootstrap.log" >&2 && fail "debootstrap failed"; }
    if [[ ! -s $settings/sources.list ]]; then cp "$root/etc/apt/sources.list" "$cache/sources-$suite.list"; fi
    rm -rf "$root"/etc/apt/sources.list "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar -C "$root" -cf "$archive.part" . && mv "$archive.part" "$archive"
    rm -rf "$root"
  fi
  if [[ ! -s $settings/sources.list ]]; then cp "$cache/sources-$suite.list" "$settings/sources.list"; fi
  if ! build inspect --type image localhost/farl-base >/dev/null 2>&1; then
    from=$(build from scratch)
    build add --quiet "$from" "$archive" / >/dev/null
    build commit --quiet --rm "$from" localhost/farl-base >/dev/null
  fi
  say "base: $(du -h "$archive" | cut -f1) of Debian $suite"
}

# --- image ------------------------------------------------------------------------------------------------------------

take_context() { # the files of the checkout as they are now: one that changes during the build would be built twice over
  context=$(mktemp -d "$cache/context.XXXXXX")
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -z | tar --null --ignore-failed-read -T - -cf - 2>/dev/null | tar -C "$context" -xf -
  else
    tar --exclude='./.venv*' --exclude=./.setup --exclude=./runs -cf - . | tar -C "$context" -xf -
  fi
}

build_image() {
  take_context
  say "building the target $target ..."
  build build --isolation chroot --layers --pull-never --format docker --file "$context/docker/Dockerfile" --target "$target" --tag "$image" \
    --build-arg BASE=localhost/farl-base --build-arg ROBOT=fr3 \
    --build-arg USER_UID=$user_uid --build-arg USER_GID=$user_uid --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || true)" \
    --secret "id=pip,src=$settings/pip.conf" --secret "id=ca,src=$settings/ca" --secret "id=apt,src=$settings/sources.list" \
    "${mounts[@]}" "$context" >"$cache/build-$target.log" 2>&1 </dev/null ||
    { tail -n 30 "$cache/build-$target.log" | cut -c1-300 >&2 && fail "the build failed; all of its log: $cache/build-$target.log"; }
  container=$(build from --pull-never "$image")
  tree=$(build mount "$container")
  say "image: $(du -shx "$tree" | cut -f1)"
}

check_image() { # nothing of this machine's settings, no runs, no .git
  local line leak=''
  while read -r line; do
    if [[ -n $line && -n $(grep -rlF --include='*.conf' --include='*.list' --include='*.sources' --include='*.cfg' -- "$line" "$tree/etc" "$tree/home" "$tree/root" 2>/dev/null) ]]; then
      leak="$line of this machine is written in the image's settings"
    fi
  done < <(grep -o '[^ ]*/[^ ]*' "$settings/pip.conf" | grep -vx /run/secrets/ca; awk '{ print $2 }' "$settings/sources.list")
  for line in etc/pip.conf run/secrets/ca run/secrets/pip etc/apt/sources.list.d/build.list; do
    if [[ -s $tree/$line ]]; then leak="/$line is in the image"; fi
  done
  for line in "${mounts[@]}"; do
    if [[ $line != --volume && -n $(ls -A "$tree${line%%:*}" 2>/dev/null) ]]; then leak="${line%%:*} is in the image"; fi
  done
  for line in .git runs demos tests .venv-sim; do
    if [[ -e $tree/opt/farl/$line ]]; then leak="$line is in the image: see .dockerignore"; fi
  done
  if [[ -n $leak ]]; then fail "$leak"; fi
  say "the image holds none of this machine's settings"
}

# --- using it ---------------------------------------------------------------------------------------------------------

inside() { # inside COMMAND...: as the image's user, with its entry point and the folder of runs
  build run --isolation chroot --user farl --workingdir "$folder" --volume "$data:/data/runs" --volume /dev/shm:/dev/shm \
    --env ROS_DOMAIN_ID=77 --env ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST --env OMP_NUM_THREADS=1 \
    --env FASTRTPS_DEFAULT_PROFILES_FILE="${profile:-}" \
    "$container" /opt/farl/docker/entrypoint.sh "$@"
}

python_below() { # python_below PID: the first Python among the processes below it, the container's own
  local child
  for child in $(pgrep -P "$1"); do
    if [[ $(readlink "/proc/$child/exe") == */python3* ]]; then echo "$child" && return; fi
    python_below "$child" && return
  done
  return 1
}

wait_for() { # wait_for SECONDS COMMAND...
  local until=$((SECONDS + $1))
  while ! "${@:2}"; do
    ((SECONDS < until)) || return 1
    sleep 0.5
  done
}

rows() { # rows RUN COUNT: whether so many episodes are finished
  local file=$data/$1/metrics/episodes.csv
  [[ -f $file && $(wc -l <"$file") -gt $2 ]]
}

stop() { # stop JOB LOG: SIGINT to the process in the container, as `docker stop` sends it; sets stopped
  local began=$SECONDS code=0
  kill -INT "$(python_below "$1")"
  wait "$1" || code=$?
  [[ $code == 130 ]] || fail "expected the exit code 130 after SIGINT, got $code; see $data/$2.log"
  stopped="exit code $code after $((SECONDS - began)) s"
}

check_user() {
  local who
  who=$(inside id -u | tr -d '\r')
  [[ $who == "$user_uid" ]] || fail "runs as the user $who, expected $user_uid"
  inside test ! -w /opt/farl || fail "the user may write to /opt/farl"
  inside python -c 'import cv2, farl_interfaces.msg, franky, mujoco, pyrealsense2, rclpy, torch' || fail "a package does not load"
  say "runs as the user $who, who cannot write to /opt/farl"
}

finetune_and_stop() {
  local job
  inside farl finetune BoundedPush --steps 200000 --out runs/job >"$data/finetune.log" 2>&1 &
  job=$!
  wait_for 600 rows job 3 || fail "no episodes after 600 s; see $data/finetune.log"
  stop $job finetune
  inside python /opt/farl/docker/check_run.py runs/job 3
  say "farl finetune, stopped by SIGINT ($stopped): the run is whole"
  inside farl finetune BoundedPush --steps 5000 --out runs/job --resume >"$data/resume.log" 2>&1 || fail "cannot be resumed; see $data/resume.log"
  inside python /opt/farl/docker/check_run.py runs/job 4
  inside farl bags check runs/job/bags >"$data/bags.log" 2>&1 || fail "bad bags; see $data/bags.log"
  say "resumed to its end"
}

graph() { # graph NODES LIMIT RESUME: python that runs this part of the simulated graph, each node in a process
  echo "import sys; from farl_ros.graph import finetune_graph; from farl_ros.processes import run_processes
sys.exit(run_processes(finetune_graph('DiscTable', run='runs/graph', steps=$2, episodes=0, resume=$3, nodes='$1')))"
}

start_graph() { # start_graph LIMIT RESUME LOG: the controller apart from the rest, as in compose.yaml; sets controller and rest
  inside python -c "$(graph controller 1 False)" >"$data/controller-$3.log" 2>&1 &
  controller=$!
  inside python -c "$(graph rest "$1" "$2")" >"$data/$3.log" 2>&1 &
  rest=$!
}

graph_and_stop() { # with the shared-memory profile; a resumed run begins with new containers, its simulated clock at 0
  profile=/opt/farl/docker/fastdds-shared-memory.xml
  start_graph 200000 False graph
  wait_for 120 node_is_there || fail "no node franka_controller; see $data/controller-graph.log"
  wait_for 600 rows graph 3 || fail "no episodes after 600 s; see $data/graph.log"
  stop $rest graph
  say "the graph, one process per node, the controller in a container of its own; the learner stopped by SIGINT: $stopped"
  stop $controller controller-graph
  say "the controller stopped by SIGINT: $stopped"
  inside farl report runs/graph >"$data/report.log" 2>&1
  inside python /opt/farl/docker/check_run.py runs/graph 3
  start_graph 2000 True graph-resume
  wait $rest || fail "cannot be resumed; see $data/graph-resume.log"
  stop $controller controller-graph-resume
  inside python /opt/farl/docker/check_run.py runs/graph 4
  say "its run is whole, and was resumed to its end"
}

node_is_there() { inside python /opt/farl/docker/health.py nodes franka_controller >/dev/null 2>&1; }

has_ended() { [[ ! -d /proc/$1 ]]; }

clean_up() {
  set +e
  if [[ -n ${settings:-} ]]; then rm -rf "$settings"; fi # first of all: it may hold passwords
  local job process
  for job in $(jobs -p); do # what runs in a container outlives buildah: it goes first
    if process=$(python_below "$job"); then kill -INT "$process" && wait_for 20 has_ended "$process" || kill -KILL "$process"; fi
    kill -- "-$job" 2>/dev/null || true
  done
  if [[ -n $container ]]; then build umount "$container" >/dev/null && build rm "$container" >/dev/null; fi
  if [[ -n ${context:-} ]]; then rm -rf "$context"; fi
}

main() { # in one piece, so that an edit of this file does not reach a test that is under way
  check_machine
  storage=${FARL_DOCKER_STORAGE:-$(overlay_works && echo overlay || echo vfs)}
  trap clean_up EXIT
  say "buildah $(buildah --version | cut -d' ' -f3), chroot isolation, storage $storage, in $cache"
  build rm --all >/dev/null # containers of a test that was cut off
  rm -rf "$cache"/{settings,context}.*
  gather_settings
  make_base
  build_image
  check_image
  data=$cache/runs
  folder=$([[ $target == dev ]] && echo /opt/farl || echo /data)
  rm -rf "$data" && mkdir -p "$data" && chown $user_uid:$user_uid "$data"
  if [[ $target == runtime ]]; then
    check_user
    finetune_and_stop
    graph_and_stop
    [[ -z $(find "$data"/{job,graph} ! -user $user_uid) ]] || fail "files of another user in $data"
  elif [[ $target == train ]]; then
    inside python -c 'import torch, ultralytics; print(torch.__version__, ultralytics.__version__)'
  else
    inside bash -c 'scripts/setup.sh && .venv/bin/ruff --version && g++ --version | head -n 1'
  fi
  say "green"
}

main && exit
