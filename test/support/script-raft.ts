// The world of the Raft scripts: a few peers, a network that waits to be told, and one clock
// =============================================================================
//
//   group a b c [learners=d] [option=number …]   founds a group; options are RaftOptions
//   join x                         a peer that belongs to no group yet
//   timeout a                      the clock moves to a's election deadline, and only a notices
//   heartbeat a                    the same for a leader's next heartbeat
//   elapse 300                     everyone's clock moves, deadlines on the way are met in order; messages wait
//   run 300                        the same, and messages arrive at once
//   deliver [from=a] [to=b] [kind=append] [count=1]        what waits now, not what it causes
//   drop, repeat                   the same choice: lost; or delivered and kept waiting
//   settle                         deliver everything until nothing waits
//   cut a,b c / heal               messages between the two sides are lost from now on; cut-one-way a b: those from a to b
//   disk a slow | fast; sync a     a slow disk syncs only when told
//   propose a x y · read a · members a voters=… [learners=…] · transfer a b · resign a · died a to=b,c
//   snapshot a · crash a · restart a · log a … · status
//
// `quiet` after a command prints only who leads, what is applied, read, restored and who belongs to the group.

import type { RaftOutput } from '../../actors/metadata/raft/outputs.js';
import type { Proposed } from '../../actors/metadata/raft/peer.js';
import { decodeRecord } from '../../actors/metadata/raft/record.js';
import { decodeMembership, type Membership, type RaftEntry } from '../../messaging/protocol/raft-entry.js';
import type { RaftMessage } from '../../messaging/protocol/raft-messages.js';
import { unreachable } from '../../runtime/std/assert.js';
import { seededRandom } from '../../runtime/std/random.js';
import { bytesOf, RaftNode, textOf } from './raft-node.js';
import { messageBytes, messageFromBytes } from './raft-wire.js';
import type { ScriptCommand, ScriptWorld } from './script.js';

export function makeRaftWorld(): ScriptWorld {
  const world = new RaftWorld();
  return (command) => world.run(command);
}

class RaftWorld {
  readonly #random = seededRandom('script');
  readonly #nodes = new Map<string, RaftNode>();
  readonly #slow = new Set<string>();
  readonly #cut = new Set<string>();
  #options: Record<string, number> = {};
  #waiting: RaftMessage[] = [];
  #nowMs = 0;
  #lines: string[] = [];
  #quiet = false;

  run(command: ScriptCommand): readonly string[] {
    this.#lines = [];
    this.#quiet = command.words.includes('quiet');
    const words = command.words.filter((word) => word !== 'quiet');
    this.#execute({ ...command, words });
    return this.#lines;
  }

