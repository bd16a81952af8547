// The view of code: what an application writes to show the rendition.

import { fileName } from "./address.js";
import { densities, escaped, formats, picture } from "./markup.js";
import { byId, make } from "./page.js";
import { ROOT } from "./server.js";

/** Parameters that are texts, even where they look like numbers. */
const TEXTS = ["bg", "tint", "pad", "overlay", "preset"];

/** Fits whose box is the size of the result. */
const EXACT = ["crop", "canvas", "fill"];

const NUMBER = /^-?\d+(\.\d+)?$/;

const CLIENT = "With @liveresize/client, from clients/js of the repository.";

const LANGUAGES = {
  HTML: { write: html, hint: "For usual and dense screens." },
  React: { write: react, hint: CLIENT },
  Vue: { write: vue, hint: CLIENT },
  Jinja2: { write: jinja, hint: "With the filters of docs/html.md, which have the server's address." },
  Django: { write: django, hint: "With the tags of docs/html.md; IMAGES has the server's address." },
  curl: { write: curl, hint: "The bytes of this rendition, as a file." },
};

/** The code in each language, by its name; `root` is where the server's addresses begin. */
export function snippets(root, shot) {
  const texts = Object.entries(LANGUAGES).map(([name, { write }]) => [name, write(root, shot)]);
  return Object.fromEntries(texts);
}

/** Width and height on the page. */
const sides = ({ shown, knobs }) =>
  [shown.width, shown.height].map((side) => Math.round(side / knobs.n));

function html(root, shot) {
  return picture(root, shot, densities(shot), sides(shot));
}

/** The parameters as the helpers take them: pairs of names and values. */
function options({ query }) {
  return query.map(([name, text]) => {
    if (TEXTS.includes(name)) return [name, text];
    if (NUMBER.test(text)) return [name, Number(text)];
    return [name, { true: true, false: false }[text] ?? text];
  });
}

/** What their functions for a `<picture>` take besides, where it is not the default. */
function offers(shot) {
  const { knobs, facts, session } = shot;
  const said = new Map(shot.query);
  const found = [["alt", ""]];
  const all = formats(shot);
  if (all.at(-1) !== "jpg" || all.length === 1) found.push(["formats", all]);
  if (densities(shot).length === 1) found.push(["densities", [1]]);
  const exact = knobs.w && knobs.h && EXACT.includes(said.get("fit"));
  // They compute the size of the image without presets and without the settings of the server.
  const sure = facts && (session.enlarge || knobs.enlarge);
  if (sure && !exact && !said.has("preset") && !said.has("trim")) {
    found.push(["original", [facts.width, facts.height]]);
  }
  return found;
}

const address = (root) => root.replace(/\/$/, "");

const listed = (values, literal) => `[${values.map(literal).join(", ")}]`;

/** A value in JavaScript, with strings in `quote`. */
function script(value, quote) {
  if (Array.isArray(value)) return listed(value, (each) => script(each, quote));
  return typeof value === "string" ? quote(value) : String(value);
}

/** A string in single quotes; no text of an address has a backslash. */
const single = (text) => `'${text.replace(/'/g, "\\'")}'`;

function react(root, shot) {
  if (shot.knobs.format === "jxl") {
    return html(root, shot).replace(/^ +srcset=/m, "    srcSet=").replace(/>$/, " />");
  }
  const { w: width, h: height } = shot.knobs;
  const given = { name: shot.id, width, height, ...Object.fromEntries(options(shot)) };
  Object.assign(given, Object.fromEntries(offers(shot)), { base: address(root) });
  const lines = Object.entries(given).map(([name, value]) => {
    const plain = typeof value === "string" && !/["&]/.test(value);
    return `  ${name}=${plain ? `"${value}"` : `{${script(value, JSON.stringify)}}`}\n`;
  });
  return `import { LivePicture } from "@liveresize/client/react";\n\n<LivePicture\n${lines.join("")}/>`;
}

function vue(root, shot) {
  if (shot.knobs.format === "jxl") return `<template>\n${html(root, shot)}\n</template>`;
  const { w: width, h: height } = shot.knobs;
  const given = { name: shot.id, width, height };
  const spelled = options(shot).map(([name, value]) => `${name}: ${script(value, single)}`);
  if (spelled.length) given.options = `{ ${spelled.join(", ")} }`;
  Object.assign(given, Object.fromEntries(offers(shot)), { base: address(root) });
  const lines = Object.entries(given).map(([name, value]) => {
    const bare = typeof value === "string";
    const bound = name === "options" || !bare;
    return `    ${bound ? ":" : ""}${name}="${escaped(bare ? value : script(value, single))}"\n`;
  });
  return (
    `<script setup>\nimport { LivePicture } from "@liveresize/client/vue";\n</script>\n\n` +
    `<template>\n  <LivePicture\n${lines.join("")}  />\n</template>`
  );
}

/** A value in Python. */
function python(value) {
  if (Array.isArray(value)) return listed(value, python);
  if (typeof value === "boolean") return value ? "True" : "False";
  return script(value, single);
}

const named = ([name, value]) => `${name}=${python(value)}`;

function jinja(root, shot) {
  const { w, h } = shot.knobs;
  const given = [w, h, ...[...options(shot), ...offers(shot)].map(named)];
  return `{{ ${single(shot.id)} | picture(${given.join(", ")}) }}`;
}

function django(root, shot) {
  const { w, h, format } = shot.knobs;
  const given = options(shot);
  if (format !== "auto") given.unshift(["format", format]);
  // A tag ends at the first brace, even within a string.
  const name = /[{}]/.test(shot.id) ? "name" : single(shot.id);
  const tag = (n) => {
    const all = n > 1 ? [["density", n], ...given] : given;
    return `{% image_url ${[name, w, h, ...all.map(named)].join(" ")} %}`;
  };
  const set = densities(shot).map(({ n, said }) => `${tag(n)} ${said}`);
  const [width, height] = sides(shot);
  return (
    `{% load images %}\n<img src="${tag(1)}"\n    srcset="${set.join(",\n    ")}"\n` +
    `    width="${width}" height="${height}" alt="" loading="lazy" decoding="async">`
  );
}

function curl(root, { id, knobs, url, shown }) {
  const accept = knobs.format === "auto" ? `-H 'Accept: ${shown.type}' ` : "";
  return `curl -L ${accept}-o ${fileName(id, knobs, shown.type)} '${url}'`;
}

let texts = {};

/** Show the code in a language. */
function choose(name) {
  byId("code").value = texts[name] ?? "";
  byId("code-label").textContent = name;
  byId("copy-code").textContent = `Copy ${name}`;
  byId("code-hint").textContent = LANGUAGES[name].hint;
}

const chosen = () => byId("languages").querySelector(":checked").value;

function offer() {
  const choices = Object.keys(LANGUAGES).map((value, at) => {
    const radio = make("input", { type: "radio", name: "language", value, checked: !at });
    radio.onchange = () => choose(value);
    return make("label", { className: "choice" }, radio, value);
  });
  byId("languages").append(...choices);
}

/** Show the code for a shot. */
export function update(shot) {
  if (!byId("languages").querySelector("input")) offer();
  texts = snippets(ROOT.href, shot);
  choose(chosen());
}

/** Show none. */
export function clear() {
  texts = {};
  choose(chosen());
}
