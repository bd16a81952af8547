"""The drawings of the pages: the paths of a request and of an upload, states, and a machine."""

from scripts.site.drawing import Arrow, Box, Drawing, Lane

REQUEST = Drawing(
    size=(800, 745),
    title="The path of a request for a rendition",
    description=(
        "A request enters the event loop. Its address is parsed. If memory knows the rendition, "
        "it is answered at once, with a redirect or with bytes. Otherwise the row of the original "
        "is looked up, without which it is 404, and the request joins those that wait for the "
        "same rendition. If the index has a link, that is a redirect. Otherwise the file of the "
        "original is looked for, on the disk or in the mirror, the request is admitted to a "
        "bounded queue, or refused with 503, and a worker process decodes, resizes and encodes. "
        "Its bytes are the answer. After the answer they go to the store, with S3 by way of a "
        "spool, and only then a link is written into the index."
    ),
    parts=(
        Lane(20, 70, 510, 530, "one process, one event loop"),
        Lane(560, 424, 220, 100, "a process for each slot"),
        Lane(20, 622, 760, 106, "behind the answer"),
        Box(40, 15, 250, 36, "GET /cat_800_600.webp"),
        Box(40, 100, 250, 50, "parse", ["request parser, core.urls"]),
        Box(40, 172, 250, 50, "memory", ["links and bytes; no await"]),
        Box(40, 244, 250, 50, "row", ["of the original: memory, index"]),
        Box(40, 316, 250, 50, "join", ["one job for each rendition"]),
        Box(40, 388, 250, 50, "link, then file", ["index 150 ms; stat, else mirror"]),
        Box(40, 460, 250, 50, "admission", ["a bounded queue, a deadline"]),
        Box(40, 536, 250, 50, "503", ["the queue is full"], "refusal"),
        Box(360, 100, 150, 50, "400", ["makes no sense"], "refusal"),
        Box(360, 172, 150, 50, "303 or 200", ["a hit"], "answer"),
        Box(360, 244, 150, 50, "404 or 307", ["none; too large"], "refusal"),
        Box(360, 388, 150, 50, "303", ["made before"], "answer"),
        Box(580, 452, 180, 60, "render", ["decode, resize, encode"], "worker"),
        Box(580, 316, 180, 60, "200", ["to all that joined"], "answer"),
        Arrow([(165, 51), (165, 99)]),
        Arrow([(165, 150), (165, 171)]),
        Arrow([(165, 222), (165, 243)]),
        Arrow([(165, 294), (165, 315)]),
        Arrow([(165, 366), (165, 387)]),
        Arrow([(165, 438), (165, 459)]),
        Arrow([(165, 510), (165, 535)]),
        Arrow([(290, 125), (359, 125)]),
        Arrow([(290, 197), (359, 197)], "known", (324, 191)),
        Arrow([(290, 269), (359, 269)]),
        Arrow([(290, 413), (359, 413)], "known", (324, 407)),
        Arrow([(290, 485), (579, 485)], "a slot is free", (430, 479)),
        Arrow([(605, 452), (605, 377)]),
        Arrow([(630, 512), (630, 651)], later=True),
        Box(600, 652, 160, 60, "spool", ["S3 only; outlives a kill"], "store"),
        Box(320, 652, 160, 60, "store", ["S3, or a folder"], "store"),
        Box(40, 652, 160, 60, "index", ["now it has a link"], "store"),
        Arrow([(600, 682), (481, 682)], "retries", (540, 676), later=True),
        Arrow([(320, 682), (201, 682)], later=True),
    ),
)  # fmt: skip

UPLOAD = Drawing(
    size=(800, 400),
    title="The path of an upload",
    description=(
        "The application asks for a token, which takes the id. The phone sends the picture with "
        "it: the token is claimed as a lease, the body goes to a file, a worker inspects and "
        "cleans it, the file is synced and renamed into its place, mirrored where that is "
        "configured, and one transaction writes the original's row and ends the token. Then it "
        "is answered. A failure anywhere before that leaves nothing and frees the id."
    ),
    parts=(
        Lane(20, 20, 760, 90, "the application"),
        Box(60, 48, 200, 50, "POST /token", ["the secret, an id"]),
        Box(300, 48, 200, 50, "a row for the token", ["the id is taken for 15 min"], "store"),
        Box(540, 48, 200, 50, "the token", ["handed to the phone"], "answer"),
        Arrow([(260, 73), (299, 73)]),
        Arrow([(500, 73), (539, 73)]),
        Lane(20, 130, 760, 250, "the phone or the browser"),
        Box(60, 160, 200, 50, "POST /cat, X-Token", ["the token is a lease now"]),
        Box(300, 160, 200, 50, "body to a file", ["as it comes, with a rate"], "store"),
        Box(540, 160, 200, 50, "inspect, clean", ["in a worker process"], "worker"),
        Box(540, 240, 200, 50, "sync, rename", ["the file is in its place"], "store"),
        Box(300, 240, 200, 50, "mirror", ["where it is configured"], "store"),
        Box(60, 240, 200, 50, "commit", ["original and token at once"], "store"),
        Box(60, 318, 200, 44, "200", ["durable"], "answer"),
        Box(300, 318, 440, 44, "failed earlier", ["nothing is left, the id free"], "refusal"),
        Arrow([(640, 98), (640, 120), (160, 120), (160, 159)]),
        Arrow([(260, 185), (299, 185)]),
        Arrow([(500, 185), (539, 185)]),
        Arrow([(640, 210), (640, 239)]),
        Arrow([(540, 265), (501, 265)]),
        Arrow([(300, 265), (261, 265)]),
        Arrow([(160, 290), (160, 317)]),
    ),
)  # fmt: skip

