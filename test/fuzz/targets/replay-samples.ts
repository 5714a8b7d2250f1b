// Replay files as the simulator writes them
// =============================================================================

import { type ReplayFile, replayFormat, replayVersion } from '../../../actors/simulated/replay-file.js';
import { drawScenario } from '../../../actors/simulated/scenario.js';

/** Two, without a schedule and with an empty one. */
export function replaySamples(): string[] {
  return ['1', '2'].map((seed) => {
    const replay: ReplayFile = {
      format: replayFormat,
      version: replayVersion,
      program: '0.1.0',
      seed,
      command: `npx troupe sim --seed ${seed}`,
      violated: 'R1',
      phase: 'safety',
      message: 'R1: two committed logs',
      traceHash: '0123456789abcdef',
      virtualMs: 1234.5,
      scenario: { ...drawScenario(seed, { safetyMs: 1000 }), ...(seed === '2' ? { schedule: [] } : {}) },
      lastEvents: ['12.5 h1/0 agent started'],
    };
    return JSON.stringify(replay);
  });
}
