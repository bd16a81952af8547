"""Uploads a picture and fetches it 400 pixels wide: python upload.py PICTURE ID

SERVER is where liveresize is, SECRET its configured secret, if it has one.
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

import httpx


def ask_for_token(client: httpx.Client, name: str, secret: str) -> str:
    """In the application, which alone knows the secret: a token for this one id."""
    answer = client.post("/token", json={"id": name, "secret": secret})
    return str(checked(answer).json()["token"])


def upload(client: httpx.Client, name: str, picture: Path, token: str) -> object:
    """Wherever the picture is, with the token as its leave; what the server has stored."""
    with picture.open("rb") as file:
        answer = client.post(
            f"/{quote(name, safe='')}", files={"image": file}, headers={"X-Token": token}
        )
    return checked(answer).json()


def fetch(client: httpx.Client, name: str, width: int) -> bytes:
    """Anyone, from now on. The answer may be a redirect to where the rendition is kept."""
    answer = client.get(f"/{quote(name, safe='')}_{width}_0.jpg", follow_redirects=True)
    return checked(answer).content


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer, or the end with the sentence that the server gives as a reason."""
    if answer.is_error:
        sys.exit(f"{answer.status_code}: {answer.json()['error']}")
    return answer


def main(picture: str, name: str) -> None:
    """All three, one after the other."""
    server = os.environ.get("SERVER", "http://localhost:1337")
    with httpx.Client(base_url=server, timeout=60) as client:
        token = ask_for_token(client, name, os.environ.get("SECRET", ""))
        print(upload(client, name, Path(picture), token))  # noqa: T201
        target = Path(f"{name}-400.jpg")
        target.write_bytes(fetch(client, name, 400))
        print(target)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
