// Proposals, rounds and what clients may ask, beside a Raft peer of one

import { expect } from 'chai';
import { adminRequest } from '../../../actors/metadata/admin-request.js';
import { LinearizedRequests, waitingCountMax } from '../../../actors/metadata/linearized.js';
import type { MetadataContext } from '../../../actors/metadata/metadata-message.js';
import { Proposals, queuedCountMax, type Verdict } from '../../../actors/metadata/proposals.js';
import { RaftPeer } from '../../../actors/metadata/raft/peer.js';
import type { MetadataCommand } from '../../../actors/metadata/state/command.js';
import { decodeCommand } from '../../../actors/metadata/state/command.js';
import { seededRandom } from '../../../runtime/std/random.js';

const context = { nowMs: 0 } as MetadataContext;
const nothing = (): undefined => undefined;
const table = (name: string): MetadataCommand => ({ kind: 'delete-table', name });

/** A group of one, that leads. */
function peerOfOne(): RaftPeer {
  const peer = new RaftPeer({
    id: 'a',
    random: seededRandom('x'),
    nowMs: 0,
    bootstrap: { voters: ['a'], learners: [] },
  });
  peer.tick(10_000);
  settle(peer);
  expect(peer.isReady).to.equal(true);
  return peer;
}

/** Everything is durable at once. @returns the commands applied. */
function settle(peer: RaftPeer, proposals?: Proposals): string[] {
  const applied: string[] = [];
  for (let outputs = peer.takeOutputs(); outputs.length > 0; outputs = peer.takeOutputs())
    for (const output of outputs) {
      if (output.kind === 'persist') peer.persisted(output.token, 10_000);
      if (output.kind !== 'apply') continue;
      for (const entry of output.entries) {
        if (entry.kind !== 'command') continue;
        const command = decodeCommand(entry.bytes);
        applied.push(command.kind === 'delete-table' ? command.name : command.kind);
        proposals?.applied(entry.index, entry.term, { kind: 'done', result: undefined }, context);
      }
    }
  return applied;
}

describe('proposals', () => {
  it('X1: commands that may elect go one at a time, others at once', () => {
    const peer = peerOfOne();
    const proposals = new Proposals();
    const verdicts: string[] = [];
    const answer = (verdict: Verdict): number => verdicts.push(verdict.kind);
    for (const name of ['a', 'b']) proposals.enqueue({ key: name, command: () => table(name), answer });
    proposals.pump(peer, nothing, context);
    expect(proposals.isElecting).to.equal(true);
    proposals.pump(peer, nothing, context);
    expect(proposals.propose(peer, table('c'), answer)).to.equal(undefined);
    expect(settle(peer, proposals)).to.deep.equal(['a', 'c']);
    expect(proposals.isElecting).to.equal(false);
    proposals.pump(peer, () => table('controller'), context);
    expect(settle(peer, proposals)).to.deep.equal(['b']);
    proposals.pump(peer, () => table('controller'), context);
    expect(settle(peer, proposals)).to.deep.equal(['controller']);
    expect(verdicts).to.deep.equal(['done', 'done', 'done']);
  });

  it('X1: what a command says is decided when its turn comes; two of one key are one', () => {
    const peer = peerOfOne();
    const proposals = new Proposals();
    let name = 'early';
    proposals.enqueue({ key: 'k', command: () => table('first'), answer: nothing });
    proposals.enqueue({ key: 'k', command: () => table(name), answer: nothing });
    proposals.enqueue({ key: 'none', command: nothing, answer: nothing });
    name = 'late';
    proposals.pump(peer, nothing, context);
    expect(settle(peer, proposals)).to.deep.equal(['late']);
    proposals.pump(peer, nothing, context);
    expect(proposals.size).to.equal(0);
  });

  it('X7: everybody is answered when this member stops leading: unknown when under way, lost when not yet proposed', () => {
    const peer = peerOfOne();
    const proposals = new Proposals();
    const verdicts: string[] = [];
    const answer = (verdict: Verdict): number => verdicts.push(verdict.kind);
    proposals.propose(peer, table('a'), answer);
    proposals.enqueue({ key: 'b', command: () => table('b'), answer });
    proposals.abandon(context);
    expect(verdicts).to.deep.equal(['unknown', 'lost']);
    expect([proposals.size, proposals.isElecting]).to.deep.equal([0, false]);
    settle(peer, proposals);
    expect(verdicts).to.have.length(2);
  });

  it('X8: another term at the index means that it did not happen', () => {
    const peer = peerOfOne();
    const proposals = new Proposals();
    const verdicts: string[] = [];
    proposals.propose(peer, table('a'), (verdict) => verdicts.push(verdict.kind));
    proposals.applied(peer.lastIndex, peer.term + 1, { kind: 'done', result: undefined }, context);
    expect(verdicts).to.deep.equal(['lost']);
  });

  it('X9: only so many wait', () => {
    const proposals = new Proposals();
    const request = (key: string) => ({ key, command: nothing, answer: nothing });
    for (let i = 0; i < queuedCountMax; i++) expect(proposals.enqueue(request(`k${i}`))).to.equal(true);
    expect(proposals.enqueue(request('more'))).to.equal(false);
    expect(proposals.enqueue(request('k0'))).to.equal(true);
  });
});

