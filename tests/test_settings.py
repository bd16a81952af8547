"""The configuration: what is in force, what is refused, and what people are shown."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize import config, errors
from liveresize.app import rules
from liveresize.config import profiles
from liveresize.settings import backends, pictures, schema

ROOT = Path(__file__).parent.parent

SECRETS = {
    "LIVERESIZE_VIP__TOKEN": "hidden-vip",
    "LIVERESIZE_SECRET": "hidden-1",
    "LIVERESIZE_FRESHNESS": "hidden-2",
    "LIVERESIZE_ADMIN__SECRETS": "hidden-3",
    "LIVERESIZE_SIGNING__KEYS": "hidden-key-of-16-bytes",
    "LIVERESIZE_POSTGRESQL__PASSWORD": "hidden-4",
    "LIVERESIZE_POSTGRESQL__URL": "postgresql://user:hidden-5@host/database",
    "LIVERESIZE_AWS__ACCESS_KEY": "hidden-6",
    "LIVERESIZE_AWS__SECRET_KEY": "hidden-7",
    "LIVERESIZE_INTAKE__HTTP": "https://user:hidden-8@host/hidden-12",
    "LIVERESIZE_WEBHOOK__URL": "https://user:hidden-9@host/hidden-10",
    "LIVERESIZE_WEBHOOK__SECRETS": "hidden-secret-of-16-bytes",
    "LIVERESIZE_WEBHOOK__ENDPOINTS": json.dumps(
        {
            "search": {
                "url": "https://hidden-11",
                "secrets": ["hidden-secret-of-16-bytes"],
                "events": ["picture.deleted"],
            }
        }
    ),
    "LIVERESIZE_CDN__PURGE": json.dumps(
        [{"driver": "fastly", "service": "SU1Z0isxPaozGVKXdv0eYE", "token": "hidden-13"}]
    ),
    "LIVERESIZE_APPLICATIONS": json.dumps(
        {
            "shop": {
                "prefix": "shop-",
                "secret": "hidden-secret-of-an-application",
                "signing_keys": ["hidden-key-of-an-application"],
            }
        }
    ),
    "LIVERESIZE_REDIS__URL": "redis://:hidden-8@host",
    "LIVERESIZE_TRACING__ENDPOINT": "https://user:hidden-14@host/v1/traces",
    "LIVERESIZE_TRACING__HEADERS": json.dumps({"Authorization": "hidden-15"}),
}


def read(tmp_path: Path, environ: dict[str, str] | None = None) -> config.Settings:
    return config.load(environ or {}, tmp_path)


def test_without_files_the_defaults_are_in_force(tmp_path: Path) -> None:
    """Nothing has to be configured."""
    loaded = read(tmp_path)
    assert loaded.listen_port == 1337
    assert loaded.constraints.max_width == 2000
    assert loaded.encoder.webp_method is None
    assert loaded.token.networks[0] == "127.0.0.0/8"
    assert loaded.warnings == ()
    assert set(loaded.sources.values()) == {"built-in default"}


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Whoever holds the settings sees what everybody else sees."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(tmp_path).constraints.max_width = 1  # type: ignore[misc]


def test_the_example_holds_every_key_with_its_default(tmp_path: Path) -> None:
    """`default.json.example` is complete, changes but one key, leaves six to `security.profile`,
    and is written by `example()`."""
    text = (ROOT / "default.json.example").read_text()
    assert text == config.example()
    (tmp_path / "default.json").write_text(text)
    copied = read(tmp_path)
    assert copied.warnings == ()
    assert copied.renditions.metadata == "rights"
    plain = config.load({}, tmp_path.parent)
    assert plain.renditions.metadata == "none"
    assert dataclasses.replace(
        copied, sources={}, renditions=plain.renditions
    ) == dataclasses.replace(plain, sources={})
    left = {name for name, source in copied.sources.items() if source == "built-in default"}
    assert left == profiles.PROFILES["open"].keys() - {"limits.client_renders"}
    assert {copied.sources[name] for name in copied.sources.keys() - left} == {
        str(tmp_path / "default.json")
    }
    (tmp_path / "default.json").write_text(
        json.dumps({**json.loads(text), "security": {"profile": "signed"}})
    )
    signed = read(tmp_path, {"LIVERESIZE_SIGNING__KEYS": "hidden-key-of-16-bytes"})
    assert signed.signing.required
    assert signed.limits.client_renders == 0


KEYS = {"LIVERESIZE_SIGNING__KEYS": "hidden-key-of-16-bytes"}
PRESETS = {"LIVERESIZE_PRESETS": '{"card": {"fit": "crop"}}'}


@pytest.mark.parametrize(
    ("profile", "more", "wanted"),
    [
        ("open", {}, (False, True, 0, False, 200, None)),
        ("listed", PRESETS, (False, False, 8, True, 1000, None)),
        ("signed", KEYS, (True, False, 0, False, 1000, 0.0)),
        (
            "listed",
            {
                "LIVERESIZE_CONSTRAINTS__ALLOWED_SIZES": "400x300",
                "LIVERESIZE_CONSTRAINTS__PRESETS_ONLY": "false",
                "LIVERESIZE_CACHE__MAX_VARIANTS": "null",
            },
            (False, False, 1, False, 1000, None),
        ),
        (
            "signed",
            {
                "LIVERESIZE_SIGNING__REQUIRED": "false",
                "LIVERESIZE_ORIGINALS__PUBLIC": "true",
                "LIVERESIZE_LIMITS__CLIENT_RENDERS": "7",
                "LIVERESIZE_CACHE__MAX_VARIANTS": "1000",
            },
            (False, True, 0, False, 1000, 7.0),
        ),
    ],
)
def test_a_profile_sets_six_keys_and_each_alone_wins(
    tmp_path: Path, profile: str, more: dict[str, str], wanted: tuple[object, ...]
) -> None:
    """Null leaves a key to the profile; a key that wins is warned of, unless it says the same."""
    loaded = read(tmp_path, {"LIVERESIZE_SECURITY__PROFILE": profile, **more})
    assert wanted == (
        loaded.signing.required,
        loaded.originals.public,
        len(loaded.constraints.allowed_sizes),
        loaded.constraints.presets_only,
        loaded.cache.max_variants,
        loaded.limits.client_renders,
    )
    won = {each.partition(" ")[0] for each in loaded.warnings if "wins over" in each}
    names = {name.removeprefix("LIVERESIZE_").lower().replace("__", ".") for name in more}
    assert won == (names & profiles.PROFILES[profile].keys()) - {"cache.max_variants"}
    left = [name for name in profiles.PROFILES[profile] if name not in names]
    by = "built-in default" if profile == "open" else f"security.profile {profile}"
    assert {loaded.sources[name] for name in left} == {by}


@pytest.mark.parametrize(
    ("profile", "said"), [("listed", "presets is empty"), ("signed", "signing.keys is empty")]
)
def test_a_profile_that_would_let_nobody_in_is_refused(
    tmp_path: Path, profile: str, said: str
) -> None:
    """Without what it asks for nothing could be had."""
    with pytest.raises(errors.SettingsError, match=said) as raised:
        read(tmp_path, {"LIVERESIZE_SECURITY__PROFILE": profile})
    assert "security.profile" in str(raised.value)


def test_the_profile_that_is_the_default_has_the_defaults() -> None:
    """`open` is what a configuration without it has always been."""
    assert profiles.PROFILES["open"] == {
        name: config.KEYS[name].default for name in profiles.PROFILES["open"]
    }
    assert len({frozenset(profile) for profile in profiles.PROFILES.values()}) == 1


def test_the_manual_has_the_reference() -> None:
    """`config/README.md` ends with the table that `reference()` writes."""
    assert (ROOT / "config" / "README.md").read_text().endswith("\n\n" + config.reference())


def test_the_production_example_is_accepted(tmp_path: Path) -> None:
    """`production.json.example` starts a server, and needs a secret of one's own only."""
    example = ROOT / "config" / "production.json.example"
    (tmp_path / "production.json").write_text(example.read_text())
    loaded = read(tmp_path, {"NODE_ENV": "production", "LIVERESIZE_SECRET": "s" * 16})
    assert not loaded.warnings
    assert loaded.aws.bucket
    assert loaded.aws.originals_bucket
    assert loaded.originals.mirror_strict
    assert loaded.postgresql.host


