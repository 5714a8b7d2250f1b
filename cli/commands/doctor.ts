// troupe doctor: what is missing on this machine, and what to do about it
// =============================================================================

import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import type { Invocation, Keep } from '../invocation.js';
import { findNatsServer, isPortFree } from '../mesh/nats-server.js';
import { isRunning, meshPaths, readMeshFile } from '../mesh/mesh-file.js';
import { formatTable, paint, printValue } from '../output.js';

interface Finding {
  readonly check: string;
  readonly verdict: 'good' | 'note' | 'bad';
  readonly detail: string;
}

const freeBytesMin = 1024 ** 3;

export function registerDoctor(program: Command, keep: Keep): void {
  program
    .command('doctor')
    .description('look for what is missing on this machine')
    .option('--data <folder>', 'the mesh’s folder', '.troupe')
    .action((options: { data: string }) => {
      keep(async (invocation) => {
        const findings = [...(await machine(options.data)), ...(await mesh(options.data, invocation))];
        const colours = { good: 'green', note: 'yellow', bad: 'red' } as const;
        const rows = findings.map(({ check, verdict, detail }) => [
          check,
          paint(invocation.output, colours[verdict], verdict),
          detail,
        ]);
        printValue(invocation.output, findings, () => formatTable(['check', 'verdict', 'detail'], rows));
        return findings.some((finding) => finding.verdict === 'bad') ? exitCodes.failure : exitCodes.ok;
      });
    });
}

async function machine(data: string): Promise<Finding[]> {
  const findings: Finding[] = [{ check: 'Node.js', verdict: 'good', detail: process.versions.node }];
  const server = findNatsServer();
  findings.push(
    server === undefined
      ? {
          check: 'nats-server',
          verdict: 'note',
          detail: 'not installed; `troupe up` installs it where it may, --nats URL uses another',
        }
      : { check: 'nats-server', verdict: 'good', detail: server },
  );
  const free = await isPortFree(4222);
  findings.push({ check: 'port 4222', verdict: 'good', detail: free ? 'free' : 'taken (`troupe up` uses another)' });
  const folder = resolve(data, '..');
  try {
    await access(folder, constants.W_OK);
    const space = await statfs(folder);
    const bytes = space.bavail * space.bsize;
    const detail = `${(bytes / 1024 ** 3).toFixed(1)} GiB free`;
    findings.push({
      check: 'disk',
      verdict: bytes < freeBytesMin ? 'bad' : 'good',
      detail: bytes < freeBytesMin ? `${detail}: make room` : detail,
    });
  } catch (error) {
    findings.push({
      check: 'disk',
      verdict: 'bad',
      detail: `${folder} cannot be written: ${(error as Error).message}`,
    });
  }
  return findings;
}

async function mesh(data: string, { connect, signal }: Invocation): Promise<Finding[]> {
  const file = readMeshFile(meshPaths(data));
  if (file === undefined) return [{ check: 'mesh', verdict: 'note', detail: 'none runs here; `troupe up` starts one' }];
  if (!isRunning(file))
    return [
      {
        check: 'mesh',
        verdict: 'bad',
        detail: `its supervisor (process ${file.pid}) is gone; \`troupe up\` starts it again`,
      },
    ];
  try {
    const status = await (await connect()).admin.status({ signal });
    return [
      {
        check: 'mesh',
        verdict: status.healthy ? 'good' : 'bad',
        detail: status.healthy ? `${status.hosts.length} hosts, healthy` : status.reasons.join(', '),
      },
    ];
  } catch (error) {
    return [{ check: 'mesh', verdict: 'bad', detail: (error as Error).message }];
  }
}
