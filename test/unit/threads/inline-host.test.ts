import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { clientHost } from '../../../runtime/contract/address.js';
import type { Envelope, Transport } from '../../../runtime/contract/transport.js';
import { AssertionError } from '../../../runtime/std/assert.js';
import { hostExitCodes } from '../../../runtime/threads/exit-codes.js';
import { type InlineHost, startInlineHost } from '../../../runtime/threads/inline-host.js';
import { InlineNetwork } from '../../../runtime/threads/inline-network.js';
import { compose, type ToyMessage } from '../../support/toy-composition.js';
import { until } from '../../support/until.js';

const test = { host: clientHost('test'), worker: 0, actor: 'test' };

describe('runtime/threads: a host in the caller’s thread', () => {
  let host: InlineHost;
  let client: Transport;
  let directory: string;
  let arrived: Envelope[];

  async function start(where?: string): Promise<void> {
    const network = new InlineNetwork();
    arrived = [];
    client = network.join(test.host, test.worker, {
      deliver: (envelope) => arrived.push(envelope),
      gap: () => undefined,
    });
    host = await startInlineHost({
      clusterId: 'toys',
      name: 'h',
      ...(where === undefined ? {} : { directory: where }),
      compose: (place) => ({
        ...compose({}, place),
        connect: (at, receiver) => Promise.resolve(network.join(at.host, at.worker, receiver)),
      }),
    });
  }

  function send(actor: string, message: ToyMessage): void {
    client.post({ to: { host: 'h', worker: 0, actor }, from: test, message });
    client.flush();
  }

  async function add(by: number): Promise<Extract<ToyMessage, { readonly kind: 'count' }>> {
    const before = arrived.length;
    send('counter', { kind: 'add', by });
    await until('the counter has answered', () => arrived.length > before);
    return arrived.at(-1)?.message as Extract<ToyMessage, { readonly kind: 'count' }>;
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-inline-'));
  });

  afterEach(async () => {
    await host.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('runs in memory and answers a client of the same thread', async () => {
    await start();
    expect((await add(2)).total).equals(2);
    expect((await add(3)).total).equals(5);
    expect(host.inspect(0, 'counter')).deep.equals({ total: 5 });
    expect(host.inspect(255, 'relay')).deep.equals({ what: 'relay' });
  });

  it('its main loop and its worker talk to each other', async () => {
    await start();
    const main = { host: 'h', worker: 255, actor: 'relay' };
    const message = {
      kind: 'relay',
      to: { host: 'h', worker: 0, actor: 'echo' },
      message: { kind: 'ping', text: 'x' },
    };
    client.post({ to: main, from: test, message });
    client.flush();
    await until('the answer has come back through the main loop', () => arrived.length === 1);
    expect(arrived[0]?.from).deep.equals(main);
    expect(arrived[0]?.message).deep.equals({ kind: 'pong', text: 'x', worker: 0, incarnation: 0 });
  });

  it('finds everything again in its directory', async () => {
    await start(directory);
    await add(40);
    expect(await host.stop()).deep.equals({ exitCode: hostExitCodes.stopped, reason: 'stopped' });
    await start(directory);
    expect(await add(2)).deep.equals({ kind: 'count', total: 42, incarnation: 0, end: 'clean', cleanShutdown: true });
  });

  it('world X1, X2: what was asked before the stop is made durable and answered, and nothing after it', async () => {
    await start(directory);
    send('counter', { kind: 'add', by: 7 });
    await new Promise((resolve) => setImmediate(resolve));
    await host.stop();
    expect(arrived.map(({ message }) => (message as { readonly total?: number }).total)).deep.equals([7]);
    send('counter', { kind: 'add', by: 1 });
    await start(directory);
    expect((await add(1)).total).equals(8);
  });

  it('an actor that cannot be brought back ends the host, not the process', async () => {
    await start();
    send('trouble', { kind: 'throw-for-good' });
    const end = await host.ended;
    expect(end.exitCode).equals(hostExitCodes.restartsExhausted);
    expect(end.reason).matches(/^h\/0\/trouble cannot be recovered: .*broken for good$/);
    expect(await host.stop()).deep.equals(end);
  });

  it('D11, world X2: a disk that fails ends the host, and stopping it does not hang', async () => {
    await start(directory);
    await add(1);
    await rm(join(directory, 'worker-0'), { recursive: true });
    const fill = setInterval(() => send('counter', { kind: 'fill', bytes: 4 * 1024 * 1024 }), 20);
    const end = await host.ended;
    clearInterval(fill);
    expect(end.exitCode).equals(hostExitCodes.storageFailed);
    expect(await host.stop()).deep.equals(end);
  });

  it('T1: nobody on an inline network speaks as another', async () => {
    await start();
    const asOther = { ...test, host: 'h' };
    expect(() =>
      client.post({ to: { host: 'h', worker: 0, actor: 'echo' }, from: asOther, message: { kind: 'ping' } }),
    ).throws(AssertionError);
  });
});
