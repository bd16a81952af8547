// Parts of a picture, as the parameter `rect` says them, and how they are moved and sized. Pure.
//
// A box is {x, y, w, h} in whole pixels of the upright picture, whose `size` is [width, height].

const ALL = 10_000; // fractions are counted in these
const LEAST = 0.01; // of a side is what dragging leaves

const between = (low, value, high) => Math.max(low, Math.min(value, high));

/** What a number says: {value, relative}; null for what is none. */
function length(text) {
  const found = /^(\d+)(\.\d+)?(%?)$/.exec(text);
  if (!found) return null;
  if (!found[2] && !found[3]) return { value: Number(text), relative: false };
  const parts = parseFloat(text) * (found[3] ? ALL / 100 : ALL);
  if (parts > ALL) return null;
  const value = parts && parts < ALL ? between(1, Math.floor(parts + 0.5), ALL - 1) : parts;
  return { value, relative: value > 0 };
}

const pixels = ({ value, relative }, side) =>
  relative ? Math.floor((2 * value * side + ALL) / (2 * ALL)) : value;

/** [first, last] of a side, or null where that is outside. */
function span(start, far, side) {
  let first = pixels(start, side);
  if (start.relative) first = Math.min(first, side - 1);
  if (!far.value || first >= side || (start.relative && start.value >= ALL)) return null;
  const both = start.relative && far.relative;
  const end = { value: start.value + far.value, relative: true };
  const last = both ? pixels(end, side) : first + pixels(far, side);
  return [first, Math.min(side, Math.max(last, first + 1))];
}

/** The box that a text says of a picture, as the server reads it; null for none. */
export function read(text, size) {
  const said = text.split(",").map(length);
  if (said.length !== 4 || said.includes(null)) return null;
  const [x, y, w, h] = said;
  const [across, down] = [span(x, w, size[0]), span(y, h, size[1])];
  if (!across || !down) return null;
  return { x: across[0], y: down[0], w: across[1] - across[0], h: down[1] - down[0] };
}

const decimal = (parts) => (parts === ALL ? "1.0" : String(parts / ALL));

/** The text for a box: empty for all of the picture; in decimals unless `whole` numbers are asked for. */
export function write({ x, y, w, h }, size, whole = false) {
  if (w === size[0] && h === size[1]) return "";
  if (whole) return [x, y, w, h].join();
  const parts = (start, far, side) => {
    const [first, last] = [start, start + far].map((at) => Math.round((at * ALL) / side));
    return [decimal(first), decimal(Math.max(1, last - first))];
  };
  const [[left, width], [top, height]] = [parts(x, w, size[0]), parts(y, h, size[1])];
  return [left, top, width, height].join();
}

/** In whole pixels, at its edges; shifted to be within the picture. */
function rounded(x, y, w, h, size) {
  const edges = ([start, far, side]) => {
    const first = Math.round(between(0, start, side - far));
    return [first, Math.max(1, Math.round(between(0, start, side - far) + far) - first)];
  };
  const [[left, width], [top, height]] = [[x, w, size[0]], [y, h, size[1]]].map(edges);
  return { x: left, y: top, w: width, h: height };
}

export const moved = ({ x, y, w, h }, [across, down], size) =>
  rounded(x + Math.round(across), y + Math.round(down), w, h, size);

/** The middle of the picture, with such a part of each of its sides. */
export function inner(part, size) {
  const [w, h] = size.map((side) => side * part);
  return rounded((size[0] - w) / 2, (size[1] - h) / 2, w, h, size);
}

/**
 * The box after a grip was moved: "n", "ne", "e" and so on. What is opposite stays, and so does the
 * ratio of width to height, if one is given.
 */
export function resized(box, grip, by, size, ratio = 0) {
  const way = [grip.includes("e") - grip.includes("w"), grip.includes("s") - grip.includes("n")];
  const [start, old] = [[box.x, box.y], [box.w, box.h]];
  // 0 where the upper or left edge stays, 1 where the other does, between them the middle
  const hold = way.map((sign) => (1 - sign) / 2);
  const anchor = hold.map((part, axis) => start[axis] + part * old[axis]);
  const far = old.map((side, axis) => side + way[axis] * by[axis]);
  const least = size.map((side) => Math.max(1, side * LEAST));
  const most = way.map((sign, axis) => {
    const [before, after] = [anchor[axis], size[axis] - anchor[axis]];
    if (sign) return sign > 0 ? after : before;
    return ratio ? 2 * Math.min(before, after) : old[axis];
  });
  let [w, h] = far.map((side, axis) => between(Math.min(least[axis], most[axis]), side, most[axis]));
  if (ratio) {
    if (!way[0] || (way[1] && h * ratio > w)) w = h * ratio;
    else h = w / ratio;
    const scale = Math.min(1, most[0] / w, most[1] / h);
    [w, h] = [w * scale, h * scale];
  }
  return rounded(anchor[0] - hold[0] * w, anchor[1] - hold[1] * h, w, h, size);
}

/** The box that is drawn from one place to another. */
export function drawn([x, y], [across, down], size, ratio = 0) {
  const grip = (down < 0 ? "n" : "s") + (across < 0 ? "w" : "e");
  return resized({ x, y, w: 0, h: 0 }, grip, [across, down], size, ratio);
}

/** A box of that ratio: as large as the one that was there, about its middle, or as large as can be. */
export function shaped(box, ratio, size, [x, y] = [0.5, 0.5]) {
  const [w, h] = box ? [box.w, box.h] : size;
  const most = Math.min(size[0] / ratio, size[1]);
  const high = box ? Math.min(Math.sqrt((w * h) / ratio), most) : most;
  const middle = box ? [box.x + w / 2, box.y + h / 2] : [x * size[0], y * size[1]];
  const wide = high * ratio;
  return rounded(middle[0] - wide / 2, middle[1] - high / 2, wide, high, size);
}

/** Whether a box has a ratio, but for whole pixels. */
export const has = ({ w, h }, ratio) => Math.abs(w - h * ratio) <= 1 + ratio;
