// Runs cases.json against a build: node cases.mjs BUILD CASES
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , build, path] = process.argv;
const load = (name) => import(pathToFileURL(`${build}/${name}.js`).href);
const { BadParameter, MalformedUrl, picture, size, srcset, url } = await load("url");
const { sign, signedUrl } = await load("sign");
const { cases, key } = JSON.parse(readFileSync(path, "utf8"));

const run = ({ call, name, width, height, options = {}, target, exp, original }) => {
  if (call === "sign") return sign(target, key, exp);
  if (call === "size") return size(original, width, height, options);
  if (call === "srcset") return srcset(name, width, height, options);
  if (call === "picture") return picture(name, width, height, options);
  if (options.key || options.exp) return signedUrl(name, width, height, options);
  return url(name, width, height, options);
};
const kind = (error) => {
  if (error instanceof BadParameter) return "bad_parameter";
  if (error instanceof MalformedUrl) return "malformed_url";
  throw error;
};
const wrong = [];
for (const each of cases) {
  let found;
  try {
    found = { result: run(each) };
  } catch (error) {
    found = { error: kind(error) };
  }
  if (JSON.stringify(found.result) !== JSON.stringify(each.result) || found.error !== each.error) {
    wrong.push({ ...each, found });
  }
}
console.log(JSON.stringify(wrong, null, 1));
