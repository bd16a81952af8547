"""The pictures that are shown instead of missing ones, by prefix of the id."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from liveresize import errors
from liveresize.core import names
from liveresize.core.names import ImageId
from liveresize.core.urls import OriginalRequest, RenditionRequest


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """Prefixes of ids, the longest first, each with the picture that is shown instead."""

    pictures: tuple[tuple[str, ImageId], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Return the fallbacks of the settings. Raises ValueError, which says what is wrong."""
        pictures = {}
        for prefix, name in given.items():
            try:
                names.check_id(name)
            except errors.InvalidId as error:
                raise ValueError(f"{name!r} cannot be the id of an image: {error.public}") from None
            if names.FORBIDDEN.search(prefix) or prefix.startswith("_"):
                raise ValueError(f"no id begins with {prefix!r}")
            if not unicodedata.is_normalized("NFC", prefix):
                raise ValueError(f"{prefix!r} must be in Unicode normalisation form NFC")
            pictures[prefix] = ImageId(name)
        return cls(tuple(sorted(pictures.items(), key=lambda each: -len(each[0]))))

    def instead(self, missing: object) -> RenditionRequest | OriginalRequest | None:
        """Return the same request for the picture that stands for the missing one; None if there
        is none, or it is the missing one itself.

        Facts, and pictures of buckets, have no fallbacks. Who may see a hidden picture does not see
        it instead of another.
        """
        if not self.pictures or not isinstance(missing, RenditionRequest | OriginalRequest):
            return None
        image = missing.image
        if image.bucket:
            return None
        name = unicodedata.normalize("NFC", image.name)
        for prefix, picture in self.pictures:
            if name.startswith(prefix):
                return None if picture == image else _of(missing, picture)
        return None


def _of(
    missing: RenditionRequest | OriginalRequest, picture: ImageId
) -> RenditionRequest | OriginalRequest:
    if isinstance(missing, RenditionRequest):
        # The bytes themselves: a redirect would end in a 200.
        return replace(missing, image=picture, proxy=True, exact=None, sees_hidden=False)
    parameters = replace(missing.parameters, proxy=True)
    return replace(missing, image=picture, parameters=parameters, sees_hidden=False)