def test_the_example_for_vip_is_accepted(tmp_path: Path) -> None:
    """`vip.json.example` and vip's own variables are all that a deployment of vip needs."""
    example = ROOT / "config" / "vip.json.example"
    (tmp_path / "vip.json").write_text(example.read_text())
    loaded = read(
        tmp_path, {"NODE_ENV": "vip", "AUTH_TOKEN": "x" * 16, "URI_HOSTNAME": "i.example.com"}
    )
    assert not loaded.warnings
    assert (loaded.listen_address, loaded.listen_port) == ("", 8080)
    assert (loaded.vip.token, loaded.vip.hostname) == ("x" * 16, "i.example.com")
    assert read(tmp_path, {"NODE_ENV": "vip", "PORT": "81"}).listen_port == 81


def test_every_key_says_what_it_is() -> None:
    """Each key has a sentence, a default that it would itself accept, and allowed values."""
    for key in config.KEYS.values():
        assert key.description.endswith("."), key.name
        assert key.allowed, key.name
        assert key.read(schema.plain(key.default)) == key.default


def test_an_old_configuration_works_unchanged(tmp_path: Path) -> None:
    """Keys and spellings of the published service are taken: numbers in quotes, `redis`,
    `log.stats`; what has no use here, as `metrics`, is named in a notice."""
    old = {
        "aws": {
            "access_key": "1",
            "secret_key": "2",
            "bucket": "b",
            "bucket_url": "https://b.example.com",
        },
        "constraints": {"max_width": "1500"},
        "log": {"debug": False, "stats": True},
        "metrics": {"influx": {"dsn": "http://influx"}},
        "postgresql": {"host": "192.168.99.1", "database": "images", "pool": "5"},
        "redis": {"url": "redis://cache"},
        "timeout": {"conversion": 0},
    }
    (tmp_path / "default.json").write_text(json.dumps(old))
    loaded = read(tmp_path)
    assert loaded.constraints.max_width == 1500
    assert loaded.postgresql.pool == 5
    assert loaded.timeout.conversion_seconds == 30.0
    assert loaded.log.stats
    assert [warning.split(" ")[0] for warning in loaded.warnings] == [
        "metrics",
        "timeout.conversion",
        "aws.bucket_url",
        "redis.url",
    ]


