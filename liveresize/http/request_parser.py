"""Parse the raw target of a request for a picture, and check that it is allowed."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tornado.httputil import HTTPHeaders

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRequest, VipRules
from liveresize.core import parameters, signing, sizes, suggestions, urls
from liveresize.core.names import MAX_BYTES, ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.sizes import SizeRules
from liveresize.core.urls import FactsRequest, OriginalRequest, RenditionRequest
from liveresize.delivery.pictures import AnyRequest, without_extension
from liveresize.http.responses import ResponseOptions
from liveresize.http.secret_throttle import SecretThrottle
from liveresize.settings.applications import NONE, Application, Applications
from liveresize.settings.server import Signing

_REMEMBERED = 4096
_LONGEST = 512
"""The size of the cache of parsed URLs, and the length of the longest URL in it."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A parsed URL, and the options of its response.

    `ends` is the expiry of a signed URL in Unix seconds; None is never. `version` is that of the
    picture in the URL, if there is one.
    """

    request: AnyRequest
    options: ResponseOptions
    signed: bool = False
    ends: int | None = None
    version: str = ""

    def composed(self) -> "ParsedRequest | None":
        """Return the same request with the name in NFC; None if it is, and for vip's buckets."""
        request = self.request
        name = unicodedata.normalize("NFC", request.image.name)
        if name == request.image.name or request.image.bucket or len(name.encode()) > MAX_BYTES:
            return None
        return replace(self, request=_called(request, name))


