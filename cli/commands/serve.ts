// troupe serve: one host, in the foreground
// =============================================================================
//
// For systemd, containers and the local mesh's supervisor. SIGTERM or SIGINT: hand over, flush, exit 0; a second one: now. Its exit codes are
// those of runtime/threads/exit-codes.ts.

import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { ComposeConfig } from '../../actors/compose.js';
import { learnedMembers } from '../../actors/host/members-learned.js';
import { KnownMembers, type Remembered, readKnownMembers } from '../../actors/known-members.js';
import { seedsOf } from '../../actors/root-actors.js';
import type { MemberSeed } from '../../actors/host/host-arguments.js';
import { memberIdOf } from '../../actors/metadata/member-id.js';
import { TroupeError } from '../../messaging/client/index.js';
import { splitServers } from '../../messaging/client/mesh-file.js';
import { isName, mainWorker } from '../../runtime/contract/address.js';
import type { EmittedEvent, SystemEvent } from '../../runtime/contract/events.js';
import { isUuid } from '../../runtime/std/uuid.js';
import { type DirectoryIdentity, IdentityError, readIdentity } from '../../runtime/storage/identity.js';
import { nodeDisk } from '../../runtime/storage/node-disk.js';
import { endProcess, guardProcess } from '../../runtime/threads/end-process.js';
import { HostError, hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { formatEvent } from '../../runtime/threads/format-event.js';
import { startHost } from '../../runtime/threads/host.js';
import { plantedBugOf } from '../../runtime/threads/planted-bug.js';
import { parseCount, parseDurationMs, parseWord } from '../argument.js';
import { CliError, usage } from '../cli-error.js';
import type { Keep } from '../invocation.js';
import { formatDirectory } from '../mesh/format-mesh.js';
import { findMembers, type Found } from '../serve/find-members.js';
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
  readonly log?: string;
  readonly local?: boolean;
  readonly logLevel: string;
}

/** How often the data directory is looked for. */
const directoryLookMs = 1000;
/** How long another cluster of the name may take to answer a host that founds one. */
const bootstrapLookMs = 3000;
const levels = ['debug', 'info', 'warn', 'error'] as const;
/**
 * A worker's own heap is small, some 15 MB, beside what it holds and moves in buffers, and V8 counts those: left to itself it marked the heap four times a second under
 * load, a quarter of all processor time. This lets heap and buffers grow to five times what was alive before that; each worker's limit stands as it did.
 */
const heapGrowth = '--heap-growing-percent=400';
/**
 * V8 optimizes a function when it has used up a budget of bytecode, 132 KB. A host runs much of its code once a message: with one client it
 * took 4,000 writes, 12 s, until a write was as fast as it gets. With a thirteenth of the budget it takes 1,000; what was optimized too early is optimized again.
 */
const earlyOptimization = '--interrupt-budget=10000';

export function registerServe(program: Command, keep: Keep): void {
  program
    .command('serve')
    .description('run one host in the foreground')
    .requiredOption('--name <host>', 'its name, unique in the cluster')
    .requiredOption('--data <folder>', 'its data directory')
    .option('--cluster-id <uuid>', 'the cluster’s identity; else that of the directory, or what --join hears')
    .option('--workers <count>', 'worker threads; fixed once the directory is formatted', '2')
    .option('--members <list>', 'founders of the metadata group, host=member-id,…; else they are asked for')
    .option('--bootstrap', 'found a new cluster of this one host in an empty directory')
    .option('--join', 'join an existing cluster with an empty directory')
    .option('--rack <name>', 'where it stands; replicas are spread over racks', '')
    .option('--start-id <id>', 'names this start to whoever reaps the process')
    .option('--nats-deadline <duration>', 'how long to wait for NATS at start', '60s')
    .option('--log <format>', 'text or json (text)')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--local', 'of a local mesh: end when standard input ends')
    .action((options: ServeOptions) => {
      if (!isName(options.name)) throw usage(`a host is called by letters, digits, _ and -, not ${options.name}`);
      if (options.clusterId !== undefined && !isUuid(options.clusterId)) throw usage('--cluster-id takes a UUID');
      const workers = parseCount('--workers', options.workers, 1, 64);
      const natsDeadlineMs = parseDurationMs('--nats-deadline', options.natsDeadline);
      const logFormat =
        options.log === undefined ? undefined : parseWord('--log', ['text', 'json'] as const, options.log);
      const minLevel = levels.indexOf(parseWord('--log-level', levels, options.logLevel));
      const members = parseMembers(options.members ?? '');
      if (options.bootstrap && options.join) throw usage('--bootstrap and --join exclude each other');
      keep(async ({ options: global, output, outliveReader }) => {
        outliveReader();
        plantedBugOf(); // refuses before anything is asked or formatted
        const format = logFormat ?? (output.format === 'table' ? 'text' : 'json');
        const servers = splitServers(global.nats ?? 'nats://127.0.0.1:4222');
        const cluster = global.cluster ?? 'local';
        const onEvent = (event: EmittedEvent): void => {
          if (levels.indexOf(event.event.level) < minLevel) return;
          process.stdout.write(`${formatEvent(event, format)}\n`);
        };
        const remembered = readKnownMembers(nodeDisk(options.data));
        if (remembered.problem !== undefined) onEvent(ofProcess(options.name, remembered.problem));
        const place = { servers, cluster, natsDeadlineMs };
        const identity = await prepare(options, workers, members, remembered, place);
        const config: ComposeConfig = {
          clusterName: cluster,
          clusterId: identity.clusterId,
          servers,
          natsDeadlineMs,
          startId: options.startId ?? randomUUID(),
          rack: options.rack,
          pid: process.pid,
          version: troupeVersion(),
          members: identity.members,
          remembered: remembered.members,
        };
        setFlagsFromString(heapGrowth);
        setFlagsFromString(earlyOptimization);
        return run(options, workers, config, onEvent);
      });
    });
}

