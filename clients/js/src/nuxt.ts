import type { Operations } from "./parameters.js";
import { url, type Options } from "./url.js";

/** The modifiers that @nuxt/image knows, and every parameter of a URL. */
export interface Modifiers extends Omit<Operations, "fit"> {
  width?: number | string;
  height?: number | string;
  fit?: string;
  format?: string;
  background?: string;
  preset?: string;
}

const FITS: Record<string, NonNullable<Options["fit"]>> = {
  cover: "crop",
  contain: "canvas",
  fill: "fill",
  inside: "clip",
  outside: "cover",
};

/** Return the URL of the picture `src`, an id with or without a slash before it. */
export function getImage(
  src: string,
  { modifiers = {}, baseURL = "" }: { modifiers?: Modifiers; baseURL?: string } = {},
): { url: string } {
  const { width = 0, height = 0, fit, background, ...rest } = modifiers;
  const options: Options = { ...rest, base: baseURL };
  if (fit) options.fit = FITS[fit] ?? (fit as NonNullable<Options["fit"]>);
  if (background) options.bg = background.replace(/^#/, "");
  return { url: url(src.replace(/^\/+/, ""), Number(width), Number(height), options) };
}

/** A provider of @nuxt/image 2: name this module in `image.providers` as `provider`. */
export default function provider(): { getImage: typeof getImage } {
  return { getImage };
}