  #execute({ name, words, options }: ScriptCommand): void {
    const [first = '', second = ''] = words;
    switch (name) {
      case 'group':
        return this.#found(words, options);
      case 'join':
        return this.#add(first, undefined);
      case 'timeout':
      case 'heartbeat':
        return this.#deadline(this.#node(first));
      case 'elapse':
        return this.#elapse(this.#nowMs + Number(first), false);
      case 'run':
        return this.#elapse(this.#nowMs + Number(first), true);
      case 'deliver':
      case 'drop':
      case 'repeat':
        return this.#handle(name, options);
      case 'settle':
        return this.#settle();
      case 'cut':
        for (const a of first.split(','))
          for (const b of second.split(',')) this.#cut.add(`${a} ${b}`).add(`${b} ${a}`);
        return;
      case 'cut-one-way':
        for (const a of first.split(',')) for (const b of second.split(',')) this.#cut.add(`${a} ${b}`);
        return;
      case 'heal':
        return this.#cut.clear();
      case 'disk':
        if (second === 'slow') this.#slow.add(first);
        else this.#slow.delete(first);
        return;
      case 'sync':
        return this.#turn(first, (node) => node.sync(this.#nowMs));
      case 'propose':
        return this.#turn(first, (node) => this.#answered(first, node.peer.propose(words.slice(1).map(bytesOf))));
      case 'read':
        return this.#turn(first, (node) => {
          const asked = node.peer.readIndex();
          this.#say(asked.accepted ? `${first} read ${asked.request} asked` : `${first} refused ${asked.reason}`);
        });
      case 'members':
        return this.#turn(first, (node) => {
          const change = { voters: list(options['voters']), learners: list(options['learners']) };
          this.#answered(first, node.peer.proposeMembership(change));
        });
      case 'transfer':
      case 'resign':
        return this.#turn(first, (node) => {
          const { peer } = node;
          const answer = name === 'resign' ? peer.resign(this.#nowMs) : peer.transferLeadership(second, this.#nowMs);
          if (!answer.accepted) this.#say(`${first} refused ${answer.reason}`);
        });
      case 'died':
        for (const id of list(options['to'])) this.#turn(id, (node) => node.peer.leaderDied(first, this.#nowMs));
        return;
      case 'snapshot':
        return this.#turn(first, (node) => {
          if (!node.peer.snapshot()) this.#say(`${first} has nothing to snapshot`);
        });
      case 'crash':
        return this.#node(first).crash();
      case 'restart':
        this.#node(first).restart(this.#nowMs);
        return this.#turn(first, () => {});
      case 'log':
        for (const id of words) this.#say(this.#logOf(this.#node(id)));
        return;
      case 'status':
        for (const node of this.#nodes.values()) this.#say(this.#statusOf(node));
        return;
      default:
        throw new TypeError(`no command ${name}`);
    }
  }

  #found(words: readonly string[], options: Readonly<Record<string, string>>): void {
    const { learners, ...numbers } = options;
    for (const [key, value] of Object.entries(numbers)) this.#options[key] = Number(value);
    const change = { voters: words, learners: list(learners) };
    for (const id of [...words, ...change.learners]) this.#add(id, change);
  }

  #add(id: string, bootstrap: { voters: readonly string[]; learners: readonly string[] } | undefined): void {
    const options = { tailCountMax: 0, ...this.#options };
    this.#nodes.set(id, new RaftNode(id, this.#random.split(id), this.#nowMs, options, bootstrap, 1024));
    this.#quiet = true; // the founding records are no news
    this.#turn(id, () => {});
  }

  #node(id: string): RaftNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new TypeError(`no peer ${id}`);
    return node;
  }

  #say(line: string): void {
    this.#lines.push(line);
  }

  #answered(id: string, answer: Proposed): void {
    if (answer.accepted) this.#say(`${id} proposed ${answer.index}/${answer.term}`);
    else this.#say(`${id} refused ${answer.reason}${answer.leader === undefined ? '' : ` leader=${answer.leader}`}`);
  }

  // --- turns ---------------------------------------------------------------------------------------------------------

  #turn(id: string, run: (node: RaftNode) => void): void {
    const node = this.#node(id);
    if (node.isDown) return;
    run(node);
    this.#drain(node);
    // The world goes on by itself, unless the disk is slow: sync, write and switch snapshots.
    while (!this.#slow.has(id) && (node.hasUnsynced || node.writesSnapshot)) {
      if (node.hasUnsynced) node.sync(this.#nowMs);
      else node.advanceSnapshot(this.#nowMs);
      this.#drain(node);
    }
  }

  #drain(node: RaftNode): void {
    for (const message of node.drain((output) => this.#show(node.id, output))) {
      if (!this.#cut.has(`${message.from} ${message.to}`)) this.#waiting.push(messageFromBytes(messageBytes(message)));
    }
  }

  #deadline(node: RaftNode): void {
    const deadline = node.peer.nextDeadlineMs;
    if (deadline === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, deadline);
    this.#turn(node.id, () => node.peer.tick(this.#nowMs));
  }

  #elapse(endMs: number, settling: boolean): void {
    for (;;) {
      if (settling) this.#settle();
      let next: RaftNode | undefined;
      for (const node of this.#nodes.values()) {
        const deadline = node.isDown ? undefined : node.peer.nextDeadlineMs;
        if (deadline === undefined || deadline > endMs) continue;
        if (next === undefined || deadline < (next.peer.nextDeadlineMs ?? Infinity)) next = node;
      }
      if (next === undefined) break;
      this.#deadline(next);
    }
    this.#nowMs = endMs;
  }

  #handle(what: 'deliver' | 'drop' | 'repeat', options: Readonly<Record<string, string>>): void {
    const count = Number(options['count'] ?? Infinity);
    const chosen = this.#waiting
      .filter(
        (message) =>
          (options['from'] ?? message.from) === message.from &&
          (options['to'] ?? message.to) === message.to &&
          (options['kind'] === undefined || `raft-${options['kind']}` === message.kind),
      )
      .slice(0, count);
    if (what !== 'repeat') this.#waiting = this.#waiting.filter((message) => !chosen.includes(message));
    for (const message of chosen) {
      if (what === 'drop') this.#trace(`lost ${messageText(message)}`);
      else this.#arrive(message);
    }
  }

  #arrive(message: RaftMessage): void {
    if (!this.#nodes.has(message.to)) return;
    this.#turn(message.to, (node) => node.peer.step(message, this.#nowMs));
  }

  #settle(): void {
    for (let rounds = 0; this.#waiting.length > 0; rounds++) {
      if (rounds === 1000) throw new TypeError('the messages do not come to an end');
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const message of waiting) this.#arrive(message);
    }
  }

  // --- printing ------------------------------------------------------------------------------------------------------

  #trace(line: string): void {
    if (!this.#quiet) this.#say(line);
  }

  #show(id: string, output: RaftOutput): void {
    switch (output.kind) {
      case 'persist':
        return this.#trace(`${id} persist #${output.token} ${recordText(output.record)}`);
      case 'send':
        return this.#trace(messageText(output.message));
      case 'apply':
        return this.#say(`${id} apply ${output.entries.map(entryText).join(', ')}`);
      case 'read-ready':
        return this.#say(`${id} read ${output.request} ready at ${output.index}`);
      case 'read-lost':
        return this.#say(`${id} read ${output.request} lost`);
      case 'role-changed': {
        const follows = output.role === 'follower' && output.leader !== undefined ? ` of ${output.leader}` : '';
        return this.#say(`${id} is ${output.role}${follows}, term ${output.term}`);
      }
      case 'membership-changed':
        return this.#say(`${id} members ${membershipText(output.membership)}`);
      case 'begin-snapshot':
        return this.#trace(`${id} begin snapshot${output.chunks === undefined ? '' : ' received'}`);
      case 'commit-snapshot':
        return this.#trace(`${id} commit snapshot`);
      case 'restore-state':
        return this.#say(`${id} restore ${output.index}/${output.term}`);
      case 'snapshot-wanted':
        return this.#trace(`${id} wants a snapshot`);
      default:
        return unreachable(output);
    }
  }

  #statusOf(node: RaftNode): string {
    if (node.isDown) return `${node.id} down`;
    const { role, term, leader, commitIndex, appliedIndex, lastIndex, members } = node.peer.status();
    const flows = members.filter((member) => member.flow !== undefined);
    const others = flows.map((member) => ` ${member.id}:${member.flow}@${member.match}`).join('');
    const follows = leader === undefined || leader === node.id ? '' : ` of ${leader}`;
    return `${node.id} ${role}${follows} term=${term} commit=${commitIndex} applied=${appliedIndex} last=${lastIndex}${others}`;
  }

  /** What a restart would find: term, vote and the log on disk. */
  #logOf(node: RaftNode): string {
    const recovered = node.recovered();
    if (recovered === undefined) return `${node.id} empty`;
    const { term, vote, log } = recovered;
    const entries = log.slice(log.base.index, log.lastIndex).map(entryText).join(', ');
    return `${node.id} term=${term} vote=${vote ?? '-'} after ${log.base.index}/${log.base.term}: ${entries}`;
  }
}

