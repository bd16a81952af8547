"""`scripts/bench knees`: what each knob costs and gives, one table a knob."""

from scripts.benchmarks import report
from scripts.benchmarks.knees import decoding, encoders, memory, serving

INTRODUCTION = """
Times are processor time of one process on one core, medians, unless a rate is given. SSIM and
PSNR are held against a full decode with Lanczos, as in the table of the engine.
"""


def run(seconds: int, rounds: int, *, write: bool) -> None:
    """Measure every knob and report."""
    parts = [INTRODUCTION.strip()]
    for part in (
        decoding.tables(rounds),
        encoders.tables(rounds),
        memory.tables(rounds),
        serving.tables(seconds),
    ):
        parts += part
    report.section("knees", "\n\n".join(parts), write=write)
