// What the hosts of a simulated mesh remember of the metadata group
// =============================================================================
//
// The production file on the simulated disk of each host, for as long as a process of it runs: a kill interrupts a write, a loss of power may undo
// it, another disk has none.

import type { Disk } from '../../runtime/contract/disk.js';
import { mainWorker } from '../../runtime/contract/address.js';
import type { EmittedEvent, SystemEvent } from '../../runtime/contract/events.js';
import type { SimulatedCluster } from '../../runtime/simulation/simulated-cluster.js';
import type { SimulatedHost } from '../../runtime/simulation/simulated-host.js';
import { memoryDisk } from '../../runtime/storage/memory-disk.js';
import { learnedMembers } from '../host/members-learned.js';
import { KnownMembers, readKnownMembers } from '../known-members.js';

/** Of one life of a host's process. */
interface Memory {
  readonly life: number;
  /** What was on the disk when the process began. */
  readonly began: readonly string[];
  readonly known: KnownMembers;
}

export class RememberedMembers {
  readonly #founders: readonly string[];
  readonly #cluster: () => SimulatedCluster;
  readonly #memories = new Map<string, Memory>();
  /** Of a cluster whose journals are a model. */
  readonly #memoryDisks = new Map<string, Disk>();

  /** @param founders hosts that every process is told of at its start. */
  constructor(founders: readonly string[], cluster: () => SimulatedCluster) {
    this.#founders = founders;
    this.#cluster = cluster;
  }

  /** What the process that runs there now found at its start. */
  of(host: string): readonly string[] {
    const simulated = this.#cluster().host(host);
    const memory = this.#memories.get(host);
    return (memory?.life === simulated.lifeCount ? memory : this.#begin(simulated)).began;
  }

  /** For every event that an actor emits. */
  see({ host, event }: EmittedEvent): void {
    const members = learnedMembers(event);
    if (members !== undefined) this.#memories.get(host)?.known.note(members);
  }

  #begin(host: SimulatedHost): Memory {
    const { name, lifeCount: life } = host;
    const { scheduler, trace, journals } = this.#cluster();
    const session = journals.diskOf(name)?.session();
    if (session !== undefined) host.onEnd = () => session.revoke();
    const disk = session ?? this.#memoryDiskOf(name);
    const emit = (event: SystemEvent): void => trace.event(scheduler.nowMs, name, mainWorker, 'host', event);
    const { members: began, problem } = readKnownMembers(disk);
    if (problem !== undefined) emit(problem);
    const known = new KnownMembers({
      disk,
      known: began.length > 0 ? began : this.#founders,
      after: (delayMs, run) =>
        scheduler.call(delayMs, () => {
          if (host.lifeCount === life) run();
        }),
      emit,
    });
    const memory = { life, began, known };
    this.#memories.set(name, memory);
    return memory;
  }

  #memoryDiskOf(host: string): Disk {
    let disk = this.#memoryDisks.get(host);
    if (disk === undefined) {
      const { scheduler } = this.#cluster();
      this.#memoryDisks.set(host, (disk = memoryDisk((run) => scheduler.call(0, run))));
    }
    return disk;
  }
}
