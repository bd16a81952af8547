import { createElement, type ImgHTMLAttributes, type ReactElement } from "react";
import { SCHEMAS } from "./parameters.js";
import { sourcesOf, type PictureOptions } from "./url.js";

type Own = "name" | "width" | "height" | "attributes" | keyof PictureOptions;

export interface LivePictureProps extends Omit<PictureOptions, "attributes"> {
  name: string;
  width?: number;
  height?: number;
}

/** A `<picture>` of the picture `name`; further properties are those of its `<img>`. */
export function LivePicture(
  props: LivePictureProps & Omit<ImgHTMLAttributes<HTMLImageElement>, Own>,
): ReactElement {
  const { options, rest } = parted(props);
  const { name, width = 0, height = 0, ...given } = options;
  const { sources, image } = sourcesOf(name, width, height, given as PictureOptions);
  const { srcset, ...attributes } = image;
  return createElement(
    "picture",
    null,
    ...sources.map(({ type, srcset: offered, sizes }) =>
      createElement("source", { key: type, type, srcSet: offered, sizes }),
    ),
    createElement("img", { ...attributes, srcSet: srcset, ...rest }),
  );
}

function parted(props: LivePictureProps): { options: LivePictureProps; rest: object } {
  const options: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(props)) {
    (OPTIONS.has(name) ? options : rest)[name] = value;
  }
  return { options: options as unknown as LivePictureProps, rest };
}

const OPTIONS = new Set([
  ...["name", "width", "height", "alt", "base", "widths", "sizes", "densities", "formats"],
  ...["original", "preset", "version", "held", "proxy", "allow_webp", ...Object.keys(SCHEMAS)],
]);
