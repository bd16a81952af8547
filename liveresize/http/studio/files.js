// Files come in: chosen, dropped anywhere on the page, or pasted.

import { byId, number, on } from "./page.js";

/** Call `use` with files. */
export function listen(session, use) {
  // Texts are dropped and pasted as well, into fields.
  const take = (files) => files.length && use(files);
  const most = `${number(Math.round(session.max_upload_bytes / 2 ** 17) / 8)} MiB`;
  const pixels = `${session.max_megapixels} megapixels`;
  byId("takes").textContent = `${session.input.join(", ")}; up to ${most} and ${pixels}`;
  const input = byId("file");
  on("choose", "click", () => input.click());
  input.onchange = () => {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  };
  const drop = byId("drop");
  let depth = 0;
  const hover = (by) => drop.classList.toggle("over", (depth = Math.max(0, depth + by)) > 0);
  document.ondragenter = () => hover(1);
  document.ondragleave = () => hover(-1);
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault();
    hover(-depth);
    take([...(event.dataTransfer?.files ?? [])]);
  };
  document.onpaste = (event) => take([...(event.clipboardData?.files ?? [])]);
}