VM = Drawing(
    size=(820, 350),
    title="One machine, and what is elsewhere",
    description=(
        "On the machine nginx takes requests on port 443 and passes them to liveresize on port "
        "1337, which has PostgreSQL beside it and writes a log file that Filebeat reads. "
        "Elsewhere are the CDN that clients are redirected to, the buckets of S3 behind it, "
        "which liveresize writes to, and Logstash, Elasticsearch and Kibana."
    ),
    parts=(
        Lane(170, 20, 390, 290, "the machine"),
        Lane(590, 20, 190, 290, "elsewhere"),
        Box(20, 55, 110, 50, "clients"),
        Box(190, 55, 140, 50, "nginx", ["443"]),
        Box(400, 55, 140, 50, "liveresize", ["1337"], "worker"),
        Box(400, 145, 140, 50, "PostgreSQL", ["5432"], "store"),
        Box(190, 235, 140, 50, "log file", ["logrotate"], "store"),
        Box(400, 235, 140, 50, "Filebeat"),
        Box(610, 55, 150, 50, "S3", ["two buckets"], "store"),
        Box(610, 145, 150, 50, "CDN", ["renditions"], "answer"),
        Box(610, 235, 150, 50, "ELK", ["5045"], "store"),
        Arrow([(130, 80), (189, 80)]),
        Arrow([(330, 80), (399, 80)]),
        Arrow([(540, 80), (609, 80)]),
        Arrow([(470, 105), (470, 144)]),
        Arrow([(420, 105), (420, 125), (260, 125), (260, 234)], later=True),
        Arrow([(330, 260), (399, 260)], later=True),
        Arrow([(540, 260), (609, 260)], later=True),
        Arrow([(685, 145), (685, 106)]),
        Arrow([(75, 105), (75, 334), (800, 334), (800, 170), (761, 170)], "redirected", (365, 328)),
    ),
)

STATES = Drawing(
    size=(800, 330),
    title="The states of an image",
    description=(
        "An upload makes an image public, or held if its token or the settings say so. A hold "
        "makes a public one held, a release a held one public. When keep_until comes, or "
        "claim_until without a claim, it is expired: hidden for 24 hours, in which a later "
        "keep_until or a claim takes it back to what it was, and then gone. A deletion or a "
        "replacing upload ends it at once, whatever its state."
    ),
    parts=(
        Lane(196, 110, 374, 200, "hidden: 404 for the public"),
        Box(20, 30, 140, 50, "upload", ["with a token"]),
        Box(320, 30, 150, 50, "public", ["for everybody"], "answer"),
        Box(320, 140, 150, 50, "held", ["until it is released"], "refusal"),
        Box(320, 240, 150, 50, "expired", ["for 24 hours"], "refusal"),
        Box(640, 240, 140, 50, "gone", ["as by DELETE"]),
        Arrow([(160, 55), (319, 55)]),
        Arrow([(90, 80), (90, 165), (319, 165)], "held", (135, 159)),
        Arrow([(340, 80), (340, 139)], "hold", (320, 100)),
        Arrow([(375, 140), (375, 81)], "release", (402, 100)),
        Arrow([(395, 190), (395, 239)], "its time is over", (450, 218)),
        Arrow([(470, 55), (600, 55), (600, 150), (540, 150), (540, 255), (471, 255)]),
        Arrow([(320, 265), (180, 265), (180, 70), (319, 70)], "claimed in time", (252, 259)),
        Arrow([(470, 275), (639, 275)], "24 hours", (600, 269)),
        Arrow([(470, 40), (710, 40), (710, 239)], "DELETE", (660, 34)),
    ),
)  # fmt: skip

FILES = {
    "architecture/request.svg": REQUEST,
    "architecture/states.svg": STATES,
    "architecture/upload.svg": UPLOAD,
    "architecture/vm.svg": VM,
}
"""Every drawing by its file in docs/."""
