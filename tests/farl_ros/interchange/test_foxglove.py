"""Foxglove opens a bag: every channel brings its whole schema along, read with the mcap library alone.

Source: https://mcap.dev/spec/registry (schema encoding ros2msg): definitions follow one another, each behind
a line of 80 ``=`` and a line ``MSG: package/Name``.
"""

import re

import pytest
from mcap.reader import make_reader

from farl.types import EpisodeKind
from farl_ros.bags import BagWriter
from farl_ros.messages import TYPES, typestore

PRIMITIVE = {
    "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32",
    "int64", "uint64", "string", "wstring",
}  # fmt: skip
FIELD = re.compile(r"^\s*([A-Za-z]\w*(?:/\w+)*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[a-z]\w*")


def definitions(schema):
    """Text of each type in a schema, by its two-part name."""
    first, *others = re.split(r"^={80}\n", schema.data.decode(), flags=re.MULTILINE)
    package, _, name = schema.name.split("/")
    found = {f"{package}/{name}": first}
    for other in others:
        head, _, text = other.partition("\n")
        assert head.startswith("MSG: ")
        found[head.removeprefix("MSG: ").replace("/msg/", "/")] = text
    return found


def needed(text, package):
    """Names of the types that a definition uses."""
    for line in text.splitlines():
        field = FIELD.match(line.partition("#")[0])
        if field is not None and field[1] not in PRIMITIVE:
            name = field[1].replace("/msg/", "/")
            yield name if "/" in name else "std_msgs/Header" if name == "Header" else f"{package}/{name}"


@pytest.fixture(scope="module")
def summary(tmp_path_factory, spec):
    """Of a bag with one message of every type that a graph's topics have."""
    path = tmp_path_factory.mktemp("bags") / "all"
    with BagWriter(path, spec, EpisodeKind.TASK) as bag:
        for topic, type_name in TYPES.items():
            bag.write_raw(topic.value, type_name, b"\0\1\0\0" + bytes(4096), 5)
        bag.write_raw("/camera/compressed", "sensor_msgs/msg/CompressedImage", b"\0\1\0\0" + bytes(64), 6)
    (file,) = path.glob("*.mcap")
    with file.open("rb") as stream:
        return make_reader(stream).get_summary()


def test_every_channel_has_a_schema_of_ros2(summary):
    assert len(summary.channels) == len(TYPES) + 1
    for channel in summary.channels.values():
        schema = summary.schemas[channel.schema_id]
        assert (channel.message_encoding, schema.encoding) == ("cdr", "ros2msg"), channel.topic
        assert re.fullmatch(r"\w+/msg/\w+", schema.name)


def test_every_type_that_a_schema_needs_is_in_it(summary):
    used = set()
    for schema in summary.schemas.values():
        known = definitions(schema)
        for name, text in known.items():
            for other in needed(text, name.partition("/")[0]):
                assert other in known, f"{schema.name}: {name} needs {other}"
                used.add(other)
    assert {"std_msgs/Header", "builtin_interfaces/Time", "farl_interfaces/Action"} <= used


def test_every_field_is_in_its_schema(summary):
    for schema in summary.schemas.values():
        package, _, name = schema.name.split("/")
        text = definitions(schema)[f"{package}/{name}"]
        for field, _ in typestore().fielddefs[schema.name][1]:
            assert re.search(rf"\s{field}\b", text), f"{schema.name}.{field}"


def test_it_can_be_sought_in(summary):
    assert summary.statistics.message_count == len(TYPES) + 2  # what it says of itself, and the picture
    assert summary.chunk_indexes
