"""`scripts/bench knees`: what each knob costs and gives, one table a knob."""

from scripts.benchmarks import report
from scripts.benchmarks.knees import decoding, encoders, matched, memory, packing, serving

INTRODUCTION = """
What was chosen, and what bounds it:

- **Reading PNG**: isal unpacks where it is installed, else zlib-ng, and Pillow unfilters. Of a
  photo's 90 ms at 6 MP the Paeth filter now takes 50, in Pillow's scalar code. Tried beside it:
  libpng (a tenth faster on rows already unpacked), libspng as pyspng (87 ms) and Rust's png crate
  as kornia-rs (52 ms); the last two need numpy, 94 ms and 16 MB a worker.
- **Writing PNG**: zlib-ng packs, with run-length by default, the smallest or nearly so on photos
  and graphics alike at a fifth of level 6; half of the time left is Pillow trying filters.
  `small` is level 7 (9 takes three times as long for 0.2 %), indices take 9.
- **AVIF**: `balanced` is speed 8 below half a megapixel, where 9 takes as many bytes as WebP, and 9
  above: a third of the time for 4 % more bytes at equal SSIM, still 10 % below WebP and quicker.
  `auto` prefers AVIF up to 6 MP, where the encoder takes 0.34 s and 108 MB.
- **Reading JPEG**: stays with Pillow. simplejpeg is 3 to 10 % faster where it shrinks, 5 % of a
  render, and needs numpy. Decoding to an eighth takes two thirds of decoding to a half: what is
  left is Huffman codes, which nobody can leave out.
- **Memory**: nothing is kept back in Pillow or malloc. Tried again on 2026-11-22, no setting gained
  more than 8 % on JPEG, 5 on PNG and 2 on WebP; a process that has made 720 of 24 MP weighs 43 MB.

Times are processor time of one process on one core, medians, unless a rate is given. SSIM and
PSNR are held against a full decode with Lanczos, as in the table of the engine.
"""


def run(seconds: int, rounds: int, *, place: report.Place | None) -> None:
    """Measure every knob and report."""
    parts = [INTRODUCTION.strip()]
    for part in (
        decoding.tables(rounds),
        packing.tables(rounds),
        encoders.tables(rounds),
        matched.tables(),
        memory.tables(rounds),
        serving.tables(seconds),
    ):
        parts += part
    report.section("knees", "\n\n".join(parts), place=place)
