// The line that says how a load is going
// =============================================================================
//
// Once a second on stderr; on a terminal it replaces itself.

import type { Output } from '../output.js';
import type { LoadFigures } from './load-figures.js';

const everyMs = 1000;

/** @returns how to end it */
export function showProgress(figures: LoadFigures, underWay: () => number, output: Output): () => void {
  if (output.quiet) return () => undefined;
  const isLive = process.stderr.isTTY;
  const startMs = performance.now();
  let lastMs = startMs;
  let lastAnswered = figures.answered;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const rate = ((figures.answered - lastAnswered) * 1000) / (nowMs - lastMs);
    const recent = figures.takeRecent();
    lastMs = nowMs;
    lastAnswered = figures.answered;
    const latency =
      recent === undefined ? 'no answers' : `p50 ${recent.p50.toFixed(1)} ms  p99 ${recent.p99.toFixed(1)} ms`;
    const seconds = Math.round((nowMs - startMs) / 1000);
    const line = `${seconds} s  ${Math.round(rate)}/s  ${latency}  ${figures.failed} errors  ${underWay()} under way`;
    if (isLive) process.stderr.write(`\r\u001b[K${line}`);
    else output.note(line);
  }, everyMs);
  return () => {
    clearInterval(timer);
    if (isLive) process.stderr.write('\r\u001b[K');
  };
}
