"""A machine's pip settings, on their way into a build."""

import configparser

from tests.docker.files import script

SETTINGS = script("pip_settings.py")
LISTED = [
    ":env:.default-timeout='180'",
    ":env:.find-links='/wheels'",
    "global.find-links='/other'",
    "global.extra-index-url='file:///srv/index/simple https://index.example/simple'",
    "global.require-virtualenv='true'",
    "global.cert='/etc/certificates'",
]


def test_the_environment_wins_and_only_ways_to_servers_are_kept():
    assert SETTINGS["settings_of"](LISTED) == {
        "timeout": "180",
        "find-links": "/wheels",
        "extra-index-url": "file:///srv/index/simple https://index.example/simple",
    }


def test_the_file_says_the_same_and_names_the_certificates():
    text = SETTINGS["pip_conf"](SETTINGS["settings_of"](LISTED), "/run/secrets/ca")
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    values = dict(parser["global"])
    assert values["cert"] == "/run/secrets/ca"
    assert values["extra-index-url"].split() == ["file:///srv/index/simple", "https://index.example/simple"]
    assert values["find-links"].split() == ["/wheels"]


def test_local_folders_are_found_with_the_files_beside_an_index(tmp_path):
    index, wheels = tmp_path / "index", tmp_path / "wheels"
    (index / "simple").mkdir(parents=True)
    wheels.mkdir()
    settings = {
        "extra-index-url": f"{(index / 'simple').as_uri()} https://index.example/simple",
        "find-links": f"{wheels} {tmp_path / 'missing'}",
    }
    assert SETTINGS["local_folders"](settings) == [str(index), str(wheels)]
