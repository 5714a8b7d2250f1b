// A worker with one replica, and the bench in place of everybody else
// =============================================================================
//
// The production loop, replica, engine, journal, shared cells and clock; the disk is in memory, the network a list. The bench is the manager that
// names the leader, the other replicas, and the client. So what a write costs here is what it costs in its partition's worker, but for the
// transport (link.ts).

import assert from 'node:assert/strict';
import { grantLease, markApplied } from '../../../actors/host/lease-cells.js';
import { partitionDefinition, type PartitionReplica, partitionKind } from '../../../actors/partition/replica.js';
import { registeredIncarnation, replicaActor } from '../../../messaging/protocol/cluster-map.js';
import { encodeControl } from '../../../messaging/protocol/control.js';
import type { HostMessage } from '../../../messaging/protocol/host-messages.js';
import type { Link, ReplicationMessage } from '../../../messaging/protocol/replication-messages.js';
import type { Actor, ActorDefinition, Message } from '../../../runtime/contract/actor.js';
import type { Address } from '../../../runtime/contract/address.js';
import type { Envelope } from '../../../runtime/contract/transport.js';
import { ActorLoop } from '../../../runtime/kernel/actor-loop.js';
import { emptyBytes } from '../../../runtime/std/bytes.js';
import { seededRandom } from '../../../runtime/std/random.js';
import type { WriteAheadJournal } from '../../../runtime/storage/write-ahead-journal.js';
import { machineClock } from '../../../runtime/threads/clock.js';
import { SharedCells } from '../../../runtime/threads/shared-cells.js';
import { memoryJournalLimits, openBenchJournal } from './bench-journal.js';
import { type SteppedDisk, steppedDisk } from './stepped-disk.js';

const partition = 3;
const hosts = ['h1', 'h2', 'h3'] as const;
const leaderEpoch = 7;
const leaseMs = 24 * 60 * 60 * 1000;

/** Of each replica, and of the host's only worker. */
const replicaEpochs: Readonly<Record<string, number>> = { h1: 11, h2: 12, h3: 13 };

function addressOn(host: string, actor = replicaActor(partition)): Address {
  return { host, worker: 0, actor };
}

export class BenchReplica {
  readonly loop: ActorLoop;
  readonly host: string = hosts[0];
  /** What left since it was taken last. */
  posted: Envelope[] = [];
  readonly #disk: SteppedDisk;
  readonly #journal: WriteAheadJournal;
  #replica: PartitionReplica | undefined;

  /** Started, and leading or following, with its followers caught up or its leader's log agreed upon. */
  constructor(leader: string) {
    this.#disk = steppedDisk();
    let loop: ActorLoop | undefined;
    this.#journal = openBenchJournal(this.#disk.disk, memoryJournalLimits, {
      durable: (lsnEnd) => loop?.durable(lsnEnd),
      pressure: (stream) => loop?.signalActor(stream, { kind: 'journal-pressure' }),
    });
    this.#disk.settle();
    const cells = new SharedCells();
    markApplied(cells, 0, 1);
    grantLease(cells, machineClock.monotonicMs() + leaseMs, 1);
    loop = new ActorLoop(
      {
        host: this.host,
        worker: 0,
        clock: machineClock,
        cells,
        random: seededRandom('bench replica'),
        transport: {
          post: (envelope) => void this.posted.push(envelope),
          flush: () => undefined,
          close: () => Promise.resolve(),
        },
        journal: this.#journal,
        emit: () => undefined,
        wake: () => undefined,
        escalate: (reason) => {
          throw reason;
        },
      },
      this.#definitions(),
    );
    this.loop = loop;
    const args = encodeControl({ partition, table: 't', durability: 'sync', versions: 1 });
    loop.spawn({ name: 'manager', kind: 'manager', args: emptyBytes });
    loop.spawn({ name: replicaActor(partition), kind: partitionKind, args });
    this.settle();
    this.tell(addressOn(this.host, 'manager'), metadata(leader));
    this.settle();
    if (leader === this.host) this.#meetFollowers();
    else this.#meetLeader(leader);
  }

  get replica(): PartitionReplica {
    assert.ok(this.#replica !== undefined);
    return this.#replica;
  }

  #definitions(): Map<string, ActorDefinition> {
    const silent: Actor = { start: () => undefined, receive: () => undefined };
    return new Map<string, ActorDefinition>([
      ['manager', { kind: 'manager', durable: false, create: () => silent }],
      [
        partitionKind,
        {
          ...partitionDefinition,
          create: (args, self, random) => {
            const actor = partitionDefinition.create(args, self, random);
            this.#replica = actor as PartitionReplica;
            return actor;
          },
        },
      ],
    ]);
  }

  #meetFollowers(): void {
    for (const host of hosts.slice(1))
      this.replicate(host, { kind: 'reconcile', link: this.linkFrom(host), logEnd: 0, lastEpoch: 0 });
    this.settle();
    this.acknowledge();
    assert.equal(this.replica.status().role, 'leader');
  }

  #meetLeader(leader: string): void {
    const link = this.linkFrom(leader);
    this.replicate(leader, { kind: 'reconciled', link, logEnd: 0, highWatermark: 0 });
    this.settle();
    assert.deepEqual(this.replica.inspect()['phase'], 'following');
  }

  linkFrom(host: string): Link {
    const from = replicaEpochs[host] as number;
    const to = replicaEpochs[this.host] as number;
    return { partition, lineage: 1, epoch: leaderEpoch, from, to };
  }

  tell(from: Address, message: Message): void {
    this.loop.deliver({ to: addressOn(this.host), from, message });
  }

  replicate(from: string, message: ReplicationMessage): void {
    this.tell(addressOn(from), message);
  }

  /** Every follower has on disk what this leader sent. */
  acknowledge(): void {
    const { core } = this.replica;
    const { end } = core.log;
    for (const host of hosts.slice(1)) {
      const highWatermark = core.highWatermark;
      const link = this.linkFrom(host);
      this.replicate(host, {
        kind: 'replicated',
        link,
        durableEnd: end,
        lastEpoch: leaderEpoch,
        logEnd: end,
        highWatermark,
      });
    }
    this.settle();
  }

  /** Turns, and what they wrote made durable, until nothing waits. */
  settle(): void {
    do {
      while (this.loop.run()) continue;
      this.#disk.settle();
    } while (this.loop.queuedCount > 0);
  }

  take(): Envelope[] {
    const { posted } = this;
    this.posted = [];
    return posted;
  }

  close(): void {
    this.loop.close();
    this.#journal.close(() => undefined);
    this.#disk.settle();
  }
}

function metadata(leader: string): Extract<HostMessage, { readonly kind: 'partition-metadata' }> {
  return {
    kind: 'partition-metadata',
    partition: {
      id: partition,
      revision: 1,
      table: 't',
      index: 0,
      lineage: 1,
      leader,
      leaderEpoch,
      partitionEpoch: 1,
      replicas: hosts.map((host) => ({
        host,
        epoch: replicaEpochs[host] as number,
        incarnation: registeredIncarnation(0),
      })),
      inSync: [...hosts],
      eligible: [],
      lastKnownEligible: [],
      holdMs: 0,
      reason: '',
    },
    table: {
      name: 't',
      revision: 1,
      partitions: [partition],
      replicas: hosts.length,
      minInSync: 2,
      partitioning: 'hash',
      storage: 'memory',
      durability: 'sync',
      versions: 1,
      reads: 'lease',
    },
    workers: Object.fromEntries(hosts.map((host) => [host, 1])),
  };
}
