"""Keys about running the server: who may what, how much, and how it stops."""

from dataclasses import dataclass

from liveresize.settings.schema import key
from liveresize.settings.values import Form

PRIVATE_NETWORKS = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
)
"""Loopback and the ranges that are not routed on the internet."""

_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One-time upload tokens."""

    lifetime: int = key(900, "Life of a token, in seconds.", least=1, most=604_800)
    networks: tuple[str, ...] = key(
        PRIVATE_NETWORKS,
        "Networks whose clients may ask for tokens while no `secret` is set.",
        form=Form.NETWORK,
    )
    held: bool = key(
        False, "Hold every image that is uploaded with a token, until `PATCH` releases it."
    )
    shrink_to: int = key(
        0,
        "Longest side in pixels that images need. Answers of `/token` say it, and `clients/js` "
        "shrinks larger ones before it sends them; the server takes them as ever. 0: nothing is "
        "said.",
        most=65_535,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Uploads under way."""

    lease: float = key(
        60.0,
        "Seconds after which the id of an upload that a dead server held is free.",
        least=1,
        most=3600,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Programs that are asked about each upload before it is stored."""

    clamd: str = key(
        "",
        "ClamAV's clamd, which looks at every upload: the path of its socket, or host:port.",
        form=Form.SOCKET,
    )
    http: str = key(
        "",
        "Address that gets a small picture of every upload by POST: 2xx takes it, 4xx refuses it.",
        form=Form.URL,
        secret=True,
    )
    timeout: float = key(10.0, "Seconds that each of them may take.", least=0.1, most=300)
    on_failure: str = key(
        "refuse",
        "What becomes of an upload that could not be checked.",
        choices=("refuse", "hold", "take"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Uploads that can be resumed (tus)."""

    max_age: float = key(
        86_400.0,
        "Seconds after the issue of its token up to which an unfinished upload is kept while its "
        "bytes arrive; without bytes it ends with its token.",
        least=1,
        most=604_800,
    )
    unfinished: int = key(
        1000, "Unfinished uploads that this instance keeps; beyond them it is 507.", least=0
    )
    unfinished_bytes: int = key(
        10 * _GIB,
        "Bytes of unfinished uploads that this instance keeps, counted as they will be when they "
        "are whole; beyond them it is 507.",
        least=0,
    )
    client_unfinished: int = key(
        50, "Unfinished uploads of one client; beyond them it is 429, and 0 is no limit.", least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """Deleting, purging and looking inside."""

    secrets: tuple[str, ...] = key(
        (),
        "Bearer secrets that allow DELETE, PATCH, /purge, held images and, from any network, "
        "/_metrics; none forbids all of it.",
        secret=True,
    )
    networks: tuple[str, ...] = key(
        PRIVATE_NETWORKS,
        "Networks whose clients see the details of /_ready and /_metrics.",
        form=Form.NETWORK,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """Who may have which renditions made, in one word."""

    profile: str = key(
        "open",
        "Sets six keys that have not been set: open lets anybody ask for any rendition, listed for "
        "presets in listed widths, signed for what has a signature.",
        choices=("open", "listed", "signed"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Addresses of pictures that only who has a key can make."""

    keys: tuple[str, ...] = key(
        (),
        "Keys of signatures, as text: the first signs, any verifies; none leaves `sig` unread.",
        form=Form.SIGNING_KEY,
        secret=True,
    )
    required: bool = key(False, "Whether every picture needs a signature.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """What is kept, and how much of it."""

    memory_bytes: int = key(64 * _MIB, "Renditions kept in memory, in bytes.", least=0)
    links: int = key(50_000, "Links kept in memory.", least=0)
    link_ttl: float = key(60.0, "Seconds for which a link in memory is trusted.", least=0)
    disk_bytes: int = key(10 * _GIB, "Renditions kept on disk without S3, in bytes.", least=0)
    object_bytes: int = key(
        0,
        "Renditions in `aws.bucket`, in bytes: above this, those used longest ago are removed, "
        "once no redirect leads to them any more. 0 is no limit.",
        least=0,
    )
    object_age: int = key(
        0,
        "Seconds after which an unused rendition is removed from `aws.bucket`, or later, once no "
        "redirect leads to it any more. 0 is never.",
        least=0,
    )
    max_variants: int = key(
        200, "Renditions of one original above which new ones are not kept.", least=1
    )
    spool_bytes: int = key(
        _GIB, "Renditions waiting on disk for S3, in bytes; without S3 none wait.", least=0
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What is left free for others."""

    reserve: int = key(
        _GIB,
        "Free bytes that uploads leave; renditions leave twice as many, fetched originals half.",
        least=0,
    )
    reserve_inodes: float = key(5.0, "The same of free inodes, in percent.", least=0, most=90)


IDLE_WORKER = 150 * _MIB
"""Bytes of address space that a worker has taken before its first picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The processes that turn pictures."""

    slots: int = key(
        0, "Worker processes; 0 takes what the cores and the memory allow.", least=0, most=1024
    )
    memory_bytes: int = key(616 * _MIB, "Address space of one worker, in bytes.", least=256 * _MIB)
    decoded_bytes: int = key(
        32 * _MIB,
        "Decoded pixels that a worker keeps for the next size of a picture, in bytes of "
        "`workers.memory_bytes`; 0 keeps none.",
        least=0,
    )
    nice: int = key(10, "How far workers step back behind the server.", least=0, most=19)
    recycle: int = key(1000, "Jobs after which a worker is replaced; 0 never replaces it.", least=0)
    queue: int = key(256, "Jobs that may wait for a worker; beyond them it is 503.", least=1)
    max_wait: float = key(20.0, "Seconds that a job may wait for a worker.", least=0.1, most=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client, and all of them, may take of the server."""

    max_connections: int = key(
        0, "Open connections; 0 derives it from the descriptors allowed.", least=0
    )
    header_timeout: float = key(
        10.0, "Seconds for the head of a request to arrive.", least=0.1, most=3600
    )
    header_bytes: int = key(32_768, "Largest head of a request, in bytes.", least=1024, most=_MIB)
    body_rate: int = key(1024, "Least speed of an upload, in bytes a second.", least=0)
    body_grace: float = key(
        10.0, "Seconds before `limits.body_rate` is asked for.", least=0, most=3600
    )
    write_stall: float = key(
        30.0, "Seconds that a client may take nothing of its answer.", least=0.1, most=3600
    )
    client_connections: int = key(256, "Open connections of one client; 0 is no limit.", least=0)
    unsent_bytes: int = key(
        64 * _MIB, "Bytes of all answers that clients have yet to take; 0 is no limit.", least=0
    )
    client_renders: float | None = key(
        None,
        "New renditions one client may ask for a second; 0 is no limit, null is 25 a worker.",
        least=0,
    )
    client_burst: int | None = key(
        None,
        "New renditions one client may ask for at once; null is four seconds of them, "
        "at least 100.",
        least=1,
    )
    client_queue: int = key(
        16,
        "Jobs of one client, for each worker, that keep their place when the queue is full.",
        least=1,
        most=1000,
    )
    failed_secrets: int = key(
        30,
        "Wrong guesses at one secret (or key) that one client may make a minute; 0 is no limit.",
        least=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """How the server stops."""

    delay: float = key(
        5.0, "Seconds of `503` from /_ready before it stops accepting.", least=0, most=3600
    )
    finish: float = key(30.0, "Seconds for what is in flight to finish.", least=0, most=3600)
    flush: float = key(10.0, "Seconds for the spool to reach S3.", least=0, most=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What /_ready means."""

    strict: bool = key(
        False, "Whether /_ready is 503 while a part suffers: database, writes, disk, S3, workers."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is logged, how and where to."""

    debug: bool = key(False, "Whether debug messages are logged.")
    info: bool = key(True, "Whether requests and other news are logged.")
    warn: bool = key(True, "Whether warnings are logged.")
    error: bool = key(True, "Whether errors are logged.")
    stats: bool = key(True, "Whether counts since the start are logged every five minutes.")
    format: str = key(
        "auto",
        "Shape of the lines; auto is console on a terminal and logstash elsewhere; iaas has the "
        "`datetime` and `severity` of Live Image Resize.",
        choices=("auto", "logstash", "ecs", "iaas", "console"),
    )
    output: str = key(
        "stdout", "Where to: stdout, the path of a file, or tcp://host:port.", form=Form.OUTPUT
    )
    sample_hits: float = key(
        1.0, "Share of the requests answered from a cache that is logged.", least=0, most=1
    )
