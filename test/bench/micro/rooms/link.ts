// Links: messages posted on one side, delivered on the other
// =============================================================================
//
// Out: post and flush, into a window without end. Out and in: the frames are received by the other end, which grants more room as in production. The
// difference is what receiving costs. A message is a put of one item to a replica, as one client sends it; an operation is one message.

import assert from 'node:assert/strict';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { BenchEnd } from '../bench-links.js';
import { batchSizes, counted, followerAddress, replicaAddress, writeRequest } from '../samples.js';

const messagesEach = 256;
const endless = { hostWindowInitialBytes: Number.MAX_SAFE_INTEGER };

export const linkBenches: readonly MicroBench[] = batchSizes.flatMap((count) => [
  cpuBench(`link out, ${counted(count, 'message')}`, messagesEach, () => {
    const end = new BenchEnd(replicaAddress, endless);
    const message = writeRequest(1);
    const send = (): number => {
      for (let i = 0; i < count; i++) end.links.post({ to: followerAddress, from: replicaAddress, message });
      end.links.flush();
      let sum = 0;
      for (const bytes of end.take()) sum += bytes.length;
      return sum;
    };
    return {
      check: () => {
        const sent = end.links.stats().messagesSent;
        assert.ok(send() > count * 256);
        assert.equal(end.links.stats().messagesSent, sent + count);
        assert.equal(end.links.stats().framesDropped, 0);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < messagesEach; i += count) sum += send();
        return sum;
      },
    };
  }),
  cpuBench(`link out and in, ${counted(count, 'message')}`, messagesEach, () => {
    const here = new BenchEnd(replicaAddress);
    const there = new BenchEnd(followerAddress);
    const message = writeRequest(1);
    const send = (): void => {
      for (let i = 0; i < count; i++) here.links.post({ to: followerAddress, from: replicaAddress, message });
      here.links.flush();
      there.receive(here.place, here.take());
      here.receive(there.place, there.take());
    };
    return {
      check: () => {
        const before = there.received;
        send();
        assert.equal(there.received, before + count);
        assert.deepEqual(there.last?.message, message);
        assert.deepEqual(there.last?.from, { ...replicaAddress });
        assert.equal(there.links.stats().gaps, 0);
      },
      run: () => {
        for (let i = 0; i < messagesEach; i += count) send();
        return there.received;
      },
    };
  }),
]);
