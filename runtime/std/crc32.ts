// CRC-32 (IEEE 802.3, reflected 0xEDB88320) in plain JavaScript
// =============================================================================
//
// The polynomial of zlib, so that the real world may use zlib's native `crc32` and the simulated world this
// table: both give the same number (CORRECTNESS D3 as settled). "123456789" → 0xCBF43926.

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  table[n] = c >>> 0;
}

/** A checksum function: `(bytes, seed) → u32`. `seed` is the checksum of what went before, 0 at the start. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

export const crc32: Crc32 = (bytes, seed = 0) => {
  let c = ~seed >>> 0;
  for (let i = 0; i < bytes.length; i++) c = (table[(c ^ (bytes[i] as number)) & 0xff] as number) ^ (c >>> 8);
  return ~c >>> 0;
};
