"""What to do about the errors of an object store, from its code and its message."""

import re
from collections.abc import Mapping

import aiohttp
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, SSLError

from liveresize import errors
from liveresize.storage.connection import code, message, status

_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")

_EXPECTED = re.compile(r"expecting '?([a-z0-9-]+)'?")

_STYLE = "Set aws.path_style to {}: the store wants the bucket {}."
_KEYS = "Correct aws.access_key and aws.secret_key: they are none of this store."
_FULL = "Make room at the store, or raise its quota: it takes no more bytes."
_RENEW = "Renew the temporary credentials: their token is wrong or has expired."

_ADVICE = {
    "RequestTimeTooSkewed": "Have this machine keep time with NTP: its clock is not the store's.",
    "InvalidAccessKeyId": "Correct aws.access_key: the store does not know it.",
    "SignatureDoesNotMatch": "Correct aws.secret_key, or aws.region: the signature is wrong.",
    "InvalidBucketName": "Correct aws.bucket and aws.originals_bucket: one is no name of a bucket.",
    "NoSuchBucket": "Create the bucket, or correct its name and aws.region.",
    "AuthorizationHeaderMalformed": "Set aws.region to that of the bucket.",
    "IllegalLocationConstraintException": "Set aws.region to that of the bucket.",
    "InvalidRegionName": "Set aws.region to one that the store names; of Cloudflare R2 it is auto.",
    "Unauthorized": _KEYS,
    "InvalidToken": _RENEW,
    "ExpiredToken": _RENEW,
    "QuotaExceeded": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
    "SecondLevelDomainForbidden": _STYLE.format("false", "in the host"),
    "AccessDenied": "Allow the key s3:GetObject, PutObject, DeleteObject and ListBucket there.",
}

_HEADER = "Set aws.checksums to never: the store refuses the header."
_CA = "Set aws.ca to the file of the CA that signed the store's certificate."
_NAME = "Set aws.endpoint_url to a name in the store's certificate."
_NO_TLS = "Write http:// in aws.endpoint_url, or correct its port: no TLS is spoken there."
_NO_STORE = "Correct aws.endpoint_url: what answers there does not speak S3."
_PORT = "Correct the port of aws.endpoint_url: a console answers there, and not the store."
_BROKEN = "Look at the store, or at the proxy in front of it: it fails by itself."

_BY_MESSAGE = (
    ("api port", _PORT),
    ("storage cap", _FULL),
    ("access key has length", _KEYS),
    ("kms:", "Allow the key kms:GenerateDataKey and kms:Decrypt, which encrypted buckets need."),
)
"""Parts of messages, in lower case, that tell more than the code."""


def advice(error: errors.ObjectStoreUnavailable, *, in_path: bool) -> str:
    """Return what to set or to do; empty if the error says too little.

    `in_path` says that the bucket stands in the path of URLs now.
    """
    cause = error.__cause__
    if isinstance(cause, SSLError | aiohttp.ClientConnectorCertificateError):
        return _of_tls(str(cause))
    if isinstance(cause, NoCredentialsError):
        return "Set aws.access_key and aws.secret_key, or give this machine a role."
    if isinstance(cause, EndpointConnectionError | aiohttp.ClientConnectorError):
        style = "" if in_path else f" {_STYLE.format('true', 'in the path')}"
        return f"Check aws.endpoint_url, and that it can be reached from here.{style}"
    return _of_answer(cause, in_path) if isinstance(cause, ClientError) else ""


def _of_tls(said: str) -> str:
    if "ostname mismatch" in said or "IP address mismatch" in said:
        return _NAME
    return _NO_TLS if "WRONG_VERSION_NUMBER" in said or "record layer" in said else _CA


def _of_answer(error: ClientError, in_path: bool) -> str:
    said = message(error)
    region = _region(error, said)
    if region:
        return f"Set aws.region to {region}: the store expects it."
    if "x-amz-checksum" in said or "x-amz-sdk-checksum" in said or status(error) == 501:
        return _HEADER
    if elsewhere := _elsewhere(error):
        return f"Set aws.endpoint_url to {elsewhere}: the store has the bucket there."
    for part, do in _BY_MESSAGE:
        if part in said.lower():
            return do
    if code(error) == "PermanentRedirect" or "path-style" in said or "path style" in said:
        return (
            _STYLE.format("false", "in the host")
            if in_path
            else _STYLE.format("true", "in the path")
        )
    # A store has a word for every error, and HTTP a number.
    unnamed = _BROKEN if status(error) >= 500 else _NO_STORE
    return _ADVICE.get(code(error), unnamed if code(error).isdigit() else "")


def _elsewhere(error: ClientError) -> str:
    """Return the URL of the endpoint that a redirect of the store names, without the bucket."""
    told: Mapping[str, object] = dict(error.response.get("Error", {}))
    host = str(told.get("Endpoint", "")).removeprefix(f"{told.get('Bucket', '')}.")
    return f"https://{host}" if _HOST.fullmatch(host) else ""


def _region(error: ClientError, said: str) -> str:
    """Return the region that the store expects, if it tells one."""
    if found := _EXPECTED.search(said):
        return found[1]
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    moved = status(error) in (301, 307, 400)
    return str(headers.get("x-amz-bucket-region", "")) if moved else ""
