// How often the metadata leader goes over the map
// =============================================================================

import { expect } from 'chai';
import { MetadataActor } from '../../../actors/metadata/metadata-actor.js';
import { encodeCommand, type MetadataCommand } from '../../../actors/metadata/state/command.js';
import type { RaftEntry } from '../../../messaging/protocol/raft-entry.js';
import type { Context, Message } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { registration } from '../../support/metadata-builders.js';

const self: Address = { host: 'h1', worker: 0, actor: 'metadata' };

/** A group of one whose disk syncs when the test says so. */
class Desk {
  readonly actor = new MetadataActor({ clusterId: 'c', memberId: 'h1.d', founders: [{ id: 'h1.d', host: 'h1' }] });
  readonly #cells = new PlainCells();
  readonly #random = seededRandom('decisions');
  readonly #durable: Message[] = [];
  nowMs = 1000;
  /** How often all partitions were looked at. */
  looks = 0;

  constructor() {
    const { partitions } = this.actor.store;
    const values = partitions.values.bind(partitions);
    partitions.values = () => {
      this.looks++;
      return values();
    };
    this.#turn((context) =>
      this.actor.start(context, { end: 'fresh', cleanShutdown: true, sameBoot: true, recordCount: 0 }),
    );
    this.nowMs += 60_000;
    this.tell({ kind: 'raft-tick' });
    this.sync();
    expect(this.actor.raftPeer?.isReady).to.equal(true);
  }

  #turn(take: (context: Context<never>) => void): void {
    take(this.#context());
  }

  #context(): Context<never> {
    return {
      self,
      nowMs: this.nowMs,
      random: this.#random,
      cells: this.#cells,
      journal: {
        nextLsn: 0,
        append: (_type: number, _bytes: Uint8Array, done: Message) => void this.#durable.push(done),
      },
      timers: { start: () => undefined, cancel: () => undefined },
      send: () => undefined,
      emit: () => undefined,
    } as unknown as Context<never>;
  }

  tell(message: Message, from: Address = self): void {
    this.#turn((context) => this.actor.receive(message as never, from, context));
  }

  sync(): void {
    for (let next = this.#durable.shift(); next !== undefined; next = this.#durable.shift()) this.tell(next);
  }

  /** Commands that were committed together, as a follower's acknowledgement brings them. */
  commit(commands: readonly MetadataCommand[]): void {
    const entries = commands.map(
      (command, i): RaftEntry => ({ index: this.#index + i, term: 1, kind: 'command', bytes: encodeCommand(command) }),
    );
    this.#index += commands.length;
    this.#turn((context) => this.actor.apply(entries, context));
  }

  #index = 1000;
}

const registered = registration('h1', 's', 0);
const settings = Array.from(
  { length: 50 },
  (_, i): MetadataCommand => ({ kind: 'set-config', key: `k${i}`, value: 'v' }),
);

function looksAt(commands: readonly MetadataCommand[]): {
  readonly applying: number;
  readonly deciding: number;
  readonly later: number;
} {
  const desk = new Desk();
  const looksOf = (does: () => void): number => {
    const before = desk.looks;
    does();
    return desk.looks - before;
  };
  const applying = looksOf(() => desk.commit(commands));
  const deciding = looksOf(() => desk.tell({ kind: 'map-tick' }));
  return { applying, deciding, later: looksOf(() => desk.tell({ kind: 'map-tick' })) };
}

describe('decisions of the metadata leader', () => {
  it('X13: the map is gone over once for all that a turn brought, and not again by a turn that brought nothing', () => {
    const one = looksAt([registered]);
    expect(one.deciding).to.be.greaterThan(0);
    expect(one.later).to.equal(0);
    expect(looksAt([registered, ...settings])).to.deep.equal(one);
  });
});
