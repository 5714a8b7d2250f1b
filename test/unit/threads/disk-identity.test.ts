// Who a host's disk is, across damage (M8, D9)

import { expect } from 'chai';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EmittedEvent } from '../../../runtime/contract/events.js';
import type { Composition } from '../../../runtime/threads/composition.js';
import { HostError, hostExitCodes } from '../../../runtime/threads/exit-codes.js';
import { startHost } from '../../../runtime/threads/host.js';
import { type InlineHost, startInlineHost } from '../../../runtime/threads/inline-host.js';
import { InlineNetwork } from '../../../runtime/threads/inline-network.js';
import { compose } from '../../support/toy-composition.js';

describe('runtime/threads: who a disk is', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-identity-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  function opened(changes: Partial<Composition> = {}): Promise<InlineHost> {
    const network = new InlineNetwork();
    return startInlineHost({
      clusterId: 'toys',
      name: 'h',
      directory,
      compose: (place) => ({
        ...compose({}, place),
        connect: (at, receiver) => Promise.resolve(network.join(at.host, at.worker, receiver)),
        ...changes,
      }),
    });
  }

  async function diskIdNow(): Promise<string> {
    await using host = await opened();
    return host.diskId;
  }

  async function refusal(changes: Partial<Composition>): Promise<HostError> {
    try {
      await (await opened(changes)).stop();
    } catch (error) {
      expect(error).instanceOf(HostError);
      return error as HostError;
    }
    throw new Error('the host has started');
  }

  /** Zeros where the header of each segment ends and its records begin. */
  function damage(): void {
    const root = join(directory, 'worker-0', 'generation-0000000001');
    for (const name of readdirSync(root)) {
      if (!name.startsWith('segment-')) continue;
      const file = openSync(join(root, name), 'r+');
      writeSync(file, new Uint8Array(100), 0, 100, 100);
      closeSync(file);
    }
  }

  it('stays the same from start to start, and is another one after worker 0’s journal was damaged, for good', async () => {
    const first = await diskIdNow();
    expect(await diskIdNow()).equals(first);
    damage();
    expect(await diskIdNow()).equals(`${first}-2`);
    expect(await diskIdNow()).equals(`${first}-2`);
  });

  it('is another one after the journal disappeared, if it had ever been there', async () => {
    const first = await diskIdNow();
    rmSync(join(directory, 'worker-0'), { recursive: true });
    expect(await diskIdNow()).equals(`${first}-2`);
  });

  it('what a crash left of a generation that never began does not make another disk', async () => {
    const first = await diskIdNow();
    mkdirSync(join(directory, 'worker-0', 'generation-0000000002'));
    expect(await diskIdNow()).equals(first);
  });

  it('D9: who is alone refuses damage with one line, again and again', async () => {
    await diskIdNow();
    damage();
    for (let i = 0; i < 2; i++) {
      const { exitCode, message } = await refusal({ alone: true });
      expect(exitCode).equals(hostExitCodes.refused);
      expect(message).matches(/^the journal of worker 0 cannot be opened: it is damaged and nobody else has/);
      expect(message).not.includes('\n');
    }
    expect(await diskIdNow(), 'whoever knows others may begin again').matches(/-2$/);
  });

  it('a start that fails half-way closes its journal, leaves no clean marker, and gives the directory back', async () => {
    await diskIdNow();
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    const failing = { connect: () => Promise.reject(new Error('no network')) };
    expect((await refusal(failing)).exitCode).equals(hostExitCodes.unreachable);
    expect(openFiles()).equals(before);
    await diskIdNow();
  });

  it('a host of threads starts again by itself as the other disk, and says why', async () => {
    const compositionUrl = new URL('../../support/toy-composition.js', import.meta.url).href;
    const events: EmittedEvent[] = [];
    const start = (): ReturnType<typeof startHost> =>
      startHost({
        clusterId: 'toys',
        name: 'h',
        workers: 2,
        directory,
        compositionUrl,
        onEvent: (event) => events.push(event),
      });
    const host = await start();
    const { diskId } = host;
    await host.stop();
    damage();
    const again = await start();
    try {
      expect(again.diskId).equals(`${diskId}-2`);
      const told = events.find(({ event }) => event.kind === 'disk-replaced')?.event;
      expect(told?.['diskId']).equals(`${diskId}-2`);
      expect(String(told?.['reason'])).matches(
        /^the journal of worker 0 was lost: .* \(kept in worker-0\/generation-0000000001\)$/,
      );
    } finally {
      await again.stop();
    }
  });
});
