import { expect } from 'chai';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HostError, hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { type Host, type HostOptions, startHost } from '../../runtime/threads/host.js';

const compositionUrl = new URL('../support/toy-composition.js', import.meta.url).href;

describe('system: a host’s data directory (D16)', () => {
  const hosts: Host[] = [];
  let directory: string;

  async function started(options: Partial<HostOptions> = {}): Promise<Host> {
    const host = await startHost({ clusterId: 'toys', name: 'h', workers: 1, compositionUrl, directory, ...options });
    hosts.push(host);
    return host;
  }

  async function refusal(options: Partial<HostOptions>): Promise<HostError> {
    try {
      await started(options);
    } catch (error) {
      expect(error).instanceOf(HostError);
      return error as HostError;
    }
    throw new Error('the host has started');
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-directory-'));
  });

  afterEach(async () => {
    for (const host of hosts.splice(0)) await host.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('is refused while another host has it, and free when that has stopped', async () => {
    const host = await started();
    expect((await refusal({})).exitCode).equals(hostExitCodes.refused);
    await host.stop();
    const next = await started();
    expect(next.diskId).equals(host.diskId);
  });

  it('is refused to another cluster, another host and another number of workers, and is none the worse for it', async () => {
    const host = await started();
    await host.stop();
    for (const options of [{ clusterId: 'others' }, { name: 'h2' }, { workers: 2 }])
      expect((await refusal(options)).exitCode, JSON.stringify(options)).equals(hostExitCodes.refused);
    expect((await started()).diskId).equals(host.diskId);
  });

  it('is refused when it holds data and its identity is gone', async () => {
    await (await started()).stop();
    await rm(join(directory, 'identity.json'));
    expect((await refusal({})).message).includes('identity.json is missing');
  });

  it('is refused when it is no directory', async () => {
    expect((await refusal({ directory: '/dev/null/data' })).exitCode).equals(hostExitCodes.refused);
  });
});
