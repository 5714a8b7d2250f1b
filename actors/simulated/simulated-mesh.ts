// A mesh in the simulator: every host with the actors it has in production
// =============================================================================
//
// The composition root of the simulated world: the same registry, root actors, journal and codec as a host over NATS, in hosts without
// threads. What the simulator adds is the god view: it keeps hold of the actors it made.
//
// Owns:     the cluster, who is what in it.
// Does not: judge anything (replica-invariants.ts, metadata-invariants.ts), or make load.

import { type ClientLimits } from '../../messaging/client/core/client-limits.js';
import { clientDefinition } from '../../messaging/client/core/client-actor.js';
import { ringRouting } from '../../messaging/client/core/key-routing.js';
import { clientActor } from '../../messaging/client/core/operations.js';
import {
  type HostInfo,
  metadataActor,
  type PartitionInfo,
  type TableInfo,
} from '../../messaging/protocol/cluster-map.js';
import { protocolCodec } from '../../messaging/protocol/codec.js';
import type { ActorDefinition, ActorSpec } from '../../runtime/contract/actor.js';
import { SimulatedCluster, type SimulatedClusterOptions } from '../../runtime/simulation/simulated-cluster.js';
import type { SimulatedWorker } from '../../runtime/simulation/simulated-worker.js';
import { emptyBytes } from '../../runtime/std/bytes.js';
import { frameCheck } from './frame-check.js';
import { memberIdOf } from '../metadata/member-id.js';
import { MetadataActor } from '../metadata/metadata-actor.js';
import type { MapStore } from '../metadata/state/map-store.js';
import type { LastReport } from '../metadata/state/partition-record.js';
import type { ReplicaLimits } from '../partition/replica-core.js';
import { partitionDefinitionOf, PartitionReplica } from '../partition/replica.js';
import { registry } from '../registry.js';
import { rootActors } from '../root-actors.js';
import { RememberedMembers } from './remembered-members.js';

export interface SimulatedMeshOptions extends Omit<SimulatedClusterOptions, 'composition' | 'hosts'> {
  readonly hosts: number;
  readonly workers: number;
  /** How many of the hosts found the metadata group: 1, 3 or 5. */
  readonly founders: number;
  /** Messages between hosts pass through their bytes; else they are frozen and handed over. */
  readonly encoded: boolean;
  readonly clientLimits?: Partial<ClientLimits>;
  readonly replicaLimits?: ReplicaLimits;
}

/** A replica that runs. */
export interface Placed {
  readonly host: string;
  readonly worker: number;
  readonly name: string;
  readonly replica: PartitionReplica;
}

/** The cluster map at one revision. */
export interface MapSight {
  readonly revision: number;
  readonly hosts: ReadonlyMap<string, HostInfo>;
  readonly tables: ReadonlyMap<string, TableInfo>;
  readonly partitions: ReadonlyMap<number, PartitionInfo>;
  /** What the replicas of each partition reported last. */
  readonly reports: ReadonlyMap<number, readonly LastReport[]>;
}

const clusterId = '0b9f54a4-0000-4000-8000-0000000051ed';

export class SimulatedMesh {
  readonly cluster: SimulatedCluster;
  readonly #hostNames: string[];
  readonly #workers: number;
  readonly #startIds = new Map<string, string>();
  readonly #remembered: RememberedMembers;
  /** By `host/worker`, then by actor name: the newest object of each. */
  readonly #replicas = new Map<string, Map<string, Placed>>();
  readonly #definitions = new Map<string, ActorDefinition>(registry);
  #newestMap: MapSight | undefined;
  /** Told of a replica object that has gone, whole as its last turn left it: what it did in that turn is not lost on whoever keeps the book. */
  onReplicaGone: ((placed: Placed) => void) | undefined;

