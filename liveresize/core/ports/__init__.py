"""The interfaces of stores and services that delivery, uploads and maintenance use.

Every method raises only the errors in its docstring; adapters translate the errors of their
drivers into `errors`.
"""

from liveresize.core.ports.files import (
    Heard,
    HeardRecord,
    Kept,
    Originals,
    RenditionFile,
    RenditionFiles,
    Spool,
    StrayNote,
    StrayOriginals,
)
from liveresize.core.ports.index import (
    FACTS,
    HIDDEN,
    RECORD,
    Added,
    Changed,
    Deliveries,
    Delivery,
    Events,
    Links,
    MirrorQueue,
    OriginalRows,
    Peers,
    Purged,
    Purges,
    Selection,
    Tokens,
)
from liveresize.core.ports.memory import CachedImage, LinkList, Memory
from liveresize.core.ports.stores import (
    EventReceiver,
    ForeignOriginals,
    Mirror,
    ObjectBody,
    RenditionStore,
    WebhookClient,
)
from liveresize.core.ports.work import Clock, JobHandle, Priority, Renderer

__all__ = [
    "FACTS",
    "HIDDEN",
    "RECORD",
    "Added",
    "CachedImage",
    "Changed",
    "Clock",
    "Deliveries",
    "Delivery",
    "EventReceiver",
    "Events",
    "ForeignOriginals",
    "Heard",
    "HeardRecord",
    "JobHandle",
    "Kept",
    "LinkList",
    "Links",
    "Memory",
    "Mirror",
    "MirrorQueue",
    "ObjectBody",
    "OriginalRows",
    "Originals",
    "Peers",
    "Priority",
    "Purged",
    "Purges",
    "Renderer",
    "RenditionFile",
    "RenditionFiles",
    "RenditionStore",
    "Selection",
    "Spool",
    "StrayNote",
    "StrayOriginals",
    "Tokens",
    "WebhookClient",
]