describe('linearized requests', () => {
  const from = { host: 'h1', worker: 255, actor: 'agent' };
  const beat = (host: string, sentMs: number) =>
    ({ kind: 'heartbeat', host, epoch: 1, sentMs, appliedRevision: 0, stalledWorkers: [], draining: false }) as const;

  it('L1, M10: what arrives while a round is under way waits for the next', () => {
    const peer = peerOfOne();
    const requests = new LinearizedRequests();
    requests.addHeartbeat(beat('h1', 1), from);
    requests.begin(peer);
    requests.addHeartbeat(beat('h1', 2), from);
    requests.begin(peer);
    const ready = peer.takeOutputs().filter((output) => output.kind === 'read-ready');
    expect(ready).to.have.length(1);
    const request = ready[0]?.kind === 'read-ready' ? ready[0].request : 0;
    expect(requests.take(request)?.heartbeats.get('h1')?.message.sentMs).to.equal(1);
    expect(requests.take(request)).to.equal(undefined);
    requests.begin(peer);
    const next = peer.takeOutputs().find((output) => output.kind === 'read-ready');
    expect(next?.kind === 'read-ready' && requests.take(next.request)?.heartbeats.get('h1')?.message.sentMs).to.equal(
      2,
    );
  });

  it('X10: one heartbeat a host, and a bounded number of confirmations', () => {
    const peer = peerOfOne();
    const requests = new LinearizedRequests();
    for (let i = 0; i < 3; i++) requests.addHeartbeat(beat('h1', i), from);
    for (let i = 0; i < waitingCountMax + 5; i++)
      requests.addConfirmation({ kind: 'confirm-epoch', request: i, partition: 1, epoch: 1 }, from);
    requests.begin(peer);
    const ready = peer.takeOutputs().find((output) => output.kind === 'read-ready');
    const batch = ready?.kind === 'read-ready' ? requests.take(ready.request) : undefined;
    expect([batch?.heartbeats.size, batch?.confirmations.length]).to.deep.equal([1, waitingCountMax]);
  });

  it('is forgotten when leadership ends', () => {
    const peer = peerOfOne();
    const requests = new LinearizedRequests();
    requests.addHeartbeat(beat('h1', 1), from);
    requests.abandon();
    requests.begin(peer);
    expect(peer.takeOutputs().filter((output) => output.kind === 'read-ready')).to.deep.equal([]);
  });
});

describe('administrative requests', () => {
  for (const command of [
    undefined,
    null,
    7,
    [],
    {},
    { command: 'explode' },
    { command: 'create-table' },
    { command: 'create-table', name: 't', options: 5 },
    { command: 'create-table', name: 5, options: {} },
    { command: 'delete-table', name: {} },
    { command: 'drain-host', host: 'h1', drain: 'yes' },
    { command: 'remove-host' },
  ])
    it(`refuses ${JSON.stringify(command)}`, () => {
      expect(adminRequest(command as never)).to.have.nested.property('failure.code', 'INVALID_ARGUMENT');
    });

  it('takes what is in shape, and drops options that are not given', () => {
    const asked = adminRequest({ command: 'create-table', name: 't', options: { partitions: undefined } as never });
    expect(asked).to.deep.equal({
      kind: 'command',
      command: { kind: 'create-table', name: 't', options: {}, ifMissing: false },
      elects: false,
    });
    expect(adminRequest({ command: 'remove-host', host: 'h1' })).to.deep.include({ elects: true });
  });
});
