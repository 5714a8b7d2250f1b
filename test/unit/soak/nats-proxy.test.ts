// The proxy between two ends of this process: a client, and a server that keeps what it hears
// =============================================================================

import { expect } from 'chai';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { NatsProxy } from '../../../cli/soak/nats-proxy.js';
import { until } from '../../support/until.js';

interface Ends {
  readonly proxy: NatsProxy;
  readonly host: Socket;
  /** As the server sees it. */
  readonly nats: Socket;
  /** What each end has heard. */
  readonly heard: { host: string; nats: string };
}

const servers: Server[] = [];
const proxies: NatsProxy[] = [];
const sockets: Socket[] = [];

async function openProxy(): Promise<{ readonly proxy: NatsProxy; readonly accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // cut connections are what this is about
    accepted.push(socket);
    sockets.push(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = await NatsProxy.open((server.address() as { port: number }).port);
  proxies.push(proxy);
  return { proxy, accepted };
}

function dial(proxy: NatsProxy): Socket {
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  socket.on('error', () => undefined); // cut connections are what this is about
  sockets.push(socket);
  return socket;
}

async function openEnds(): Promise<Ends> {
  const { proxy, accepted } = await openProxy();
  const host = dial(proxy);
  await until('the server has the connection', () => accepted.length === 1);
  const nats = accepted[0] as Socket;
  const heard = { host: '', nats: '' };
  host.on('data', (chunk: Buffer) => {
    heard.host += chunk.toString('latin1');
  });
  nats.on('data', (chunk: Buffer) => {
    heard.nats += chunk.toString('latin1');
  });
  return { proxy, host, nats, heard };
}

/** Until a round trip has passed the proxy by another connection: what was on its way has arrived by then. */
async function settle(proxy: NatsProxy): Promise<void> {
  const before = proxy.connectionCount;
  const probe = dial(proxy);
  await until('the proxy took another connection', () => proxy.connectionCount > before);
  probe.destroy();
  await until('and let it go', () => proxy.connectionCount <= before);
}

describe('soak: the proxy between a host and NATS', () => {
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const proxy of proxies.splice(0)) await proxy.close();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  });

  it('passes bytes both ways', async () => {
    const { host, nats, heard } = await openEnds();
    host.write('PING');
    nats.write('PONG');
    await until('both have heard', () => heard.nats === 'PING' && heard.host === 'PONG');
  });

  it('W1: what stalls one way comes later, in order, and the other way is open meanwhile', async () => {
    const { proxy, host, nats, heard } = await openEnds();
    proxy.setMode('nats', 'stall');
    for (let i = 0; i < 10; i++) host.write(`${i}`);
    nats.write('open');
    await until('the other way is open', () => heard.host === 'open');
    await settle(proxy);
    expect(heard.nats).to.equal('');
    proxy.heal();
    await until('all came', () => heard.nats === '0123456789');
  });

  it('W1: after a loss nothing more is passed on, and the connection ends', async () => {
    const { proxy, host, nats, heard } = await openEnds();
    let closed = 0;
    for (const end of [host, nats]) end.once('close', () => closed++);
    host.write('before ');
    await until('it came', () => heard.nats === 'before ');
    proxy.setMode('nats', 'lose');
    host.write('lost ');
    nats.write('still');
    await until('the other way is open', () => heard.host === 'still');
    await settle(proxy);
    proxy.heal();
    host.write('after');
    await until('both ends are closed', () => closed === 2);
    expect(heard.nats).to.equal('before ');
  });

  it('a mode of loss that lost nothing ends nothing', async () => {
    const { proxy, host, heard } = await openEnds();
    proxy.setMode('nats', 'lose');
    proxy.heal();
    host.write('here');
    await until('it came', () => heard.nats === 'here');
  });

  it('W1: a delay delays, and never changes the order, whatever it was before', async () => {
    const { proxy, host, heard } = await openEnds();
    const sentMs = performance.now();
    proxy.setDelay(120);
    host.write('a');
    await settle(proxy);
    proxy.setDelay(1);
    host.write('b');
    await until('both came', () => heard.nats === 'ab');
    expect(performance.now() - sentMs).to.be.at.least(115); // not a bound on slowness: it must not come too early
  });

  it('a cut ends connections and takes no new ones until it is healed', async () => {
    const { proxy, host, nats } = await openEnds();
    let closed = 0;
    for (const end of [host, nats]) end.once('close', () => closed++);
    proxy.cut();
    await until('both ends are closed', () => closed === 2);
    const second = dial(proxy);
    let refused = false;
    second.once('close', () => {
      refused = true;
    });
    await until('a new one is closed at once', () => refused);
    proxy.heal();
    dial(proxy);
    await until('and then taken again', () => proxy.connectionCount === 1);
  });

  it('W2: holds little of what stalls; the sender has to wait, and gets all of it through in the end', async () => {
    const { proxy, host, heard } = await openEnds();
    proxy.setMode('nats', 'stall');
    const block = Buffer.alloc(1024 * 1024, 'x');
    const blocks = 48;
    for (let i = 0; i < blocks; i++) host.write(block);
    let last = -1;
    await until('the sender waits', async () => {
      const now = host.writableLength;
      const isStill = now === last;
      last = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isStill;
    });
    expect(host.writableLength).to.be.greaterThan(16 * 1024 * 1024); // the rest is with the proxy and the kernel
    proxy.heal();
    await until('all came', () => heard.nats.length === blocks * block.length);
  });

  it('ends the host’s connection when nobody listens behind it', async () => {
    const { proxy } = await openProxy();
    const server = servers.at(-1) as Server;
    await new Promise((resolve) => server.close(resolve));
    const host = dial(proxy);
    let closed = false;
    host.once('close', () => {
      closed = true;
    });
    await until('it is closed', () => closed);
    servers.pop();
  });
});
