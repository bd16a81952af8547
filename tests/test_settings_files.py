"""The files and variables of node-config: which are read, in which order, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from liveresize import config, errors
from liveresize.config import files

HOST = {"HOST": "pic.example.com"}


def put(folder: Path, **texts: str) -> None:
    """Files by their names, `.` written `__`."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)


def refusal(folder: Path, environ: dict[str, str]) -> str:
    """The sentence with which these settings are refused."""
    with pytest.raises(errors.SettingsError) as caught:
        config.load(environ, folder)
    return caught.value.public


def read_in_order(folder: Path, environ: dict[str, str], names: list[str]) -> list[str]:
    """The files of `names` that are read, weakest first."""
    for place, name in enumerate(names):
        (folder / name).write_text(json.dumps({"data_dir": str(place)}))
    return [Path(layer.source).name for layer in files.read(environ, folder)]


def test_every_name_of_node_config_is_read_in_its_order(tmp_path: Path) -> None:
    """Default, deployment, host by its short and its full name, local; each with its instance."""
    environ = HOST | {"NODE_ENV": "production", "NODE_APP_INSTANCE": "3"}
    order = [
        "default.json",
        "default-3.json",
        "production.json",
        "production-3.json",
        "pic.json",
        "pic-3.json",
        "pic-production.json",
        "pic-production-3.json",
        "pic.example.com.json",
        "pic.example.com-3.json",
        "pic.example.com-production.json",
        "pic.example.com-production-3.json",
        "local.json",
        "local-3.json",
        "local-production.json",
        "local-production-3.json",
    ]
    others = ["staging.json", "local-staging.json", "default-4.json", "example.json", "a.txt"]
    assert read_in_order(tmp_path, environ, [*others, *reversed(order)]) == order
    loaded = config.load(environ, tmp_path)
    assert loaded.sources["data_dir"] == str(tmp_path / "local-production-3.json")
    assert loaded.warnings == ()


def test_several_deployments_are_laid_over_each_other(tmp_path: Path) -> None:
    """In the order of the variable; a host's file and `local` count where they come last."""
    names = ["a", "b", "pic", "pic-a", "pic-b", "local", "local-a", "local-b"]
    found = read_in_order(
        tmp_path, {"NODE_ENV": "b,a", "HOST": "pic"}, [f"{name}.json" for name in names]
    )
    assert " ".join(found).replace(".json", "") == "b a pic-b pic pic-a local-b local local-a"


def test_extensions_have_an_order_too(tmp_path: Path) -> None:
    """Of one name, `.yml` is laid over `.yaml`, that over `.json5`, `.jsonc` and `.json`."""
    order = ["default.json", "default.jsonc", "default.json5", "default.yaml", "default.yml"]
    assert read_in_order(tmp_path, {}, [*reversed(order), "local.json"]) == [*order, "local.json"]


