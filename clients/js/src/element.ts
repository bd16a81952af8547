import { SCHEMAS, type Operations } from "./parameters.js";
import { sourcesOf, type PictureOptions } from "./url.js";

/** `<live-picture name="cat" width="400" height="300" fit="crop" alt="A cat"></live-picture>`.
 *
 * It makes a `<picture>` inside of itself. Its attributes are `name`, `width`, `height`, `alt`,
 * `base`, `widths`, `sizes`, `densities`, `formats`, `original`, `preset`, `version`, `loading`, and
 * every parameter of a URL. Lists have commas, such as `widths="400,800"`. */
export class LivePicture extends HTMLElement {
  static readonly observedAttributes = [
    ...["name", "width", "height", "alt", "base", "widths", "sizes", "densities", "formats"],
    ...["original", "preset", "version", "loading", ...Object.keys(SCHEMAS)],
  ];

  #planned = false;

  connectedCallback(): void {
    this.#plan();
  }

  attributeChangedCallback(): void {
    this.#plan();
  }

  /** Draw once, after all attributes of one change are set. */
  #plan(): void {
    if (this.#planned || !this.isConnected) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (this.isConnected) this.#draw();
    });
  }

  #draw(): void {
    const { name, width, height, options } = read(this);
    if (!name) {
      this.replaceChildren();
      return;
    }
    const { sources, image } = sourcesOf(name, width, height, options);
    const picture = document.createElement("picture");
    for (const each of sources) picture.append(element("source", each));
    picture.append(element("img", image));
    this.replaceChildren(picture);
  }
}

function element(name: string, attributes: Record<string, string>): HTMLElement {
  const made = document.createElement(name);
  for (const [each, value] of Object.entries(attributes)) {
    if (value || each === "alt") made.setAttribute(each, value);
  }
  return made;
}

interface Read {
  name: string;
  width: number;
  height: number;
  options: PictureOptions;
}

function read(from: Element): Read {
  const text = (name: string): string => from.getAttribute(name) ?? "";
  const texts = (name: string): string[] => text(name).split(",").map((each) => each.trim()).filter(Boolean);
  const numbers = (name: string): number[] => texts(name).map(Number);
  const operations: Record<string, string> = {};
  for (const name of Object.keys(SCHEMAS)) {
    if (text(name)) operations[name] = text(name);
  }
  const options: PictureOptions = { alt: text("alt"), ...(operations as Operations) };
  if (text("base")) options.base = text("base");
  if (text("sizes")) options.sizes = text("sizes");
  if (text("preset")) options.preset = text("preset");
  if (text("version")) options.version = text("version");
  if (text("widths")) options.widths = numbers("widths");
  if (text("densities")) options.densities = numbers("densities");
  if (text("formats")) options.formats = texts("formats");
  if (text("loading")) options.attributes = { loading: text("loading") };
  const [width = 0, height = 0] = numbers("original");
  if (width && height) options.original = [width, height];
  return {
    name: text("name"),
    width: Number(text("width") || 0),
    height: Number(text("height") || 0),
    options,
  };
}

if (!customElements.get("live-picture")) customElements.define("live-picture", LivePicture);

declare global {
  interface HTMLElementTagNameMap {
    "live-picture": LivePicture;
  }
}
