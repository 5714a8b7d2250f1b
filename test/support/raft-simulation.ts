// A small world of Raft peers in which everything goes wrong
// =============================================================================
//
// One seed is one run: a network that loses, repeats, delays and cuts; disks that sync late; crashes that keep any prefix of
// what was not synced; snapshots; reads; membership changes; death reports. Safety is checked after every event, convergence at the end.
//
// Invariants checked
//   M1 one leader a term · M3 equal (index, term) means equal entry · M4 a new leader has everything that was committed ·
//   M5 the same command at the same index everywhere, for ever · M10 a read sees everything that was applied anywhere before it was asked.

import type { RaftOutput } from '../../actors/metadata/raft/outputs.js';
import { majorityOf } from '../../actors/metadata/raft/quorum.js';
import { messageBytes, messageFromBytes } from './raft-wire.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import { assert } from '../../runtime/std/assert.js';
import { Heap } from '../../runtime/std/heap.js';
import { type Random, seededRandom } from '../../runtime/std/random.js';
import { bytesOf, RaftNode } from './raft-node.js';

/** Ten times what the worst of the first thousands of seeds needed. */
const eventCountMax = 500_000;

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

export interface SimulationResult {
  readonly committed: number;
  readonly elections: number;
  readonly snapshots: number;
  readonly reads: number;
  readonly changes: number;
}

interface Faults {
  readonly loss: number;
  readonly duplication: number;
  readonly delayMaxMs: number;
  readonly syncMaxMs: number;
  readonly crashes: boolean;
  readonly cuts: boolean;
  readonly changes: boolean;
  readonly snapshots: boolean;
  readonly bytes: boolean;
}

export class RaftSimulation {
  readonly #random: Random;
  readonly #network: Random;
  readonly #faults: Faults;
  readonly #events = new Heap<Event>((a, b) => (a.atMs !== b.atMs ? a.atMs < b.atMs : a.sequence < b.sequence));
  #sequence = 0;
  #eventCount = 0;
  #nowMs = 0;
  readonly #nodes: RaftNode[] = [];
  readonly #cut = new Set<string>();
  readonly #leaderOfTerm = new Map<number, string>();
  /** What was applied anywhere, by index: term and command. */
  readonly #history: string[] = [];
  readonly #reads = new Map<string, number>();
  #faultsOn = true;
  #commands = 0;
  #snapshots = 0;
  #readCount = 0;
  #changes = 0;

