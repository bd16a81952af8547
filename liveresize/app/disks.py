"""Whether the disks below the folders have room, looked at now and then."""

import asyncio
from collections.abc import Mapping

import structlog

from liveresize import errors
from liveresize.config import Settings
from liveresize.storage.files import Reserve, Room

_log = structlog.get_logger("liveresize.disk")


class Disks:
    """The file systems of some folders, by what is kept there.

    `rooms` is what the last look has found: where there is None, nobody could tell. Requests
    read it; asking a disk may take long.
    """

    def __init__(self, reserves: Mapping[str, Reserve]) -> None:
        self._reserves = reserves
        self.rooms: dict[str, Room | None] = {}

    @property
    def short(self) -> dict[str, bool]:
        """Whether each folder's disk is below its reserve, so that nothing is stored there."""
        return {name: _is_short(self.rooms[name]) for name in self.rooms}

    @property
    def detail(self) -> dict[str, object]:
        """What operators are told of each."""
        return {
            name: {
                "ok": not _is_short(room),
                "free_bytes": None if room is None else room.free_bytes,
                "free_inodes": None if room is None else room.free_inodes,
            }
            for name, room in self.rooms.items()
        }

    async def look(self) -> None:
        """See what is free; changes of what is short are logged once. Never raises."""
        for name, reserve in self._reserves.items():
            room, reason = await asyncio.to_thread(_look, reserve)
            before = _is_short(self.rooms[name]) if name in self.rooms else False
            self.rooms[name] = room
            free = None if room is None else room.free_bytes
            if _is_short(room) and not before:
                _log.warning("disk_short", folder=name, free_bytes=free, reason=reason)
            elif before and not _is_short(room):
                _log.info("disk_roomy", folder=name, free_bytes=free)


def reserves(settings: Settings) -> dict[str, Reserve]:
    """What is kept on disks of this machine, and how much of those stays free."""
    folders = {"originals": settings.originals_folder, "spool": settings.spool_folder}
    if not settings.aws.bucket:
        folders["renditions"] = settings.renditions_folder
    return {name: Reserve(folder, settings.disk) for name, folder in folders.items()}


def _is_short(room: Room | None) -> bool:
    return room is None or bool(room.lacking)


def _look(reserve: Reserve) -> tuple[Room | None, str]:
    """What is free there, and what is wrong with that."""
    try:
        room = reserve.room()
    except errors.DiskFull as error:
        return None, error.detail
    return room, room.lacking