def as_node_config(secrets: dict[str, str]) -> dict[str, str]:
    """The same settings as the JSON of NODE_CONFIG."""
    nested: dict[str, object] = {}
    for variable, text in secrets.items():
        *outer, last = variable.removeprefix("LIVERESIZE_").lower().split("__")
        here = nested
        for part in outer:
            here = here.setdefault(part, {})  # type: ignore[assignment]
        here[last] = text
    return {"NODE_CONFIG": json.dumps(nested)}


@pytest.mark.parametrize("environ", [SECRETS, as_node_config(SECRETS)])
@pytest.mark.parametrize("show", [config.table, config.as_json, repr])
def test_secrets_are_never_shown(tmp_path: Path, show: object, environ: dict[str, str]) -> None:
    """Neither the table, nor its JSON, nor a `repr` in a log gives a secret away."""
    assert callable(show)
    loaded = read(tmp_path, environ)
    assert loaded.secret == "hidden-1"
    assert "hidden" not in show(loaded)


def test_every_secret_key_is_tried_above() -> None:
    """A new secret must be added to the test of masking."""
    tried = {name.removeprefix("LIVERESIZE_").lower().replace("__", ".") for name in SECRETS}
    assert tried == {name for name, key in config.KEYS.items() if key.secret}


def test_a_bad_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    """The sentence about a value shows the value, unless it is a secret."""
    with pytest.raises(errors.SettingsError) as caught:
        read(tmp_path, {"LIVERESIZE_POSTGRESQL__URL": "mysql://user:hidden@host"})
    assert "hidden" not in str(caught.value)
    assert "postgresql.url in environment variable" in str(caught.value)


def test_the_table_tells_where_values_come_from(tmp_path: Path) -> None:
    """One key a line, with value and source; warnings at the end."""
    lines = config.table(read(tmp_path, {"PORT": "8080", "LIVERESIZE_SECRETS": "x"})).splitlines()
    assert lines[1].split(maxsplit=2) == ["listen_port", "8080", "environment variable PORT"]
    assert len(lines) == len(config.KEYS) + 1
    assert lines[-1].startswith("warning: secrets in environment variable LIVERESIZE_SECRETS")


def test_the_json_report_has_values_sources_and_warnings(tmp_path: Path) -> None:
    """What a script reads: typed values, where each is from, the warnings."""
    report = json.loads(config.as_json(read(tmp_path, {"LIVERESIZE_TIMEOUT__CONVERSION": "0"})))
    assert report["values"]["listen_port"] == {"value": 1337, "source": "built-in default"}
    assert report["values"]["timeout.conversion"]["value"] == 0
    assert len(report["warnings"]) == 1


