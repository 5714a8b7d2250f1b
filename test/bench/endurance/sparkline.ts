// A series as a row of bars, for a terminal
// =============================================================================
//
// From zero to the largest, so that what is flat looks flat. Neighbours are averaged until they fit. A space where nothing was measured.

const bars = '▁▂▃▄▅▆▇█';
export const barsMax = 30;

export function sparkline(values: readonly (number | undefined)[]): string {
  const width = Math.max(1, Math.ceil(values.length / barsMax));
  const groups: (number | undefined)[] = [];
  for (let at = 0; at < values.length; at += width) groups.push(mean(values.slice(at, at + width)));
  const most = Math.max(0, ...groups.map((group) => group ?? 0));
  return groups.map((group) => (group === undefined ? ' ' : barOf(group, most))).join('');
}

function barOf(value: number, most: number): string {
  const height = most === 0 ? 0 : Math.max(0, value) / most;
  return bars[Math.max(0, Math.ceil(height * bars.length) - 1)] as string;
}

function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
