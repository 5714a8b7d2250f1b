// What a write and a read cost in a partition's worker, from mailbox to answer
// =============================================================================
//
// Leader: a write is appended, journaled, sent to two followers, acknowledged by them, applied and answered. Follower: batches are appended, journaled and
// acknowledged, and applied with the next message. Reads are linearizable, under the lease. Without the transport: link.ts has what a message costs there,
// twice for a client's request and four times for the followers. An operation is one put or one get; what came before it in the window is let go of.
//
// The follower's figure has the leader's encoding of each batch in it (log-batch.ts), since a log cannot be given the same bytes twice.

import assert from 'node:assert/strict';
import type { ClientReply, WriteOp } from '../../../../messaging/protocol/client-messages.js';
import { type BatchBody, encodeBatch } from '../../../../messaging/protocol/log-batch.js';
import type { Message } from '../../../../runtime/contract/actor.js';
import { BenchReplica } from '../bench-replica.js';
import { cpuBench, type MicroBench } from '../micro-bench.js';
import { batchSizes, clientAddress, counted, randomBytes, shuffledKeys, valueBytes, wallMs } from '../samples.js';
import { once } from '../stocked-engine.js';

const opsEach = 256;
const keyCount = 20_000;

const allKeys = once(() => shuffledKeys(keyCount));

/** Puts of keys in turn, numbered without end. */
class Puts {
  readonly #keys = allKeys();
  readonly #value = randomBytes(valueBytes);
  #sequence = 0;

  get answeredThrough(): number {
    return this.#sequence;
  }

  keyAt(sequence: number): Uint8Array {
    return this.#keys[sequence % keyCount] as Uint8Array;
  }

  take(count: number): WriteOp[] {
    const ops: WriteOp[] = [];
    for (let i = 0; i < count; i++) {
      const sequence = ++this.#sequence;
      ops.push({ sequence, operation: 'put', key: this.keyAt(sequence), value: this.#value, ifVersion: undefined });
    }
    return ops;
  }
}

type AnyRequest = Message & { readonly request: number };

class LeadingBench {
  readonly #replica = new BenchReplica('h1');
  readonly #puts = new Puts();
  readonly #session: number;
  #request = 0;

  constructor() {
    const opened = this.#ask({ kind: 'open-session', request: ++this.#request, partition: 3 } as AnyRequest, true);
    assert.equal(opened.kind, 'session-opened');
    this.#session = opened.kind === 'session-opened' ? opened.session : 0;
    for (let i = 0; i < keyCount; i += opsEach) this.write(opsEach);
  }

  #ask(message: AnyRequest, isWrite: boolean): ClientReply {
    const replica = this.#replica;
    replica.tell(clientAddress, message);
    replica.settle();
    if (isWrite) replica.acknowledge();
    let answer: ClientReply | undefined;
    for (const { to, message: posted } of replica.take()) if (to === clientAddress) answer = posted as ClientReply;
    assert.ok(answer !== undefined, 'it is answered');
    return answer;
  }

  write(count: number): number {
    const { answeredThrough } = this.#puts;
    const ops = this.#puts.take(count);
    const session = this.#session;
    const message = {
      kind: 'write',
      request: ++this.#request,
      partition: 3,
      session,
      answeredThrough,
      ops,
    } as AnyRequest;
    const reply = this.#ask(message, true);
    return reply.kind === 'written' ? reply.results.length : 0;
  }

  read(keys: readonly Uint8Array[]): Extract<ClientReply, { readonly kind: 'read-done' }> {
    const mark = { lineage: 1, offset: 0 };
    const reply = this.#ask(
      { kind: 'read', request: ++this.#request, partition: 3, consistency: 'linearizable', mark, keys } as AnyRequest,
      false,
    );
    assert.equal(reply.kind, 'read-done');
    return reply;
  }

  /** Of the last writes, newest first. */
  lastKeys(count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, i) => this.#puts.keyAt(this.#puts.answeredThrough - i));
  }

  close(): void {
    this.#replica.close();
  }
}

class FollowingBench {
  readonly #replica = new BenchReplica('h2');
  readonly #puts = new Puts();
  readonly #session: number;
  #end = 0;

  constructor() {
    this.#session = 1;
    this.#append({ kind: 'epoch-start' }, 1);
    this.#append({ kind: 'open-session', client: clientAddress.host }, 1);
  }

  #append(body: BatchBody, count: number): void {
    const base = this.#end;
    const header = { base, count, lineage: 1, epoch: 7, timeMs: wallMs, partitionTimeMs: base };
    this.#end += count;
    this.#replica.replicate('h2', {
      kind: 'replicate',
      link: this.#replica.linkFrom('h2'),
      base,
      previousEpoch: base === 0 ? 0 : 7,
      acknowledged: base,
      highWatermark: base,
      batches: [encodeBatch({ ...header, body })],
    });
    this.#replica.settle();
  }

  /** @returns the end that it acknowledged */
  append(count: number): number {
    const { answeredThrough } = this.#puts;
    const ops = this.#puts.take(count);
    this.#append({ kind: 'writes', session: this.#session, answeredThrough, ops }, count);
    let acknowledged = 0;
    for (const { message } of this.#replica.take())
      if (message.kind === 'replicated')
        acknowledged = (message as Message & { readonly durableEnd: number }).durableEnd;
    assert.equal(acknowledged, this.#end, 'it is acknowledged');
    return acknowledged;
  }

  get itemCount(): number {
    return this.#replica.replica.core.state.itemCount;
  }

  close(): void {
    this.#replica.close();
  }
}

export const replicaBenches: readonly MicroBench[] = batchSizes.flatMap((count) => [
  cpuBench(`replica leader writes, ${counted(count, 'put')}`, opsEach, () => {
    const leader = new LeadingBench();
    return {
      check: () => {
        assert.equal(leader.write(count), count);
        const { items } = leader.read(leader.lastKeys(count));
        assert.ok(items.every((item) => item !== undefined && item.version >= 1));
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < opsEach; i += count) sum += leader.write(count);
        return sum;
      },
      close: () => leader.close(),
    };
  }),
  cpuBench(`replica leader reads, ${counted(count, 'get')}`, opsEach, () => {
    const leader = new LeadingBench();
    const keys = leader.lastKeys(opsEach * 16);
    let at = 0;
    const read = (): number => {
      at = (at + count) % keys.length;
      return leader.read(keys.slice(at, at + count)).items.length;
    };
    return {
      check: () => {
        const [item] = leader.read(keys.slice(0, 1)).items;
        assert.deepEqual(item?.value, randomBytes(valueBytes));
        assert.deepEqual(leader.read([new Uint8Array([1, 2, 0])]).items, [undefined]);
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < opsEach; i += count) sum += read();
        return sum;
      },
      close: () => leader.close(),
    };
  }),
  cpuBench(`replica follower appends, ${counted(count, 'put')}`, opsEach, () => {
    const follower = new FollowingBench();
    return {
      check: () => {
        const end = follower.append(count);
        assert.equal(follower.append(count), end + count);
        assert.equal(follower.itemCount, count, 'all but the last batch is applied');
      },
      run: () => {
        let sum = 0;
        for (let i = 0; i < opsEach; i += count) sum += follower.append(count);
        return sum;
      },
      close: () => follower.close(),
    };
  }),
]);
