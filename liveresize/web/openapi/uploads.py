"""Tokens, what is uploaded with them, and the ends of both."""

from dataclasses import replace

from liveresize import errors
from liveresize.web.multipart import FIELD
from liveresize.web.openapi import headers, parameters, refusals, samples
from liveresize.web.openapi.parts import Answer, Body, Operation, Parameter, schema

TAG = "Uploads"
ADMINISTRATION = "Administration"

_IMAGE = Body(
    about="The image, in the field `image` of a form or as it is; its bytes decide the format.",
    content={
        "multipart/form-data": schema("Form"),
        "image/*": {},
    },
    parts={FIELD: "image/*"},
)

TOKEN = (
    Operation(
        at="/token",
        called="createToken",
        tag=TAG,
        summary="A one-time token for one id",
        about="For applications. Where no `secret` is configured, `token.networks` are answered.",
        parameters=(parameters.REQUEST_ID,),
        body=Body(
            about="Up to 64 KiB of JSON.",
            content={"application/json": schema("TokenRequest")},
            samples={"sample": samples.TOKEN_REQUEST},
        ),
        answers=(
            Answer(
                status=200,
                about="The token. It is one attempt: after a failure, ask for another.",
                headers=(*headers.EVERY, headers.NOSNIFF.required),
                content={"application/json": schema("Token")},
                samples={"sample": samples.TOKEN},
            ),
        ),
        raises=(
            errors.BadBody,
            errors.InvalidId,
            errors.SecretRefused,
            errors.NetworkRefused,
            errors.IdTaken,
            errors.TooManyFailures,
            *refusals.BODY,
            *refusals.BUSY,
            errors.IndexUnavailable,
            errors.DiskFull,
        ),
        of_errors=(headers.ORIGIN.required,),
        links={
            200: {
                "upload": {
                    "operationId": "upload",
                    "parameters": {"path.name": "$response.body#/id"},
                    "description": "The token goes into the header X-Token.",
                }
            }
        },
    ),
)


def for_administrators(operation: Operation, *, at: str, called: str) -> Operation:
    """The same for holders of an admin secret, who need no other."""
    return replace(
        operation,
        at=at,
        called=called,
        tag="Studio",
        summary="The same for holders of an admin secret",
        about="403 while none is configured.",
        raises=(errors.AdminDisabled, *operation.raises),
        security=("admin",),
        of_errors=(),
        links={},
    )


def _upload(at: str, called: str, *names: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary="Upload a picture with its token",
        about="From anywhere: the token is the leave. At 200 the picture is on disk for good; "
        "after anything else nothing is kept and its id is free. The same token with the same "
        "bytes is answered again as before while it lives.",
        parameters=(*names, *parameters.CROP, parameters.REQUEST_ID),
        body=_IMAGE,
        answers=(
            Answer(
                status=200,
                about="Stored.",
                headers=(*headers.EVERY, headers.ORIGIN.required),
                content={"application/json": schema("Receipt")},
                samples={"sample": samples.RECEIPT},
            ),
        ),
        raises=(
            errors.MalformedUrl,
            errors.BadUpload,
            errors.BadCrop,
            errors.TokenRefused,
            errors.IdTaken,
            errors.UnsupportedImage,
            *refusals.UNREADABLE,
            *refusals.BODY,
            *refusals.BUSY,
            *refusals.STORES,
            errors.DiskFull,
        ),
        of_errors=(headers.ORIGIN.required,),
        security=("uploadToken",),
    )


UPLOAD = (
    _upload("/{name}", "upload", parameters.NAME),
    _upload("/{name}.{ext}", "uploadNamed", parameters.NAME, parameters.EXTENSION),
)


def _preflight(at: str, called: str, *more: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary="The preflight of an upload from a page",
        parameters=(parameters.NAME, *more, parameters.REQUEST_ID),
        answers=(
            Answer(
                status=204,
                about="Any page may upload.",
                headers=(
                    headers.REQUEST_ID,
                    headers.ORIGIN.required,
                    headers.METHODS.required,
                    headers.ALLOWED.required,
                    headers.PREFLIGHT_AGE.required,
                ),
            ),
        ),
    )


PREFLIGHT = (
    _preflight("/{name}", "preflight"),
    _preflight("/{name}.{ext}", "preflightNamed", parameters.EXTENSION),
)

_ADMIN = (errors.AdminDisabled, errors.SecretRefused, errors.TooManyFailures)


def _delete(at: str, called: str, *names: Parameter, raises: refusals.Kinds = ()) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=ADMINISTRATION,
        summary="Delete a picture, and all that was made of it",
        about="At once here, within seconds in other instances.",
        parameters=(*names, parameters.REQUEST_ID),
        answers=(Answer(status=204, about="Gone.", headers=headers.EVERY),),
        raises=(
            errors.MalformedUrl,
            *_ADMIN,
            errors.OriginalMissing,
            *raises,
            *refusals.UNREADABLE,
            *refusals.BUSY,
            *refusals.STORES,
        ),
        security=("admin",),
    )


DELETE = (_delete("/{name}", "delete", parameters.NAME),)

DELETE_OF_BUCKET = (
    _delete(
        "/{bucket}/{id}",
        "deleteOfBucket",
        parameters.BUCKET,
        parameters.ID,
        raises=(errors.BucketMissing, errors.OriginalElsewhere),
    ),
)

PURGE = (
    Operation(
        at="/purge",
        called="purge",
        tag=ADMINISTRATION,
        summary="Take renditions out of use, to be made anew",
        about="Originals stay; up to `limit` renditions at a time.",
        parameters=(parameters.REQUEST_ID,),
        body=Body(
            about="Which.",
            content={"application/json": schema("PurgeRequest")},
            samples={"sample": {"id": "sample"}},
        ),
        answers=(
            Answer(
                status=200,
                about="How many there were.",
                headers=(*headers.EVERY, headers.NOSNIFF.required),
                content={"application/json": schema("Purged")},
                samples={"sample": {"purged": 1}},
            ),
        ),
        raises=(errors.BadBody, *_ADMIN, *refusals.BODY, *refusals.STORES),
        security=("admin",),
    ),
)
