import { expect } from 'chai';
import { natsServerThreads } from '../../../cli/mesh/nats-server.js';

describe('nats-server of a local mesh', () => {
  it('has a thread for every four cores, and at least one', () => {
    expect([1, 2, 4, 7, 8, 16].map(natsServerThreads)).to.deep.equal([1, 1, 1, 1, 2, 4]);
  });
});
