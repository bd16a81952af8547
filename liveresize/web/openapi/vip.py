"""vip's uploads and warm-ups. Its pictures are among `pictures`."""

from dataclasses import replace

from liveresize import errors
from liveresize.web.openapi import headers, parameters, refusals
from liveresize.web.openapi.parts import Answer, Body, Operation, Parameter, schema

TAG = "vip"

_ID = "6f1ed002ab5595859014ebf0951522d9-1440x960"

_ENTRANCE = (errors.SecretRefused, errors.TooManyFailures, errors.BucketMissing)

_MAY = ("vipToken", "vipOrigin")

_CORS = (headers.ORIGIN, headers.METHODS, headers.ALLOWED, headers.PREFLIGHT_AGE)
"""Only for pages of an allowed origin."""

_VARY = headers.VARY.required

UPLOAD = (
    Operation(
        at="/upload/{bucket}",
        called="uploadToBucket",
        tag=TAG,
        summary="Upload a picture into a bucket",
        about="Under an id that it is given. With neither `vip.token` nor allowed origins "
        "nobody may, unless `vip.allow_anonymous` is on.",
        parameters=(parameters.BUCKET, parameters.WARMUP, parameters.REQUEST_ID),
        body=Body(
            about="The raw picture, of up to `vip.size_limit` megabytes.",
            content={"image/*": {}, "application/octet-stream": {}},
        ),
        answers=(
            Answer(
                status=201,
                about="Its address.",
                headers=(*headers.EVERY, headers.NOSNIFF.required, _VARY, *_CORS),
                content={"application/json": schema("Deposited")},
                samples={"sample": {"url": f"https://images.example.com/pics/{_ID}"}},
            ),
        ),
        raises=(
            errors.BadUpload,
            *_ENTRANCE,
            errors.UnsupportedImage,
            *refusals.UNREADABLE,
            *refusals.BODY,
            *refusals.BUSY,
            *refusals.STORES,
            errors.DiskFull,
        ),
        of_errors=(_VARY, *_CORS),
        security=_MAY,
    ),
)

WARMUP = (
    Operation(
        at="/{bucket}/{id}/warmup",
        called="warmUp",
        tag=TAG,
        summary="Have renditions of a picture made in the background",
        about="Behind those that somebody waits for. A body means nothing.",
        parameters=(
            parameters.BUCKET,
            parameters.ID,
            replace(parameters.WARMUP, needed=True),
            parameters.REQUEST_ID,
        ),
        answers=(
            Answer(
                status=202,
                about="What becomes of each entry.",
                headers=(*headers.EVERY, headers.NOSNIFF.required, _VARY, *_CORS),
                content={"application/json": schema("Warmup")},
                samples={
                    "sample": {
                        "warmup": [
                            {"entry": "s=250&c=true", "fate": "queued"},
                            {"entry": "s=500", "fate": "queued"},
                        ]
                    }
                },
            ),
        ),
        raises=(
            errors.MalformedUrl,
            errors.BadBody,
            *_ENTRANCE,
            *refusals.BODY,
            *refusals.LEARNING,
        ),
        of_errors=(_VARY, *_CORS),
        security=_MAY,
    ),
)


def _preflight(at: str, called: str, *names: Parameter) -> Operation:
    return Operation(
        at=at,
        called=called,
        tag=TAG,
        summary="The preflight of a page",
        parameters=(*names, parameters.REQUEST_ID),
        answers=(
            Answer(
                status=200,
                about="Pages of this origin may.",
                headers=(headers.REQUEST_ID, _VARY, *(each.required for each in _CORS)),
            ),
        ),
        raises=(errors.SecretRefused, errors.BucketMissing),
        of_errors=(headers.VARY,),
        security=("vipOrigin",),
    )


PREFLIGHT = (_preflight("/upload/{bucket}", "preflightOfBucket", parameters.BUCKET),)

WARMUP_PREFLIGHT = (
    _preflight("/{bucket}/{id}/warmup", "preflightOfWarmUp", parameters.BUCKET, parameters.ID),
)
