"""Text from outside becomes a number in `core.numbers` only."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "liveresize"

READERS = (
    *("core", "http", "delivery", "uploads", "storage", "compat", "maintenance"),
    "cli/client.py",
)
"""What has to do with clients, with keys of stores or with other servers."""

CONVERSIONS = {
    "int",
    "float",
    "complex",
    "Decimal",
    "Fraction",
    "fromisoformat",
    "parsedate_to_datetime",
    "strptime",
    "literal_eval",
}

NO_TEXT = {
    # The second: the name of a generation, which is one of ours wherever it comes from.
    "core/originals.py": {"int(now * 1000)", "int(generation[1:12], 16)"},
    "core/geometry.py": {
        "float(width)",
        "float(height)",
        "int((output[0] - scaled[0]) * x + 0.5)",
        "int((output[1] - scaled[1]) * y + 0.5)",
    },
    "http/handlers/tokens.py": {
        "float(1 << 40)",
        # Numbers of a JSON document, whose bounds were checked.
        "int(fields.number('max_bytes', 1, LARGEST) or 0)",
    },
    "http/handlers/admin.py": {"int(fields.number('limit', 1, MOST) or 100)", "float(value)"},
    # Our own clock.
    "http/handlers/resumable.py": {"int(upload.ends_at)"},
    "http/direct.py": {"int(time.time())"},
    "http/responses.py": {"int(self.ends - time.time())", "int(time.time())"},
    "http/conditions.py": {"int(self.modified_at)", "int(validators.modified_at)"},
    # At most 16 hexadecimal digits, which were checked.
    "http/transport/chunks.py": {"int(match[1], 16)"},
    "http/transport/clients.py": {"int(ip)"},
    "http/transport/frame_budget.py": {"float(burst)"},
    # A certificate of the operator's, as OpenSSL writes its dates.
    "http/transport/tls.py": {"datetime.datetime.strptime(text, '%Y%m%d%H%M%SZ')"},
    # What botocore has parsed.
    "storage/connection.py": {
        "int(error.response.get('ResponseMetadata', {}).get('HTTPStatusCode', 0))"
    },
    # Our own clock, in the names and notes of our own files.
    "storage/originals.py": {
        "int(info.st_mtime * 1000)",
        "int(original.generation[1:12], 16)",
    },
    # The date of a store's answer, a mode of a folder, a row of the published service.
    "maintenance/doctor/buckets.py": {"email.utils.parsedate_to_datetime(date)"},
    "maintenance/doctor/folders.py": {"int(octal[1], 8)"},
    "compat/iaas/source.py": {"datetime.datetime.fromisoformat(value)"},
    "storage/strays.py": {"float(noted_at)"},
    "storage/heard.py": {"int(last['serial'])", "float(last['at'])"},
    # Parameters of the operator's URL, whose digits were checked.
    "storage/index/postgresql_url.py": {
        "int(ports[0])",
        "int(port)",
        "int(keep)",
        "int(self._parameters.get('connect_timeout', 0))",
        "int(self._parameters.get(name, 0))",
    },
    "storage/index/schema_status.py": {"float(connection.scalar(sa.select(schema.now())) or 0.0)"},
}
"""Conversions that are none of text from outside, by file."""


def conversions(path: Path) -> set[str]:
    """The calls in a module that make a number or a time of something."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        ast.unparse(call)
        for call in calls
        if (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", ""))
        in CONVERSIONS
    }


def modules() -> list[Path]:
    """Every module of READERS but the one that converts."""
    found = [
        path
        for each in READERS
        for path in ([PACKAGE / each] if each.endswith(".py") else (PACKAGE / each).rglob("*.py"))
    ]
    return sorted(path for path in found if path != PACKAGE / "core/numbers.py")


def test_text_becomes_a_number_in_one_place() -> None:
    """Whatever else converts is listed here, with what it converts."""
    found = {str(path.relative_to(PACKAGE)): conversions(path) for path in modules()}
    assert {name: calls for name, calls in found.items() if calls} == NO_TEXT