interface Place {
  readonly servers: readonly string[];
  readonly cluster: string;
  readonly natsDeadlineMs: number;
}

interface Prepared {
  readonly clusterId: string;
  /** Founders of the metadata group, or whom to ask for it. */
  readonly members: readonly MemberSeed[];
}

/** Whose host this is. A directory that founds a cluster is formatted here; any other by the host itself, when it is empty. @throws CliError */
async function prepare(
  options: ServeOptions,
  workers: number,
  given: readonly MemberSeed[],
  { members: known }: Remembered,
  place: Place,
): Promise<Prepared> {
  const { data, name, clusterId } = options;
  const found = identityOf(data);
  if (given.length > 0 && (clusterId ?? found?.clusterId) !== undefined)
    return { clusterId: clusterId ?? (found?.clusterId as string), members: given };
  if (found !== undefined && known.length > 0)
    return { clusterId: clusterId ?? found.clusterId, members: seedsOf(known) };
  if (options.bootstrap) {
    if (found === undefined) await refuseSecondCluster(place);
    const made = found ?? formatDirectory(data, clusterId ?? randomUUID(), name, workers);
    return { clusterId: clusterId ?? made.clusterId, members: [{ id: memberIdOf(name, made.diskId), host: name }] };
  }
  if (found === undefined && !options.join)
    throw usage(`${data} is empty`, 'found a cluster with --bootstrap, or join one with --join');
  const cluster = await findMembers(place.servers, place.cluster, place.natsDeadlineMs);
  return { clusterId: clusterId ?? found?.clusterId ?? cluster.clusterId, members: seedsOf(cluster.hosts) };
}

/** A host that lost its disk and still says --bootstrap would found another cluster beside its own. @throws CliError */
async function refuseSecondCluster({ servers, cluster }: Place): Promise<void> {
  let found: Found;
  try {
    found = await findMembers(servers, cluster, bootstrapLookMs);
  } catch (error) {
    if (error instanceof TroupeError) return; // nobody answers: as it should be
    throw error;
  }
  throw new CliError(
    'EXISTS',
    `cluster ${cluster} exists already: ${found.hosts.join(', ')} answered`,
    'use --join, or give another --cluster',
  );
}

/** @throws HostError refused, when it is damaged or of a later format */
function identityOf(directory: string): DirectoryIdentity | undefined {
  try {
    return readIdentity(directory);
  } catch (cause) {
    if (!(cause instanceof IdentityError)) throw cause;
    throw new HostError(hostExitCodes.refused, cause.message, { cause });
  }
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
  onEvent: (event: EmittedEvent) => void,
): Promise<number> {
  guardProcess(options.name);
  const memory = memoryOf(options, config, onEvent);
  const host = await startHost({
    clusterId: config.clusterId,
    name: options.name,
    workers,
    directory: options.data,
    compositionUrl: new URL('../../actors/compose.js', import.meta.url).href,
    config,
    onEvent: (event) => {
      onEvent(event);
      memory.note(learnedMembers(event.event) ?? []);
    },
  });
  const stop = (): void => void host.stop();
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (options.local) process.stdin.once('end', stop).once('error', stop).resume(); // J4
  if (!options.local) memory.noteFirst(config.members.map((member) => member.host));
  const watch = setInterval(() => endIfDirectoryIsGone(options), directoryLookMs);
  process.stdout.write(`${options.name} runs: process ${process.pid}, ${workers} workers, data in ${options.data}\n`);
  const end = await host.ended;
  clearInterval(watch);
  process.stdin.pause();
  process.stdout.write(`${options.name} ended: ${end.reason}\n`);
  return end.exitCode;
}

/** The supervisor of a local mesh names the founders at every start; nobody else need do so again. */
function memoryOf(
  { name, data, local }: ServeOptions,
  config: ComposeConfig,
  onEvent: (event: EmittedEvent) => void,
): KnownMembers {
  const { members, remembered = [] } = config;
  const founders = local ? members.map((member) => member.host) : [];
  return new KnownMembers({
    disk: nodeDisk(data),
    known: remembered.length > 0 ? remembered : founders,
    after: (delayMs, run) => void setTimeout(run, delayMs).unref(),
    emit: (event) => onEvent(ofProcess(name, event)),
  });
}

function ofProcess(host: string, event: SystemEvent): EmittedEvent {
  return { host, worker: mainWorker, actor: 'host', wallMs: Date.now(), event };
}

/** Files that were removed can still be written, and what is in them is lost: nothing must be acknowledged any more (D11). */
function endIfDirectoryIsGone({ name, data }: ServeOptions): void {
  if (existsSync(join(data, 'identity.json'))) return;
  endProcess(name, { exitCode: hostExitCodes.storageFailed, reason: `its data directory ${data} is gone` });
}
