/** How a picture is made smaller before it is sent. */
export interface Shrink {
  /** The longest side, in pixels. */
  maxSide: number;
  /** Of the JPEG, from 0 to 1. */
  quality?: number;
}

/** The formats that a canvas reads in every browser; others are left to the server. */
const READ = ["image/jpeg", "image/png", "image/webp"];

/** Return a smaller JPEG of a large picture, upright; what is small enough, has transparency or
 * moves, or cannot be decoded here, as it is. A copy has no metadata: no location, and no credit. */
export async function shrunk(file: Blob, { maxSide, quality = 0.85 }: Shrink): Promise<Blob> {
  if (!READ.includes(file.type) || typeof createImageBitmap === "undefined") return file;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const { width, height } = bitmap;
    const scale = Math.min(1, maxSide / Math.max(width, height));
    if (scale === 1) return file;
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d");
    if (!context) return file;
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    if (file.type !== "image/jpeg" && !opaque(context, canvas)) return file;
    const smaller = await new Promise<Blob | null>((resolve) => {
      canvas.toBlob(resolve, "image/jpeg", quality);
    });
    return smaller && smaller.size < file.size ? smaller : file;
  } finally {
    bitmap.close();
  }
}

function opaque(context: CanvasRenderingContext2D, { width, height }: HTMLCanvasElement): boolean {
  const { data } = context.getImageData(0, 0, width, height);
  for (let index = 3; index < data.length; index += 4) if (data[index] !== 255) return false;
  return true;
}
