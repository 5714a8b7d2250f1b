// A run as a picture: hosts as columns, messages as arrows, faults as rows across
// =============================================================================
//
// Fed with every line of a trace; keeps the last ones that were asked for, each with what was known of the hosts then. One row an event:
//
//        ms     h1      h2      h3      c1
//   3039.597    ├───────┼──────▶│       │   replicate partition-3
//   3064.202    │╳╌╌╌╌╌╌┤       │       │   heartbeat agent: broker-down
//   3307.251  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ host-kill
//   3307.251    │       │       ✖       │   host-killed power-lost
//   3314.670    │       ├──────────────▶│   written client
//
// Owns:     which events are drawn, and how.
// Does not: know what messages mean. Those between threads of one host, heartbeats and copies of the map are left out, unless they were lost or
// asked for by name.
//
// Invariants
//   P1. Rows kept are bounded, however long the trace is.
//   P2. Every row fits the width.

import type { FaultEpisode } from '../../runtime/simulation/fault-schedule.js';
import { messageOf, parseTraceLine, type TraceLine } from '../../runtime/simulation/trace-line.js';

export interface DiagramOptions {
  /** Virtual ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Drawn are lines in which one of these words is the actor, the kind or a host; all when empty. Faults always. */
  readonly only: readonly string[];
  /** The last so many rows. */
  readonly rows: number;
}

export type Tint = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold' | 'plain';
/** Colours a text, or leaves it as it is. */
export type Tinted = (tint: Tint, text: string) => string;

/** What a column's line looks like at the moment. */
interface Life {
  readonly look: 'up' | 'paused' | 'down';
  /** When it will be up by itself. */
  readonly untilMs: number;
}

interface Row {
  readonly line: TraceLine;
  readonly lives: ReadonlyMap<string, Life>;
  /** How many alike, one right after the other. */
  count: number;
  /** Of a fault that begins: how many there were before it. */
  readonly fault: number;
}

/** What hosts say all the time. Lost ones are drawn. */
const routine: ReadonlySet<string> = new Set([
  'heartbeat',
  'map-fetch',
  'map-reply',
  'raft-heartbeat',
  'raft-heartbeat-reply',
]);

const becomes: Readonly<Record<string, Life['look']>> = {
  'host-killed': 'down',
  'host-exited': 'down',
  'host-stopped': 'down',
  'host-starting-over': 'down',
  'host-started': 'up',
  'host-paused': 'paused',
  'host-suspended': 'paused',
};
const up: Life = { look: 'up', untilMs: Infinity };
const strokes: Readonly<Record<Life['look'], string>> = { up: '│', paused: '┊', down: ' ' };

export class Diagram {
  readonly #options: DiagramOptions;
  #rows: Row[] = [];
  #lives: ReadonlyMap<string, Life> = new Map();
  #left = 0;
  #hidden = 0;
  #faults = 0;

  constructor(options: DiagramOptions) {
    this.#options = options;
  }

  /** @param text a line as the trace writes it; anything else is passed over */
  feed(text: string): void {
    const line = parseTraceLine(text);
    if (line === undefined) return;
    this.#live(line);
    const fault = line.kind === 'fault' ? this.#faults++ : -1;
    if (!this.#isAskedFor(line)) return;
    const before = this.#rows.at(-1);
    if (before !== undefined && isSame(before.line, line)) {
      before.count++;
      return;
    }
    this.#rows.push({ line, lives: this.#lives, count: 1, fault });
    // P1: not at each row, which would copy them all.
    if (this.#rows.length >= 2 * this.#options.rows) this.#shorten();
  }

  #live({ atMs, host, kind, detail }: TraceLine): void {
    if (host === '') return;
    const known = this.#lives.get(host);
    const look = becomes[kind];
    let life = known ?? up;
    if (look !== undefined) life = { look, untilMs: look === 'paused' ? atMs + Number(detail) : Infinity };
    if (life !== known) this.#lives = new Map(this.#lives).set(host, life);
  }

  #shorten(): void {
    const surplus = this.#rows.length - this.#options.rows;
    if (surplus <= 0) return;
    this.#left += surplus;
    this.#rows = this.#rows.slice(surplus);
  }