  constructor(seed: string) {
    this.#random = seededRandom(`raft ${seed}`);
    this.#network = this.#random.split('network');
    const swarm = this.#random.split('swarm');
    this.#faults = {
      loss: swarm.chance(0.6) ? swarm.fraction() * 0.3 : 0,
      duplication: swarm.chance(0.5) ? swarm.fraction() * 0.4 : 0,
      delayMaxMs: swarm.pick([2, 20, 100, 400]),
      syncMaxMs: swarm.pick([1, 10, 60]),
      crashes: swarm.chance(0.7),
      cuts: swarm.chance(0.6),
      changes: swarm.chance(0.5),
      snapshots: swarm.chance(0.6),
      bytes: swarm.chance(0.2),
    };
    const voters = ['a', 'b', 'c', 'd', 'e'].slice(0, swarm.pick([1, 3, 3, 5]));
    const spare = this.#faults.changes ? ['x', 'y'] : [];
    const options = {
      inFlightCountMax: swarm.pick([1, 4, 64]),
      appendBytesMax: swarm.pick([1, 60, 4096]),
      uncommittedBytesMax: swarm.pick([200, 100_000]),
      tailCountMax: swarm.pick([0, 5, 100]),
      promotionLagMax: 3,
    };
    for (const id of [...voters, ...spare]) {
      const bootstrap = voters.includes(id) ? { voters, learners: [] } : undefined;
      this.#nodes.push(new RaftNode(id, this.#random.split(id), 0, options, bootstrap));
    }
  }

  run(durationMs: number): SimulationResult {
    for (const node of this.#nodes) this.#after(node);
    const chaos = this.#random.split('chaos');
    for (let atMs = 5; atMs < durationMs; atMs += chaos.between(1, 40)) this.#at(atMs, () => this.#disturb(chaos));
    while (this.#nowMs < durationMs && this.#events.size > 0) this.#next();
    this.#heal();
    const endMs = this.#nowMs + 30_000;
    while (this.#nowMs < endMs && this.#events.size > 0 && !this.#hasConverged()) this.#next();
    assert(this.#hasConverged(), `liveness: the healed group agrees\n${this.#describe()}`);
    return {
      committed: this.#history.length,
      elections: this.#leaderOfTerm.size,
      snapshots: this.#snapshots,
      reads: this.#readCount,
      changes: this.#changes,
    };
  }

  #at(atMs: number, run: () => void): void {
    this.#events.push({ atMs, sequence: this.#sequence++, run });
  }

  #next(): void {
    const event = this.#events.pop();
    if (event === undefined) return;
    assert(++this.#eventCount < eventCountMax, 'liveness: messages do not breed messages');
    this.#nowMs = Math.max(this.#nowMs, event.atMs);
    event.run();
  }

  // --- a node's turn -------------------------------------------------------------------------------------------------

  readonly #timers = new Map<string, number>();

  #turn(node: RaftNode, run: () => void): void {
    if (node.isDown) return;
    run();
    this.#after(node);
  }

  #after(node: RaftNode): void {
    const messages = node.drain((output) => this.#watch(node, output));
    this.#check(node);
    for (const message of messages) this.#post(message);
    const { peer } = node;
    if (node.hasUnsynced) {
      this.#at(this.#nowMs + this.#network.between(0, this.#faults.syncMaxMs), () => {
        if (node.peer === peer) this.#turn(node, () => node.sync(this.#nowMs, this.#network.pick([1, Infinity])));
      });
    }
    if (node.writesSnapshot) {
      this.#at(this.#nowMs + this.#network.between(1, 50), () => {
        if (node.peer === peer) this.#turn(node, () => node.advanceSnapshot(this.#nowMs));
      });
    }
    const deadline = peer.nextDeadlineMs;
    if (deadline !== undefined && this.#timers.get(node.id) !== deadline) {
      this.#timers.set(node.id, deadline);
      this.#at(Math.max(deadline, this.#nowMs), () => {
        if (node.peer !== peer || this.#timers.get(node.id) !== deadline) return;
        this.#timers.delete(node.id);
        this.#turn(node, () => peer.tick(this.#nowMs));
      });
    }
  }

  #post(message: RaftMessage): void {
    const faults = this.#faultsOn;
    const copies = faults && this.#network.chance(this.#faults.duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (faults && this.#network.chance(this.#faults.loss)) continue;
      const delayMs = this.#network.chance(0.8) ? 1 : this.#network.between(1, faults ? this.#faults.delayMaxMs : 5);
      const arrived = this.#faults.bytes ? messageFromBytes(messageBytes(message)) : message;
      this.#at(this.#nowMs + delayMs, () => {
        if (this.#cut.has(`${message.from}>${message.to}`)) return;
        const node = this.#nodes.find((one) => one.id === message.to);
        if (node !== undefined) this.#turn(node, () => node.peer.step(arrived, this.#nowMs));
      });
    }
  }

  // --- what goes on --------------------------------------------------------------------------------------------------

  #disturb(chaos: Random): void {
    const node = chaos.pick(this.#nodes);
    const kind = chaos.below(20);
    if (kind < 8) this.#propose(node, chaos);
    else if (kind < 11) this.#read(node);
    else if (kind === 11 && this.#faults.crashes) this.#crash(node, chaos);
    else if (kind === 12 && this.#faults.cuts) this.#recut(chaos);
    else if (kind === 13 && this.#faults.changes) this.#change(node, chaos);
    else if (kind === 14 && this.#faults.snapshots) this.#turn(node, () => this.#countSnapshot(node.peer.snapshot()));
    else if (kind === 15 && chaos.chance(0.2)) this.#turn(node, () => void node.peer.resign(this.#nowMs));
    else if (kind >= 16) this.#propose(this.#leader() ?? node, chaos);
  }

  #countSnapshot(begun: boolean): void {
    if (begun) this.#snapshots++;
  }

  #propose(node: RaftNode, chaos: Random): void {
    const count = chaos.between(1, 4);
    const commands = Array.from({ length: count }, () => bytesOf(`${++this.#commands}`));
    this.#turn(node, () => void node.peer.propose(commands));
  }

  #read(node: RaftNode): void {
    this.#turn(node, () => {
      const asked = node.peer.readIndex();
      // Whatever was applied anywhere by now has been committed, so the read must see it.
      if (asked.accepted) this.#reads.set(`${node.id} ${asked.request}`, this.#history.length);
    });
  }

  #change(node: RaftNode, chaos: Random): void {
    this.#turn(node, () => {
      const { membership } = node.peer;
      const learner = chaos.pick(membership.learners.length > 0 ? membership.learners : ['']);
      const all = this.#nodes.map((one) => one.id);
      const outside = all.filter((id) => !membership.voters.includes(id) && !membership.learners.includes(id));
      const voters = [...membership.voters];
      const learners = [...membership.learners];
      const what = chaos.below(3);
      if (what === 0 && outside.length > 0) learners.push(chaos.pick(outside));
      else if (what === 1 && learner !== '') {
        voters.push(learner);
        learners.splice(learners.indexOf(learner), 1);
        if (chaos.chance(0.5)) voters.splice(chaos.below(voters.length - 1), 1);
      } else if (voters.length > 1) voters.splice(chaos.below(voters.length), 1);
      if (node.peer.proposeMembership({ voters, learners }).accepted) this.#changes++;
    });
  }

  #crash(node: RaftNode, chaos: Random): void {
    if (node.isDown) return;
    for (const key of this.#reads.keys()) if (key.startsWith(`${node.id} `)) this.#reads.delete(key);
    node.crash(chaos.pick([0, 0, 1, 3]), chaos.chance(0.5));
    this.#timers.delete(node.id);
    if (chaos.chance(0.5)) {
      for (const other of this.#nodes)
        if (other !== node) this.#turn(other, () => other.peer.leaderDied(node.id, this.#nowMs));
    }
    this.#at(this.#nowMs + chaos.between(10, 1500), () => this.#restart(node));
  }

  #restart(node: RaftNode): void {
    if (!node.isDown) return;
    node.restart(this.#nowMs);
    this.#after(node);
  }

  #recut(chaos: Random): void {
    this.#cut.clear();
    if (chaos.chance(0.4)) return;
    const oneWay = chaos.chance(0.3);
    const side = new Set(this.#nodes.filter(() => chaos.chance(0.5)).map((node) => node.id));
    for (const a of this.#nodes)
      for (const b of this.#nodes)
        if (side.has(a.id) !== side.has(b.id) && (!oneWay || side.has(a.id))) this.#cut.add(`${a.id}>${b.id}`);
  }

  #heal(): void {
    this.#faultsOn = false;
    this.#cut.clear();
    for (const node of this.#nodes) this.#restart(node);
  }

  // --- checks --------------------------------------------------------------------------------------------------------

  #leader(): RaftNode | undefined {
    return this.#nodes.find((node) => !node.isDown && node.peer.isReady);
  }

  #watch(node: RaftNode, output: RaftOutput): void {
    if (output.kind === 'apply') {
      for (const entry of output.entries) {
        const said = `${entry.term} ${entry.kind} ${new TextDecoder().decode(entry.bytes)}`;
        const known = this.#history[entry.index - 1];
        assert(known === undefined || known === said, `M5: index ${entry.index} is ${known} and ${said}`);
        this.#history[entry.index - 1] = said;
      }
    } else if (output.kind === 'read-ready') {
      const key = `${node.id} ${output.request}`;
      const least = this.#reads.get(key);
      assert(least !== undefined, 'M10: a read is answered once');
      assert(output.index >= least, `M10: a read at ${output.index} misses what was applied at ${least}`);
      this.#reads.delete(key);
      this.#readCount++;
    } else if (output.kind === 'read-lost') {
      this.#reads.delete(`${node.id} ${output.request}`);
    } else if (output.kind === 'role-changed' && output.role === 'leader') {
      const known = this.#leaderOfTerm.get(output.term);
      assert(known === undefined || known === node.id, `M1: ${known} and ${node.id} lead term ${output.term}`);
      this.#leaderOfTerm.set(output.term, node.id);
      assert(node.peer.lastIndex >= this.#history.length, 'M4: a leader has every committed entry');
    }
  }

  #check(node: RaftNode): void {
    const { peer } = node;
    assert(peer.appliedIndex <= peer.commitIndex, 'M5: applied ≤ commit');
    assert(peer.commitIndex <= peer.lastIndex, 'M5: commit ≤ last');
    assert(peer.appliedIndex === node.state.length, 'M5: the state machine is where the peer says');
  }

  #hasConverged(): boolean {
    const leader = this.#leader();
    if (leader === undefined) return false;
    const { membership, lastIndex, term } = leader.peer;
    if (membership.outgoing.length > 0) return false;
    const members = this.#nodes.filter(
      (node) => membership.voters.includes(node.id) || membership.learners.includes(node.id),
    );
    assert(members.length >= majorityOf(membership.voters.length), 'M8: members exist');
    // M15: and nothing is uncommitted or in flight when all is quiet.
    const { uncommittedBytes, members: progress } = leader.peer.status();
    if (uncommittedBytes !== 0 || progress.some((member) => (member.inFlight ?? 0) !== 0)) return false;
    return members.every(
      ({ peer, writesSnapshot }) =>
        !writesSnapshot && peer.appliedIndex === lastIndex && peer.term === term && lastIndex >= this.#history.length,
    );
  }

  #describe(): string {
    return this.#nodes
      .map(
        (node) => `${node.id} ${JSON.stringify({ ...node.peer.status(), down: node.isDown, writing: node.writing })}`,
      )
      .join('\n');
  }
}
