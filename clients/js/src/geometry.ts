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
