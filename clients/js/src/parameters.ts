// Written by `python -m scripts.client_cases`.

/** The operations of a URL. */
export interface Operations {
  /** `clip` fits inside the box; `crop` fills the box and cuts off the rest; `cover` is at least as large as the box; `canvas` fits inside the box and fills the rest with `bg`; `fill` stretches to the box and does not keep the ratio. */
  fit?: "clip" | "crop" | "cover" | "canvas" | "fill" | null;
  /** What `crop` keeps, and where `canvas` places the image: a direction, the most detailed region (`smart`), or a focal point `x,y` in fractions. `auto` is the focus of the image for `crop`, or `smart` if it has none. Without a gravity, `crop` keeps the focus, too. */
  gravity?: "center" | "north" | "south" | "east" | "west" | "northeast" | "northwest" | "southeast" | "southwest" | "smart" | "auto" | (string & {}) | readonly number[] | null;
  /** The part `x,y,w,h` of the upright image, which then counts as the image. A whole number is pixels; a number with a decimal point (`0.25`, `1.0`) or `%` is a fraction of the width or height, rounded to 0.0001. What is over the edges is cut off. */
  rect?: (string & {}) | readonly number[] | null;
  /** Cuts off borders of the colour of the upper left pixel, or transparent ones where that is transparent. The number is how many levels of 255 a colour may differ; `true` is 10. */
  trim?: boolean | number | null;
  /** 0–100 for JPEG, WebP, AVIF and JPEG XL; values above 100 are 100, and −1 is `auto`. `auto` keeps the quality of a JPEG; for other originals it is the configured one. `visual` is the lowest one that looks like the original, and is found for each image. */
  quality?: "auto" | "visual" | number | null;
  /** At most so many bytes of JPEG, WebP, AVIF and JPEG XL, in steps of 1024: the best quality that fits, not above `quality`, and not below 10. 0 is no limit. */
  max_bytes?: 0 | number | null;
  /** Sigma in pixels, without an exponent. `true` is the configured one. */
  blur?: boolean | number | null;
  /** How much to sharpen after resizing, without an exponent. */
  sharpen?: number | null;
  /** Percent lighter, or darker below 0: −100 is black, 100 twice as light. */
  brightness?: number | null;
  /** Percent more contrast, or less below 0: −100 is one grey, 100 twice the contrast. */
  contrast?: number | null;
  /** Percent more colour, or less below 0: −100 are shades of grey, 100 twice the colour. */
  saturation?: number | null;
  /** Blocks of so many pixels a side, in their average colour. 0 is none. */
  pixelate?: 0 | number | null;
  /** Two colours, for what is dark and what is light; everything else is between them. */
  tint?: (string & {}) | null;
  /** Shades of grey instead of colours. */
  grey?: boolean | null;
  /** The picture of that name in `overlays` of the settings, such as a watermark, drawn over the result. */
  overlay?: (string & {}) | null;
  /** Degrees clockwise, after the EXIF orientation is applied. */
  rotate?: 0 | 90 | 180 | 270 | null;
  /** Mirror horizontally, vertically or both. */
  flip?: "h" | "v" | "hv" | null;
  /** A colour in hex digits, with or without alpha, or `blur`: the image itself, blurred. It fills `canvas` and `pad`, and is the background of transparent images in JPEG. */
  bg?: "transparent" | "blur" | (string & {}) | null;
  /** Round corners, in pixels. `max` is half of the shorter side: a circle for a square. The corners are transparent, and `bg` in JPEG. A density multiplies it. */
  radius?: "max" | number | null;
  /** Pixels around the image, filled with `bg`, in the order of CSS: `10` is all sides, `10,20` top and bottom, then left and right; `10,20,30,40` is clockwise from the top. The result is larger than the box by that. A density multiplies it. */
  pad?: (string & {}) | readonly number[] | number | null;
  /** Whether a small original is enlarged. Without it, the settings decide. */
  enlarge?: boolean | null;
  /** Whether an animation stays animated, if the format can do that. */
  animate?: boolean | null;
  /** The colours of the result. `p3` keeps Display P3, with its profile, of originals with colours beyond sRGB; others, and GIF, stay `srgb`. */
  colour?: "srgb" | "p3" | null;
  /** Whether a JPEG of a JPEG with a gain map has one, too, for HDR displays. No canvas, `pad` and `radius`, and no filter but `blur` and `sharpen` can have one. */
  hdr?: "none" | "keep" | null;
}

