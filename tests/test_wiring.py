"""What the composition root makes of settings."""

from pathlib import Path

import pytest

from liveresize import config
from liveresize.app import iaas_places, rules
from liveresize.app.database import database_url


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        (
            {"HOST": "db", "USER": "me@home", "PASSWORD": "a/b", "DATABASE": "pics"},
            "postgresql://me%40home:a%2Fb@db:5432/pics?sslmode=prefer",
        ),
        (
            {"HOST": "db", "PORT": "6432", "SSLMODE": "verify-full"},
            "postgresql://:@db:6432/?sslmode=verify-full",
        ),
        ({"HOST": "::1", "DATABASE": "pics"}, "postgresql://:@[::1]:5432/pics?sslmode=prefer"),
        (
            {"HOST": "/run/postgresql", "DATABASE": "pics"},
            "postgresql://:@/pics?host=%2Frun%2Fpostgresql&port=5432&sslmode=prefer",
        ),
        (
            {"URL": "postgresql://db/pics", "HOST": "other", "SSLMODE": "require"},
            "postgresql://db/pics",
        ),
        (
            {"HOST": "db", "DATABASE": "pics", "CA": "/etc/our ca.pem"},
            "postgresql://:@db:5432/pics?sslmode=verify-full&sslrootcert=/etc/our%20ca.pem",
        ),
        (
            {"HOST": "db", "DATABASE": "pics", "CA": "system", "SSLMODE": "require"},
            "postgresql://:@db:5432/pics?sslmode=require&sslrootcert=system",
        ),
        (
            {"URL": "postgresql://db/pics", "CA": "/ca.pem"},
            "postgresql://db/pics?sslmode=verify-full&sslrootcert=/ca.pem",
        ),
        (
            {"URL": "postgresql://db/pics?sslmode=verify-ca", "CA": "/ca.pem"},
            "postgresql://db/pics?sslmode=verify-ca&sslrootcert=/ca.pem",
        ),
        (
            {"URL": "postgresql://db/pics?sslrootcert=/own.pem", "CA": "/ca.pem"},
            "postgresql://db/pics?sslrootcert=/own.pem",
        ),
    ],
)
def test_the_keys_of_postgresql_make_one_url(
    environ: dict[str, str], url: str, tmp_path: Path
) -> None:
    """Account and encryption included; a URL that is given says everything itself."""
    keys = {f"LIVERESIZE_POSTGRESQL__{key}": value for key, value in environ.items()}
    assert database_url(config.load(keys, directory=tmp_path)) == url


def test_without_postgresql_the_index_is_a_file(tmp_path: Path) -> None:
    """In `data_dir`, with everything else."""
    keys = {"LIVERESIZE_DATA_DIR": str(tmp_path / "data")}
    url = database_url(config.load(keys, directory=tmp_path))
    assert url == f"sqlite:///{tmp_path}/data/liveresize.sqlite"


@pytest.mark.parametrize(
    ("keys", "slots", "rate", "burst"),
    [
        ({}, 1, 25.0, 100),
        ({}, 2, 50.0, 200),
        ({}, 16, 400.0, 1600),
        ({"client_renders": 10}, 16, 10.0, 100),
        ({"client_renders": 0}, 2, 0.0, 100),
        ({"client_burst": 7}, 2, 50.0, 7),
    ],
)
def test_what_one_client_may_ask_for_grows_with_the_workers(
    keys: dict[str, int], slots: int, rate: float, burst: int, tmp_path: Path
) -> None:
    """Unless the settings say otherwise; at least a hundred at once."""
    environ = {f"LIVERESIZE_LIMITS__{key.upper()}": str(value) for key, value in keys.items()}
    limits = config.load(environ, directory=tmp_path).limits
    allowed = rules.client_rate(limits, slots)
    assert (allowed.per_second, allowed.burst) == (rate, burst)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:hush@db:6432/d?sslmode=require", "postgresql://u@db:6432/d"),
        ("postgresql://u:hush@a:1,b:2/d", "postgresql://u@/d?host=a%2Cb&port=1%2C2"),
        ("postgresql:///d?user=u&password=hush&host=/run/pg", "postgresql://u@/d?host=%2Frun%2Fpg"),
    ],
)
def test_a_database_is_shown_without_its_password(url: str, shown: str) -> None:
    """With its hosts, wherever the URL has them."""
    assert iaas_places.shown(url) == shown
