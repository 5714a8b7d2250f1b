// What is watched while the load goes on, and how much worse each may get
// =============================================================================

import type { FlatRule } from './flatness.js';

/** What a process has, or what a client sees. Series of one kind are drawn in one chart. */
export type SeriesKind = 'memory' | 'handles' | 'processor' | 'delay' | 'latency' | 'throughput' | 'queue' | 'failures';

export interface Series {
  readonly id: string;
  readonly title: string;
  readonly kind: SeriesKind;
}

interface OfKind {
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  /** Undefined: shown, and not judged. */
  readonly rule: FlatRule | undefined;
}

export const kinds: Readonly<Record<SeriesKind, OfKind>> = {
  memory: { title: 'Resident memory', unit: 'MiB', digits: 0, rule: { worse: 'up', share: 0.1, slack: 16 } },
  handles: { title: 'Open handles', unit: '', digits: 0, rule: { worse: 'up', share: 0, slack: 4 } },
  processor: { title: 'Processor time', unit: '% of a core', digits: 0, rule: { worse: 'up', share: 0.25, slack: 5 } },
  delay: {
    title: 'Event-loop delay of the client',
    unit: 'ms',
    digits: 1,
    rule: { worse: 'up', share: 0.5, slack: 5 },
  },
  latency: { title: 'Latency', unit: 'ms', digits: 2, rule: { worse: 'up', share: 0.5, slack: 2 } },
  throughput: { title: 'Answers', unit: '/s', digits: 0, rule: { worse: 'down', share: 0.02, slack: 1 } },
  queue: { title: 'Operations under way', unit: '', digits: 0, rule: { worse: 'up', share: 0.5, slack: 32 } },
  failures: { title: 'Failures', unit: '/s', digits: 2, rule: { worse: 'up', share: 0, slack: 0 } },
};

/** Of one moment, by the series' ids; the figures of what ended are missing. */
export interface Sample {
  /** Since the load began, s. */
  readonly atSeconds: number;
  readonly values: Readonly<Record<string, number | undefined>>;
}

export const client = 'client';
export const natsServer = 'nats-server';

/** @param hosts their names */
export function seriesOf(hosts: readonly string[]): readonly Series[] {
  const processes = [...hosts, natsServer, client];
  const of = (kind: SeriesKind, word: string): Series[] =>
    processes.map((name) => ({ id: idOf(kind, name), title: `${name} ${word}`, kind }));
  return [
    ...of('memory', 'memory'),
    ...of('handles', 'handles'),
    ...of('processor', 'processor'),
    { id: 'delayP99', title: 'client delay p99', kind: 'delay' },
    { id: 'latencyP50', title: 'latency p50', kind: 'latency' },
    { id: 'latencyP99', title: 'latency p99', kind: 'latency' },
    { id: 'answers', title: 'answers', kind: 'throughput' },
    { id: 'underWay', title: 'under way', kind: 'queue' },
    { id: 'failures', title: 'failures', kind: 'failures' },
  ];
}

/** Of a process's series. */
export function idOf(kind: SeriesKind, process: string): string {
  return `${kind} ${process}`;
}