def test_the_reports_may_show_what_differs_from_the_defaults_alone(tmp_path: Path) -> None:
    """A value that was set to its default does not differ."""
    set_ = {"PORT": "8080", "LIVERESIZE_ENLARGE": "true"}
    differs = read(tmp_path, set_)
    assert config.table(differs, changed=True).split() == [
        *("listen_port", "8080", "environment", "variable", "PORT")
    ]
    assert json.loads(config.as_json(differs, changed=True))["values"].keys() == {"listen_port"}
    assert config.table(read(tmp_path), changed=True) == "Every setting has its default."


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LIVERESIZE_AWS__ACCESS_KEY": "a"}, "aws.secret_key"),
        ({"LIVERESIZE_AWS__SECRET_KEY": "a"}, "aws.access_key"),
        (
            {"LIVERESIZE_AWS__BUCKET": "b", "LIVERESIZE_AWS__ORIGINALS_BUCKET": "b"},
            "aws.originals_bucket",
        ),
    ],
)
def test_keys_that_cannot_go_together_are_refused(
    tmp_path: Path, environ: dict[str, str], named: str
) -> None:
    """Half a pair of credentials, or one bucket for two things, stops the start."""
    with pytest.raises(errors.SettingsError, match=named):
        read(tmp_path, environ)


def test_the_studio_of_production_needs_a_secret(tmp_path: Path) -> None:
    """Elsewhere it does without; either way there is nothing to warn of."""
    (tmp_path / "production.json").write_text("{}")
    production = {"NODE_ENV": "production", "LIVERESIZE_STUDIO": "true"}
    with pytest.raises(errors.SettingsError, match=r"admin\.secrets is empty"):
        read(tmp_path, production)
    secret = {"LIVERESIZE_ADMIN__SECRETS": "x" * 16}
    for environ in (production | secret, {"LIVERESIZE_STUDIO": "true"}):
        loaded = read(tmp_path, environ)
        assert (loaded.studio, loaded.warnings) == (True, ())


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", "every address"),
        ("0.0.0.0", "0.0.0.0"),
        ("::", "::"),
        ("10.0.0.7", "10.0.0.7"),
        ("images.internal", "images.internal"),
        ("127.0.0.1", None),
        ("127.8.8.8", None),
        ("::1", None),
        ("localhost", None),
    ],
)
def test_production_without_a_secret_is_warned_of_where_others_can_connect(
    tmp_path: Path, address: str, shown: str | None
) -> None:
    """Not with a secret, in another deployment, or where only this machine connects."""
    (tmp_path / "production.yaml").write_text("")
    (tmp_path / "staging.json").write_text("{}")
    production = {"NODE_ENV": "staging,production", "LIVERESIZE_LISTEN_ADDRESS": address}
    warnings = read(tmp_path, production).warnings
    assert [f"listen_address is {shown}:" in warning for warning in warnings] == (
        [True] if shown else []
    )
    assert read(tmp_path, production | {"LIVERESIZE_SECRET": "s" * 16}).warnings == ()
    assert read(tmp_path, production | {"NODE_ENV": "staging"}).warnings == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVERESIZE_SECRET", "change-me-what-POST-token-asks-for"),
        ("LIVERESIZE_SECRET", "CHANGE_ME"),
        ("LIVERESIZE_SECRET", "<the secret of your application>"),
        ("LIVERESIZE_SECRET", "a long random text that only your upload service knows"),
        ("LIVERESIZE_ADMIN__SECRETS", '["enough-of-a-secret", "change-me-for-DELETE"]'),
        ("LIVERESIZE_SECRET", "the secret that your application sends"),
        ("LIVERESIZE_POSTGRESQL__PASSWORD", "ChangeMe"),
        ("LIVERESIZE_POSTGRESQL__URL", "postgresql://u:change-me@db/d"),
    ],
)
def test_the_secret_of_an_example_stops_production(tmp_path: Path, name: str, value: str) -> None:
    """Everybody can read it. The message names the key, and how to make a secret."""
    (tmp_path / "production.json").write_text("{}")
    key = name.removeprefix("LIVERESIZE_").replace("__", ".").lower()
    with pytest.raises(errors.SettingsError) as refusal:
        read(tmp_path, {name: value, "NODE_ENV": "production"})
    assert key in refusal.value.public
    assert "openssl rand -hex 32" in refusal.value.public
    assert value not in refusal.value.public
    read(tmp_path, {name: value})  # for a first try it will do


