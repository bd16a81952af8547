export {
  BadParameter,
  MalformedUrl,
  picture,
  size,
  sourcesOf,
  srcset,
  url,
  type Candidates,
  type Options,
  type PictureOptions,
  type Sources,
} from "./url.js";
export type { Size } from "./geometry.js";
export type { Operations } from "./parameters.js";
export { upload, UploadFailed, type Receipt, type Shrink, type UploadOptions } from "./upload.js";