  constructor(options: SimulatedMeshOptions) {
    const { hosts, workers, founders, encoded, clientLimits, replicaLimits, ...rest } = options;
    this.#hostNames = Array.from({ length: hosts }, (_, i) => `h${i + 1}`);
    this.#workers = workers;
    const members = this.#hostNames.slice(0, founders).map((host) => ({ id: memberIdOf(host, diskOf(host)), host }));
    this.#remembered = new RememberedMembers(
      members.map(({ host }) => host),
      () => this.cluster,
    );
    if (replicaLimits !== undefined) this.define(partitionDefinitionOf(replicaLimits));
    this.#watchReplicas();
    this.define(
      clientDefinition({
        partitionOf: ringRouting(),
        ...(clientLimits === undefined ? {} : { limits: clientLimits }),
      }),
    );
    this.cluster = new SimulatedCluster({
      ...rest,
      composition: {
        definitions: this.#definitions,
        ...(encoded ? { codec: protocolCodec, frameCodec: frameCheck } : {}),
        rootActors: (place, boot) => {
          const { host } = place;
          if (boot.reason !== 'worker-restart') this.#startIds.set(host, `${host}-start-${boot.count}`);
          const startId = this.startIdOf(host);
          const remembered = this.#remembered.of(host);
          const profile = { clusterId, startId, rack: '', pid: 1, version: 'simulated', members, remembered };
          return rootActors(profile, place);
        },
      },
      hosts: this.#hostNames.map((name) => ({ name, workers })),
      onEvent: (emitted) => {
        this.#remembered.see(emitted);
        rest.onEvent?.(emitted);
      },
      roles: {
        leader: () => this.#metadataLeader(),
        members: () => members.map(({ host }) => host),
        actor: metadataActor,
      },
    });
  }

  /** Those that it began with, and those that came later. */
  get hostNames(): readonly string[] {
    return this.#hostNames;
  }

  /** A host that joins the running mesh; it asks the founders for the group. */
  addHost(name: string): void {
    this.#hostNames.push(name);
    this.cluster.addHost({ name, workers: this.#workers }).start();
  }

  /** An actor kind for clients. REQUIRES that no worker runs yet which would use it. */
  define(definition: ActorDefinition): void {
    this.#definitions.set(definition.kind, definition);
  }

  #watchReplicas(): void {
    for (const [kind, definition] of this.#definitions) {
      this.#definitions.set(kind, {
        ...definition,
        create: (args, self, random) => {
          const actor = definition.create(args, self, random);
          if (actor instanceof PartitionReplica) {
            const place = `${self.host}/${self.worker}`;
            let here = this.#replicas.get(place);
            if (here === undefined) this.#replicas.set(place, (here = new Map()));
            const gone = here.get(self.actor);
            if (gone !== undefined) this.onReplicaGone?.(gone);
            here.set(self.actor, { host: self.host, worker: self.worker, name: self.actor, replica: actor });
          }
          return actor;
        },
      });
    }
  }

  /** A client with the production client actor and others beside it. */
  addClient(id: string, actors: readonly ActorSpec[]): void {
    this.cluster.addClient(id, [{ name: clientActor, kind: clientActor, args: emptyBytes }, ...actors]);
  }

  startIdOf(host: string): string {
    return this.#startIds.get(host) ?? `${host}-start-0`;
  }

  // --- god view -------------------------------------------------------------------------------------------------------

  replicasOn(worker: SimulatedWorker): Placed[] {
    const here = this.#replicas.get(`${worker.host.name}/${worker.number}`);
    if (here === undefined) return [];
    const running: Placed[] = [];
    for (const placed of here.values()) {
      if (worker.actor(placed.name) === (placed.replica as unknown)) running.push(placed);
      else {
        here.delete(placed.name);
        this.onReplicaGone?.(placed);
      }
    }
    return running;
  }

  /** Every replica that runs, in the order of hosts and workers. */
  replicas(): Placed[] {
    return this.cluster.hosts.flatMap((host) =>
      host.up ? host.workers.flatMap((worker) => this.replicasOn(worker)) : [],
    );
  }

  /** Of the newest term that anybody leads. */
  #metadataLeader(): string | undefined {
    let found: { readonly host: string; readonly term: number } | undefined;
    for (const host of this.#hostNames) {
      const peer = this.metadataOn(host)?.raftPeer;
      if (peer?.role === 'leader' && peer.term > (found?.term ?? -1)) found = { host, term: peer.term };
    }
    return found?.host;
  }

  metadataOn(host: string): MetadataActor | undefined {
    const simulated = this.cluster.host(host);
    if (!simulated.up) return undefined;
    const actor: unknown = simulated.worker(0).actor(metadataActor);
    return actor instanceof MetadataActor ? actor : undefined;
  }

  /**
   * The newest committed map that any member ever applied. It is remembered: a member that starts again knows less for a while than it
   * had known, and what it had known stays committed.
   */
  get newestMap(): MapSight | undefined {
    return this.#newestMap;
  }

  /** Looks at what a member has applied. */
  noteMap(store: MapStore): void {
    if (this.#newestMap !== undefined && store.revision <= this.#newestMap.revision) return;
    const { revision } = store;
    const hosts = new Map(store.hosts);
    const tables = new Map([...store.tables].map(([name, { info }]) => [name, info]));
    const partitions = new Map([...store.partitions].map(([id, { info }]) => [id, info]));
    const reports = new Map([...store.partitions].map(([id, record]) => [id, record.reports]));
    this.#newestMap = { revision, hosts, tables, partitions, reports };
  }
}

/** The identity of a host's disk, as long as its first journal lives. */
function diskOf(host: string): string {
  return `disk-${host}`;
}
