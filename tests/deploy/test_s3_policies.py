"""The policies of deploy/s3: a store takes them, and they allow what liveresize does."""

import json
from typing import Any

import botocore.session
from storage import s3worlds
from web import servers

POLICIES = servers.ROOT / "deploy" / "s3"


def policy(name: str) -> dict[str, Any]:
    """One of the files."""
    read: dict[str, Any] = json.loads((POLICIES / name).read_text())
    return read


def actions(name: str) -> set[str]:
    """What a policy allows."""
    found: set[str] = set()
    for statement in policy(name)["Statement"]:
        action = statement["Action"]
        found.update([action] if isinstance(action, str) else action)
    return found


@s3worlds.needs_moto
def test_a_store_takes_the_policies() -> None:
    """As the commands of the page give them to it."""
    with s3worlds.World("moto").place() as place:
        text = (POLICIES / "bucket-policy.json").read_text()
        text = text.replace("example-renditions", place.bucket)
        place.client.put_bucket_policy(Bucket=place.bucket, Policy=text)
        rules = policy("bucket-cors.json")
        place.client.put_bucket_cors(Bucket=place.bucket, CORSConfiguration=rules)
        taken = place.client.get_bucket_cors(Bucket=place.bucket)["CORSRules"]
        assert taken[0]["AllowedMethods"] == ["GET", "HEAD"]
        iam = botocore.session.get_session().create_client(
            "iam",
            region_name="us-east-1",
            endpoint_url=place.server.address,
            aws_access_key_id=s3worlds.ACCESS_KEY,
            aws_secret_access_key=s3worlds.SECRET_KEY,
        )
        document = (POLICIES / "iam-policy.json").read_text()
        iam.create_policy(PolicyName=place.bucket, PolicyDocument=document)


def test_the_policies_allow_what_the_page_says() -> None:
    """The key everything that is needed, and the public nothing but reading renditions."""
    page = (servers.ROOT / "docs" / "production.md").read_text()
    assert actions("bucket-policy.json") == {"s3:GetObject"}
    for action in actions("iam-policy.json"):
        assert f"`{action.removeprefix('s3:')}`" in page
    assert len(actions("iam-policy.json")) == 4
    public = json.dumps(policy("bucket-policy.json"))
    assert "example-renditions" in public
    assert "originals" not in public
