"""Bodies as a server really gave and took them, for the picture docs/sample.jpg."""

from liveresize.web.openapi.parts import Json

TOKEN_REQUEST: Json = {"id": "sample"}

TOKEN: Json = {
    "token": "5b1f0e4e-6f0b-4b0e-9d5e-0f5a9d9b2c11",
    "id": "sample",
    "expires_at": "2026-11-22T07:15:00.000Z",
}

RECEIPT: Json = {
    "status": "OK",
    "id": "sample",
    "original_width": 1440,
    "original_height": 960,
    "format": "jpeg",
    "bytes": 58601,
    "sha256": "065421e1a680a8aec9c4e3e7739a0f75915339e46f558f94b33e19074b50cc84",
}

FACTS: Json = {
    "id": "sample",
    "width": 1440,
    "height": 960,
    "format": "jpeg",
    "bytes": 58601,
    "sha256": "065421e1a680a8aec9c4e3e7739a0f75915339e46f558f94b33e19074b50cc84",
    "frames": 1,
    "has_alpha": False,
    "dominant_color": "#141527",
    "thumbhash": "WkgKJYZDeYeqeXeQiFh3eGWXUIYJ",
    "uploaded_at": "2026-11-22T07:00:00.000Z",
}
