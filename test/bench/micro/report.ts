// Figures as text
// =============================================================================

import { formatTable } from '../../../cli/output.js';
import { type Compared, slowerRatio } from './comparison.js';
import type { EngineMemory } from './engine-memory.js';
import type { LongestPause } from './longest-pause.js';
import type { Figure } from './meter.js';

/** Nanoseconds of one operation, three digits, in the unit that suits them. */
export function formatDuration(ns: number): string {
  if (ns < 1000) return `${significant(ns)} ns`;
  if (ns < 1e6) return `${significant(ns / 1000)} µs`;
  return `${significant(ns / 1e6)} ms`;
}

/** `1.23 M`, `45.6 k`, `789`. */
export function formatRate(perSecond: number): string {
  if (perSecond >= 1e6) return `${significant(perSecond / 1e6)} M`;
  if (perSecond >= 1000) return `${significant(perSecond / 1000)} k`;
  return significant(perSecond);
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function formatSpread(spread: number): string {
  return `±${(spread * 100).toFixed(0)} %`;
}

function formatBytes(bytes: number | undefined): string {
  return bytes === undefined ? '–' : `${bytes.toFixed(0)} B`;
}

export function figureTable(figures: readonly Figure[]): string[] {
  return formatTable(
    ['bench', 'per operation', 'operations/s', 'spread', 'heap'],
    figures.map(({ name, nsPerOperation, operationsPerSecond, spread, heapBytes }) => [
      name,
      formatDuration(nsPerOperation),
      formatRate(operationsPerSecond),
      formatSpread(spread),
      formatBytes(heapBytes),
    ]),
  );
}

export function comparisonTable(compared: readonly Compared[]): string[] {
  return formatTable(
    ['bench', 'now', 'baseline', 'ratio', 'spread', 'heap', 'baseline', ''],
    compared.map(({ name, verdict, now, before, ratio }) => [
      name,
      now === undefined ? '–' : formatDuration(now.nsPerOperation),
      before === undefined ? '–' : formatDuration(before.nsPerOperation),
      ratio === undefined ? '–' : ratio.toFixed(2),
      now === undefined ? '–' : formatSpread(now.spread),
      formatBytes(now?.heapBytes),
      formatBytes(before?.heapBytes),
      verdict === 'same' ? '' : verdict,
    ]),
  );
}

/** The last line of a comparison. */
export function conclusion(compared: readonly Compared[]): string {
  const slower = compared.filter(({ verdict }) => verdict === 'slower');
  if (slower.length === 0) return `no bench is slower than ${slowerRatio} times the baseline`;
  const names = slower.map(({ name, ratio }) => `${name} (${(ratio ?? 0).toFixed(2)})`).join('; ');
  return `${slower.length} slower than ${slowerRatio} times the baseline: ${names}`;
}

export function memoryTable(memory: readonly EngineMemory[]): string[] {
  return formatTable(
    ['engine of', 'heap/item', 'off heap/item', 'in use/item', 'put', 'heap after'],
    memory.map((one) => [
      `${one.items} items`,
      `${one.heapBytesPerItem.toFixed(1)} B`,
      `${one.externalBytesPerItem.toFixed(0)} B`,
      `${one.usedBytesPerItem.toFixed(0)} B`,
      formatDuration(one.nsPerPut),
      `${(one.heapBytes / 2 ** 20).toFixed(1)} MiB`,
    ]),
  );
}

export function pauseLines(pause: LongestPause): string[] {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    `${pause.items} items inserted in ${(pause.durationMs / 1000).toFixed(1)} s, ${pause.putsPerTurn} puts a turn: ` +
      `longest turn ${ms(pause.longestTurnMs)}, longest wait of the event loop ${ms(pause.longestWaitMs)}, ` +
      `longest collection ${ms(pause.longestCollectionMs)} of ${pause.collections}; ` +
      `${pause.rssBytesPerItem.toFixed(0)} B of resident memory an item`,
  ];
}