def test_the_examples_of_the_environment_have_no_secret() -> None:
    """They say how to make one."""
    for name in ("compose.env.example", "systemd/environment.example"):
        text = (ROOT / "deploy" / name).read_text()
        assert "openssl rand -hex 32" in text
        assert not re.findall(r"^#?[A-Z_]+=(.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["SECRET", "ADMIN__SECRETS", "VIP__TOKEN"])
def test_a_short_secret_is_warned_of(tmp_path: Path, name: str) -> None:
    """From 16 characters on it is none."""
    key = name.replace("__", ".").lower()
    for value, number in (("s" * 15, 1), ("s" * 16, 0)):
        warnings = read(tmp_path, {f"LIVERESIZE_{name}": value}).warnings
        assert len([each for each in warnings if each.startswith(f"{key} has less")]) == number


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        (
            {
                "LIVERESIZE_CONSTRAINTS__MAX_ON_DISK": "200",
                "LIVERESIZE_CONSTRAINTS__MAX_DECODE": "130",
            },
            "constraints.max_on_disk (200) is above constraints.max_decode (130)",
        ),
        (
            {"LIVERESIZE_CONSTRAINTS__MAX_ON_DISK": "30"},
            "constraints.max_on_disk (30) is below constraints.max_input (128)",
        ),
        (
            {"LIVERESIZE_CONSTRAINTS__MAX_DECODE": "100"},
            "constraints.max_input (128) is above constraints.max_decode (100)",
        ),
        (
            {"LIVERESIZE_WORKERS__MEMORY_BYTES": "268435456"},
            "workers.memory_bytes (268435456) is too little for AVIF",
        ),
        ({"LIVERESIZE_POSTGRESQL__USER": "me"}, "the SQLite file is used"),
        (
            {
                "LIVERESIZE_POSTGRESQL__HOST": "db",
                "LIVERESIZE_POSTGRESQL__URL": "postgresql:///images",
            },
            "the url is used",
        ),
        ({"LIVERESIZE_AWS__CACHE_HOST": "https://b"}, "renditions are kept on disk"),
        ({"LIVERESIZE_DELIVERY": "presign"}, "redirects lead to this server"),
        ({"LIVERESIZE_ORIGINALS__CACHE_BYTES": "1"}, "on this disk alone"),
        (
            {
                "LIVERESIZE_AWS__ORIGINALS_BUCKET": "o",
                "LIVERESIZE_ORIGINALS__MIRROR_WAIT": "2.5",
            },
            "originals.mirror_wait (2.5 s) is acknowledged",
        ),
    ],
)
def test_keys_that_go_together_oddly_are_warned_about(
    tmp_path: Path, environ: dict[str, str], named: str
) -> None:
    """What works, and perhaps not as was meant, is said in a sentence."""
    (warning,) = read(tmp_path, environ).warnings
    assert named in warning


def test_a_strict_mirror_needs_no_warning(tmp_path: Path) -> None:
    """What is acknowledged is in two places then."""
    environ = {
        "LIVERESIZE_AWS__ORIGINALS_BUCKET": "o",
        "LIVERESIZE_ORIGINALS__MIRROR_STRICT": "true",
    }
    assert read(tmp_path, environ).warnings == ()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_value_breaks_a_key(value: object) -> None:
    """Whatever JSON may hold is either taken or refused with what is allowed."""
    for key in config.KEYS.values():
        try:
            key.read(value)
        except ValueError as exc:
            assert str(exc) == key.allowed  # noqa: PT017 - most values are refused


