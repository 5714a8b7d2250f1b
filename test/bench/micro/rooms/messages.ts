// Messages to bytes and back, as a link writes them and a worker reads them
// =============================================================================
//
// Out: `protocolCodec.write` into a buffer that is kept. In: `protocolCodec.decode`, whose byte strings are views. An operation is one put, one get or one
// acknowledged batch; a heartbeat, which is CBOR, stands for the messages that are not hot.

import assert from 'node:assert/strict';
import type { ClientMessage } from '../../../../messaging/protocol/client-messages.js';
import { protocolCodec } from '../../../../messaging/protocol/codec.js';
import type { HostMessage } from '../../../../messaging/protocol/host-messages.js';
import { encodeBatch } from '../../../../messaging/protocol/log-batch.js';
import type { ReplicationMessage } from '../../../../messaging/protocol/replication-messages.js';
import { ByteWriter } from '../../../../runtime/std/byte-writer.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, counted, readReply, readRequest, writeRequest, writesBatch, writtenReply } from '../samples.js';

type AnyMessage = ClientMessage | ReplicationMessage | HostMessage;

const link = { partition: 3, lineage: 1, epoch: 7, from: 12, to: 13 };

const replicated: ReplicationMessage = {
  kind: 'replicated',
  link,
  durableEnd: 5_000_256,
  lastEpoch: 7,
  logEnd: 5_000_512,
  highWatermark: 5_000_000,
};

const heartbeat: HostMessage = {
  kind: 'heartbeat',
  host: 'h1',
  epoch: 12,
  sentMs: 123_456_789,
  appliedRevision: 99,
  stalledWorkers: [],
  draining: false,
};

/** @param batchCount batches of `count` puts each: one append request after the other, or one that was long. */
function replicate(batchCount: number, count: number): ReplicationMessage {
  const batches = Array.from({ length: batchCount }, (_, i) => encodeBatch(writesBatch(count, 5_000_000 + i * count)));
  return {
    kind: 'replicate',
    link,
    base: 5_000_000,
    previousEpoch: 7,
    acknowledged: 4_999_000,
    highWatermark: 4_999_500,
    batches,
  };
}

/** @param count operations in the message. */
function bothWays(what: string, count: number, make: () => AnyMessage): MicroBench[] {
  const calls = Math.max(8, Math.ceil(256 / count));
  return [
    cpuBench(`messages encode ${what}`, count * calls, () => {
      const message = make();
      const writer = new ByteWriter(4096);
      return {
        check: () => {
          writer.reset();
          protocolCodec.write(message, writer);
          assert.deepEqual(protocolCodec.decode(writer.finish()), message);
        },
        run: () => {
          let sum = 0;
          for (let i = 0; i < calls; i++) {
            writer.reset();
            protocolCodec.write(message, writer);
            sum += writer.length;
          }
          return sum;
        },
      };
    }),
    cpuBench(`messages decode ${what}`, count * calls, () => {
      const message = make();
      const bytes = protocolCodec.encode(message);
      return {
        check: () => assert.deepEqual(protocolCodec.decode(bytes), message),
        run: () => {
          let sum = 0;
          for (let i = 0; i < calls; i++) sum += protocolCodec.decode(bytes).kind.length;
          return sum;
        },
      };
    }),
  ];
}

export const messageBenches: readonly MicroBench[] = [
  ...batchSizes.flatMap((count) => [
    ...bothWays(`write, ${counted(count, 'put')}`, count, () => writeRequest(count)),
    ...bothWays(`written, ${counted(count, 'result')}`, count, () => writtenReply(count)),
    ...bothWays(`read, ${counted(count, 'key')}`, count, () => readRequest(count)),
    ...bothWays(`read-done, ${counted(count, 'item')}`, count, () => readReply(count)),
  ]),
  ...bothWays('replicate, 1 batch of 1', 1, () => replicate(1, 1)),
  ...bothWays('replicate, 64 batches of 1', 64, () => replicate(64, 1)),
  ...bothWays('replicate, 1 batch of 256', 256, () => replicate(1, 256)),
  ...bothWays('replicated', 1, () => replicated),
  ...bothWays('heartbeat', 1, () => heartbeat),
];
