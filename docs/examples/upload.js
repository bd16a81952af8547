// Uploads a picture and fetches it 400 pixels wide:  node upload.js PICTURE ID
// SERVER is where liveresize is, SECRET its configured secret, if it has one.
//
// As a script of a page it brings the same functions. There, `askForToken` belongs to the
// application behind the page: a secret must never be in one.
"use strict";

// In the application, which alone knows the secret: a token for this one id.
async function askForToken(server, id, secret) {
  const answer = await fetch(`${server}/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id, secret }),
  });
  return (await (await checked(answer)).json()).token;
}

// Wherever the picture is, a Blob or a File, with the token as its leave.
async function upload(server, id, picture, token) {
  const form = new FormData();
  form.append("image", picture, "image");
  const answer = await fetch(`${server}/${encodeURIComponent(id)}`, {
    method: "POST",
    headers: { "X-Token": token },
    body: form,
  });
  return (await checked(answer)).json();
}

// Anyone, from now on: the address of the picture in that width, for an <img> or for fetch.
function rendition(server, id, width) {
  return `${server}/${encodeURIComponent(id)}_${width}_0.jpg`;
}

// The answer, or the sentence that the server gives as a reason.
async function checked(answer) {
  if (!answer.ok) throw new Error(`${answer.status}: ${(await answer.json()).error}`);
  return answer;
}

async function main(picture, id) {
  const { readFile, writeFile } = require("node:fs/promises");
  const { SERVER = "http://localhost:1337", SECRET = "" } = process.env;
  const token = await askForToken(SERVER, id, SECRET);
  console.log(await upload(SERVER, id, new Blob([await readFile(picture)]), token));
  const small = await checked(await fetch(rendition(SERVER, id, 400)));
  await writeFile(`${id}-400.jpg`, Buffer.from(await small.arrayBuffer()));
  console.log(`${id}-400.jpg`);
}

if (typeof require === "function" && require.main === module) {
  main(...process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
