// troupe serve: one host, in the foreground
// =============================================================================
//
// For systemd, containers and the local mesh's supervisor. SIGTERM or SIGINT: hand over, flush, exit 0; a second one: now.

import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { ComposeConfig } from '../../actors/compose.js';
import { isName } from '../../runtime/contract/address.js';
import { isUuid } from '../../runtime/std/uuid.js';
import { HostError } from '../../runtime/threads/exit-codes.js';
import { formatEvent } from '../../runtime/threads/format-event.js';
import { startHost } from '../../runtime/threads/host.js';
import { parseCount, parseDurationMs, parseWord } from '../argument.js';
import { usage } from '../cli-error.js';
import { formatDirectory, identityOf } from '../format-directory.js';
import type { Keep } from '../invocation.js';
import { troupeVersion } from '../troupe-version.js';

interface ServeOptions {
  readonly name: string;
  readonly data: string;
  readonly clusterId?: string;
  readonly workers: string;
  readonly members?: string;
  readonly bootstrap?: boolean;
  readonly join?: boolean;
  readonly rack: string;
  readonly startId?: string;
  readonly natsDeadline: string;
  readonly log: string;
  readonly logLevel: string;
}

const levels = ['debug', 'info', 'warn', 'error'] as const;

export function registerServe(program: Command, keep: Keep): void {
  program
    .command('serve')
    .description('run one host in the foreground')
    .requiredOption('--name <host>', 'its name, unique in the cluster')
    .requiredOption('--data <folder>', 'its data directory')
    .option('--cluster-id <uuid>', 'the cluster’s identity; else that of the directory')
    .option('--workers <count>', 'worker threads; fixed once the directory is formatted', '2')
    .option('--members <list>', 'founders of the metadata group, host=member-id,…')
    .option('--bootstrap', 'found a new cluster of this one host in an empty directory')
    .option('--join', 'join an existing cluster with an empty directory')
    .option('--rack <name>', 'where it stands; replicas are spread over racks', '')
    .option('--start-id <id>', 'names this start to whoever reaps the process')
    .option('--nats-deadline <duration>', 'how long to wait for NATS at start', '60s')
    .option('--log <format>', 'text or json', 'text')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--local', 'of a local mesh: no authentication, loopback only')
    .action((options: ServeOptions) => {
      if (!isName(options.name)) throw usage(`a host is called by letters, digits, _ and -, not ${options.name}`);
      if (options.clusterId !== undefined && !isUuid(options.clusterId)) throw usage('--cluster-id takes a UUID');
      const workers = parseCount('--workers', options.workers, 1, 64);
      const natsDeadlineMs = parseDurationMs('--nats-deadline', options.natsDeadline);
      const format = parseWord('--log', ['text', 'json'] as const, options.log);
      const minLevel = levels.indexOf(parseWord('--log-level', levels, options.logLevel));
      const members = parseMembers(options.members ?? '');
      if (options.bootstrap && options.join) throw usage('--bootstrap and --join exclude each other');
      keep(async ({ options: global }) => {
        const servers = (global.nats ?? 'nats://127.0.0.1:4222').split(',');
        const identity = prepare(options, workers);
        const founders = members.length > 0 ? members : identity.founders;
        const config: ComposeConfig = {
          clusterName: global.cluster ?? 'local',
          clusterId: identity.clusterId,
          servers,
          natsDeadlineMs,
          startId: options.startId ?? randomUUID(),
          rack: options.rack,
          pid: process.pid,
          version: troupeVersion(),
          members: founders,
        };
        return run(options, workers, config, (event) => {
          if (levels.indexOf(event.event.level) < minLevel) return;
          process.stdout.write(`${formatEvent(event, format)}\n`);
        });
      });
    });
}

/** The directory's identity, made when it is empty and somebody said how. @throws CliError */
function prepare(
  options: ServeOptions,
  workers: number,
): { readonly clusterId: string; readonly founders: { id: string; host: string }[] } {
  const found = identityOf(options.data);
  if (found !== undefined) {
    const founders = options.bootstrap ? [{ id: `${options.name}.${found.diskId}`, host: options.name }] : [];
    return { clusterId: options.clusterId ?? found.clusterId, founders };
  }
  if (!options.bootstrap && !options.join && options.clusterId === undefined) {
    throw usage(
      `${options.data} is empty`,
      'found a cluster with --bootstrap, or join one with --join --cluster-id UUID',
    );
  }
  if (options.join && options.clusterId === undefined)
    throw usage('--join needs the cluster’s --cluster-id', 'see `troupe status -o json` there');
  const clusterId = options.clusterId ?? randomUUID();
  const diskId = formatDirectory(options.data, { clusterId, host: options.name, workers });
  return { clusterId, founders: options.bootstrap ? [{ id: `${options.name}.${diskId}`, host: options.name }] : [] };
}

function parseMembers(text: string): { id: string; host: string }[] {
  if (text === '') return [];
  return text.split(',').map((part) => {
    const at = part.indexOf('=');
    const host = part.slice(0, at);
    const id = part.slice(at + 1);
    if (at < 1 || id === '' || !isName(host)) throw usage(`--members takes host=member-id,…, not ${part}`);
    return { id, host };
  });
}

async function run(
  options: ServeOptions,
  workers: number,
  config: ComposeConfig,
  onEvent: Parameters<typeof startHost>[0]['onEvent'],
): Promise<number> {
  try {
    const host = await startHost({
      clusterId: config.clusterId,
      name: options.name,
      workers,
      directory: options.data,
      compositionUrl: new URL('../../actors/compose.js', import.meta.url).href,
      config,
      ...(onEvent === undefined ? {} : { onEvent }),
    });
    const stop = (): void => void host.stop();
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.stdout.write(`${options.name} runs: process ${process.pid}, ${workers} workers, data in ${options.data}\n`);
    const end = await host.ended;
    process.stdout.write(`${options.name} ended: ${end.reason}\n`);
    return end.exitCode;
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    process.stderr.write(`troupe: ${error.name}: ${error.message}\n`);
    return error.exitCode;
  }
}
