import { picture, upload, url } from "@liveresize/client";
import "@liveresize/client/element";

const server = new URLSearchParams(location.search).get("server");
const failed = (error) => ({ failed: error.name, code: error.code, status: error.status });

Object.assign(window, {
  seen: [],
  url: (...given) => url(...given),
  show: (markup) => {
    document.getElementById("main").innerHTML = markup;
  },
  picture: (...given) => picture(...given),
  begin: (id, token, options = {}) => {
    const [file] = document.getElementById("file").files;
    window.stop = new AbortController();
    window.seen = [];
    window.sent = upload(file, {
      server,
      id,
      token,
      signal: window.stop.signal,
      delays: Array(20).fill(50),
      onProgress: (part) => window.seen.push(part),
      ...options,
    }).catch(failed);
  },
});