/** A schema of values, with the few keywords that the table of operations uses. */
export interface Schema {
  enum?: readonly (string | number | boolean)[];
  const?: string | number;
  type?: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  anyOf?: readonly Schema[];
}

/** The values of each operation, in the order of a URL. */
export const SCHEMAS: Record<keyof Operations, Schema> = {
  fit: {"enum": ["clip", "crop", "cover", "canvas", "fill"]},
  gravity: {"anyOf": [{"enum": ["center", "north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest", "smart", "auto"]}, {"type": "string", "pattern": "^(0(\\.[0-9]{1,99})?|1(\\.0{1,99})?),(0(\\.[0-9]{1,99})?|1(\\.0{1,99})?)$"}]},
  rect: {"type": "string", "pattern": "^(?:0{1,9}|0\\.0{1,99}|0{1,2}(?:\\.0{1,99})?%|0{0,8}[1-9][0-9]{0,8}|0\\.0{0,49}[1-9][0-9]{0,49}|(?:0?[1-9]|[1-9][0-9])(?:\\.[0-9]{1,49})?%|0{1,2}\\.0{0,49}[1-9][0-9]{0,49}%),(?:0{1,9}|0\\.0{1,99}|0{1,2}(?:\\.0{1,99})?%|0{0,8}[1-9][0-9]{0,8}|0\\.0{0,49}[1-9][0-9]{0,49}|(?:0?[1-9]|[1-9][0-9])(?:\\.[0-9]{1,49})?%|0{1,2}\\.0{0,49}[1-9][0-9]{0,49}%),(?:0{0,8}[1-9][0-9]{0,8}|0\\.0{0,49}[1-9][0-9]{0,49}|(?:0?[1-9]|[1-9][0-9])(?:\\.[0-9]{1,49})?%|0{1,2}\\.0{0,49}[1-9][0-9]{0,49}%|1\\.0{1,99}|100(?:\\.0{1,99})?%),(?:0{0,8}[1-9][0-9]{0,8}|0\\.0{0,49}[1-9][0-9]{0,49}|(?:0?[1-9]|[1-9][0-9])(?:\\.[0-9]{1,49})?%|0{1,2}\\.0{0,49}[1-9][0-9]{0,49}%|1\\.0{1,99}|100(?:\\.0{1,99})?%)$"},
  trim: {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": 255}]},
  quality: {"anyOf": [{"enum": ["auto", "visual"]}, {"type": "integer", "minimum": -1}]},
  max_bytes: {"anyOf": [{"const": 0}, {"type": "integer", "minimum": 1024, "maximum": 67108864}]},
  blur: {"anyOf": [{"type": "boolean"}, {"type": "number", "minimum": 0.3, "maximum": 100}]},
  sharpen: {"type": "number", "minimum": 0, "maximum": 10},
  brightness: {"type": "integer", "minimum": -100, "maximum": 100},
  contrast: {"type": "integer", "minimum": -100, "maximum": 100},
  saturation: {"type": "integer", "minimum": -100, "maximum": 100},
  pixelate: {"anyOf": [{"const": 0}, {"type": "integer", "minimum": 2, "maximum": 200}]},
  tint: {"type": "string", "pattern": "^([0-9a-fA-F]{3}|[0-9a-fA-F]{6}),([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
  grey: {"type": "boolean"},
  overlay: {"type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$"},
  rotate: {"enum": [0, 90, 180, 270]},
  flip: {"enum": ["h", "v", "hv"]},
  bg: {"anyOf": [{"enum": ["transparent", "blur"]}, {"type": "string", "pattern": "^([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"}]},
  radius: {"anyOf": [{"enum": ["max"]}, {"type": "integer", "minimum": 0, "maximum": 9999}]},
  pad: {"type": "string", "pattern": "^[0-9]{1,4}(,[0-9]{1,4}){0,3}$"},
  enlarge: {"type": "boolean"},
  animate: {"type": "boolean"},
  colour: {"enum": ["srgb", "p3"]},
  hdr: {"enum": ["none", "keep"]},
};

/** Every parameter that a signature covers, and those of vip's URLs beside them. */
export const SIGNED: readonly string[] = ["fit", "gravity", "rect", "trim", "quality", "max_bytes", "blur", "sharpen", "brightness", "contrast", "saturation", "pixelate", "tint", "grey", "overlay", "rotate", "flip", "bg", "radius", "pad", "enlarge", "animate", "colour", "hdr", "allow_webp", "proxy", "version", "sig", "exp", "held", "preset"];
export const SIGNED_OF_BUCKETS: readonly string[] = ["s", "c", "animate"];
