// ThumbHash: a picture's slowest waves in some twenty bytes, drawn again.

const LONGER = 32;

/** Reads numbers of `count` bits, lowest first, out of bytes. */
function reader(bytes) {
  let at = 0;
  return (count) => {
    let value = 0;
    for (let bit = 0; bit < count; bit++, at++) {
      value |= ((bytes[at >> 3] >> (at & 7)) & 1) << bit;
    }
    return value;
  };
}

/** The terms of one channel: those below the diagonal of `across` × `down`, without the mean. */
function terms(take, across, down, scale) {
  const found = [];
  for (let y = 0; y < down; y++) {
    for (let x = y ? 0 : 1; x * down < across * (down - y); x++) {
      found.push({ x, y, weight: (take(4) / 7.5 - 1) * scale });
    }
  }
  return found;
}

function wave(channel, x, y) {
  let level = channel.mean;
  for (const term of channel.terms) {
    level += 2 * term.weight * Math.cos(Math.PI * term.x * x) * Math.cos(Math.PI * term.y * y);
  }
  return level;
}

/** The ImageData that a hash, in base64, stands for: at most 32 pixels a side. */
export function decode(hash) {
  const take = reader(Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0)));
  const mean = { l: take(6) / 63, p: take(6) / 31.5 - 1, q: take(6) / 31.5 - 1 };
  const scale = { l: take(5) / 31 };
  const seeThrough = take(1);
  const shorter = take(3);
  scale.p = take(6) / 63;
  scale.q = take(6) / 63;
  const wide = take(1);
  const most = seeThrough ? 5 : 7;
  const [across, down] = wide ? [most, shorter] : [shorter, most];
  if (seeThrough) [mean.a, scale.a] = [take(4) / 15, take(4) / 15];
  const channel = (name, columns, rows, boost = 1) => ({
    mean: mean[name],
    terms: terms(take, columns, rows, scale[name] * boost),
  });
  // Colours lose a little where they are rounded to four bits, and get it back here.
  const l = channel("l", Math.max(3, across), Math.max(3, down));
  const p = channel("p", 3, 3, 1.25);
  const q = channel("q", 3, 3, 1.25);
  const a = seeThrough ? channel("a", 5, 5) : { mean: 1, terms: [] };
  const longer = Math.max(across, down);
  const width = Math.round((LONGER * across) / longer);
  const height = Math.round((LONGER * down) / longer);
  const image = new ImageData(width, height);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 4) {
      const [x, y] = [(column + 0.5) / width, (row + 0.5) / height];
      const [light, yellow, reddish] = [wave(l, x, y), wave(p, x, y), wave(q, x, y)];
      const blue = light - (2 / 3) * yellow;
      const red = (3 * light - blue + reddish) / 2;
      image.data.set([red, red - reddish, blue, wave(a, x, y)].map((level) => level * 255), at);
    }
  }
  return image;
}
