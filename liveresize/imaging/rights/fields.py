"""The fields that are kept of what files say of rights, by name, and how each is written.

A name is `exif:…`, `iptc:…`, or that of an XMP property. Addresses and telephone numbers in
PLUS are not among them.
"""

import enum
from collections.abc import Mapping, Sequence

from liveresize.imaging.rights import texts

Struct = tuple[tuple[str, str], ...]
"""A structure of PLUS: the names and texts of its fields."""

Item = str | Struct
Fields = dict[str, tuple[Item, ...]]
"""Field → what it says: one text, several, or structures."""

MOST_ITEMS = 20
"""Texts or structures of one field; there is no more room anyway."""


class Kind(enum.Enum):
    """How XMP writes a property."""

    TEXT = ""
    ALT = "Alt"
    """A text in several languages, of which the default one is kept."""
    BAG = "Bag"
    SEQ = "Seq"


STRUCTS: Mapping[str, tuple[str, ...]] = {
    "plus:CopyrightOwner": ("CopyrightOwnerName", "CopyrightOwnerID"),
    "plus:Licensor": ("LicensorName", "LicensorURL", "LicensorID", "LicensorEmail"),
    "plus:ImageCreator": ("ImageCreatorName", "ImageCreatorID"),
    "plus:ImageSupplier": ("ImageSupplierName", "ImageSupplierID"),
    "plus:Licensee": ("LicenseeName", "LicenseeID"),
    "plus:EndUser": ("EndUserName", "EndUserID"),
}
"""Properties whose items are structures, and what is kept of those."""


def _plus(kind: Kind, names: str) -> dict[str, Kind]:
    return {f"plus:{name}": kind for name in names.split()}


XMP: Mapping[str, Kind] = {
    "Iptc4xmpExt:DigitalSourceType": Kind.TEXT,
    "dc:rights": Kind.ALT,
    "dc:creator": Kind.SEQ,
    "photoshop:Credit": Kind.TEXT,
    "xmpRights:Marked": Kind.TEXT,
    "xmpRights:WebStatement": Kind.TEXT,
    "xmpRights:UsageTerms": Kind.ALT,
    "xmpRights:Owner": Kind.BAG,
    "xmpRights:Certificate": Kind.TEXT,
    "plus:DataMining": Kind.TEXT,
    **dict.fromkeys(STRUCTS, Kind.SEQ),
    **_plus(
        Kind.ALT,
        "OtherConstraints TermsAndConditionsText OtherConditions LicensorNotes MediaConstraints"
        " RegionConstraints ProductOrServiceConstraints OtherLicenseRequirements"
        " LicenseeImageNotes OtherImageInfo OtherLicenseInfo",
    ),
    **_plus(
        Kind.TEXT,
        "TermsAndConditionsURL CopyrightStatus CreditLineRequired CopyrightRegistrationNumber"
        " FirstPublicationDate LicenseID LicenseStartDate LicenseEndDate LicenseTransactionDate"
        " ModelReleaseStatus MinorModelAgeDisclosure PropertyReleaseStatus AdultContentWarning"
        " ImageDuplicationConstraints Reuse ImageType MediaSummaryCode Version"
        " CopyrightOwnerImageID ImageCreatorImageID ImageSupplierImageID LicensorImageID"
        " LicenseeImageID FileNameAsDelivered ImageFileFormatAsDelivered"
        " ImageFileSizeAsDelivered",
    ),
    **_plus(
        Kind.BAG,
        "ImageFileConstraints ImageAlterationConstraints ModelReleaseID PropertyReleaseID"
        " LicensorTransactionID LicenseeTransactionID LicenseeProjectReference"
        " OtherLicenseDocuments",
    ),
}
"""XMP properties, the most important first. Those of PLUS are the ones that its specification
lists, so that nothing else gets in under that name."""

ARTIST, COPYRIGHT = "exif:Artist", "exif:Copyright"
CREATOR, CREDIT, NOTICE = "iptc:Creator", "iptc:Credit", "iptc:CopyrightNotice"

IN_XMP = {CREATOR: "dc:creator", CREDIT: "photoshop:Credit", NOTICE: "dc:rights"}
"""The same fields of IPTC in its old and its new form."""

_MARK = "Iptc4xmpExt:DigitalSourceType"

ORDER = (
    *(_MARK, COPYRIGHT, ARTIST, "dc:rights", "dc:creator", NOTICE, CREATOR, CREDIT),
    *(name for name in XMP if name not in (_MARK, "dc:rights", "dc:creator")),
)
"""All fields, the most important first."""


def kept(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of one field that are not empty, as many as fit into its bytes."""
    found: list[Item] = []
    left = texts.MOST
    for item in items[:MOST_ITEMS]:
        if isinstance(item, str):
            text = texts.tidy(item)
            text = text if found else texts.cut(text)
            size = len(text.encode())
            if text and size <= left:
                found.append(text)
                left -= size
            continue
        parts: list[tuple[str, str]] = []
        for name, raw in item:
            text = texts.tidy(raw)
            size = len(text.encode())
            if text and size <= left:
                parts.append((name, text))
                left -= size
        if parts:
            found.append(tuple(parts))
    return tuple(found)
