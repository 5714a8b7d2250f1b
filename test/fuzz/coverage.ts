// Which blocks of code ran: V8's precise coverage
// =============================================================================
//
// A block is reported only when it ran another number of times than what is around it, so that what ran is compared character by character.
// Taking coverage costs many milliseconds whatever ran, so the loop takes it once for a batch of inputs and looks closer only when the batch
// brought something new.

import { Session } from 'node:inspector';

interface BlockRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly { readonly functionName: string; readonly ranges: readonly BlockRange[] }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #isWatched: (url: string) => boolean;
  /** By function, each character: 1 when it ran. */
  readonly #known = new Map<string, Uint8Array>();
  /** Shapes of a function's coverage that hold nothing new. */
  readonly #shapes = new Set<string>();
  #characters = 0;

  /** @param isWatched by the script's URL */
  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of code that are known to have run. */
  get characterCount(): number {
    return this.#characters;
  }

  /** How many characters of code ran since the last call that are not known. `isKept`: they are from now on. */
  take(isKept: boolean): number {
    let scripts: readonly ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      scripts = (answer as { readonly result: readonly ScriptCoverage[] }).result;
    });
    let fresh = 0;
    for (const { scriptId, url, functions } of scripts) {
      if (!this.#isWatched(url)) continue;
      for (const { ranges } of functions) fresh += this.#takeFunction(scriptId, ranges, isKept);
    }
    return fresh;
  }

  #takeFunction(scriptId: string, ranges: readonly BlockRange[], isKept: boolean): number {
    const [whole, ...blocks] = ranges;
    if (whole === undefined || whole.count === 0) return 0;
    const name = `${scriptId}:${whole.startOffset}-${whole.endOffset}`;
    const shape = `${name} ${blocks.map((one) => `${one.startOffset}-${one.endOffset}${one.count === 0 ? '-' : '+'}`).join(' ')}`;
    if (this.#shapes.has(shape)) return 0;
    const ran = new Uint8Array(whole.endOffset - whole.startOffset).fill(1);
    for (const { startOffset, endOffset, count } of blocks)
      ran.fill(count === 0 ? 0 : 1, startOffset - whole.startOffset, endOffset - whole.startOffset);
    const known = this.#known.get(name) ?? new Uint8Array(ran.length);
    let fresh = 0;
    for (let i = 0; i < ran.length; i++) if (ran[i] === 1 && known[i] === 0) fresh++;
    if (fresh > 0 && !isKept) return fresh;
    this.#shapes.add(shape);
    for (let i = 0; i < ran.length; i++) if (ran[i] === 1) known[i] = 1;
    this.#known.set(name, known);
    this.#characters += fresh;
    return fresh;
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}
