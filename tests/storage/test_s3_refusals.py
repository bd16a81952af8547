"""Stores that refuse what Amazon's takes, and what they say about it."""

import asyncio
import contextlib
import hashlib
import ssl
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, SSLError
from structlog.testing import capture_logs
from web import certificates

from liveresize import errors
from liveresize.storage import advice
from liveresize.storage.objects import Objects

from .faulty import Faulty
from .s3worlds import World, client_of, everywhere, needs_moto

CHECKSUM = "x-amz-checksum-"


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until one side ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def put_file(objects: Objects, bucket: str, folder: Path) -> None:
    """Store a file as renditions are."""
    (folder / "f").write_bytes(b"12345")
    digest = hashlib.sha256(b"12345").hexdigest()
    await objects.put_file(bucket, "f", folder / "f", size=5, sha256=digest, mime="image/png")


@everywhere
@pytest.mark.parametrize(("status", "code"), [(400, "InvalidArgument"), (501, "NotImplemented")])
def test_a_store_that_refuses_checksums_is_sent_none(
    world: World, status: int, code: str, tmp_path: Path
) -> None:
    """The first object is put again without, and the next ones at once; deletions too."""
    with world.place() as place, Faulty(place.server.address) as relay:
        relay.refuse_header(status, CHECKSUM, code=code)

        async def scenario(objects: Objects) -> None:
            with capture_logs() as log:
                await put_file(objects, place.bucket, tmp_path)
                await objects.put_bytes(place.bucket, "g", b"67", mime="a/b")
            assert relay.requests == {"PUT": 3}
            assert [each["event"] for each in log] == ["checksums_refused"]
            assert objects.checksums_refused
            assert place.bytes("f") == b"12345"
            relay.reset()
            await objects.remove(place.bucket, ["f", "g"])
            assert relay.requests == {"POST": 1}
            assert place.listed() == set()

        place.run(scenario, endpoint_url=relay.address)


@everywhere
def test_many_at_once_find_out_together(world: World) -> None:
    """None of them fails."""
    with world.place() as place, Faulty(place.server.address) as relay:
        relay.refuse_header(400, CHECKSUM)

        async def scenario(objects: Objects) -> None:
            puts = (objects.put_bytes(place.bucket, key, b"1", mime="a/b") for key in "abcdefgh")
            with capture_logs() as log:
                await asyncio.gather(*puts)
            assert len([each for each in log if each["event"] == "checksums_refused"]) == 1
            assert place.listed() == set("abcdefgh")

        place.run(scenario, endpoint_url=relay.address)


@everywhere
def test_deletions_alone_find_out_as_well(world: World) -> None:
    """A store that takes no checksum with DeleteObjects gets its MD5."""
    with world.place() as place, Faulty(place.server.address) as relay:

        async def scenario(objects: Objects) -> None:
            await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            relay.refuse_header(501, CHECKSUM, code="NotImplemented", method="POST")
            relay.reset()
            await objects.remove(place.bucket, ["a"])
            assert relay.requests == {"POST": 2}
            assert place.listed() == set()

        place.run(scenario, endpoint_url=relay.address)


@needs_moto
@pytest.mark.parametrize(("choice", "puts"), [("never", 1), ("required", 0)])
def test_the_setting_decides_where_it_is_not_auto(choice: str, puts: int) -> None:
    """`never` sends none from the start, `required` fails."""
    with World("moto").place() as place, Faulty(place.server.address) as relay:
        relay.refuse_header(400, CHECKSUM)

        async def scenario(objects: Objects) -> None:
            if choice == "required":
                with pytest.raises(errors.ObjectStoreUnavailable, match="Unsupported header"):
                    await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            else:
                await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            assert relay.requests == {"PUT": 1}
            assert len(place.listed()) == puts

        place.run(scenario, endpoint_url=relay.address, checksums=choice)


@needs_moto
@pytest.mark.parametrize("code", ["BadDigest", "AuthorizationHeaderMalformed"])
def test_another_reason_is_no_reason_to_do_without(code: str) -> None:
    """A damaged body above all: it is not put again unchecked."""
    with World("moto").place() as place, Faulty(place.server.address) as relay:
        relay.answer(400, code=code)

        async def scenario(objects: Objects) -> None:
            with pytest.raises(errors.ObjectStoreUnavailable, match=code):
                await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            assert relay.requests == {"PUT": 1}
            assert not objects.checksums_refused

        place.run(scenario, endpoint_url=relay.address)


@needs_moto
@pytest.mark.parametrize(
    ("status", "code", "message", "what"),
    [
        (
            400,
            "AuthorizationHeaderMalformed",
            "The region 'us-east-1' is wrong; expecting 'eu-west-3'",
            "Set aws.region to eu-west-3",
        ),
        (403, "RequestTimeTooSkewed", "The difference is too large.", "keep time with NTP"),
        (501, "NotImplemented", "Header 'x-amz-checksum-sha256' not implemented", "checksums"),
        (301, "PermanentRedirect", "Use another endpoint.", "aws.path_style to false"),
        (403, "SignatureDoesNotMatch", "It does not match.", "aws.secret_key"),
        (404, "NoSuchBucket", "The bucket does not exist.", "Create the bucket"),
        (400, "InvalidBucketName", "Not valid.", "aws.bucket"),
        (405, "405", "Method Not Allowed", "does not speak S3"),
    ],
)
def test_what_the_store_says_is_passed_on_with_advice(
    status: int, code: str, message: str, what: str
) -> None:
    """Its message is in the detail, which the log and the doctor show."""
    with World("moto").place() as place, Faulty(place.server.address) as relay:
        relay.complain(status, code, message)

        async def scenario(objects: Objects) -> None:
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            assert f"{code} ({status}): {message.rstrip('.')}" in caught.value.detail
            assert what in objects.advice(caught.value)

        place.run(scenario, endpoint_url=relay.address, checksums="required")


