// Every command, loaded when it is asked for
// =============================================================================
//
// All of them together are the simulator, the fault harness and the host; one of them is a fraction of that. Loading only what the words may mean makes
// `troupe get` answer in half the time, and a host start sooner.

import type { Command } from 'commander';
import type { Keep } from './invocation.js';

/** Adds a command, and its subcommands, to the tree. */
export type Register = (program: Command, keep: Keep) => void;

/** In the order in which help shows them. */
const catalogue: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import('./commands/up.js')).registerUp,
  down: async () => (await import('./commands/down.js')).registerDown,
  serve: async () => (await import('./commands/serve.js')).registerServe,
  status: async () => (await import('./commands/status.js')).registerStatus,
  wait: async () => (await import('./commands/wait.js')).registerWait,
  host: async () => (await import('./commands/host.js')).registerHost,
  metadata: async () => (await import('./commands/metadata.js')).registerMetadata,
  table: async () => (await import('./commands/table.js')).registerTable,
  put: async () => (await import('./commands/put.js')).registerPut,
  get: async () => (await import('./commands/get.js')).registerGet,
  del: async () => (await import('./commands/del.js')).registerDel,
  range: async () => (await import('./commands/range.js')).registerRange,
  where: async () => (await import('./commands/where.js')).registerWhere,
  shell: async () => (await import('./commands/shell.js')).registerShell,
  load: async () => (await import('./commands/load.js')).registerLoad,
  drill: async () => (await import('./commands/drill.js')).registerDrill,
  sim: async () => (await import('./commands/sim.js')).registerSim,
  soak: async () => (await import('./commands/soak.js')).registerSoak,
  version: async () => (await import('./commands/version.js')).registerVersion,
  completion: async () => (await import('./commands/completion.js')).registerCompletion,
  doctor: async () => (await import('./commands/doctor.js')).registerDoctor,
};

/** What these look at is the whole tree. */
const ofAll = ['help', 'completion'];

export function loadAllCommands(): Promise<readonly Register[]> {
  return Promise.all(Object.values(catalogue).map((load) => load()));
}

/** The commands whose names are among the words; more than one when a key or a table is called like a command. Undefined: only all of them will do. */
export async function loadCommandsIn(argv: readonly string[]): Promise<readonly Register[] | undefined> {
  const named = Object.entries(catalogue).filter(([name]) => argv.includes(name));
  if (named.length === 0 || ofAll.some((word) => argv.includes(word))) return undefined;
  return Promise.all(named.map(([, load]) => load()));
}
