import { SCHEMAS, type Operations, type Schema } from "./parameters.js";
import { isKnown, partOf, sides, sizeOf, texts, trims, type Size } from "./geometry.js";

/** The URL would not be read as that of this picture. */
export class MalformedUrl extends Error {
  override name = "MalformedUrl";
}

/** A parameter has a value that the server would refuse. */
export class BadParameter extends Error {
  override name = "BadParameter";
}

/** What every function here takes besides the name and the box. */
export interface Options extends Operations {
  /** The part before the path, such as `https://images.example.com`. Empty: URLs begin with `/`. */
  base?: string;
  /** An extension. `auto`, the default, is the best one that the browser supports; `json` the
   * properties; empty the original. */
  format?: string;
  allow_webp?: boolean | null;
  proxy?: boolean | null;
  version?: string | null;
  /** Opens a held picture, with a signature. */
  held?: boolean | null;
  preset?: string | null;
}

/** What `srcset` takes besides: `widths`, or `densities`. */
export interface Candidates {
  /** Widths in pixels; width and height are then the ratio of the boxes. */
  widths?: readonly number[];
  densities?: readonly number[];
}

const LARGEST = 999_999_999;
const MAX_DENSITY = 20;
const MAX_BYTES = 255;

const EXTENSIONS: Record<string, string> = {
  jpg: "jpg", jpeg: "jpg", jfif: "jpg", jpe: "jpg",
  png: "png", webp: "webp", avif: "avif", gif: "gif",
};
const OTHERS = ["auto", "json", ""];

