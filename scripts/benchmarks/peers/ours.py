"""Our engine in a plain process, called as a worker calls it."""

from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered, RenderJob
from liveresize.core.rendition import Rendition
from liveresize.core.values import Fit, Quality
from liveresize.imaging import perform, shrink
from liveresize.imaging.settings import EngineSettings
from liveresize.settings.pictures import Encoder
from scripts.benchmarks.peers import program

QUALITY = 80


def render(request: program.Request) -> program.Done:
    """One rendition, a path in and bytes out."""
    settings = request["settings"]
    if "margin" in settings:
        shrink.MARGIN = settings["margin"]
    rendition = Rendition(
        format=Format(request["format"]),
        width=request["width"],
        height=request["height"],
        fit=Fit.CROP if request["crop"] else Fit.CLIP,
        quality=Quality.of(settings.get("quality", QUALITY)),
        enlarge=False,
    ).canonical()
    job = RenderJob(path=request["source"], rendition=rendition)
    done = perform(job, EngineSettings(encoder=_encoder(settings)))
    assert isinstance(done, Rendered)
    stages = {"decode": done.decode_ms, "resize": done.resize_ms, "encode": done.encode_ms}
    return done.data, stages


def _encoder(settings: program.Request) -> Encoder:
    if settings.get("defaults"):
        return Encoder()
    return Encoder(
        jpeg_progressive=settings.get("progressive"),
        jpeg_optimize=settings.get("optimize"),
        png_level=settings.get("level"),
        png_run_length=settings.get("run_length", False),
        webp_method=settings.get("effort"),
        avif_speed=settings.get("speed"),
    )


if __name__ == "__main__":
    program.serve(render)