  #isAskedFor(line: TraceLine): boolean {
    const { fromMs, toMs, only } = this.#options;
    if (line.atMs < fromMs || line.atMs > toMs) return false;
    if (isAcross(line)) return true;
    const message = messageOf(line);
    if (only.length === 0) {
      const isHidden =
        message !== undefined &&
        (message.from === message.to || (message.lost === undefined && routine.has(message.kind)));
      if (isHidden) this.#hidden++;
      return !isHidden;
    }
    const words = [line.actor, line.kind, line.host, message?.kind, message?.from, message?.to];
    return only.some((wanted) => words.includes(wanted) || words.includes(`@${wanted}`));
  }

  /** What was kept, in order. */
  get lines(): readonly TraceLine[] {
    this.#shorten();
    return this.#rows.map(({ line }) => line);
  }

  /** The columns, hosts before clients. */
  get lanes(): readonly string[] {
    this.#shorten();
    const names = new Set<string>();
    for (const { line } of this.#rows) {
      const message = messageOf(line);
      for (const name of [line.host, message?.from, message?.to])
        if (name !== undefined && name !== '') names.add(name);
    }
    for (const name of this.#lives.keys()) if (!name.startsWith('@')) names.add(name);
    names.delete('*');
    return [...names].sort(byKindAndNumber);
  }

  /**
   * @param width of the terminal, in cells
   * @param episodes of the run, which say whom the faults struck
   */
  draw(width: number, tinted: Tinted, episodes: readonly FaultEpisode[] = []): string[] {
    const { lanes } = this;
    const rows = this.#rows;
    if (rows.length === 0) return ['nothing of this happened'];
    const layout = layoutOf(lanes, width);
    const lines: string[] = [];
    if (this.#left > 0) lines.push(tinted('dim', `… ${this.#left} rows before`));
    lines.push(tinted('bold', header(layout)));
    let shownMs = '';
    for (const row of rows) {
      const at = row.line.atMs.toFixed(layout.digits);
      lines.push(
        tinted('dim', (at === shownMs ? '' : at).padStart(layout.timeWidth)) +
          drawRow(row, layout, tinted, episodes[row.fault]),
      );
      shownMs = at;
    }
    lines.push(tinted('bold', header(layout)));
    const hidden = `not drawn: ${this.#hidden} messages within a host, heartbeats and copies of the map (--only names them)`;
    if (this.#hidden > 0) lines.push(tinted('dim', cut(hidden, width)));
    return lines;
  }
}

/** Rows across: faults, steps of the script, phases. They happen to no one host. */
export function isAcross({ host }: TraceLine): boolean {
  return host === '';
}

function isSame(a: TraceLine, b: TraceLine): boolean {
  return (
    b.atMs - a.atMs < 1 &&
    a.host === b.host &&
    a.actor === b.actor &&
    a.kind === b.kind &&
    a.detail === b.detail &&
    messageOf(a) !== undefined
  );
}

function byKindAndNumber(a: string, b: string): number {
  const clients = Number(a.startsWith('@')) - Number(b.startsWith('@'));
  if (clients !== 0) return clients;
  const [x, y] = [
    Number(/\d+$/.exec(a)?.[0] ?? Number.MAX_SAFE_INTEGER),
    Number(/\d+$/.exec(b)?.[0] ?? Number.MAX_SAFE_INTEGER),
  ];
  return x !== y ? x - y : a < b ? -1 : 1;
}

// --- the picture --------------------------------------------------------------------------------------------------------

interface Layout {
  readonly lanes: readonly string[];
  readonly laneWidth: number;
  readonly lanesWidth: number;
  readonly timeWidth: number;
  readonly digits: number;
  readonly noteWidth: number;
}

const timeWidthWide = 11;
const timeWidthNarrow = 9;
const noteShare = 0.36;
/** What lasts longer stays until everything is healed. */
const foreverMs = 1e9;

function layoutOf(lanes: readonly string[], width: number): Layout {
  const isNarrow = width < 100;
  const timeWidth = isNarrow ? timeWidthNarrow : timeWidthWide;
  const room = width - timeWidth - 1;
  const forLanes = Math.floor(room * (1 - noteShare));
  const laneWidth = Math.max(2, Math.min(12, Math.floor(forLanes / Math.max(1, lanes.length))));
  const lanesWidth = Math.min(laneWidth * lanes.length + 1, Math.max(0, room - 2));
  return {
    lanes,
    laneWidth,
    lanesWidth,
    timeWidth,
    digits: isNarrow ? 1 : 3,
    noteWidth: Math.max(0, room - lanesWidth - 1),
  };
}

function middleOf(lane: number, { laneWidth }: Layout): number {
  return lane * laneWidth + Math.floor(laneWidth / 2);
}

function header(layout: Layout): string {
  const { lanes, laneWidth, lanesWidth, timeWidth } = layout;
  const cells: string[] = Array.from({ length: lanesWidth }, () => ' ');
  lanes.forEach((name, i) => {
    const shown = name.replace('@', '').slice(0, Math.max(1, laneWidth - 1));
    const from = Math.max(0, middleOf(i, layout) - Math.floor((shown.length - 1) / 2));
    for (let k = 0; k < shown.length && from + k < lanesWidth; k++) cells[from + k] = shown.charAt(k);
  });
  return `${'ms'.padStart(timeWidth)} ${cells.join('')}`.trimEnd();
}

interface Cell {
  text: string;
  tint: Tint;
}

function drawRow(
  { line, lives, count }: Row,
  layout: Layout,
  tinted: Tinted,
  episode: FaultEpisode | undefined,
): string {
  const cells: Cell[] = Array.from({ length: layout.lanesWidth }, () => ({ text: ' ', tint: 'dim' }));
  layout.lanes.forEach((name, i) => {
    const { look, untilMs } = lives.get(name) ?? up;
    put(cells, middleOf(i, layout), strokes[line.atMs >= untilMs ? 'up' : look], 'dim');
  });
  const message = messageOf(line);
  const times = count > 1 ? ` ×${count}` : '';
  if (isAcross(line)) {
    const [stroke, tint] = acrossLooks[line.kind] ?? ['─', 'bold'];
    for (const cell of cells) {
      if (tint !== 'dim' || cell.text === ' ') cell.text = stroke;
      cell.tint = tint;
    }
    return joined(cells, tinted) + note(acrossText(line, episode), tint, layout, tinted);
  }
  if (message !== undefined) {
    const { from, to, lost } = message;
    const tint: Tint = lost === undefined ? tintOf(message.kind) : 'red';
    arrow(cells, layout, layout.lanes.indexOf(from), layout.lanes.indexOf(to), lost !== undefined, tint);
    const text = lost === undefined ? `${message.kind} ${line.actor}` : `${message.kind} ${line.actor}: ${lost}`;
    return joined(cells, tinted) + note(text + times, lost === undefined ? 'plain' : 'red', layout, tinted);
  }
  const lane = layout.lanes.indexOf(line.host);
  const [mark, tint] = markOf(line);
  if (lane >= 0) put(cells, middleOf(lane, layout), mark, tint);
  const text = [line.kind, line.actor, line.detail].filter((part) => part !== '').join(' ');
  return joined(cells, tinted) + note(text + times, tint, layout, tinted);
}

const acrossLooks: Readonly<Record<string, readonly [string, Tint]>> = {
  fault: ['━', 'yellow'],
  'fault-ended': ['╌', 'dim'],
};

function acrossText(line: TraceLine, episode: FaultEpisode | undefined): string {
  if (line.kind === 'fault') return faultText(line.detail, episode);
  return line.kind === 'fault-ended' ? `${line.detail} is over` : `${line.kind} ${line.detail}`;
}

/** `host-kill h2 for 240 ms` */
function faultText(detail: string, episode: FaultEpisode | undefined): string {
  const [kind = '', lastsMs = ''] = detail.split(' ');
  const targets = Object.entries(episode?.kind === kind ? episode.args : {})
    .map(([name, value]) => (typeof value === 'number' ? `${name}=${shortNumber(value)}` : String(value)))
    .join(' ');
  const lasts = Number(lastsMs) > 0 && Number(lastsMs) < foreverMs ? ` for ${shortNumber(Number(lastsMs))} ms` : '';
  return `${kind}${targets === '' ? '' : ` ${targets}`}${lasts}`;
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

function markOf({ kind }: TraceLine): [string, Tint] {
  if (/^host-(killed|exited)$|died|crashed|fail/.test(kind)) return ['✖', 'red'];
  if (/^host-started$|leader|active/.test(kind)) return ['◆', 'green'];
  if (/truncated|fenced|diverged|quarantined|gap/.test(kind)) return ['●', 'yellow'];
  return ['●', 'bold'];
}

/** The clients' own questions and answers stand out from what hosts say to each other. */
function tintOf(kind: string): Tint {
  return /^(write|written|read|read-done|scan|scan-done|refused)$/.test(kind) ? 'green' : 'cyan';
}

function put(cells: Cell[], at: number, text: string, tint: Tint): void {
  const cell = cells[at];
  if (cell === undefined) return;
  cell.text = text;
  cell.tint = tint;
}

/** From lane to lane; `-1` is somewhere outside of the picture. */
function arrow(cells: Cell[], layout: Layout, from: number, to: number, lost: boolean, tint: Tint): void {
  const stroke = lost ? '╌' : '─';
  if (from === to || from < 0 || to < 0) {
    const lane = Math.max(from, to);
    if (lane >= 0) put(cells, middleOf(lane, layout), lost ? '╳' : '↻', tint);
    return;
  }
  const [start, end] = [middleOf(from, layout), middleOf(to, layout)];
  const step = start < end ? 1 : -1;
  put(cells, start, step > 0 ? '├' : '┤', tint);
  for (let at = start + step; at !== end; at += step) {
    const isCrossing = cells[at]?.text !== ' ';
    put(cells, at, isCrossing ? '┼' : stroke, tint);
  }
  put(cells, end - step, lost ? '╳' : step > 0 ? '▶' : '◀', tint);
}

function joined(cells: readonly Cell[], tinted: Tinted): string {
  let text = '';
  let run = '';
  let tint: Tint = 'plain';
  for (const cell of cells) {
    if (cell.tint !== tint && run !== '') {
      text += tinted(tint, run);
      run = '';
    }
    tint = cell.tint;
    run += cell.text;
  }
  return text + tinted(tint, run);
}

function note(text: string, tint: Tint, { noteWidth }: Layout, tinted: Tinted): string {
  const shown = cut(text, noteWidth);
  return shown === '' ? '' : ` ${tinted(tint, shown)}`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
