// Markup for other pages: the `<picture>` that the helpers of an application make. Pure.

import { address } from "./address.js";

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as it stands in an attribute. */
export const escaped = (text) => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign]);

const hex = (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;

/** The whole address of a box as the helpers write it: a comma in a `srcset` is escaped. */
export const written = (root, { id, query }, box, format) =>
  root + address(id, box, format, query).replace(/[!()*,]/g, hex);

/** The formats of a shot: of the sources, and last that of the `<img>`. */
export function formats({ knobs, facts, why }) {
  if (knobs.format !== "auto") return [knobs.format];
  const clear = (knobs.clear && !why.clear) || knobs.radius;
  return ["avif", "webp", facts?.has_alpha === false && !clear ? "jpg" : "png"];
}

/** The boxes of one and two densities, as far as the server makes them; 1x alone otherwise. */
export function densities({ knobs: { w, h }, session }) {
  const within = (n) => n === 1 || (w * n <= session.max_width && h * n <= session.max_height);
  return [1, 2].filter(within).map((n) => ({ w, h, n, said: `${n}x` }));
}

/**
 * A `<picture>`, or an `<img>` where there is one format. `boxes` have what is `said` of them in a
 * srcset; `sides` are width and height of the image on the page; `sizes` goes with widths.
 */
export function picture(root, shot, boxes, [width, height], sizes = "") {
  const all = formats(shot);
  const last = all.pop();
  const at = (box, format) => escaped(written(root, shot, box, format));
  const gap = ",\n    ";
  const offered = (format) =>
    `srcset="${boxes.map((box) => `${at(box, format)} ${box.said}`).join(gap)}"` +
    (sizes && `\n    sizes="${escaped(sizes)}"`);
  const image =
    `<img src="${at(boxes[0], last)}"\n    ${offered(last)}\n` +
    `    width="${width}" height="${height}" alt="" loading="lazy" decoding="async">`;
  if (!all.length) return image;
  const sources = all.map((format) => `  <source type="image/${format}"\n    ${offered(format)}>\n`);
  return `<picture>\n${sources.join("")}  ${image}\n</picture>`;
}
