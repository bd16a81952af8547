// Uploads with the code of the page in place of React Native, whose FormData takes files by `uri`.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

globalThis.FormData = class extends FormData {
  append(name, value) {
    if (!value.uri) return super.append(name, value);
    const bytes = readFileSync(fileURLToPath(value.uri));
    return super.append(name, new Blob([bytes], { type: value.type }), value.name);
  }
};

const { upload } = await import("./upload.js");
const [server, id, token, uri, other] = process.argv.slice(2);
const receipt = await upload(server, id, token, { uri });
const { status, code, message } = await upload(server, id, token, { uri: other }).catch((e) => e);
console.log(JSON.stringify({ receipt, status, code, error: message }));
