// Values to bytes and back: what a client pays for each put and each get
// =============================================================================

import assert from 'node:assert/strict';
import { decodeValue, encodeValue, type Value } from '../../../../messaging/protocol/value-codec.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { randomBytes, valueBytes } from '../samples.js';

const calls = 128;

/** About 256 bytes encoded, like a small record of an application. */
const record: Value = {
  id: 'order-000123456',
  customer: { name: 'Ada Lovelace', mail: 'ada@example.org', since: 1815 },
  items: [
    { sku: 'tea-001', count: 2, price: 4.25 },
    { sku: 'milk-17', count: 1, price: 0.99 },
    { sku: 'cup-300', count: 6, price: 3.5 },
  ],
  paid: true,
  note: 'please ring twice, the bell is quiet',
};

const forms: readonly { readonly what: string; readonly value: Value }[] = [
  { what: 'text of 256', value: 'troupe! '.repeat(32) },
  { what: 'bytes of 256', value: randomBytes(valueBytes) },
  { what: 'a record', value: record },
  { what: 'a record with a date', value: { ...record, at: new Date(1_790_000_000_000) } },
];

export const valueBenches: readonly MicroBench[] = forms.flatMap(({ what, value }) => [
  cpuBench(`value encode ${what}`, calls, () => ({
    check: () => assert.deepEqual(decodeValue(encodeValue(value)), value),
    run: () => {
      let sum = 0;
      for (let i = 0; i < calls; i++) sum += encodeValue(value).length;
      return sum;
    },
  })),
  cpuBench(`value decode ${what}`, calls, () => {
    const bytes = encodeValue(value);
    return {
      check: () => assert.deepEqual(decodeValue(bytes), value),
      run: () => {
        let sum = 0;
        for (let i = 0; i < calls; i++) if (decodeValue(bytes) !== undefined) sum += 1;
        return sum;
      },
    };
  }),
]);
