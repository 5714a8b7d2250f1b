// The peers as they are named, and the plan that they are asked

import { expect } from 'chai';
import { findProgram, packageVersion } from '../../bench/installed.js';
import { freePorts } from '../../bench/free-ports.js';
import { type PeerOptions, peerNames, peerOf } from '../../bench/peers.js';
import { openOutstandingMax, planOf } from '../../bench/scenario.js';
import { rateOf } from '../../bench/turn.js';

const options: PeerOptions = { etcdRoute: 'leader', redisPipelining: 'auto' };

describe('bench: peers', () => {
  it('each says what it promises and how it is set, under the name that it is asked for', () => {
    for (const name of peerNames) {
      const peer = peerOf(name, options);
      expect(peer.name).to.equal(name);
      expect(
        peer.settings.some((line) => line.startsWith('client: ')),
        name,
      ).to.equal(true);
      expect(peer.promise.copies, name).not.to.equal('');
    }
    expect(peerNames.filter((name) => !peerOf(name, options).promise.fsyncBeforeAnswer)).to.deep.equal(['jetstream']);
    const settings = (name: 'etcd' | 'redis', other: Partial<PeerOptions> = {}): string =>
      peerOf(name, { ...options, ...other }).settings.join();
    expect(settings('etcd', { etcdRoute: 'spread' })).not.to.equal(settings('etcd'));
    expect(settings('redis', { redisPipelining: 'off' })).not.to.equal(settings('redis'));
  });

  it('finds programs and packages, and says when there is none', () => {
    expect(findProgram('node-that-nobody-has')).to.equal(undefined);
    expect(findProgram(process.execPath)).to.equal(process.execPath);
    expect(packageVersion('nats')).to.match(/^\d+\.\d+\.\d+$/);
    expect(packageVersion('@grpc/grpc-js')).to.match(/^\d+\.\d+\.\d+$/);
    expect(packageVersion('a-package-that-nobody-has')).to.equal(undefined);
  });

  it('free ports are all different', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).to.equal(20);
  });
});

describe('bench: plan', () => {
  it('a full run has all of it, a quick one only what fits three minutes', () => {
    const full = planOf(false);
    expect(full.rounds).to.equal(3);
    expect(full.scenarios.map((one) => one.name)).to.include.members(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `ycsb-${letter}`),
    );
    for (const { mix, name } of full.scenarios)
      expect(
        Object.values(mix).reduce((sum: number, share: number) => sum + share, 0),
        name,
      ).to.equal(100);
    for (const { valueBytes, name } of full.scenarios) expect(full.keys[valueBytes], name).to.be.greaterThan(0);
    const quick = planOf(true);
    expect(new Set(quick.scenarios.map((one) => one.outstanding))).to.deep.equal(new Set([1, 64, 256]));
  });

  it('an open loop at a share brings the scenario along that it takes its rate from, and comes after it', () => {
    const { scenarios } = planOf(false, ['open']);
    const names = scenarios.map((one) => one.name);
    for (const { rate, outstanding, name } of scenarios) {
      if (rate === undefined) continue;
      expect(outstanding).to.equal(openOutstandingMax);
      if ('of' in rate) expect(names.indexOf(rate.of)).to.be.within(0, names.indexOf(name) - 1);
    }
    expect(names).to.include('write-c256').and.not.to.include('write-c64');
  });

  it('a rate is a whole number, and none where nothing was measured', () => {
    const [closed, equal, half] = ['write-c256', 'open-write-equal', 'open-write-50'].map((name) =>
      planOf(false).scenarios.find((one) => one.name === name),
    );
    if (closed === undefined || equal === undefined || half === undefined) throw new Error('the plan has changed');
    const measured = [{ scenario: 'write-c256', perSecond: 1001 }] as never;
    expect([closed, equal, half].map((one) => rateOf(one, measured))).to.deep.equal([undefined, 3000, 501]);
    expect(rateOf(half, [])).to.equal(0);
  });
});
