// A fixed piece of work for the processor alone
// =============================================================================
//
// Measured beside every sample: a figure divided by it says how much work an operation is, and not how fast the machine is, or was at that moment.
// It cancels clock rate, a neighbour on the same core and a slow hypervisor; not the size of caches, the speed of memory or another V8.
//
// Whoever changes it raises the baseline's format: figures in other spins cannot be compared.
//
// Integer multiplications that each wait for the one before, so nothing of it can be vectorized, left out or done ahead.

const steps = 2000;
const turns = 100;
const spinsMax = 5;

let seed = 1;

/** Short, and called often: so V8 has compiled it as well as it can after the first few spins. One long loop was, or was not, by chance. */
function turn(from: number): number {
  let state = from | 1;
  for (let i = 0; i < steps; i++) state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i) | 0;
  return state;
}

/** One spin: about 0.2 to 0.5 ms. @returns where the numbers ended up */
export function spin(from: number): number {
  let state = from;
  for (let i = 0; i < turns; i++) state = turn(state);
  return state;
}

/** How long a spin takes now, in nanoseconds: the median of five, so that one interruption says nothing. */
export function spinNs(nowMs: () => number): number {
  const durations: number[] = [];
  for (let i = 0; i < spinsMax; i++) {
    const startMs = nowMs();
    seed = spin(seed);
    durations.push((nowMs() - startMs) * 1e6);
  }
  return [...durations].sort((a, b) => a - b)[spinsMax >> 1] as number;
}
