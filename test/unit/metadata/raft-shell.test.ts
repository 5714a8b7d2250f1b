import { expect } from 'chai';
import type { MetadataContext } from '../../../actors/metadata/metadata-message.js';
import { RaftPeer } from '../../../actors/metadata/raft/peer.js';
import { RaftShell, type StateMachine } from '../../../actors/metadata/raft-shell.js';
import { seededRandom } from '../../../runtime/std/random.js';

/** A world that writes down what it is asked, and completes when it is told. */
class Notes {
  readonly lines: string[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly completions: {
    readonly kind: string;
    readonly token?: number;
    readonly snapshot?: number;
    readonly next?: number;
  }[] = [];
  nowMs = 10_000;
  #lsn = 0;

  context(): MetadataContext {
    return {
      nowMs: this.nowMs,
      journal: {
        nextLsn: this.#lsn,
        append: (_type: number, _record: Uint8Array, done: { readonly kind: string; readonly token: number }) => {
          this.lines.push(`append ${done.token}`);
          this.completions.push(done);
          return this.#lsn++;
        },
      },
      snapshots: {
        begin: (replayFromLsn: number) =>
          this.lines.push(`begin at ${replayFromLsn === this.#lsn ? 'here' : replayFromLsn}`),
        append: (chunk: Uint8Array, done: { readonly kind: string }) => {
          this.chunks.push(chunk);
          this.lines.push(`chunk ${this.chunks.length}`);
          this.completions.push(done);
        },
        commit: (done: { readonly kind: string }) => {
          this.lines.push('commit');
          this.completions.push(done);
        },
        abort: () => undefined,
      },
      timers: { start: () => undefined, cancel: () => undefined },
      send: () => undefined,
      emit: () => undefined,
    } as unknown as MetadataContext;
  }
}

describe('raft shell', () => {
  function shellOf(state: { value: number }): {
    readonly shell: RaftShell;
    readonly notes: Notes;
    readonly settle: () => void;
  } {
    const notes = new Notes();
    const machine: StateMachine = {
      apply: (entries) => {
        for (const entry of entries) {
          notes.lines.push(`apply ${entry.index}`);
          if (entry.kind === 'command') state.value++;
        }
      },
      snapshot: () => new Uint8Array(600 * 1024).fill(state.value),
      restore: () => undefined,
      readReady: () => undefined,
      readLost: () => undefined,
      roleChanged: () => undefined,
    };
    const bootstrap = { voters: ['a'], learners: [] };
    const peer = new RaftPeer({ id: 'a', random: seededRandom('shell'), nowMs: 0, bootstrap });
    const shell = new RaftShell(peer, machine);
    const settle = (): void => {
      shell.carryOut(notes.context());
      for (let done = notes.completions.shift(); done !== undefined; done = notes.completions.shift()) {
        if (done.kind === 'raft-persisted') peer.persisted(done.token ?? 0, notes.nowMs);
        else if (done.kind === 'snapshot-accepted')
          shell.onAccepted(done.snapshot ?? 0, done.next ?? 0, notes.context());
        else peer.snapshotStored(done.snapshot ?? 0, notes.nowMs);
        shell.carryOut(notes.context());
      }
    };
    peer.tick(notes.nowMs);
    settle();
    return { shell, notes, settle };
  }

  it('X5: what the peer puts out is done in its order, and nothing is applied before it is durable (M6)', () => {
    const state = { value: 0 };
    const { shell, notes, settle } = shellOf(state);
    notes.lines.length = 0;
    shell.peer.propose([new Uint8Array([1])]);
    shell.peer.propose([new Uint8Array([2])]);
    shell.carryOut(notes.context());
    expect(notes.lines.every((line) => line.startsWith('append'))).to.equal(true);
    expect(state.value).to.equal(0);
    settle();
    const applied = notes.lines.filter((line) => line.startsWith('apply'));
    expect(applied).to.deep.equal([...applied].sort((a, b) => Number(a.slice(6)) - Number(b.slice(6))));
    expect(state.value).to.equal(2);
  });

  it('X6: a snapshot is of the state at the output that began it, however the state moves while it is written (M11)', () => {
    const state = { value: 0 };
    const { shell, notes, settle } = shellOf(state);
    shell.peer.propose([new Uint8Array([1])]);
    settle();
    notes.lines.length = 0;
    expect(shell.peer.snapshot()).to.equal(true);
    shell.carryOut(notes.context());
    expect(notes.lines[0]).to.equal('begin at here');
    shell.peer.propose([new Uint8Array([2])]);
    state.value = 77;
    settle();
    expect(notes.chunks.map((chunk) => chunk.length)).to.deep.equal([262_144, 262_144, 600 * 1024 - 524_288]);
    expect(notes.chunks.every((chunk) => chunk.every((byte) => byte === 1))).to.equal(true);
    expect(notes.lines.filter((line) => line === 'commit')).to.have.length(1);
    expect(shell.peer.snapshotIndex).to.be.greaterThan(0);
  });
});