const BASE = /^(?:(?:https?:)?\/\/[^\s/?#,"'<>\\]+)?(?:\/[^\s?#,"'<>\\]*)?$/;
const RENDITION = /^.+_[0-9]{1,9}_[0-9]{1,9}(?:_[0-9]{1,3}(?:\.[0-9]{1,99})?[xX])?\.[A-Za-z0-9]+$/s;
const FORBIDDEN = /[/\\\u0000-\u001f\u007f-\u009f]/;

const FLAGS = ["allow_webp", "proxy"] as const;

/** Return the URL of the picture `name` in a box of `width` × `height` pixels.
 *
 * A side of 0 is calculated, and both 0 is the picture's own size. `density` multiplies the box.
 * Throws MalformedUrl and BadParameter. */
export function url(
  name: string,
  width = 0,
  height = 0,
  options: Options & { density?: number } = {},
): string {
  return base(options.base ?? "") + target(name, width, height, options);
}

/** Return the value of a `srcset`: one box in several densities, or a picture in several widths.
 *
 * A `pad` is not part of the boxes, but of the widths that are said. */
export function srcset(
  name: string,
  width = 0,
  height = 0,
  options: Options & Candidates = {},
): string {
  const { widths, densities, ...rest } = options;
  const [, right, , left] = sides(options.pad);
  return candidates(width, height, widths ?? [], densities ?? [1, 2, 3], left + right)
    .map(({ box, density, descriptor }) => `${url(name, ...box, { ...rest, density })} ${descriptor}`)
    .join(", ");
}

/** What `picture` takes. */
export interface PictureOptions extends Omit<Options, "format">, Candidates {
  /** The text alternative. */
  alt: string;
  /** As in HTML; widths need it. */
  sizes?: string;
  /** The formats of the sources; the last one is that of the `<img>`. */
  formats?: readonly string[];
  /** Width and height of the original, which give the `<img>` its size. */
  original?: Size;
  /** Further attributes of the `<img>`. */
  attributes?: Readonly<Record<string, string>>;
}

/** The attributes of a `<picture>`: of its sources, and of its `<img>`. */
export interface Sources {
  sources: Record<string, string>[];
  image: Record<string, string>;
}

/** Return a `<picture>` as HTML, with one source for each format. */
export function picture(
  name: string,
  width: number,
  height: number,
  options: PictureOptions,
): string {
  const { sources, image } = sourcesOf(name, width, height, options);
  return `<picture>${sources.map((each) => tag("source", each)).join("")}${tag("img", image)}</picture>`;
}

/** Return the attributes of a `<picture>`, for components that make its elements themselves. */
export function sourcesOf(
  name: string,
  width: number,
  height: number,
  options: PictureOptions,
): Sources {
  const { alt, sizes, formats, original, attributes, widths, densities = [1, 2], ...rest } = options;
  const offered = (format: string): Record<string, string> => ({
    srcset: srcset(name, width, height, { ...rest, format, widths, densities }),
    ...(sizes ? { sizes } : {}),
  });
  const all = formats?.length ? [...formats] : ["avif", "webp", "jpg"];
  const last = all.pop() as string;
  const first = widths?.[0];
  const box: Size = first === undefined ? [width, height] : [first, inRatio(first, width, height)];
  return {
    sources: all.map((format) => ({ type: MEDIA[format] ?? "", ...offered(format) })),
    image: {
      src: url(name, ...box, { ...rest, format: last }),
      ...offered(last),
      ...measures(original, box, rest),
      loading: "lazy",
      decoding: "async",
      ...attributes,
      alt,
    },
  };
}

const MEDIA: Record<string, string> = { avif: "image/avif", webp: "image/webp" };

/** Return the size in pixels of the result of `url` with the same arguments.
 *
 * `original` is the size of the upright picture. Presets and the bounds of the server are ignored. */
export function size(original: Size, width = 0, height = 0, options: Options = {}): Size {
  target("_", width, height, { ...options, format: "jpg" });
  const part = partOf(original, options.rect);
  if (!part) throw new BadParameter("The parameter `rect` must begin inside the picture.");
  if (!isKnown([width, height], options)) {
    throw new BadParameter("The size of a trimmed picture is known only after it is made.");
  }
  return sizeOf(part, [width, height], options);
}

/** Return path and query, without a signature. */
export function target(
  name: string,
  width: number,
  height: number,
  options: Options & { density?: number },
): string {
  const { density = 1, format = "auto" } = options;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 0 || side > LARGEST) {
      throw new MalformedUrl(`Width and height are whole numbers from 0 to ${LARGEST}.`);
    }
  }
  checkName(name);
  const extension = format.toLowerCase();
  const suffix = EXTENSIONS[extension] ?? (OTHERS.includes(extension) ? extension : undefined);
  const boxed = width > 0 || height > 0;
  if (suffix === undefined || (boxed && (suffix === "" || suffix === "json"))) {
    throw new MalformedUrl(`The extension \`.${extension}\` is none of this address.`);
  }
  let segment = escape(name);
  if (boxed) {
    if (!Number.isInteger(density) || density < 1 || density > MAX_DENSITY) {
      throw new MalformedUrl(`The density must be from 1x to ${MAX_DENSITY}x.`);
    }
    segment += `_${width}_${height}${density === 1 ? "" : `_${density}x`}`;
  } else if (density !== 1) {
    throw new MalformedUrl("A density multiplies width and height: give one of them.");
  }
  const whole = `${name}${suffix ? `.${suffix}` : ""}`;
  if (!boxed && (RENDITION.test(whole) || (!suffix && hasSuffix(name)))) {
    throw new MalformedUrl(`The address /${segment} would be read as another picture's.`);
  }
  const pairs = parameters(options).map(([each, text]) => `${each}=${escape(text)}`);
  return `/${segment}${suffix ? `.${suffix}` : ""}${pairs.length ? `?${pairs.join("&")}` : ""}`;
}

function hasSuffix(name: string): boolean {
  const suffix = /.\.([^.]*)$/s.exec(name)?.[1]?.toLowerCase();
  return suffix !== undefined && (suffix in EXTENSIONS || suffix === "auto" || suffix === "json");
}

function checkName(name: string): void {
  if (["", ".", ".."].includes(name)) throw new MalformedUrl("The name of the picture is empty or a dot.");
  if (FORBIDDEN.test(name)) {
    throw new MalformedUrl("The name of the picture holds a slash, a backslash or a control character.");
  }
  if (new TextEncoder().encode(name).length > MAX_BYTES) {
    throw new MalformedUrl(`The name of the picture is longer than ${MAX_BYTES} bytes.`);
  }
}

