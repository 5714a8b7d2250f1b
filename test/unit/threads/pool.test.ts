import { expect } from 'chai';
import { uncompressSync } from 'snappy';

import { Pool } from '../../../runtime/threads/pool.js';

const chunk = new TextEncoder().encode('the same words again, '.repeat(1000));

describe('runtime/threads: the pool', () => {
  it('compresses in a pool thread, where the bytes move to', async () => {
    const pool = new Pool();
    const given = chunk.slice();
    const packed = (await pool.compress(given)) as Uint8Array;
    expect(packed.length).lessThan(chunk.length / 4);
    expect(packed.buffer.byteLength, 'the result has a buffer of its own').equals(packed.length);
    expect(given.length).equals(0);
    expect(new Uint8Array(uncompressSync(packed) as Buffer)).deep.equals(chunk);
    await pool.close();
  });

  it('pool O1: a full queue and a closed pool answer at once that the caller must do it', async () => {
    const pool = new Pool();
    const answers = await Promise.all(Array.from({ length: 200 }, () => pool.compress(chunk.slice())));
    expect(answers.filter((answer) => answer === undefined).length).within(1, 199);
    await pool.close();
    expect(await pool.compress(chunk.slice())).equals(undefined);
  });
});
