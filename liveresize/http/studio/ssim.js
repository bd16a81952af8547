// How alike two pictures look: SSIM as the server measures it for `quality=visual`. Windows of 8 × 8
// pixels, one every 4 pixels each way. A worker: it answers {reference, picture}, both blobs, through
// the port that comes with them.

const STEP = 4;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
const GREY = 128; // what is behind transparent pixels

/** RGBA as luma over grey, as Rec. 601 weighs it, and whether it has transparent pixels. */
export function luma(data) {
  const levels = new Uint8Array(data.length / 4);
  let clear = false;
  for (let at = 0, from = 0; at < levels.length; at++, from += 4) {
    const level = (19595 * data[from] + 38470 * data[from + 1] + 7471 * data[from + 2]) / 65536;
    const share = data[from + 3] / 255;
    clear ||= share < 1;
    levels[at] = Math.floor(level * share + GREY * (1 - share) + 0.5);
  }
  return { levels, clear };
}

/** The mean SSIM of two pictures in levels of grey, of one size; 1 where they are equal. */
export function ssim(one, other, width, height) {
  const columns = Math.ceil(width / STEP);
  const rows = Math.ceil(height / STEP);
  // Of each cell of 4 × 4 pixels: the sums of both, of their squares, and of their products.
  const cells = new Float64Array(columns * rows * 5);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const cell = 5 * (Math.floor(y / STEP) * columns + Math.floor(x / STEP));
      const a = one[at];
      const b = other[at];
      cells[cell] += a;
      cells[cell + 1] += b;
      cells[cell + 2] += a * a;
      cells[cell + 3] += b * b;
      cells[cell + 4] += a * b;
    }
  }
  // Four grids of windows that do not overlap; each counts the same.
  const totals = [0, 0, 0, 0];
  const counts = [0, 0, 0, 0];
  const window = new Float64Array(5);
  for (let row = 0; row < rows; row++) {
    const below = Math.min(row + 1, rows - 1);
    for (let column = 0; column < columns; column++) {
      const right = Math.min(column + 1, columns - 1);
      window.fill(0);
      for (let r = row; r <= below; r++) {
        for (let c = column; c <= right; c++) {
          for (let sum = 0; sum < 5; sum++) window[sum] += cells[5 * (r * columns + c) + sum];
        }
      }
      const wide = Math.min(2 * STEP, width - column * STEP);
      const high = Math.min(2 * STEP, height - row * STEP);
      const grid = (row % 2) * 2 + (column % 2);
      totals[grid] += similarity(window, wide * high);
      counts[grid]++;
    }
  }
  const means = totals.map((total, grid) => total / counts[grid]).filter(Number.isFinite);
  return Math.min(1, means.reduce((sum, mean) => sum + mean) / means.length);
}

function similarity(sums, count) {
  const [a, b, aa, bb, ab] = sums.map((sum) => sum / count);
  const structure = (2 * a * b + C1) * (2 * (ab - a * b) + C2);
  return structure / ((a * a + b * b + C1) * (aa - a * a + bb - b * b + C2));
}

/** The pixels of the first frame. */
async function pixels(blob) {
  const bitmap = await createImageBitmap(blob);
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, ...luma(context.getImageData(0, 0, width, height).data) };
}

async function compare({ reference, picture }) {
  const one = await pixels(reference);
  const other = await pixels(picture);
  const { width, height, clear } = one;
  if (other.width !== width || other.height !== height) return { clear };
  return { clear, ssim: ssim(one.levels, other.levels, width, height) };
}

if (globalThis.WorkerGlobalScope) {
  onmessage = async ({ data, ports: [port] }) => {
    port.postMessage(await compare(data).catch(() => ({})));
  };
}