function list(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

function entryText(entry: RaftEntry): string {
  const place = `${entry.index}/${entry.term}`;
  if (entry.kind === 'command') return `${place} ${textOf(entry.bytes)}`;
  return entry.kind === 'no-op' ? place : `${place} ${membershipText(decodeMembership(entry.bytes))}`;
}

function membershipText({ voters, outgoing, learners }: Membership): string {
  const old = outgoing.length === 0 ? '' : ` leaving (${outgoing.join(' ')})`;
  const more = learners.length === 0 ? '' : ` learners (${learners.join(' ')})`;
  return `(${voters.join(' ')})${old}${more}`;
}

function recordText(bytes: Uint8Array): string {
  const record = decodeRecord(bytes);
  if (record.kind === 'bootstrap') return `bootstrap ${membershipText(record.membership)}`;
  const { kind, term, vote, base, entries } = record;
  return `${kind} term=${term} vote=${vote ?? '-'} after ${base.index}/${base.term} [${entries.map(entryText).join(', ')}]`;
}

function messageText(message: RaftMessage): string {
  const { from, to, term } = message;
  return `${from} → ${to} ${message.kind.slice('raft-'.length)} term=${term}${detailText(message)}`;
}

function detailText(message: RaftMessage): string {
  switch (message.kind) {
    case 'raft-vote':
      return `${message.pre ? ' pre' : ''}${message.transfer ? ' transfer' : ''} last=${message.last.index}/${message.last.term}`;
    case 'raft-vote-reply':
      return `${message.pre ? ' pre' : ''} ${message.granted ? 'granted' : 'refused'}`;
    case 'raft-append': {
      const { previous, commit, entries } = message;
      return ` after ${previous.index}/${previous.term} commit=${commit} [${entries.map(entryText).join(', ')}]`;
    }
    case 'raft-accepted':
      return ` match=${message.match}`;
    case 'raft-refused':
      return ` after=${message.previous} conflict=${message.conflict.index}/${message.conflict.term}`;
    case 'raft-heartbeat':
      return ` commit=${message.commit} round=${message.round}`;
    case 'raft-heartbeat-reply':
      return ` round=${message.round}`;
    case 'raft-snapshot':
      return ` last=${message.last.index}/${message.last.term} chunk ${message.number + 1} of ${message.count}`;
    case 'raft-snapshot-reply':
      return ` next=${message.next}`;
    case 'raft-timeout-now':
      return '';
    default:
      return unreachable(message);
  }
}
