"""What goes onto the host: udev, systemd, limits, sysctl; and the Fast DDS profile."""

import configparser
import re
import shlex
from xml.etree import ElementTree

import pytest

from tests.docker.files import DOCKER, ROOT

HOST = DOCKER / "host"
NAMESPACES = {"dds": "http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles"}
PART = re.compile(r'(?:[A-Z_]+)(?:\{[A-Za-z_]+\})?(?:==|=|\+=|:=|!=)"[^"]*"')


def lines(name):
    text = (HOST / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("line", lines("99-farl.rules"))
def test_a_udev_rule_matches_something_and_gives_it_to_a_group(line):
    parts = [part.strip() for part in line.split(", ")]
    assert all(PART.fullmatch(part) for part in parts)
    assert any("==" in part for part in parts)
    assert parts.count('GROUP="plugdev"') + parts.count('GROUP="video"') == 1
    assert 'MODE="0660"' in parts


def test_the_camera_and_the_spacemouse_are_among_the_rules():
    text = "\n".join(lines("99-farl.rules"))
    assert 'idVendor}=="8086"' in text and "0b07" in text  # RealSense D435
    assert 'idVendor}=="256f"' in text


def test_the_unit_stops_by_sigint_and_never_starts_by_itself():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(HOST / "farl.service")
    assert set(unit.sections()) == {"Unit", "Service"}  # no [Install]
    service = unit["Service"]
    assert service["KillSignal"] == "SIGINT"
    assert service["Restart"] == "no"
    words = shlex.split(service["ExecStart"])
    assert words[words.index("--profile") + 1] == "robot"
    assert (ROOT / words[words.index("-f") + 1]).is_file()
    # longer than what compose gives the learner and then the controller
    assert int(service["TimeoutStopSec"]) > 90 + 20


def test_limits_and_kernel_settings_are_well_formed():
    for line in lines("99-farl-limits.conf"):
        domain, kind, item, _ = line.split()
        assert (domain, kind) == ("@realtime", "-") and item in ("rtprio", "memlock", "nice")
    for line in lines("60-farl-sysctl.conf"):
        assert re.fullmatch(r"[a-z_.]+ = -?\d+", line)


def test_the_profile_carries_a_picture_in_one_piece():
    root = ElementTree.parse(DOCKER / "fastdds-shared-memory.xml").getroot()

    def texts(path):
        return [element.text for element in root.findall(path, NAMESPACES)]

    transport, participant = ".//dds:transport_descriptor", ".//dds:participant"
    assert texts(f"{transport}/dds:type") == ["SHM", "UDPv4"]
    picture = 640 * 480 * 3
    assert int(texts(f"{transport}/dds:maxMessageSize")[0]) > picture
    assert int(texts(f"{transport}/dds:segment_size")[0]) > 8 * picture
    chosen = texts(f"{participant}/dds:rtps/dds:userTransports/dds:transport_id")
    assert chosen == texts(f"{transport}/dds:transport_id")
    assert texts(f"{participant}/dds:rtps/dds:useBuiltinTransports") == ["false"]
    (profile,) = root.findall(participant, NAMESPACES)
    assert profile.get("is_default_profile") == "true"
