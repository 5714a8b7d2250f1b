import { expect } from 'chai';
import { AssertionError } from '../../../runtime/std/assert.js';
import { mainWorker } from '../../../runtime/contract/address.js';
import { isHostName, isPlace, senderOf, subjectOf, subjectsFor } from '../../../messaging/protocol/subject.js';

const host = { host: 'h1', worker: 0 };
const client = { host: '@c1', worker: 0 };

describe('subject', () => {
  for (const [from, to, subject] of [
    [host, { host: 'h2', worker: 3 }, 'troupe.local.h2.3.h1.0'],
    [{ host: 'h1', worker: mainWorker }, { host: 'h2', worker: mainWorker }, 'troupe.local.h2.main.h1.main'],
    [host, client, 'troupe.local.client.at.c1.h1'],
    [client, { host: 'h1', worker: 5 }, 'troupe.local.client.to.h1.5.c1'],
    [client, { host: '*', worker: 0 }, 'troupe.local.client.any.c1'],
    [client, { host: '*', worker: 1 }, undefined],
    [client, { host: '@c2', worker: 0 }, undefined],
    [client, { host: 'h1', worker: mainWorker }, undefined],
    [host, { host: '*', worker: 0 }, undefined],
    [host, { host: 'client', worker: 0 }, undefined],
    [host, { host: 'h2', worker: 64 }, undefined],
    [host, { host: 'h2.x', worker: 0 }, undefined],
    [host, { host: 'h2 ', worker: 0 }, undefined],
    [host, { host: '>', worker: 0 }, undefined],
    [host, { host: 'h2\r\nPUB', worker: 0 }, undefined],
    [host, { host: '@', worker: 0 }, undefined],
    [host, { host: '@c1', worker: 1 }, undefined],
    [client, { host: 'h1\r\n', worker: 0 }, undefined],
  ] as const)
    it(`N1: ${from.host}/${from.worker} → ${JSON.stringify(to.host)}/${to.worker} is ${subject}`, () => {
      expect(subjectOf('local', from, to)).to.equal(subject);
    });

  it('N1: a cluster or a sender that is no name is a programmer’s error', () => {
    expect(() => subjectOf('a.b', host, client)).to.throw(AssertionError, 'N1');
    expect(() => subjectOf('local', { host: 'a b', worker: 0 }, client)).to.throw(AssertionError, 'N1');
    expect(() => subjectsFor('local', { host: '*', worker: 0 })).to.throw(AssertionError, 'N1');
  });

  it('N2: no host is called client', () => {
    expect(isHostName('client')).to.equal(false);
    expect(isPlace({ host: 'client', worker: 0 })).to.equal(false);
    expect(isHostName('clients')).to.equal(true);
  });

  it('a worker listens to hosts and clients, worker 0 also to those who look for any host, a main thread to hosts only', () => {
    expect(subjectsFor('local', host)).to.deep.equal([
      { subject: 'troupe.local.h1.0.*.*', queue: undefined },
      { subject: 'troupe.local.client.to.h1.0.*', queue: undefined },
      { subject: 'troupe.local.client.any.*', queue: 'hosts' },
    ]);
    expect(subjectsFor('local', { host: 'h1', worker: 1 })).to.have.length(2);
    expect(subjectsFor('local', { host: 'h1', worker: mainWorker })).to.deep.equal([
      { subject: 'troupe.local.h1.main.*.*', queue: undefined },
    ]);
    expect(subjectsFor('local', client)).to.deep.equal([{ subject: 'troupe.local.client.at.c1.*', queue: undefined }]);
  });

  for (const [subject, sender] of [
    ['troupe.local.h2.3.h1.0', { host: 'h1', worker: 0 }],
    ['troupe.local.h2.main.h1.main', { host: 'h1', worker: mainWorker }],
    ['troupe.local.client.at.c1.h1', { host: 'h1', worker: undefined }],
    ['troupe.local.client.to.h1.5.c1', { host: '@c1', worker: 0 }],
    ['troupe.local.client.any.c1', { host: '@c1', worker: 0 }],
    ['troupe.local.h2.3.client.0', undefined],
    ['troupe.local.h2.3.h1.64', undefined],
    ['troupe.local.h2.3.h1.01', undefined],
    ['troupe.local.h2.3.h1', undefined],
    ['troupe.local.client.at.c1.client', undefined],
    ['troupe.local.client.any', undefined],
    ['other.local.h2.3.h1.0', undefined],
    ['', undefined],
  ] as const)
    it(`the sender of ${subject || 'nothing'} is ${sender?.host}`, () => {
      expect(senderOf(subject)).to.deep.equal(sender);
    });
});