/** Return the parameters in the order of a URL. `preset` is last, so that the others override it. */
function parameters(options: Options): [string, string][] {
  const pairs: [string, string][] = [];
  const add = (name: string, value: unknown, fits: (text: string) => boolean): void => {
    if (value === undefined || value === null) return;
    const text = name === "rect" && Array.isArray(value) ? texts(value).join(",") : spelled(value);
    if (!text || !fits(text)) throw new BadParameter(`The parameter \`${name}\` cannot be \`${text}\`.`);
    pairs.push([name, text]);
  };
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    add(name, options[name as keyof Operations], (text) => allows(schema, text));
  }
  for (const name of FLAGS) add(name, options[name], (text) => ["true", "false"].includes(text));
  add("version", options.version, () => true);
  add("held", options.held, () => true);
  add("preset", options.preset, () => true);
  return pairs;
}

/** Return a value as the text of a URL; numbers are rounded to three decimals. */
function spelled(value: unknown): string {
  if (Array.isArray(value)) return value.map(spelled).join(",");
  return typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
}

/** Whether a schema allows the value that a URL has as `text`. */
export function allows(schema: Schema, text: string): boolean {
  if (schema.anyOf) return schema.anyOf.some((each) => allows(each, text));
  if (schema.enum) return schema.enum.some((each) => String(each) === text);
  if (schema.const !== undefined) return String(schema.const) === text;
  if (schema.type === "boolean") return text === "true" || text === "false";
  if (schema.type === "string") return schema.pattern === undefined || new RegExp(schema.pattern).test(text);
  if (!(schema.type === "integer" ? /^-?[0-9]+$/ : /^-?[0-9]+(\.[0-9]+)?$/).test(text)) return false;
  const number = Number(text);
  return number >= (schema.minimum ?? -Infinity) && number <= (schema.maximum ?? Infinity);
}

/** Escape all but letters, digits and `-._~`. */
export function escape(text: string): string {
  try {
    return encodeURIComponent(text).replace(
      /[!'()*]/g,
      (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  } catch {
    throw new MalformedUrl("The text holds half of a surrogate pair.");
  }
}

/** Return `base` without a slash at its end. */
export function base(text: string): string {
  if (!BASE.test(text)) throw new MalformedUrl("The base is the part of a URL before the path.");
  return text.replace(/\/+$/, "");
}

interface Candidate {
  box: Size;
  density: number;
  descriptor: string;
}

function candidates(
  width: number,
  height: number,
  widths: readonly number[],
  densities: readonly number[],
  around: number,
): Candidate[] {
  if (widths.length) {
    if (Math.min(...widths) < 1) throw new MalformedUrl("The widths of a srcset are at least 1.");
    return [...new Set(widths)].map((each) => ({
      box: [each, inRatio(each, width, height)],
      density: 1,
      descriptor: `${each + around}w`,
    }));
  }
  if (!densities.length) throw new MalformedUrl("A srcset takes widths, or densities.");
  return [...new Set(densities)].map((each) => ({
    box: [width, height],
    density: each,
    descriptor: `${each}x`,
  }));
}

function inRatio(each: number, width: number, height: number): number {
  if (!height) return 0;
  if (!width) throw new MalformedUrl("With widths, a height needs the width that it belongs to.");
  return Math.max(1, Math.floor((2 * each * height + width) / (2 * width)));
}

function measures(original: Size | undefined, box: Size, options: Options): Record<string, string> {
  const fixed = options.fit === "crop" || options.fit === "canvas" || options.fit === "fill";
  const trimmed = trims(options);
  // Of these any size would do.
  const any = fixed && box[0] && box[1] && (trimmed || !original);
  const known = any ? box : trimmed ? undefined : original;
  const shown = any ? { ...options, rect: null, trim: null } : options;
  const [width, height] = known ? size(known, ...box, shown) : [0, 0];
  return width && height ? { width: String(width), height: String(height) } : {};
}

function tag(name: string, attributes: Record<string, string>): string {
  const written = Object.entries(attributes)
    .filter(([each, value]) => value || each === "alt")
    .map(([each, value]) => ` ${each}="${html(value)}"`);
  return `<${name}${written.join("")}>`;
}

function html(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#x27;");
}
