// A client's actor in its loop, and the bench in place of the mesh
// =============================================================================
//
// The production loop, actor and routing; every request is answered at once, with the least that an answer has, by hosts that remember nothing. So what
// an operation costs here is what it costs in a client's process, but for its promise, its codecs (key.ts, value.ts) and the transport (link.ts).

import assert from 'node:assert/strict';
import { clientDefinition } from '../../../messaging/client/core/client-actor.js';
import { ringRouting } from '../../../messaging/client/core/key-routing.js';
import { clientActor, type Operation, type Outcome, type Settled } from '../../../messaging/client/core/operations.js';
import type { ClientReply, ClientRequest, ReadItem } from '../../../messaging/protocol/client-messages.js';
import { type MapDelta, managerActor } from '../../../messaging/protocol/cluster-map.js';
import { anyHost } from '../../../messaging/protocol/subject.js';
import type { Actor, ActorDefinition, Message } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { Envelope } from '../../../runtime/contract/transport.js';
import { ActorLoop } from '../../../runtime/kernel/actor-loop.js';
import { PlainCells } from '../../../runtime/simulation/plain-cells.js';
import { unreachable } from '../../../runtime/std/assert.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { machineClock } from '../../../runtime/threads/clock.js';
import { clientAddress, randomBytes, valueBytes, wallMs } from './samples.js';

const hosts = ['h1', 'h2', 'h3'] as const;
const workers = 2;
const partitionIds = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const shell: Address = { ...clientAddress, actor: 'shell' };

export class BenchClient {
  readonly #loop: ActorLoop;
  readonly #item: ReadItem = {
    value: randomBytes(valueBytes),
    version: 3,
    createdAtMs: wallMs,
    updatedAtMs: wallMs,
  };
  #posted: Envelope[] = [];
  #outcomes: Outcome[] = [];
  #offset = 100;

  constructor() {
    const receive = ({ outcomes }: Settled): void => {
      this.#outcomes = this.#outcomes.length === 0 ? [...outcomes] : [...this.#outcomes, ...outcomes];
    };
    const shellActor: Actor<Settled> = { start: () => undefined, receive };
    this.#loop = new ActorLoop(
      {
        host: clientAddress.host,
        worker: 0,
        clock: machineClock,
        cells: new PlainCells(),
        random: seededRandom('bench client'),
        transport: {
          post: (envelope) => void this.#posted.push(envelope),
          flush: () => undefined,
          close: () => Promise.resolve(),
        },
        emit: () => undefined,
        wake: () => undefined,
        escalate: (reason) => {
          throw reason;
        },
      },
      new Map<string, ActorDefinition>([
        [clientActor, clientDefinition({ partitionOf: ringRouting() })],
        ['shell', { kind: 'shell', durable: false, create: () => shellActor }],
      ]),
    );
    for (const name of ['shell', clientActor]) this.#loop.spawn({ name, kind: name, args: emptyBytes });
    this.#settle();
  }

  /** Submits operations at once, and answers for the mesh until all have an outcome. */
  run(operations: readonly Operation[]): readonly Outcome[] {
    this.#outcomes = [];
    this.#loop.deliver({ to: clientAddress, from: shell, message: { kind: 'submit', operations } as Message });
    this.#settle();
    assert.equal(this.#outcomes.length, operations.length, 'every operation has its outcome');
    return this.#outcomes;
  }

  #settle(): void {
    for (;;) {
      while (this.#loop.run()) continue;
      const requests = this.#posted;
      if (requests.length === 0) return;
      this.#posted = [];
      for (const { to, from, message } of requests) {
        const reply = this.#answerOf(to, message);
        if (reply !== undefined) this.#loop.deliver({ to: from, from: addressOf(to), message: reply });
      }
    }
  }

  #answerOf(to: Address, message: Message): ClientReply | Message | undefined {
    if (to.actor === managerActor) {
      const { request, after } = message as Message & { readonly request: number; readonly after: number };
      return after > 0 ? undefined : ({ kind: 'map-reply', request, delta: wholeMap() } as Message); // later ones wait for news
    }
    const asked = message as ClientRequest;
    const { request, partition } = asked;
    const mark = { lineage: 1, offset: this.#offset };
    switch (asked.kind) {
      case 'open-session':
        return { kind: 'session-opened', request, partition, session: ++this.#offset };
      case 'write': {
        const results = asked.ops.map(({ sequence }) => {
          const offset = ++this.#offset;
          return { sequence, status: 'applied' as const, offset, version: 1, value: emptyBytes };
        });
        const { lineage } = mark;
        return { kind: 'written', request, partition, lineage, epoch: 7, durability: 'sync', replicas: hosts, results };
      }
      case 'read':
        return { kind: 'read-done', request, partition, mark, items: asked.keys.map(() => this.#item) };
      case 'scan':
        return { kind: 'scan-done', request, partition, mark, items: [], more: false };
      default:
        return unreachable(asked);
    }
  }
}

/** Whoever takes what is for any host. */
function addressOf(to: Address): Address {
  return to.host === anyHost ? { ...to, host: 'h1' } : to;
}

function wholeMap(): MapDelta {
  const revision = 9;
  return {
    clusterId: 'c0ffee',
    after: 0,
    revision,
    reset: true,
    hosts: hosts.map((name, i) => ({
      name,
      revision,
      state: 'up' as const,
      epoch: i + 1,
      startId: `${name}-start`,
      diskId: `${name}-disk`,
      workers,
      rack: '',
      pid: i + 1,
      version: '0',
    })),
    tables: [
      {
        name: 't',
        revision,
        partitions: partitionIds,
        replicas: hosts.length,
        minInSync: 2,
        partitioning: 'hash',
        storage: 'memory',
        durability: 'sync',
        versions: 1,
        reads: 'lease',
      },
    ],
    partitions: partitionIds.map((id) => ({
      id,
      revision,
      table: 't',
      index: id,
      lineage: 1,
      leader: hosts[id % hosts.length],
      leaderEpoch: 7,
      partitionEpoch: 1,
      replicas: hosts.map((host, i) => ({ host, epoch: 11 + i, incarnation: 1 })),
      inSync: [...hosts],
      eligible: [],
      lastKnownEligible: [],
      holdMs: 0,
      reason: '',
    })),
    deletedTables: [],
    deletedPartitions: [],
    members: [],
    metadataLeader: 'h1',
    metadataTerm: 3,
  };
}