class RequestParser:
    """Parses URLs, and caches the results."""

    def __init__(
        self,
        settings: Signing,
        *,
        rules: UrlRules,
        vip_rules: VipRules,
        size_rules: Callable[[ImageId], SizeRules],
        responses: ResponseOptions,
        vip_responses: ResponseOptions,
        secret_throttle: SecretThrottle,
        clock: Callable[[], float],
        applications: Applications = NONE,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._vip_rules = vip_rules
        self._size_rules = size_rules
        self._applications = applications
        self._verifies = bool(settings.keys) or any(each.signing_keys for each in applications)
        self._responses = responses
        self._vip_responses = vip_responses
        self._secret_throttle = secret_throttle
        self._clock = clock
        self._cache: dict[tuple[str, str], ParsedRequest] = {}

    @property
    def makes_jxl(self) -> bool:
        """Whether URLs can end in `.jxl`."""
        return self._rules.jxl

    def parse_cached(self, target: str, headers: HTTPHeaders) -> ParsedRequest | None:
        """Parse as `read`, but return None for a URL with a signature that is not verified yet, and
        for one that has expired: these need the client, and so `read`. Raises as `read`."""
        parsed = self._cache.get((target, headers.get("Accept", "*/*")))
        if parsed is None:
            if self._verifies and "sig=" in target:
                return None
            return self.read(target, headers, "")
        return None if self._over(parsed) else parsed

    def read(self, target: str, headers: HTTPHeaders, client: str) -> ParsedRequest:
        """Parse a raw target.

        Raises RequestError, BucketMissing, SignatureRefused, SizeRefused, PresetRequired, and
        TooManyFailures if `client` has sent too many wrong signatures; those of an empty
        `client` are not counted.
        """
        key = (target, headers.get("Accept", "*/*"))
        parsed = self._cache.get(key)
        if parsed is None:
            parsed = self._admit(*key, client)
            if len(key[0]) + len(key[1]) <= _LONGEST:
                if len(self._cache) >= _REMEMBERED:
                    self._cache.clear()
                self._cache[key] = parsed
        if self._over(parsed):
            raise errors.SignatureRefused("The signature of this address has expired.")
        return parsed

    def read_for_admin(self, target: str, headers: HTTPHeaders) -> ParsedRequest:
        """Parse a raw target for the holder of an admin secret, who needs no signature.

        Raises RequestError and BucketMissing.
        """
        request = self._parse(target, headers.get("Accept", "*/*"))
        options = self._options(request, target)
        request = _seeing(_opened(request, redirect=options.presigned))
        if isinstance(request, FactsRequest):
            request = replace(request, private=True)
        version = parameters.version(target.partition("?")[2])
        return ParsedRequest(request, replace(options, no_store=True), version=version)

    def warmups(self, image: ImageId, header: str) -> list[tuple[str, VipRequest | None]]:
        """Return the same as `vip.warmups`, with None for entries that need a signature, too."""
        entries = vip.warmups(image, header, self._vip_rules)
        return [
            (entry, request if request and self._allows(request) else None)
            for entry, request in entries
        ]

    def signed_again(self, location: str, parsed: ParsedRequest) -> str:
        """Return the target of a redirect, signed if the request was signed."""
        if not parsed.signed:
            return location
        image = parsed.request.image
        name = unicodedata.normalize("NFC", image.name)
        return signing.sign(location, self._keys_of(self._applications.of(name, image.bucket))[0])

    def is_open(self, target: str) -> bool:
        """Whether the URL is valid, and needs no signature."""
        try:
            request = self._parse(target, "*/*")
        except errors.LiveResizeError:
            return False
        return not self._settings.required and self._allows(request)

    def _over(self, parsed: ParsedRequest) -> bool:
        return parsed.ends is not None and self._clock() >= parsed.ends

    def in_version(self, target: str, version: str, parsed: ParsedRequest) -> str:
        """Return the target that asks for another version, signed if the request was signed."""
        path, _, query = target.partition("?")
        return self.signed_again(f"{path}?{parameters.with_version(query, version)}", parsed)

    def _admit(self, target: str, accept: str, client: str) -> ParsedRequest:
        target = self._as_signed(target)
        try:
            request = self._parse(target, accept)
        except errors.OriginalMissing:
            self._verify(target, client)  # only who has a signature learns which buckets there are
            raise
        sealed = self._verify(target, client)
        options = self._options(request, target)
        version = parameters.version(target.partition("?")[2])
        if sealed is None:
            return ParsedRequest(self._allowed(request), options, version=version)
        self._check_keys(sealed, target, request)
        options = replace(options, ends=sealed.ends)
        request = _opened(request, redirect=options.presigned)
        if sealed.held:
            request, options = _seeing(request), replace(options, no_store=True)
        return ParsedRequest(request, options, signed=True, ends=sealed.ends, version=version)

    def _options(self, request: AnyRequest, target: str) -> ResponseOptions:
        options = self._vip_responses if isinstance(request, VipRequest) else self._responses
        unknown = parameters.unknown(target.partition("?")[2], _known(request))
        if unknown:
            described = suggestions.ignored(unknown, parameters.KNOWN)
            options = replace(options, ignored=", ".join(described))
        return options

    def _allowed(self, request: AnyRequest) -> AnyRequest:
        """Return the request, or what else its path may mean, whichever needs no signature.

        Raises SizeRefused and PresetRequired.
        """
        if isinstance(request, RenditionRequest) and request.exact is not None:
            for either in (request, request.exact):
                if self._allows(either):
                    return either
        sizes.check(request, self._size_rules(request.image))
        return request

    def _allows(self, request: AnyRequest) -> bool:
        """Whether a request needs no signature for its size."""
        return sizes.allows(request, self._size_rules(request.image))

    def _parse(self, target: str, accept: str) -> AnyRequest:
        if "/" in target.partition("?")[0][1:]:
            return vip.parse(target, self._vip_rules)
        return urls.parse(target, accept, self._rules)

    def _as_signed(self, target: str) -> str:
        """Return the target without the parameters that its signature does not cover, if it is one
        of a client that knows those of 1.0.0 alone."""
        if not self._verifies or "sig=" not in target:
            return target
        keys = self._keys(target)
        sealed = signing.read(target)
        if sealed.text == sealed.older or sealed.covers_all(keys) or not sealed.opened_by(keys):
            return target
        path, _, query = target.partition("?")
        return f"{path}?{parameters.without_later(query)}"

    def _verify(self, target: str, client: str) -> signing.Sealed | None:
        """Verify the signature of the target; None if it has none and needs none.

        A signature is verified even if none is required: the client relies on it. Raises
        SignatureRefused, MalformedUrl and TooManyFailures.
        """
        keys = self._keys(target) if self._verifies else ()
        if not keys:
            return None
        sealed = signing.read(target)
        if sealed.sig is None:
            if self._settings.required:
                raise errors.SignatureRefused("This address needs a signature, `sig`.")
            return None
        if not self._secret_throttle.attempt(client, keys, lambda: sealed.opened_by(keys)):
            raise errors.SignatureRefused("The signature `sig` is not that of this address.")
        return sealed

    def _keys(self, target: str) -> tuple[str, ...]:
        """Return the keys for a target: the first one signs, and any verifies.

        An application is found by the beginning of the path, with which its name begins; which
        name that is will be known when the URL is parsed, see `_check_keys`. Raises MalformedUrl.
        """
        return self._keys_of(self._application(target))

    def _keys_of(self, application: Application | None) -> tuple[str, ...]:
        own = () if application is None else application.signing_keys
        return (*own, *self._settings.keys)

    def _application(self, target: str) -> Application | None:
        path = target.partition("?")[0][1:]
        if not self._applications or "/" in path:
            return None
        return self._applications.of(unicodedata.normalize("NFC", parameters.percent_decode(path)))

    def _check_keys(self, sealed: signing.Sealed, target: str, request: AnyRequest) -> None:
        """Raise SignatureRefused if a key of an application has signed the URL of a picture that is
        none of its own: the prefix may end within the size of the rendition."""
        application = self._application(target)
        if application is None or not application.signing_keys:
            return
        names = [unicodedata.normalize("NFC", image.name) for image in reached(request)]
        own = all(map(application.covers, names))
        if not own and not sealed.opened_by(self._settings.keys):
            raise errors.SignatureRefused("The signature `sig` is not that of this address.")


def reached(request: AnyRequest) -> tuple[ImageId, ...]:
    """Return the pictures that a request may be answered with: `/cat.heic` with `cat` as well."""
    shorter = without_extension(request) if isinstance(request, OriginalRequest) else None
    return (request.image,) if shorter is None else (request.image, shorter.image)


def _called(request: AnyRequest, name: str) -> AnyRequest:
    """Return the request for a picture of another name."""
    image = ImageId(name)
    if isinstance(request, RenditionRequest) and request.exact is not None:
        exact = replace(
            request.exact, image=ImageId(unicodedata.normalize("NFC", request.exact.image.name))
        )
        return replace(request, image=image, exact=exact)
    return replace(request, image=image)


def _known(request: AnyRequest) -> Sequence[str]:
    """Return the parameters that a URL of that kind can have."""
    own = parameters.KNOWN
    return (*own, *vip.KNOWN) if isinstance(request, VipRequest) else own


def _opened(request: AnyRequest, *, redirect: bool) -> AnyRequest:
    """Return a signed request, which has access to originals.

    A redirect would lead to a URL without an expiry, so the request is proxied, unless
    `redirect`: then redirects lead to presigned URLs, which expire.
    """
    if isinstance(request, RenditionRequest):
        exact = request.exact and _opened_original(request.exact, redirect=redirect)
        proxy = request.proxy or not redirect
        return replace(request, proxy=proxy, signed=True, exact=exact)
    if isinstance(request, OriginalRequest):
        return _opened_original(request, redirect=redirect)
    assert isinstance(request, FactsRequest | VipRequest)
    return replace(request, signed=True)


def _seeing(request: AnyRequest) -> AnyRequest:
    """Return a request that is answered with hidden pictures, too."""
    if isinstance(request, RenditionRequest) and request.exact is not None:
        exact = replace(request.exact, sees_hidden=True)
        return replace(request, sees_hidden=True, exact=exact)
    return replace(request, sees_hidden=True)


def _opened_original(request: OriginalRequest, *, redirect: bool) -> OriginalRequest:
    """See `_opened`."""
    proxy = request.parameters.proxy or not redirect
    return replace(request, signed=True, parameters=replace(request.parameters, proxy=proxy))
