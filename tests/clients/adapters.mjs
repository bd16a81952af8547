// What the adapters make of a picture, as JSON: node adapters.mjs BUILD
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { createSSRApp, h } from "vue";
import { renderToString } from "vue/server-renderer";

const build = process.argv[2];
const { LivePicture: React } = await import(`${build}/react.js`);
const { LivePicture: Vue } = await import(`${build}/vue.js`);
const { extract, generate, transform } = await import(`${build}/unpic.js`);
const { default: provider, getImage } = await import(`${build}/nuxt.js`);
const { picture } = await import(`${build}/index.js`);

const options = { alt: 'A "cat"', fit: "crop", widths: [320, 640], sizes: "50vw" };
const { alt, widths, sizes, ...rest } = options;
const base = "https://images.example.com";
const made = extract(`${base}/a%20b_400_300_2x.webp?fit=crop&gravity=0.3%2C0.6`);
console.log(
  JSON.stringify({
    html: picture("cat", 16, 9, { ...options, attributes: { class: "hero" } }),
    react: renderToStaticMarkup(
      createElement(React, { name: "cat", width: 16, height: 9, ...options, className: "hero" }),
    ),
    vue: await renderToString(
      createSSRApp({
        render: () =>
          h(Vue, { name: "cat", width: 16, height: 9, alt, widths, sizes, options: rest, class: "hero" }),
      }),
    ),
    unpic: {
      made,
      again: generate(made.src, made.operations, made.options),
      smaller: transform(`${base}/cat_400_300.auto?fit=cover`, { width: 200, height: 100 }),
      filled: transform("cat", { width: "200.4", height: 100 }, { base }),
      none: extract("nonsense"),
    },
    nuxt: {
      two: provider().getImage("/cat", { baseURL: base, modifiers: { width: "400", fit: "cover" } }),
      one: getImage("cat", { modifiers: { width: 40, height: 30, fit: "contain", background: "#f0f0f0" } }),
      plain: getImage("cat"),
    },
  }),
);
