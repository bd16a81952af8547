"""The layers of the configuration: who wins, what counts as JSON, and what is said."""

import json
from pathlib import Path

import pytest

from liveresize import config, errors


def put(folder: Path, name: str, values: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(values))


def refusal(folder: Path, environ: dict[str, str]) -> str:
    """The sentence with which these settings are refused."""
    with pytest.raises(errors.SettingsError) as caught:
        config.load(environ, folder)
    return caught.value.public


def test_each_layer_is_laid_over_the_one_before(tmp_path: Path) -> None:
    """default.json, $NODE_ENV.json, local.json, PORT, then LIVERESIZE_ variables."""
    steps = [
        ("default", 1, {}),
        ("production", 2, {}),
        ("local", 3, {}),
        (None, 4, {"PORT": "4"}),
        (None, 5, {"LIVERESIZE_LISTEN_PORT": "5"}),
    ]
    environ = {"NODE_ENV": "production"}
    put(tmp_path, "production", {})
    for name, port, more in steps:
        environ |= more
        if name is not None:
            put(tmp_path, name, {"listen_port": port})
        assert config.load(environ, tmp_path).listen_port == port


def test_objects_merge_and_lists_replace(tmp_path: Path) -> None:
    """A later file changes single keys of a section, and the whole of a list."""
    put(tmp_path, "default", {"quality": {"jpeg": 70, "webp": 71}, "formats": {"input": ["png"]}})
    put(tmp_path, "local", {"quality": {"webp": 60}, "formats": {"input": ["gif"]}})
    loaded = config.load({}, tmp_path)
    assert (loaded.quality.jpeg, loaded.quality.webp) == (70, 60)
    assert loaded.formats.input == ("gif",)
    assert loaded.sources["quality.jpeg"] == str(tmp_path / "default.json")
    assert loaded.sources["quality.webp"] == str(tmp_path / "local.json")


def test_presets_merge_by_name_and_parameter(tmp_path: Path) -> None:
    """Presets are objects like sections, and their values are spelled as in a URL."""
    put(tmp_path, "default", {"presets": {"thumb": {"fit": "crop", "quality": 50}, "a": {}}})
    put(tmp_path, "local", {"presets": {"thumb": {"quality": "60", "enlarge": False}}})
    loaded = config.load({"LIVERESIZE_PRESETS__A__BG": "fff"}, tmp_path)
    assert loaded.presets == {
        "thumb": {"fit": "crop", "quality": "60", "enlarge": "false"},
        "a": {"bg": "fff"},
    }


def test_null_takes_the_default_back(tmp_path: Path) -> None:
    """A later layer can undo an earlier one, in a file and in the environment."""
    put(tmp_path, "default", {"listen_port": 80, "data_dir": "x", "aws": {"path_style": True}})
    put(tmp_path, "local", {"data_dir": None, "aws": None})
    loaded = config.load({"PORT": "null", "LIVERESIZE_AWS__PATH_STYLE": "null"}, tmp_path)
    assert (loaded.listen_port, loaded.data_dir) == (1337, "data")
    assert loaded.sources["listen_port"] == "built-in default"
    assert loaded.aws.path_style is None
    assert loaded.sources["aws.path_style"].endswith("LIVERESIZE_AWS__PATH_STYLE")


def test_the_environment_gives_json_or_text(tmp_path: Path) -> None:
    """Text that looks like a number stays text where text is wanted; JSON is read."""
    loaded = config.load(
        {
            "LIVERESIZE_SECRET": "1234567890123456",
            "LIVERESIZE_FRESHNESS": '"quoted"',
            "LIVERESIZE_DATA_DIR": '"half',
            "LIVERESIZE_ENLARGE": "False",
            "LIVERESIZE_BLUR__SIGMA": "2.5",
            "LIVERESIZE_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "LIVERESIZE_ADMIN__SECRETS": '["a,b and more of it", "c and more of it"]',
            "LIVERESIZE_QUALITY": '{"jpeg": 50, "webp": 51}',
            "LIVERESIZE_QUALITY__WEBP": "52",
            "LIVERESIZE_CORPUS": "somewhere",
        },
        tmp_path,
    )
    assert loaded.secret == "1234567890123456"
    assert loaded.freshness == "quoted"
    assert loaded.data_dir == '"half'
    assert loaded.enlarge is False
    assert loaded.blur.sigma == 2.5
    assert loaded.trusted_proxies == ("10.0.0.0/8", "::1")
    assert loaded.admin.secrets == ("a,b and more of it", "c and more of it")
    assert (loaded.quality.jpeg, loaded.quality.webp) == (50, 52)
    assert loaded.warnings == ()


def test_some_keys_go_by_their_usual_names(tmp_path: Path) -> None:
    """AWS_ACCESS_KEY_ID wins over AWS_ACCESS_KEY; empty variables are not set."""
    loaded = config.load(
        {
            "AWS_ACCESS_KEY": "old",
            "AWS_ACCESS_KEY_ID": "new",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-west-1",
            "BLUR_SIGMA": "9",
            "PORT": "",
        },
        tmp_path,
    )
    assert (loaded.aws.access_key, loaded.aws.secret_key) == ("new", "secret")
    assert loaded.aws.region == "eu-west-1"
    assert loaded.blur.sigma == 9
    assert loaded.listen_port == 1337