@pytest.mark.parametrize("name", ["heif", "jxl"])
def test_a_format_whose_plugin_is_missing_is_a_warning(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be left out in silence otherwise; with the plugin there is nothing to say."""
    environ = {"LIVERESIZE_FORMATS__INPUT": f'["jpeg", "{name}"]'}
    assert read(tmp_path, environ).warnings == ()
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    (warning,) = read(tmp_path, environ).warnings
    assert f"needs {'pi-heif' if name == 'heif' else 'liveresize[jxl]'} to be" in warning
    assert read(tmp_path, environ).formats.readable == ("jpeg",)


def test_jpeg_xl_that_cannot_be_made_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off unless asked for; then the package must be there, and `auto` alone turns nothing on."""
    assert not read(tmp_path, {}).jxl.made
    on = read(tmp_path, {"LIVERESIZE_JXL__ENABLED": "true"})
    assert (on.jxl.made, on.warnings) == (True, ())
    assert rules.url_rules(on).jxl
    assert not rules.url_rules(on).jxl_in_auto
    alone = read(tmp_path, {"LIVERESIZE_JXL__IN_AUTO": "true"})
    assert not rules.url_rules(alone).jxl_in_auto
    assert ["jxl.enabled is false" in each for each in alone.warnings] == [True]
    both = {"LIVERESIZE_JXL__ENABLED": "true", "LIVERESIZE_JXL__IN_AUTO": "true"}
    assert rules.url_rules(read(tmp_path, both)).jxl_in_auto
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    missing = read(tmp_path, both)
    assert sum("liveresize[jxl]" in each for each in missing.warnings) == 1
    assert not rules.url_rules(missing).jxl


def test_formats_have_other_names(tmp_path: Path) -> None:
    """`jpg` and `heic` are what people write; each format is there once."""
    environ = {"LIVERESIZE_FORMATS__INPUT": '["jpg", "heic", "jpeg", "png"]'}
    assert read(tmp_path, environ).formats.input == ("jpeg", "heif", "png")
    with pytest.raises(errors.SettingsError, match="avif, heif"):
        read(tmp_path, {"LIVERESIZE_FORMATS__INPUT": '["heics"]'})


@pytest.mark.parametrize(
    ("origin", "warned"),
    [("www.example.com", False), ("*", False), ("::1", False)]
    + [(odd, True) for odd in ("https://www.example.com", "localhost:3000")],
)
def test_an_origin_that_matches_nothing_is_warned_of(
    tmp_path: Path, origin: str, warned: bool
) -> None:
    """vip's patterns are of hosts; a whole origin would silently let nobody in."""
    environ = {"LIVERESIZE_VIP__BUCKETS": "*", "ALLOWED_ORIGIN": origin}
    warnings = [each for each in read(tmp_path, environ).warnings if "matches nothing" in each]
    assert bool(warnings) == warned


def test_what_keys_mean_for_the_parts_that_read_them() -> None:
    """In their unit, and by what wins where two keys say the same."""
    assert pictures.Originals(lost_days=1.5).lost_seconds == 129_600
    assert pictures.Originals(metadata="keep").keeps_metadata
    assert not pictures.Originals().keeps_metadata
    public, other = "https://cdn.example.com", "https://bucket.example.com"
    assert backends.Aws(cache_host=public, bucket_url=other).public_url == public
    assert backends.Aws(bucket_url=other).public_url == other


def test_originals_lie_in_their_own_folder_or_with_the_rest(tmp_path: Path) -> None:
    """Renditions and the spool are always in `data_dir`."""
    settings = read(tmp_path, {"LIVERESIZE_DATA_DIR": "/data"})
    assert str(settings.originals_folder) == "/data/originals"
    assert str(settings.renditions_folder) == "/data/renditions"
    assert str(settings.spool_folder) == "/data/spool"
    environ = {"LIVERESIZE_DATA_DIR": "/data", "LIVERESIZE_ORIGINALS_DIR": "/pictures"}
    assert str(read(tmp_path, environ).originals_folder) == "/pictures"


@pytest.mark.parametrize(
    ("keys", "limits"),
    [
        ({}, (128, 128, 128)),
        ({"max_input": 200.0}, (200, 200, 200)),
        ({"max_input": 20.0}, (20, 20, 128)),
        ({"max_on_disk": 150.0}, (128, 150, 150)),
        ({"max_input": 30.0, "max_on_disk": 30.0, "max_decode": 100.0}, (30, 30, 100)),
    ],
)
def test_limits_in_megapixels_move_together(
    keys: dict[str, float], limits: tuple[int, int, int]
) -> None:
    """Those that are not set follow `max_input`; those that are set stay."""
    constraints = pictures.Constraints(**keys)
    pixels = (
        constraints.max_input_pixels,
        constraints.max_on_disk_pixels,
        constraints.max_decode_pixels,
    )
    assert pixels == tuple(each * 1_000_000 for each in limits)
