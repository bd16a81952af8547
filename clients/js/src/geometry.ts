import type { Operations } from "./parameters.js";

/** Width and height in pixels. */
export type Size = readonly [number, number];

/** a/b rounded half up, at least 1. */
const halfUp = (a: number, b: number): number => Math.max(1, Math.floor((2 * a + b) / (2 * b)));

/** Return the size of the result of a picture of the size `original` in a box. */
export function sizeOf(original: Size, box: Size, options: Operations): Size {
  const [width, height] = inner(original, box, options);
  const [top, right, bottom, left] = sides(options.pad);
  return [width + left + right, height + top + bottom];
}

/** The (width, height) of the part that `rect` shows; undefined if that is outside. */
export function partOf(size: Size, rect: Operations["rect"]): Size | undefined {
  if (rect === undefined || rect === null) return size;
  const [x, y, width, height] = texts(rect).map(length) as [Length, Length, Length, Length];
  const across = span(x, width, size[0]);
  const down = span(y, height, size[1]);
  return across && down ? [across, down] : undefined;
}

/** The numbers of a rectangle as texts: a whole number is pixels, all others are fractions. */
export function texts(rect: NonNullable<Operations["rect"]>): string[] {
  if (!Array.isArray(rect)) return String(rect).split(",");
  return rect.map((each) => String(Math.round(each * WHOLE) / WHOLE));
}

/** Pixels, or ten-thousandths of a side. */
interface Length {
  value: number;
  relative: boolean;
}

const WHOLE = 10_000;

function length(text: string): Length {
  if (/^[0-9]+$/.test(text)) return { value: Number(text), relative: false };
  const percent = text.endsWith("%");
  const parts = Number(text.replace("%", "")) * (percent ? WHOLE / 100 : WHOLE);
  if (parts === 0) return { value: 0, relative: true };
  if (Number(text.replace("%", "")) === (percent ? 100 : 1)) return { value: WHOLE, relative: true };
  return { value: Math.min(WHOLE - 1, Math.max(1, Math.floor(parts + 0.5))), relative: true };
}

/** How many pixels of a side a part has. */
function span(start: Length, part: Length, side: number): number | undefined {
  const of = (each: Length): number =>
    each.relative ? Math.floor((2 * each.value * side + WHOLE) / (2 * WHOLE)) : each.value;
  const first = start.relative ? Math.min(of(start), side - 1) : start.value;
  if (first < 0 || first >= side) return undefined;
  const last =
    start.relative && part.relative
      ? of({ value: Math.min(WHOLE, start.value + part.value), relative: true })
      : first + of(part);
  return Math.min(side, Math.max(last, first + 1)) - first;
}

/** Whether a picture is trimmed. */
export const trims = (options: Operations): boolean =>
  options.trim !== undefined && options.trim !== null && options.trim !== false;

/** Whether the size of the result does not depend on what `trim` cuts off. */
export function isKnown(box: Size, options: Operations): boolean {
  const exact = (options.fit === "crop" || options.fit === "fill") && (options.enlarge ?? true);
  return !trims(options) || (box[0] > 0 && box[1] > 0 && (exact || options.fit === "canvas"));
}

/** The four sides of a pad, as in CSS: a side left out is that across. */
export function sides(pad: Operations["pad"]): [number, number, number, number] {
  const given = Array.isArray(pad) ? pad : String(pad ?? 0).split(",").map(Number);
  const [top = 0, right = top, bottom = top, left = right] = given;
  return [top, right, bottom, left];
}

/** The size without the pad. */
function inner(original: Size, box: Size, options: Operations): Size {
  const turns = options.rotate === 90 || options.rotate === 270;
  const size: Size = turns ? [original[1], original[0]] : original;
  const [width, height] = box;
  if (!width && !height) return size;
  const both = width > 0 && height > 0;
  const fit = both ? (options.fit ?? "clip") : "clip";
  const enlarge = options.enlarge ?? true;
  if (fit === "canvas") return box;
  if (fit === "crop") return enlarge ? box : largestCrop(size, box);
  if (fit === "fill") return enlarge ? box : [Math.min(width, size[0]), Math.min(height, size[1])];
  const tighter = width * size[1] <= height * size[0];
  const byWidth = both ? (fit === "cover" ? !tighter : tighter) : width > 0;
  if (byWidth) {
    return !enlarge && width > size[0] ? size : [width, halfUp(size[1] * width, size[0])];
  }
  return !enlarge && height > size[1] ? size : [halfUp(size[0] * height, size[1]), height];
}

/** The largest box of the ratio of `box`, no larger than it, that fits in `size`. */
function largestCrop(size: Size, box: Size): Size {
  const [width, height] = size;
  const [boxWidth, boxHeight] = box;
  if (boxWidth <= width && boxHeight <= height) return box;
  if (boxWidth * height >= boxHeight * width) {
    return [width, Math.min(height, halfUp(boxHeight * width, boxWidth))];
  }
  return [Math.min(width, halfUp(boxWidth * height, boxHeight)), height];
}
