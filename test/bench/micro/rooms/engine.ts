// The memory engine as a replica's state uses it
// =============================================================================
//
// On 100,000 items. Of a scan an operation is one item of a page of 100; `new item` is a put and the delete that undoes it.

import assert from 'node:assert/strict';
import { compareBytes } from '../../../../runtime/std/bytes.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { keyAt, randomBytes, shuffledKeys, valueBytes } from '../samples.js';
import { meta, stockCount, stockedEngine, visitedCount, visits } from '../stocked-engine.js';

const calls = 512;
const pageCount = 100;
const pagesEach = 8;

const reading: readonly MicroBench[] = [
  cpuBench('engine get', calls, () => {
    const { engine, keys, value } = stockedEngine();
    const next = visits(visitedCount);
    return {
      check: () => assert.deepEqual(engine.get(keys[7] as Uint8Array), { ...meta, value }),
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) sum += engine.get(keys[next()] as Uint8Array)?.value[0] ?? 0;
        return sum;
      },
    };
  }),
  cpuBench('engine get of no item', calls, () => {
    const { engine, otherKeys } = stockedEngine();
    const next = visits(otherKeys.length);
    return {
      check: () => assert.equal(engine.get(otherKeys[7] as Uint8Array), undefined),
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) if (engine.get(otherKeys[next()] as Uint8Array) === undefined) sum++;
        return sum;
      },
    };
  }),
  ...[false, true].map((reverse) =>
    cpuBench(`engine scan ${reverse ? 'backward' : 'forward'}`, pageCount * pagesEach, () => {
      const { engine, keys } = stockedEngine();
      const next = visits(visitedCount);
      // Far enough from both ends that every page is whole.
      const low = keyAt(pageCount);
      const high = keyAt(stockCount - pageCount);
      const inside = keys.filter((key) => compareBytes(key, low) > 0 && compareBytes(key, high) < 0);
      const pageAt = (key: Uint8Array): ReturnType<typeof engine.scan> => {
        const bounds = reverse ? { start: new Uint8Array(0), end: key } : { start: key };
        return engine.scan({ ...bounds, reverse, limit: pageCount, bytesMax: 1_048_576 });
      };
      return {
        check: () => {
          const ordered = shuffledKeys(stockCount).sort(compareBytes);
          const at = ordered.findIndex((key) => compareBytes(key, inside[40] as Uint8Array) === 0);
          const expected = reverse ? ordered.slice(at - pageCount, at).reverse() : ordered.slice(at, at + pageCount);
          const { items, more } = pageAt(inside[40] as Uint8Array);
          assert.deepEqual(
            items.map((item) => item.key),
            expected,
          );
          assert.equal(more, true);
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < pagesEach; i++) {
            const { items } = pageAt(inside[next() % inside.length] as Uint8Array);
            sum += items.length;
          }
          return sum;
        },
      };
    }),
  ),
];

const writing: readonly MicroBench[] = [
  cpuBench('engine overwrite, same size', calls, () => {
    const { engine, keys, value } = stockedEngine();
    const next = visits(visitedCount);
    return {
      check: () => {
        const key = keys[11] as Uint8Array;
        engine.put(key, randomBytes(valueBytes, 'another'), { ...meta, version: 2 }, 'force');
        assert.equal(engine.get(key)?.version, 2);
        engine.put(key, value, meta, 'force');
        assert.deepEqual(engine.get(key), { ...meta, value });
      },
      run: () => {
        for (let i = 0; i < calls; i++) engine.put(keys[next()] as Uint8Array, value, meta, 'force');
        return engine.itemCount;
      },
    };
  }),
  cpuBench('engine overwrite, another size', calls * 2, () => {
    const { engine, keys, value } = stockedEngine();
    const longer = randomBytes(valueBytes + 64);
    const next = visits(visitedCount);
    const thereAndBack = (key: Uint8Array): void => {
      engine.put(key, longer, meta, 'force');
      engine.put(key, value, meta, 'force');
    };
    return {
      check: () => {
        const key = keys[13] as Uint8Array;
        const before = engine.canonicalHash();
        engine.put(key, longer, meta, 'force');
        assert.deepEqual(engine.get(key)?.value, longer);
        engine.put(key, value, meta, 'force');
        assert.deepEqual(engine.canonicalHash(), before);
      },
      run: () => {
        for (let i = 0; i < calls; i++) thereAndBack(keys[next()] as Uint8Array);
        return engine.itemCount;
      },
    };
  }),
  cpuBench('engine new item and delete', calls, () => {
    const { engine, otherKeys, value } = stockedEngine();
    const next = visits(otherKeys.length);
    return {
      check: () => {
        const key = otherKeys[3] as Uint8Array;
        assert.equal(engine.put(key, value, meta, 'force'), 'stored');
        assert.equal(engine.itemCount, stockCount + 1);
        assert.equal(engine.delete(key), true);
        assert.equal(engine.has(key), false);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) {
          const key = otherKeys[next()] as Uint8Array;
          engine.put(key, value, meta, 'force');
          if (engine.delete(key)) sum++;
        }
        return sum;
      },
    };
  }),
];

export const engineBenches: readonly MicroBench[] = [...reading, ...writing];
