import { expect } from 'chai';
import { uncompressSync } from 'snappy';

import { Pool } from '../../../runtime/threads/pool.js';

const chunk = new TextEncoder().encode('the same words again, '.repeat(1000));

describe('runtime/threads: the pool', () => {
  it('compresses in a pool thread, and leaves the caller’s bytes as they were', async () => {
    const pool = new Pool();
    const before = chunk.slice();
    const packed = (await pool.compress(chunk)) as Uint8Array;
    expect(packed.length).lessThan(chunk.length / 4);
    expect(chunk).deep.equals(before);
    expect(new Uint8Array(uncompressSync(packed) as Buffer)).deep.equals(chunk);
    await pool.close();
  });

  it('pool O1: a full queue and a closed pool answer at once that the caller must do it', async () => {
    const pool = new Pool();
    const answers = await Promise.all(Array.from({ length: 200 }, () => pool.compress(chunk)));
    expect(answers.filter((answer) => answer === undefined).length).within(1, 199);
    await pool.close();
    expect(await pool.compress(chunk)).equals(undefined);
  });
});