def test_the_host_has_its_name_from_the_environment_or_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOST, then HOSTNAME, then what the system says."""
    monkeypatch.setattr("socket.gethostname", lambda: "third.local")
    names = ["one.json", "two.json", "third.json"]
    for environ, expected in [
        ({"HOST": "one.local", "HOSTNAME": "two"}, "one.json"),
        ({"HOST": "", "HOSTNAME": "two"}, "two.json"),
        ({}, "third.json"),
    ]:
        assert read_in_order(tmp_path, environ, names) == [expected]


def test_node_config_env_is_the_deployment_where_it_is_set(tmp_path: Path) -> None:
    """It stands above NODE_ENV, also for what production refuses."""
    environ = {"NODE_ENV": "production", "NODE_CONFIG_ENV": "eu,qa"}
    names = ["production.json", "qa.json"]
    assert read_in_order(tmp_path, environ, names) == ["qa.json"]
    (warning,) = config.load(environ, tmp_path).warnings
    assert warning == "NODE_CONFIG_ENV is eu, but the configuration folder has no eu.json."
    environ["NODE_CONFIG_ENV"] = "qa,production"
    assert "admin.secrets" in refusal(tmp_path, environ | {"LIVERESIZE_STUDIO": "true"})


def test_names_that_no_file_answers_to_are_warned_of_or_refused(tmp_path: Path) -> None:
    """As in node-config, whose strict mode makes errors of them."""
    environ = {"NODE_APP_INSTANCE": "7"}
    said = "NODE_APP_INSTANCE is 7, but the configuration folder has no default-7.json."
    assert config.load(environ, tmp_path).warnings == (said,)
    assert refusal(tmp_path, environ | {"NODE_CONFIG_STRICT_MODE": "1"}) == said
    put(tmp_path, **{"local-production-7__yaml": ""})
    environ["NODE_ENV"] = "production"
    assert config.load(environ, tmp_path).warnings == ()


def test_several_folders_are_read_together(tmp_path: Path) -> None:
    """The name of a file counts first, then the folder; each must be there."""
    one, two = tmp_path / "one", tmp_path / "two"
    put(one, default__json='{"listen_port": 1}', local__json='{"data_dir": "one"}')
    put(two, default__json='{"listen_port": 2, "data_dir": "two"}')
    loaded = config.load({"NODE_CONFIG_DIR": f"{one}:{two}"})
    assert (loaded.listen_port, loaded.data_dir) == (2, "one")
    assert loaded.sources["listen_port"] == str(two / "default.json")
    with pytest.raises(errors.SettingsError, match="three is not there"):
        config.load({"NODE_CONFIG_DIR": f"{one}:{tmp_path / 'three'}"})


@pytest.mark.parametrize("extension", files.NOT_READ)
@pytest.mark.parametrize("name", ["default", "local-production", "custom-environment-variables"])
def test_what_only_node_can_read_stops_the_start(tmp_path: Path, name: str, extension: str) -> None:
    """Its file would have been read there, so it is named, with what to do."""
    put(tmp_path, **{f"staging__{extension}": "", "default__json": "{}"})
    environ = {"NODE_ENV": "production", "NODE_CONFIG": "{}"}
    config.load(environ, tmp_path)
    put(tmp_path, **{f"{name}__{extension}": ""})
    said = refusal(tmp_path, environ)
    assert said.startswith(str(tmp_path / f"{name}.{extension}"))
    assert f"write what it sets to {name}.json, .json5 or .yaml" in said


def test_a_parser_of_its_own_stops_the_start(tmp_path: Path) -> None:
    """Node-config would have read the files with it."""
    assert "NODE_CONFIG_PARSER" in refusal(tmp_path, {"NODE_CONFIG_PARSER": "mine.js"})


def test_json_may_have_comments_and_trailing_commas(tmp_path: Path) -> None:
    """Node-config takes all of JSON5 in .json, .jsonc and .json5."""
    text = """
        // of the machine
        {
            listen_port: 0x50, /* 80 */
            'data_dir': 'a\\
b',
            "blur": {"sigma": .5},
            formats: {input: ["png", "gif",],},
        }
    """
    for extension in ("json", "jsonc", "json5"):
        folder = tmp_path / extension
        put(folder, **{f"default__{extension}": text})
        loaded = config.load({}, folder)
        assert (loaded.listen_port, loaded.data_dir, loaded.blur.sigma) == (80, "ab", 0.5)
        assert loaded.formats.input == ("png", "gif")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  // text\n  "a" 1\n}', "is not valid JSON at line 3, column 7: Unexpected"),
        ('{\n  "a": "b\n}', "is not valid JSON at line 2, column 10: Unexpected"),
        ("{a: 1, a: 2}", "the key a stands twice in one object"),
        ("{blur: {sigma: -Infinity}}", "-Infinity is not a JSON value"),
        ("[1,]", "must hold one object."),
        ("{a: " + "[" * 100_000, "is not valid JSON"),
        ("", "is not valid JSON"),
        ("// nothing", "is not valid JSON"),
    ],
)
@pytest.mark.parametrize("extension", ["json", "json5"])
def test_what_is_not_json5_stops_the_start(
    tmp_path: Path, text: str, sentence: str, extension: str
) -> None:
    """The file is named, and the place where it is known."""
    put(tmp_path, **{f"local__{extension}": text})
    said = refusal(tmp_path, {})
    assert said.startswith(str(tmp_path / f"local.{extension}"))
    assert sentence in said
    assert "\n" not in said


def test_yaml_has_the_values_of_json(tmp_path: Path) -> None:
    """Words and dates are text, as they were in the published service."""
    put(
        tmp_path,
        default__yaml="""
            # of the machine
            listen_port: 8080
            data_dir: on
            freshness: 2026-01-01
            secret: no
            enlarge: FALSE
            redirect_cache_timeout: 0x10
            blur: {sigma: 1.5e1}
            encoder: {webp_method: ~, png_level:}
            formats:
              input: [png, "gif"]
            log: &log {debug: true}
            presets:
              100: {w: 100}
              true: {<<: {q: 1, fit: crop}, q: 2}
        """,
    )
    loaded = config.load({}, tmp_path)
    assert (loaded.listen_port, loaded.redirect_cache_timeout) == (8080, 16)
    assert (loaded.data_dir, loaded.secret, loaded.freshness) == ("on", "no", "2026-01-01")
    assert (loaded.enlarge, loaded.log.debug, loaded.blur.sigma) == (False, True, 15)
    assert (loaded.encoder.webp_method, loaded.encoder.png_level) == (None, None)
    assert loaded.formats.input == ("png", "gif")
    assert loaded.presets == {"100": {"w": "100"}, "true": {"q": "2", "fit": "crop"}}
    assert loaded.sources["listen_port"] == str(tmp_path / "default.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "null", "---\n"])
def test_yaml_that_holds_nothing_sets_nothing(tmp_path: Path, text: str) -> None:
    """A file of comments alone is a usual beginning."""
    put(tmp_path, local__yml=text)
    assert set(config.load({}, tmp_path).sources.values()) == {"built-in default"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("enlarge: on", 'enlarge in {} is "on", but must be true or false.'),
        ("listen_port: 0123", "{} is not valid YAML at line 1, column 14: readers of YAML"),
        ("listen_port: 0o17", "readers of YAML disagree"),
        ("listen_port: 8_080", "readers of YAML disagree"),
        ("listen_port: 0b11", "readers of YAML disagree"),
        ("data_dir: 1:30", "readers of YAML disagree"),
        ("a: 1\nb: 2\na: 3", "at line 3, column 1: the key a stands twice in one object"),
        ("? [a]\n: 1", "a key is no text"),
        ("a: !!timestamp 2026-01-01", "could not determine a constructor"),
        ("a: !!python/name:os.system", "could not determine a constructor"),
        ("a: *b", "found undefined alias"),
        ("a: {", "is not valid YAML at line 1, column"),
        ("a: 1\n---\na: 2", "is not valid YAML at line"),
        ("a: \x07", "is not valid YAML: special characters are not allowed."),
        ("- a", "{} must hold one object."),
        ("[" * 2000, "is not valid YAML"),
    ],
)
def test_other_yaml_stops_the_start(tmp_path: Path, text: str, sentence: str) -> None:
    """With the file, the place where it is known, and one line that shows no value."""
    put(tmp_path, default__yml=text)
    said = refusal(tmp_path, {})
    assert sentence.format(tmp_path / "default.yml") in said
    assert str(tmp_path / "default.yml") in said
    assert "\n" not in said
    assert "0123" not in said


def test_node_config_is_laid_over_the_files(tmp_path: Path) -> None:
    """And beneath `custom-environment-variables`, PORT and LIVERESIZE_ variables."""
    put(
        tmp_path,
        local__json='{"listen_port": 1, "quality": {"jpeg": 1, "webp": 1}}',
        **{"custom-environment-variables__json": '{"listen_port": "MAPPED"}'},
    )
    environ: dict[str, str] = {}
    for port, more, source in [
        (1, {}, str(tmp_path / "local.json")),
        (
            2,
            {"NODE_CONFIG": '{"listen_port": 2, "quality": {"webp": 2}}'},
            "environment variable NODE_CONFIG",
        ),
        (
            3,
            {"MAPPED": "3"},
            f"environment variable MAPPED, by {tmp_path}/custom-environment-variables.json",
        ),
        (4, {"PORT": "4"}, "environment variable PORT"),
        (5, {"LIVERESIZE_LISTEN_PORT": "5"}, "environment variable LIVERESIZE_LISTEN_PORT"),
    ]:
        environ |= more
        loaded = config.load(environ, tmp_path)
        assert (loaded.listen_port, loaded.sources["listen_port"]) == (port, source)
    assert (loaded.quality.jpeg, loaded.quality.webp) == (1, 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "environment variable NODE_CONFIG is not valid JSON at line 1"),
        ("{a: 1}", "environment variable NODE_CONFIG is not valid JSON"),
        ("5", "environment variable NODE_CONFIG must hold one object."),
        ('{"enlarge": 5}', "enlarge in environment variable NODE_CONFIG is 5, but"),
    ],
)
def test_a_node_config_that_is_not_understood_stops_the_start(
    tmp_path: Path, text: str, sentence: str
) -> None:
    """Node-config went on without it; here the start stops."""
    assert sentence in refusal(tmp_path, {"NODE_CONFIG": text})


def test_variables_are_mapped_to_keys(tmp_path: Path) -> None:
    """As text, or by a format; empty ones set nothing, and other mappings are laid over."""
    put(
        tmp_path,
        default__json='{"secret": "sample", "freshness": "sample", "listen_port": 80}',
        **{
            "custom-environment-variables__json": json.dumps(
                {
                    "secret": "IAAS_SECRET",
                    "freshness": "IAAS_EMPTY",
                    "listen_port": "IAAS_MISSING",
                    "data_dir": {"__name": "IAAS_MISSING", "__format": "json"},
                    "constraints": {"max_width": "IAAS_WIDTH"},
                    "formats": {"input": {"__name": "IAAS_INPUT", "__format": "json"}},
                    "quality": {"__name": "IAAS_QUALITY", "__format": "yaml"},
                    "enlarge": {"__name": "IAAS_ENLARGE", "__format": "boolean"},
                }
            ),
            "custom-environment-variables__yml": "constraints: {max_height: IAAS_WIDTH}",
        },
    )
    loaded = config.load(
        {
            "IAAS_SECRET": '"quoted, as it is"',
            "IAAS_EMPTY": "",
            "IAAS_WIDTH": "90",
            "IAAS_INPUT": '["png"]',
            "IAAS_QUALITY": "jpeg: 50",
            "IAAS_ENLARGE": "false",
        },
        tmp_path,
    )
    assert (loaded.secret, loaded.freshness, loaded.listen_port) == (
        '"quoted, as it is"',
        "sample",
        80,
    )
    assert (loaded.constraints.max_width, loaded.constraints.max_height) == (90, 90)
    assert (loaded.formats.input, loaded.quality.jpeg, loaded.enlarge) == (("png",), 50, False)
    assert loaded.warnings == ()


def test_the_mapping_of_the_manual_is_accepted(tmp_path: Path) -> None:
    """Each of its variables sets its key."""
    manual = Path(__file__).parent.parent.joinpath("config", "README.md").read_text()
    (block,) = re.findall("```json\n(.*?)```", manual, re.DOTALL)
    put(tmp_path, **{f"{files.VARIABLES}__json": block})
    environ = {"IAAS_SECRET": "s", "DB_PASSWORD": "p", "IAAS_FORMATS": '["png"]'}
    loaded = config.load(environ, tmp_path)
    assert (loaded.secret, loaded.postgresql.password) == ("s", "p")
    assert loaded.formats.input == ("png",)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"secret": 5}, "secret in {} must be the name of a variable"),
        ({"secret": None}, "secret in {} must be the name of a variable"),
        ({"aws": {"bucket": ["A"]}}, "aws.bucket in {} must be the name of a variable"),
        ({"secret": {"__name": "A"}}, "secret in {} must be the name of a variable"),
        ({"secret": {"__name": "A", "__format": "toml"}}, "`__format` of json, jsonc, json5, "),
        ({"secret": {"__name": "A", "__format": []}}, "`__format` of json, jsonc, json5, "),
        ({"enlarge": "A"}, 'enlarge in environment variable A, by {} is "hidden", but must be'),
        ({"aws": "A"}, "aws in environment variable A, by {} must be an object."),
        ({"aws": {"__name": "A", "__format": "json"}}, "variable A, by {} is not valid JSON"),
    ],
)
def test_a_mapping_that_is_not_understood_stops_the_start(
    tmp_path: Path, mapping: object, sentence: str
) -> None:
    """With the key and the file."""
    path = tmp_path / "custom-environment-variables.json"
    path.write_text(json.dumps(mapping))
    assert sentence.format(path) in refusal(tmp_path, {"A": "hidden"})


def test_a_null_section_takes_its_defaults_back(tmp_path: Path) -> None:
    """A null is laid over an object as over any value, and the default is what remains."""
    put(
        tmp_path,
        default__json='{"quality": {"jpeg": 1, "webp": 2}}',
        local__json='{"quality": null}',
    )
    loaded = config.load({"NODE_CONFIG": '{"quality": {"webp": 3}}'}, tmp_path)
    assert (loaded.quality.jpeg, loaded.quality.webp) == (82, 3)
    assert loaded.sources["quality.jpeg"] == "built-in default"


def test_a_link_that_leads_nowhere_stops_the_start(tmp_path: Path) -> None:
    """A secret that was not mounted is not passed over."""
    (tmp_path / "local.json").symlink_to(tmp_path / "not-mounted")
    assert refusal(tmp_path, {}).startswith(f"{tmp_path / 'local.json'} cannot be read")