@needs_moto
def test_keys_and_signatures_in_a_message_stay_out_of_the_log() -> None:
    """A store may quote the request."""
    secret = "AKIAIOSFODNN7EXAMPLE"
    with World("moto").place() as place, Faulty(place.server.address) as relay:
        relay.complain(403, "AccessDenied", f"Not {secret} at https://store/x?sig={secret} now")

        async def scenario(objects: Objects) -> None:
            with pytest.raises(errors.ObjectStoreUnavailable) as caught:
                await objects.put_bytes(place.bucket, "a", b"1", mime="a/b")
            assert caught.value.detail.endswith("AccessDenied (403): Not … at … now")

        place.run(scenario, endpoint_url=relay.address)


@needs_moto
def test_a_store_with_a_ca_of_ones_own_is_trusted_by_it(tmp_path: Path) -> None:
    """And by nothing else; without, the advice is to set it."""
    pair = certificates.make(tmp_path / "tls")
    other = certificates.make(tmp_path / "other")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(pair.certificate, pair.key)

    async def scenario(port: int, bucket: str) -> None:
        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
            both = [pass_on(reader, outer), pass_on(inner, writer)]
            await asyncio.wait(map(asyncio.create_task, both))

        async with await asyncio.start_server(relay, "127.0.0.1", 0, ssl=served) as server:
            address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for ca, said in (
                (pair.certificate, ""),
                (other.certificate, "Set aws.ca"),
                ("", "Set aws.ca"),
            ):
                objects = client_of(address, attempts=1, ca=str(ca))
                await objects.start()
                try:
                    await objects.put_bytes(bucket, "a", b"1", mime="a/b")
                    found = ""
                except errors.ObjectStoreUnavailable as error:
                    found = objects.advice(error)
                finally:
                    await objects.close()
                assert found.startswith(said)
                assert bool(found) is bool(said)

    with World("moto").place() as place:
        port = int(place.server.address.rpartition(":")[2])
        asyncio.run(asyncio.wait_for(scenario(port, place.bucket), 60))
        assert place.listed() == {"a"}


def test_a_ca_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    """A file that is missing, or has no certificate."""
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(errors.SettingsError, match=r"aws\.ca"):
            asyncio.run(client_of("http://127.0.0.1:9", ca=str(tmp_path / name)).start())


def test_a_store_that_is_not_reached_leads_to_its_address() -> None:
    """And to path style, where the bucket stands in the name of the host."""

    async def scenario(in_path: bool) -> str:
        objects = client_of("http://nothing.invalid", attempts=1, path_style=in_path)
        await objects.start()
        try:
            await objects.put_bytes("bucket", "a", b"1", mime="a/b")
        except errors.ObjectStoreUnavailable as error:
            return objects.advice(error)
        finally:
            await objects.close()
        return "it was put"

    assert asyncio.run(scenario(True)).startswith("Check aws.endpoint_url")
    assert "aws.path_style to true" in asyncio.run(scenario(False))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "http://"),
        ("certificate verify failed: Hostname mismatch, not valid for 'a'", "a name in"),
        ("certificate verify failed: self-signed certificate", "Set aws.ca"),
    ],
)
def test_what_is_wrong_with_tls_decides_what_to_do(said: str, what: str) -> None:
    """A CA helps against one of these alone."""
    error = errors.ObjectStoreUnavailable("", said)
    error.__cause__ = SSLError(endpoint_url="https://store", error=said)
    assert what in advice.advice(error, in_path=True)


OF_STORES: dict[str, tuple[int, str, str, str]] = {
    "R2, region": (400, "InvalidRegionName", "Must be one of: wnam, auto", "R2 it is auto"),
    "R2, key": (400, "InvalidArgument", "Credential access key has length 20", "aws.access_key"),
    "R2, no key": (401, "Unauthorized", "Unauthorized", "aws.access_key"),
    "B2, cap": (403, "AccessDenied", "Cannot upload files, storage cap exceeded.", "Make room"),
    "B2, region": (400, "AuthorizationHeaderMalformed", "expecting 'us-west-004'", "us-west-004"),
    "Wasabi": (
        301,
        "PermanentRedirect",
        "Use the endpoint.",
        "https://s3.eu-central-1.example.com:",
    ),
    "MinIO, console": (400, "InvalidArgument", "S3 API Requests must be made to API port.", "port"),
    "MinIO, quota": (400, "XMinioAdminBucketQuotaExceeded", "Bucket quota exceeded", "Make room"),
    "Ceph, quota": (403, "QuotaExceeded", "", "Make room"),
    "OSS": (403, "SecondLevelDomainForbidden", "Please use virtual hosted style.", "to false"),
    "AWS, role": (400, "ExpiredToken", "The provided token has expired.", "Renew"),
    "AWS, KMS": (403, "AccessDenied", "not authorized to perform: kms:Decrypt", "kms:Decrypt"),
    "a proxy": (502, "502", "Bad Gateway", "fails by itself"),
}


@pytest.mark.parametrize("store", OF_STORES)
def test_the_words_of_each_store_have_advice(store: str) -> None:
    """As these stores word their refusals; a redirect names the endpoint."""
    status, code, message, what = OF_STORES[store]
    answer = {"Code": code, "Message": message}
    if status == 301:
        answer |= {"Bucket": "b", "Endpoint": "b.s3.eu-central-1.example.com"}
    error = errors.ObjectStoreUnavailable("", message)
    error.__cause__ = ClientError(
        {"Error": answer, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )
    assert what in advice.advice(error, in_path=True)
