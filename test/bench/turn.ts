// One peer's turn in one round
// =============================================================================
//
// Servers are started anew in an empty folder, filled with the same keys, asked everything in the same order, and ended. Nothing of another peer runs meanwhile: idle
// servers keep heartbeats, timers and caches, and would take a share of the processors that differs from peer to peer.

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { probeDisk } from './disk-probe.js';
import type { KeySpace } from './key-space.js';
import { measure } from './measure.js';
import type { Driver, Peer, RunningPeer } from './peer.js';
import { usageOf } from './process-usage.js';
import type { Measurement, Turn } from './result.js';
import { type Plan, type Scenario, warmups } from './scenario.js';

const fillOutstanding = 256;
const diskProbeMs = 300;
/** Of a peer that does not answer any more. */
const turnMaxMs = 10 * 60_000;

export interface TurnParts {
  readonly peer: Peer;
  readonly round: number;
  readonly plan: Plan;
  readonly spaces: ReadonlyMap<number, KeySpace>;
  /** In which a folder for this turn is made, and removed. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

/** Never throws for what the peer did wrong: then the turn carries a failure. @throws the signal's reason */
export async function takeTurn(parts: TurnParts): Promise<Turn> {
  const { peer, round, spaces, signal, onStep } = parts;
  const directory = join(parts.directory, `${peer.name}-${round}`);
  mkdirSync(directory);
  const disk = probeDisk(directory, diskProbeMs);
  const measurements: Measurement[] = [];
  const startMs = performance.now();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(turnMaxMs)]);
  let running: RunningPeer | undefined;
  let driver: Driver | undefined;
  let startSeconds = 0;
  let peakRssBytes: Record<string, number> = {};
  let failure: string | undefined;
  try {
    onStep('starting');
    running = await peer.start(directory, bounded);
    driver = await running.connect();
    startSeconds = (performance.now() - startMs) / 1000;
    for (const [bytes, space] of spaces) {
      onStep(`filling ${space.count} keys of ${bytes} bytes`);
      await fill(driver, space, bounded);
    }
    await run({ ...parts, signal: bounded }, running, driver, measurements);
    peakRssBytes = Object.fromEntries(running.servers.map(({ name, pid }) => [name, usageOf(pid)?.peakRssBytes ?? 0]));
  } catch (error) {
    signal.throwIfAborted();
    if (bounded.aborted) failure = `the turn was not over after ${turnMaxMs / 60_000} minutes`;
    else failure = error instanceof Error ? error.message : String(error);
  } finally {
    onStep('stopping');
    await driver?.close().catch(() => undefined); // its servers end next
    await running?.stop();
    rmSync(directory, { recursive: true, force: true });
    for (const space of spaces.values()) space.trim();
    globalThis.gc?.(); // the next peer does not pay for this one's garbage
  }
  const turn = { peer: peer.name, round, disk, startSeconds, measurements, peakRssBytes };
  return failure === undefined ? turn : { ...turn, failure };
}

async function run(
  { peer, plan, spaces, signal, onStep }: TurnParts,
  running: RunningPeer,
  driver: Driver,
  measurements: Measurement[],
): Promise<void> {
  const free = new Map([...spaces].map(([bytes, space]) => [bytes, space.count]));
  const warm = { ...plan, warmupMs: 0, windowMs: plan.turnWarmupMs / warmups.length };
  for (const scenario of warmups) {
    const space = spaces.get(scenario.valueBytes);
    if (space === undefined) continue;
    onStep(scenario.name);
    const { servers } = running;
    const { isReadCurrent } = peer.promise;
    await measure({
      scenario,
      plan: warm,
      driver,
      space,
      firstFree: 0,
      servers,
      isReadCurrent,
      rate: undefined,
      signal,
    });
  }
  for (const scenario of plan.scenarios) {
    if (scenario.mix.scan > 0 && !peer.canScan) continue;
    const rate = rateOf(scenario, measurements);
    if (rate === 0) continue; // nothing was answered in the scenario that it takes its rate from
    onStep(scenario.name);
    const { measurement, firstFree } = await measure({
      scenario,
      plan,
      driver,
      space: spaces.get(scenario.valueBytes) as KeySpace,
      firstFree: free.get(scenario.valueBytes) as number,
      servers: running.servers,
      isReadCurrent: peer.promise.isReadCurrent,
      rate,
      signal,
    });
    measurements.push(measurement);
    free.set(scenario.valueBytes, firstFree);
  }
}

/** Operations a second, a whole number; undefined for a closed loop. */
export function rateOf({ rate }: Scenario, measured: readonly Measurement[]): number | undefined {
  if (rate === undefined) return undefined;
  if ('perSecond' in rate) return rate.perSecond;
  const base = measured.find((one) => one.scenario === rate.of);
  return Math.round((base?.perSecond ?? 0) * rate.share);
}

/** Puts every key once. @throws what a put rejected with, or the signal's reason even while a put hangs */
async function fill(driver: Driver, space: KeySpace, signal: AbortSignal): Promise<void> {
  let next = 0;
  const slot = async (): Promise<void> => {
    while (next < space.count) {
      signal.throwIfAborted();
      const key = next++;
      await driver.put(space.name(key), space.value(key));
    }
  };
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  await Promise.race([Promise.all(Array.from({ length: fillOutstanding }, slot)), aborted]);
}
