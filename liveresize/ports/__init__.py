"""The seams: what the service asks of the world, as Protocols.

Every method may raise what it names and nothing else; adapters translate whatever their
driver raises into `errors`.
"""

from liveresize.ports.files import (
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
from liveresize.ports.index import Announcement, Index, Purged, Selection
from liveresize.ports.memory import Held, Memory
from liveresize.ports.stores import Courier, Mirror, ObjectBody, RenditionStore, Taken
from liveresize.ports.work import Clock, Errand, Priority, Renderer

__all__ = [
    "Announcement",
    "Clock",
    "Courier",
    "Errand",
    "Heard",
    "HeardRecord",
    "Held",
    "Index",
    "Kept",
    "Memory",
    "Mirror",
    "ObjectBody",
    "Originals",
    "Priority",
    "Purged",
    "Renderer",
    "RenditionFile",
    "RenditionFiles",
    "RenditionStore",
    "Selection",
    "Spool",
    "StrayNote",
    "StrayOriginals",
    "Taken",
]
