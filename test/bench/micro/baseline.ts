// The baseline: figures of an earlier run, and of which machine they are
// =============================================================================
//
// One JSON file. What is compared is `spins`, an operation's cost in pieces of a fixed amount of work (calibration.ts); nanoseconds and the machine are for
// people.

import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import type { EngineMemory } from './engine-memory.js';
import type { Figure } from './meter.js';

/** Of the file and of the calibration. */
const format = 1;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

export interface Baseline {
  readonly format: number;
  readonly machine: Machine;
  readonly timeMs: number;
  readonly rounds: number;
  readonly benches: readonly Figure[];
  readonly memory: readonly EngineMemory[];
}

/** The file is no baseline of this version: one line, exit code 64. */
export class BaselineError extends Error {
  override readonly name = 'BaselineError';
}

export function thisMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
  };
}

export function describeMachine({ cpu, cores, memoryGiB, system, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node.js ${node}`;
}

/** @param figures rounded to what they are worth: four digits. */
export function encodeBaseline(baseline: Omit<Baseline, 'format'>): string {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return `${JSON.stringify({ format, ...baseline }, rounded, 2)}\n`;
}

/** @throws BaselineError */
export function decodeBaseline(text: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BaselineError('it is no JSON', { cause });
  }
  if (typeof value !== 'object' || value === null) throw new BaselineError('it is no object');
  const found = value as Partial<Baseline>;
  if (found.format !== format) throw new BaselineError(`it is of format ${String(found.format)}, ${format} is known`);
  if (!Array.isArray(found.benches)) throw new BaselineError('it has no benches');
  for (const bench of found.benches as readonly Partial<Figure>[]) {
    const isWhole = typeof bench.name === 'string' && isPositive(bench.nsPerOperation) && isPositive(bench.spins);
    if (!isWhole) throw new BaselineError(`a bench without its figures: ${JSON.stringify(bench)}`);
  }
  return found as Baseline;
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

/** @throws BaselineError also when it cannot be read */
export function readBaseline(file: string): Baseline {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BaselineError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  try {
    return decodeBaseline(text);
  } catch (error) {
    if (!(error instanceof BaselineError)) throw error;
    throw new BaselineError(`${file}: ${error.message}`, { cause: error });
  }
}

export function writeBaseline(file: string, baseline: Omit<Baseline, 'format'>): void {
  writeFileSync(file, encodeBaseline(baseline));
}
