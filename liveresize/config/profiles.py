"""What `security.profile` sets: who may have which renditions made.

A key that is set on its own wins; null there leaves it to the profile.
"""

from collections.abc import Mapping

from liveresize.config.merge import BUILT_IN, Merge

KEY = "security.profile"

_WIDTHS = ("160x0", "240x0", "320x0", "480x0", "640x0", "960x0", "1280x0", "1920x0")

PROFILES: Mapping[str, Mapping[str, object]] = {
    "open": {
        "signing.required": False,
        "originals.public": True,
        "constraints.allowed_sizes": (),
        "constraints.presets_only": False,
        "cache.max_variants": 200,
        "limits.client_renders": None,
    },
    "listed": {
        "signing.required": False,
        "originals.public": False,
        "constraints.allowed_sizes": _WIDTHS,
        "constraints.presets_only": True,
        "cache.max_variants": 1000,
        "limits.client_renders": None,
    },
    "signed": {
        "signing.required": True,
        "originals.public": False,
        "constraints.allowed_sizes": (),
        "constraints.presets_only": False,
        "cache.max_variants": 1000,
        "limits.client_renders": 0.0,
    },
}
"""The values of each profile; those of `open` are the defaults of the keys."""


def apply(merge: Merge) -> None:
    """Set what the profile says, where nobody has set it, and warn where somebody has."""
    profile = str(merge.values[KEY])
    for name, value in PROFILES[profile].items():
        given, source = merge.values[name], merge.sources[name]
        if source == BUILT_IN or given is None:
            merge.values[name] = value
            if profile != "open":
                merge.sources[name] = f"{KEY} {profile}"
        elif profile != "open" and given != value:
            merge.warnings.append(f"{name} in {source} wins over {KEY} {profile}.")
