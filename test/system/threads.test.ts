import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EmittedEvent } from '../../runtime/contract/events.js';
import { machineClock } from '../../runtime/threads/clock.js';
import { ControlError } from '../../runtime/threads/control.js';
import { type HostEnd, HostError, hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { type Host, type HostOptions, startHost } from '../../runtime/threads/host.js';
import { outside, type ToyConfig, type ToyMessage } from '../support/toy-composition.js';
import { until } from '../support/until.js';

const name = 'h';
const clusterId = 'toys';
const compositionUrl = new URL('../support/toy-composition.js', import.meta.url).href;

describe('system: a host with worker threads', function () {
  this.timeout(60_000);
  const hosts: Host[] = [];
  const directories: string[] = [];
  let events: EmittedEvent[] = [];
  let fatal: HostEnd[] = [];

  async function started(options: Partial<HostOptions> = {}, config: ToyConfig = {}): Promise<Host> {
    const host = await startHost({
      clusterId,
      name,
      workers: 2,
      compositionUrl,
      config,
      onEvent: (event) => events.push(event),
      onFatal: (end) => fatal.push(end),
      ...options,
    });
    hosts.push(host);
    return host;
  }

  async function folder(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'troupe-threads-'));
    directories.push(made);
    return made;
  }

  function send(worker: number, actor: string, message: ToyMessage): void {
    outside.send(name, worker, actor, message);
  }

  /** Asks until the worker answers, as a client would: a worker that is being restarted hears nothing. */
  async function ping(worker: number, text: string): Promise<Extract<ToyMessage, { readonly kind: 'pong' }>> {
    const answer = (): Extract<ToyMessage, { readonly kind: 'pong' }> | undefined =>
      outside.answers('pong').find((pong) => pong.text === text && pong.worker === worker);
    await until(`worker ${worker} answers ${text}`, () => {
      send(worker, 'echo', { kind: 'ping', text });
      return answer() !== undefined;
    });
    return answer() as Extract<ToyMessage, { readonly kind: 'pong' }>;
  }

  async function add(worker: number, by: number): Promise<Extract<ToyMessage, { readonly kind: 'count' }>> {
    const before = outside.answers('count').length;
    send(worker, 'counter', { kind: 'add', by });
    await until('the counter has answered', () => outside.answers('count').length > before);
    return outside.answers('count').at(-1) as Extract<ToyMessage, { readonly kind: 'count' }>;
  }

  function kinds(): string[] {
    return events.map(({ event }) => event.kind);
  }

  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.stop();
    for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
    outside.clear();
    events = [];
    fatal = [];
  });

  it('carries messages between main and workers, and between workers', async () => {
    await started({ workers: 3 });
    await ping(0, 'hello');
    send(0, 'echo', { kind: 'ping-via', worker: 2, text: 'far' });
    await until('the answer of worker 2 has come through worker 0', () =>
      outside.answers('pong').some((pong) => pong.text === 'far' && pong.worker === 2),
    );
  });

  it('worker-supervisor Z1, Z2: a killed worker comes back with its actors from disk, as another incarnation, and is linked again', async () => {
    const host = await started({ directory: await folder() });
    await add(1, 5);
    expect((await add(1, 7)).total).equals(12);
    await host.killWorker(1);
    const pong = await ping(1, 'back');
    expect(pong.incarnation).equals(2 ** 20);
    const after = await add(1, 1);
    expect(after.total).equals(13);
    expect(after.incarnation).equals(2 ** 20);
    expect(after.cleanShutdown).equals(false);
    send(0, 'echo', { kind: 'ping-via', worker: 1, text: 'from the other worker' });
    await until('the workers talk again', () =>
      outside.answers('pong').some((each) => each.text === 'from the other worker'),
    );
    expect(fatal).deep.equals([]);
    expect(kinds().filter((kind) => kind === 'worker-died').length).equals(1);
    const stats = await host.stats();
    expect(stats.workers.map((worker) => worker.generation)).deep.equals([0, 1]);
  });

  for (const kind of ['throw-outside', 'reject', 'exit'] as const) {
    it(`crash-only: "${kind}" ends the worker, which is restarted; the other one never notices`, async () => {
      await started();
      await ping(0, 'before');
      await ping(1, 'before');
      send(0, 'trouble', { kind });
      await until('the worker has died', () => kinds().includes('worker-died'));
      expect((await ping(0, 'after')).incarnation).equals(2 ** 20);
      expect((await ping(1, 'after')).incarnation).equals(0);
    });
  }

  it('an actor that throws in its turn is restarted by its loop; the worker lives on', async () => {
    const host = await started();
    send(0, 'trouble', { kind: 'throw-in-turn' });
    await until('the crash was told', () => kinds().includes('actor-crashed'));
    await until('it is back', async () => {
      const [first] = (await host.stats()).workers;
      return first?.actors.some((actor) => actor.name === 'trouble' && actor.incarnation === 1) === true;
    });
    expect(kinds()).not.includes('worker-died');
  });

  it('an ordered stop leaves the clean marker, and the next start finds everything', async () => {
    const directory = await folder();
    const first = await started({ directory });
    await add(0, 40);
    expect(await first.stop()).deep.equals({ exitCode: 0, reason: 'stopped' });
    const second = await started({ directory });
    expect(second.diskId).equals(first.diskId);
    const count = await add(0, 2);
    expect(count).deep.equals({ kind: 'count', total: 42, incarnation: 0, end: 'clean', cleanShutdown: true });
    const ends = (): unknown[] =>
      events
        .filter(({ event, worker }) => event.kind === 'journal-opened' && worker === 0)
        .map(({ event }) => event['end']);
    await until('both starts have told what they found', () => ends().length === 2);
    expect(ends()).deep.equals(['fresh', 'clean']);
  });

  it('host G2: stopping is idempotent, and the second call does not wait for those who do not hand over', async () => {
    const host = await started({ drainDeadlineMs: 600_000 }, { neverDrained: true });
    const first = host.stop();
    const second = host.stop();
    expect(await first).deep.equals(await second);
    expect(await host.stop()).deep.equals(await host.ended);
  });

  it('host G1: too many deaths of a worker end the host with a reason and a code', async () => {
    const policy = { minMs: 1, maxMs: 2, jitter: 0, restartCountMax: 2, windowMs: 60_000 };
    const host = await started({ restartPolicy: policy });
    const kill = setInterval(() => send(0, 'trouble', { kind: 'throw-outside' }), 10);
    const end = await host.ended;
    clearInterval(kill);
    expect(end.exitCode).equals(hostExitCodes.restartsExhausted);
    expect(end.reason).equals('worker 0 died 3 times within 60 s, the last time of: thrown outside of every turn');
    expect(fatal).deep.equals([end]);
  });

  it('D11, host G3: a disk that fails ends the whole host at once, with its own code', async () => {
    const directory = await folder();
    const host = await started({ directory });
    await add(0, 1);
    await rm(join(directory, 'worker-0'), { recursive: true });
    const end = new Promise<HostEnd>((resolve) => void host.ended.then(resolve));
    const fill = setInterval(() => send(0, 'counter', { kind: 'fill', bytes: 4 * 1024 * 1024 }), 20);
    const { exitCode, reason } = await end;
    clearInterval(fill);
    expect(exitCode).equals(hostExitCodes.storageFailed);
    expect(reason).matches(/^the disk of worker 0 failed: /);
    expect(fatal.length).equals(1);
    expect(kinds()).not.includes('worker-died');
  });

  it('the process of a host that gives up ends with one clear last line and its code', async () => {
    const script = new URL('../support/toy-process.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, 'die-at-once'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let written = '';
    child.stderr.on('data', (chunk: Buffer) => (written += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).equals(hostExitCodes.restartsExhausted);
    expect(written.trimEnd().split('\n').at(-1)).matches(
      /^troupe: host child ends \(exit code 70\): worker 0 died 3 times/,
    );
  });

  it('so does one whose main thread fails', async () => {
    const script = new URL('../support/toy-process.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, 'reject'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let written = '';
    child.stderr.on('data', (chunk: Buffer) => (written += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).equals(hostExitCodes.failed);
    expect(written.trimEnd().split('\n').at(-1)).equals(
      'troupe: host child ends (exit code 1): the main thread failed: nobody handles this',
    );
  });

  it('host G2: a process that is asked to stop closes in order and exits with 0', async () => {
    const script = new URL('../support/toy-process.js', import.meta.url).pathname;
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.once('close', resolve))).equals(0);
  });

  it('worker-thread H1: what a worker’s actors emitted before it died is told, and before its death', async () => {
    const host = await started();
    send(0, 'trouble', { kind: 'throw-in-turn' });
    send(0, 'echo', { kind: 'ping', text: 'taken' });
    await until('the turn was taken', () => outside.answers('pong').length > 0);
    await until('the actor is back', async () => (await host.inspect(0, 'trouble')) !== undefined);
    send(0, 'trouble', { kind: 'throw-outside' });
    send(0, 'trouble', { kind: 'exit' });
    await until('the worker has died', () => kinds().includes('worker-died'));
    expect(kinds().indexOf('actor-crashed')).within(0, kinds().indexOf('worker-died') - 1);
  });

  it('worker-supervisor Z3: a worker that waits to be restarted is not, once the host stops', async () => {
    const policy = { minMs: 60_000, maxMs: 60_000, jitter: 0, restartCountMax: 2, windowMs: 60_000 };
    const host = await started({ restartPolicy: policy });
    await host.killWorker(1);
    await until('its death was told', () => kinds().includes('worker-died'));
    expect(host.stalledWorkers(machineClock.monotonicMs() + 1000)).deep.equals([1]);
    expect(await host.inspect(1, 'counter').catch((error: unknown) => error)).instanceOf(ControlError);
    expect((await host.stop()).exitCode).equals(0);
    expect(kinds().filter((kind) => kind === 'worker-started').length).equals(2);
  });

  it('control W1, worker-thread H2: a call to a worker that dies meanwhile settles', async () => {
    const host = await started();
    send(0, 'trouble', { kind: 'spin', forMs: 60_000 });
    await until('it spins', () => host.stalledWorkers(machineClock.monotonicMs()).includes(0));
    const asked = host.inspect(0, 'counter').catch((error: unknown) => error);
    await host.killWorker(0);
    const answer = await asked;
    expect(answer).instanceOf(ControlError);
    expect((answer as ControlError).cause).equals('thread-ended');
    await ping(0, 'back');
  });

  it('L6: a worker in a long turn is seen as stalled while it lasts, and a dead one until it is back', async () => {
    const host = await started();
    const stalled = (): readonly number[] => host.stalledWorkers(machineClock.monotonicMs());
    expect(stalled()).deep.equals([]);
    send(1, 'trouble', { kind: 'spin', forMs: 1500 });
    await until('the stall is seen', () => stalled().includes(1));
    expect(stalled()).deep.equals([1]);
    await until('it is over', () => stalled().length === 0);
    await ping(1, 'well again');
  });

  it('answers what its actors say of themselves', async () => {
    const host = await started();
    await add(0, 3);
    expect(await host.inspect(0, 'counter')).deep.equals({ total: 3 });
    expect(await host.inspect(0, 'nobody')).equals(undefined);
    expect(await host.inspect(255, 'relay')).deep.equals({ what: 'relay' });
    const stats = await host.stats();
    expect(stats.workers.length).equals(2);
    expect(stats.workers[0]?.actors.map((actor) => actor.name)).deep.equals(['echo', 'counter', 'trouble']);
  });

  it('a composition that refuses, or is not there, refuses the host', async () => {
    const failure = async (options: Partial<HostOptions>, config?: ToyConfig): Promise<HostError> => {
      try {
        await started(options, config);
      } catch (error) {
        expect(error).instanceOf(HostError);
        return error as HostError;
      }
      throw new Error('the host has started');
    };
    const missing = await failure({ compositionUrl: 'file:///nowhere/composition.js' });
    expect(missing.exitCode).equals(hostExitCodes.refused);
    const broken = await failure({}, { refuseWorker: 1 });
    expect(broken.exitCode).equals(hostExitCodes.refused);
    expect(broken.message).includes('this toy is broken');
  });

  it('a worker that cannot connect is tried again, and then says why', async () => {
    const policy = { minMs: 1, maxMs: 2, jitter: 0, restartCountMax: 1, windowMs: 60_000 };
    const error = await started({ restartPolicy: policy }, { refuseConnect: 0 }).catch((reason: unknown) => reason);
    expect(error).instanceOf(HostError);
    expect((error as HostError).exitCode).equals(hostExitCodes.restartsExhausted);
    expect((error as HostError).message).matches(/worker 0 died 2 times .*: the network refuses$/);
  });

  it('a main thread that cannot connect ends the start', async () => {
    const error = await started({}, { refuseConnect: 255 }).catch((reason: unknown) => reason);
    expect((error as HostError).exitCode).equals(hostExitCodes.unreachable);
    expect((error as HostError).message).equals('cannot connect: the network refuses');
  });

  it('misuse is a TypeError', async () => {
    for (const options of [{ name: 'not a name' }, { workers: 0 }, { workers: 65 }, { clusterId: '' }]) {
      const error = await started(options).catch((reason: unknown) => reason);
      expect(error).instanceOf(TypeError);
    }
  });
});
