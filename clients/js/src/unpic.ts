import { url, type Options } from "./url.js";

/** The operations that unpic knows of every service. */
export interface UnpicOperations extends Omit<Options, "base"> {
  width?: number | string;
  height?: number | string;
}

export interface Extracted {
  src: string;
  operations: UnpicOperations;
  options: { base: string };
}

const PATH = /^(?<base>.*)\/(?<name>[^/?#]+?)(?:_(?<width>\d{1,9})_(?<height>\d{1,9})(?:_(?<density>\d{1,2})x)?)?(?:\.(?<format>jpe?g|png|webp|avif|gif|auto))?(?:\?(?<query>[^#]*))?$/i;

/** Return the picture and the operations of a URL of ours; null if it is none. */
export function extract(address: string | URL): Extracted | null {
  const parts = PATH.exec(String(address))?.groups;
  if (!parts) return null;
  const { base = "", name = "", width, height, density = "1", format, query = "" } = parts;
  const operations: Record<string, unknown> = Object.fromEntries(new URLSearchParams(query));
  if (Number(width)) operations["width"] = Number(width) * Number(density);
  if (Number(height)) operations["height"] = Number(height) * Number(density);
  if (format) operations["format"] = format.toLowerCase();
  return { src: decodeURIComponent(name), operations, options: { base } };
}

/** Return the URL of the picture `src`, an id, with operations. */
export function generate(
  src: string | URL,
  operations: UnpicOperations,
  options: { base?: string } = {},
): string {
  const { width = 0, height = 0, ...rest } = operations;
  return url(String(src), Math.round(Number(width)), Math.round(Number(height)), {
    ...cropped(rest, Number(width) && Number(height)),
    ...(options.base ? { base: options.base } : {}),
  });
}

/** Return a URL of ours with other operations; an id alone is taken, too. */
export function transform(
  address: string | URL,
  operations: UnpicOperations,
  options: { base?: string } = {},
): string {
  const found = String(address).includes("/") ? extract(address) : null;
  if (!found) return generate(address, operations, options);
  return generate(
    found.src,
    { ...found.operations, ...operations },
    { base: options.base ?? found.options.base },
  );
}

/** A box is filled, as unpic expects of every service, unless something else is asked for. */
function cropped(rest: Options, boxed: number | boolean): Options {
  return boxed && !rest.fit && !rest.preset ? { ...rest, fit: "crop" } : rest;
}
