// Grouped bars on a logarithmic scale, as SVG
// =============================================================================
//
// A panel is one figure by category (operations under way), a bar a peer. The scale is logarithmic, because the peers are up to a hundred times apart; each bar has its figure above
// it. Colours are told apart on white and on black, and by those who see few of them (Okabe and Ito); text and lines follow the reader's light or dark theme.

export interface Panel {
  readonly title: string;
  readonly categories: readonly string[];
  /** One for each category; undefined: not measured. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[];
  readonly text: (value: number) => string;
}

const colours = ['#0072B2', '#E69F00', '#009E73', '#CC79A7', '#D55E00', '#56B4E9', '#999999'];
const panelWidth = 960;
const plotHeight = 220;
const left = 64;
const titleHeight = 34;
const axisHeight = 26;
const legendRow = 22;
const barGap = 3;
const groupGap = 34;

const style = `
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #f0f6fc } .faint { fill: #9198a1 } .line { stroke: #3d444d }
  }`;

export function barChart(title: string, panels: readonly Panel[]): string {
  const names = panels[0]?.series.map((one) => one.name) ?? [];
  const squares = legend(names);
  const top = titleHeight + squares.height + 8;
  const panelHeight = titleHeight + plotHeight + axisHeight;
  const height = top + panels.length * panelHeight + 8;
  const body = panels.flatMap((panel, i) => drawPanel(panel, top + i * panelHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${panelWidth}" height="${height}" viewBox="0 0 ${panelWidth} ${height}" font-family="Helvetica, Arial, sans-serif" role="img" aria-label="${escape(title)}">`,
    `<style>${style}\n</style>`,
    `<rect class="paper" fill="#ffffff" width="${panelWidth}" height="${height}"/>`,
    text(left, 28, title, 'ink', 17, 'start', 'bold'),
    ...squares.parts,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

/** A coloured square and a name for each series, in as many rows as they need. */
function legend(names: readonly string[]): { readonly parts: readonly string[]; readonly height: number } {
  let x = left;
  let y = titleHeight + 8;
  const parts = names.flatMap((name, i) => {
    const width = 18 + name.length * 7.2 + 20;
    if (x > left && x + width > panelWidth) {
      x = left;
      y += legendRow;
    }
    const square = `<rect x="${x.toFixed(1)}" y="${y}" width="12" height="12" rx="2" fill="${colourOf(i)}"/>`;
    const label = text(x + 18, y + 11, name, 'ink', 13, 'start');
    x += width;
    return [square, label];
  });
  return { parts, height: y + legendRow - titleHeight };
}

function drawPanel({ title, categories, series, text: figure }: Panel, top: number): string[] {
  const known = series.flatMap(({ values }) => values.filter((value) => value !== undefined && value > 0)) as number[];
  const out = [text(left, top + 20, title, 'ink', 14, 'start', 'bold')];
  if (known.length === 0) return [...out, text(left, top + 60, 'not measured', 'faint', 12, 'start')];
  const [low, high] = decades(known);
  out.push(text(panelWidth - 16, top + 20, 'logarithmic scale', 'faint', 11, 'end'));
  const plotTop = top + titleHeight;
  const base = plotTop + plotHeight;
  const yOf = (value: number): number => base - (plotHeight * (Math.log10(value) - low)) / Math.max(1e-9, high - low);
  for (let power = Math.ceil(low); power <= high; power++) {
    const y = yOf(10 ** power).toFixed(1);
    out.push(`<line class="line" stroke="#d1d9e0" x1="${left}" x2="${panelWidth - 16}" y1="${y}" y2="${y}"/>`);
    out.push(text(left - 8, Number(y) + 4, axisText(10 ** power), 'faint', 11, 'end'));
  }
  const groupWidth = (panelWidth - 16 - left) / categories.length;
  const barWidth = (groupWidth - groupGap) / series.length - barGap;
  categories.forEach((category, c) => {
    const x0 = left + c * groupWidth + groupGap / 2;
    out.push(text(left + (c + 0.5) * groupWidth, base + 18, category, 'ink', 12, 'middle'));
    series.forEach(({ values }, s) => {
      const value = values[c];
      const x = x0 + s * (barWidth + barGap);
      if (value === undefined || value <= 0) out.push(text(x + barWidth / 2, base - 4, 'n/a', 'faint', 10, 'middle'));
      else out.push(...bar(x, yOf(value), barWidth, base, colourOf(s), figure(value)));
    });
  });
  return out;
}

function bar(x: number, y: number, width: number, base: number, colour: string, figure: string): string[] {
  return [
    `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${(base - y).toFixed(1)}" rx="2" fill="${colour}"/>`,
    text(x + width / 2, y - 4, figure, 'ink', 10, 'middle'),
  ];
}

/** Of the axis: below the least by half a decade, so that it has a bar, and room above the most for its figure. */
function decades(values: readonly number[]): readonly [number, number] {
  const low = Math.floor(2 * (Math.log10(Math.min(...values)) - 0.25)) / 2;
  return [low, Math.log10(Math.max(...values)) + 0.25];
}

function axisText(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  if (value >= 1000) return `${value / 1000}k`;
  return String(Number(value.toPrecision(3)));
}

function colourOf(series: number): string {
  return colours[series % colours.length] as string;
}

function text(
  x: number,
  y: number,
  words: string,
  tone: 'ink' | 'faint',
  size: number,
  anchor: 'start' | 'middle' | 'end',
  weight = 'normal',
): string {
  const fill = tone === 'ink' ? '#1f2328' : '#59636e'; // for those who read no style sheet
  return `<text class="${tone}" fill="${fill}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}">${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
