// CRC-32: the table of the simulated world, and zlib's, which frames and the journal use
// =============================================================================
//
// Of 44 bytes (a record's header), 300 (a record), 64 KiB (a full frame); an operation is one call.

import assert from 'node:assert/strict';
import { crc32 } from '../../../../runtime/std/crc32.js';
import { nativeCrc32 } from '../../../../runtime/storage/native-crc.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { randomBytes } from '../samples.js';

const known = new TextEncoder().encode('123456789');

export const checksumBenches: readonly MicroBench[] = [
  { what: 'zlib', of: nativeCrc32, sizes: [44, 300, 65_536] },
  { what: 'table', of: crc32, sizes: [44, 300] },
].flatMap(({ what, of, sizes }) =>
  sizes.map((size) => {
    const calls = size > 1024 ? 4 : 128;
    return cpuBench(`crc32 ${what}, ${size} bytes`, calls, () => {
      const bytes = randomBytes(size);
      return {
        check: () => {
          assert.equal(of(known), 0xcbf43926);
          assert.equal(of(bytes), crc32(bytes));
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < calls; i++) sum = (sum + of(bytes, i)) | 0;
          return sum;
        },
      };
    });
  }),
);
