"""How many new renditions clients and applications may ask for."""

import math
from collections.abc import Callable

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.rates import Rate, Rates
from liveresize.observe.metrics import applications, renders
from liveresize.settings.applications import NONE, Applications

_BURST_SECONDS = 4.0
"""Seconds of an application's rate that may come at once, as for clients."""


class RenderRates:
    """A token bucket for each client, and one for each application with `renders_per_second`."""

    def __init__(
        self,
        clients: Rates,
        monotonic: Callable[[], float],
        shared_by: Applications = NONE,
    ) -> None:
        self._clients = clients
        self._applications = shared_by
        self._limited = {
            each.name: Rates(
                Rate(
                    per_second=each.renders_per_second,
                    burst=max(1.0, _BURST_SECONDS * each.renders_per_second),
                ),
                monotonic,
            )
            for each in shared_by
            if each.renders_per_second
        }

    def charge(self, client: str, image: ImageId) -> None:
        """Count one new rendition. Raises RateLimited and ApplicationRateLimited over the rate."""
        self._clients.charge(client)
        if not self._limited:
            return
        application = self._applications.of(image.name, image.bucket)
        if application is None or application.name not in self._limited:
            return
        try:
            self._limited[application.name].charge(application.name)
        except errors.RateLimited:
            seconds = max(1, math.ceil(1 / application.renders_per_second))
            raise errors.ApplicationRateLimited("", "", {"retry_after": seconds}) from None

    def rendered(self, image: ImageId, timings: renders.Took) -> None:
        """Count a render for the application of the picture."""
        application = self._applications.of(image.name, image.bucket)
        if application is not None:
            milliseconds = timings.decode + timings.resize + timings.encode
            applications.rendered(application.name, milliseconds / 1000)