def test_the_folder_is_config_or_what_node_config_dir_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a folder given, `config` in the working directory, unless moved."""
    monkeypatch.chdir(tmp_path)
    assert config.load({}).listen_port == 1337
    for name, port in (("config", 1), ("elsewhere", 2)):
        (tmp_path / name).mkdir()
        put(tmp_path / name, "default", {"listen_port": port})
    assert config.load({}).sources["listen_port"] == "config/default.json"
    assert config.load({"NODE_CONFIG_DIR": "elsewhere"}).listen_port == 2


def test_a_folder_that_was_named_must_be_there(tmp_path: Path) -> None:
    """A typing mistake in NODE_CONFIG_DIR does not start a server with all defaults."""
    with pytest.raises(errors.SettingsError, match="not-there"):
        config.load({"NODE_CONFIG_DIR": str(tmp_path / "not-there")})


def test_a_deployment_without_a_file_is_warned_about(tmp_path: Path) -> None:
    """NODE_ENV=prodcution is noticed."""
    (warning,) = config.load({"NODE_ENV": "prodcution"}, tmp_path).warnings
    assert warning == "NODE_ENV is prodcution, but the configuration folder has no prodcution.json."


def test_a_deployment_must_be_a_plain_name(tmp_path: Path) -> None:
    """NODE_ENV cannot lead out of the folder."""
    assert "NODE_ENV must be a plain name" in refusal(tmp_path, {"NODE_ENV": "../secret"})


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("constraints.max_with", "did you mean constraints.max_width?"),
        ("constraint.max_width", "did you mean constraints?"),
        ("max_width", "did you mean constraints.max_width?"),
        ("zzzzzzzz", "is not a known key."),
    ],
)
def test_an_unknown_key_is_warned_about_with_the_nearest(
    tmp_path: Path, given: str, hint: str
) -> None:
    """Misspelled, in the wrong section, or nothing like any key."""
    values: object = 1
    for part in reversed(given.split(".")):
        values = {part: values}
    put(tmp_path, "default", values)
    (warning,) = config.load({}, tmp_path).warnings
    assert given.split(".")[0] in warning
    assert str(tmp_path / "default.json") in warning
    assert warning.endswith(hint)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"listen_port": 99999}, "listen_port in {} is 99999, but must be a whole number from 0 "),
        ({"listen_port": 1.5}, "is 1.5, but must be a whole number"),
        ({"listen_port": True}, "is true, but must be a whole number"),
        ({"listen_port": {}}, "is {{}}, but must be a whole number"),
        ({"enlarge": "maybe"}, 'is "maybe", but must be true or false.'),
        ({"enlarge": 1}, "is 1, but must be true or false."),
        ({"data_dir": 7}, "is 7, but must be text."),
        ({"delivery": "magic"}, 'is "magic", but must be one of redirect, presign, proxy.'),
        ({"effort": "huge"}, "must be one of fast, balanced, small."),
        ({"constraints": 5}, "constraints in {} must be an object."),
        ({"encoder": {"webp_method": 9}}, "must be a whole number from 0 to 6 or null."),
        ({"formats": {"input": ["psd"]}}, "must be a list, each one of jpeg, png,"),
        ({"formats": {"input": [""]}}, "must be a list"),
        ({"trusted_proxies": ["10.0.0.300"]}, "each a network such as 10.0.0.0/8."),
        ({"presets": {"a": "fit=crop"}}, "must be an object of named objects"),
        ({"presets": {"a": {"fit": ["crop"]}}}, "must be an object of named objects"),
        ({"fallback": {"a": ""}}, "must be an object of texts that are not empty."),
        ({"fallback": ["a"]}, "must be an object of texts that are not empty."),
        ({"aws": {"endpoint_url": "s3.local:9000"}}, "must be empty or a URL that starts with"),
        ({"log": {"output": "tcp://logs"}}, "stdout, the path of a file, or tcp://host:port."),
        ({"log": {"sample_hits": 1.1}}, "must be a number from 0 to 1."),
        ({"log": {"sample_hits": "nan"}}, "must be a number from 0 to 1."),
    ],
)
def test_a_bad_value_stops_with_one_sentence(tmp_path: Path, values: object, sentence: str) -> None:
    """The key, the file, the value and what is allowed."""
    put(tmp_path, "local", values)
    assert sentence.format(tmp_path / "local.json") in refusal(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "enlarge": true,\n  no value\n}', "is not valid JSON at line 3, column 6"),
        ('{"enlarge": true, "enlarge": false}', "the key enlarge stands twice in one object"),
        ('{"blur": {"sigma": NaN}}', "NaN is not a JSON value"),
        ("[]", "must hold one object."),
        ("[" * 100_000, "is not valid JSON"),
        ("", "is not valid JSON"),
    ],
)
def test_files_must_be_json(tmp_path: Path, text: str, sentence: str) -> None:
    """Anything else stops the start, with the file and the place."""
    (tmp_path / "default.json").write_text(text)
    said = refusal(tmp_path, {})
    assert said.startswith(str(tmp_path / "default.json"))
    assert sentence in said


def test_files_may_begin_with_a_byte_order_mark_but_must_be_utf_8(tmp_path: Path) -> None:
    """An editor's mark is passed over; other encodings are refused with the file's name."""
    path = tmp_path / "default.json"
    path.write_bytes(b'\xef\xbb\xbf{"listen_port": 80}')
    assert config.load({}, tmp_path).listen_port == 80
    path.write_bytes('{"data_dir": "é"}'.encode("latin-1"))
    assert "default.json cannot be read" in refusal(tmp_path, {})


def test_a_section_in_the_environment_must_be_json(tmp_path: Path) -> None:
    """The variable is named where its JSON is broken or no object."""
    for text in ("{", "5"):
        said = refusal(tmp_path, {"LIVERESIZE_QUALITY": text})
        assert said.startswith("environment variable LIVERESIZE_QUALITY")


def test_what_is_shown_of_a_bad_value_is_short(tmp_path: Path) -> None:
    """A whole file pasted into a variable does not fill the terminal."""
    assert len(refusal(tmp_path, {"PORT": "x" * 10_000})) < 200
