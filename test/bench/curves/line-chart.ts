// A line chart as SVG
// =============================================================================
//
// Pure: a chart in, text out, the same for the same chart. Lines differ by colour and by the shape of their points, and are named at the
// right, so that nothing is said by colour alone. The background is white, so that it can be read in a dark page.

import type { Axis, Chart, Line } from './curve.js';
import { type AxisMarks, marksOf, shortNumber } from './ticks.js';

const width = 720;
const height = 360;
const plot = { left: 64, right: 560, top: 40, bottom: 304 };
const nameGap = 15;
/** Told apart by people who see few colours, too (Okabe and Ito, 2002). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

type Place = (value: number) => number;

export function lineChart({ title, x, y, lines }: Chart): string {
  const drawn = lines.map((line) => ({ name: line.name, points: line.points.filter(fits(x, y)) }));
  const all = drawn.flatMap((line) => line.points);
  const marksX = marksOf(
    x.scale,
    all.map((point) => point[0]),
  );
  const marksY = marksOf(
    y.scale,
    all.map((point) => point[1]),
  );
  const placeX = placing(x, marksX, plot.left, plot.right);
  const placeY = placing(y, marksY, plot.bottom, plot.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${plot.left}" y="22" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...gridX(marksX, placeX),
    ...gridY(marksY, placeY),
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 38}" text-anchor="middle">${escaped(x.title)}</text>`,
    `<text transform="translate(16 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.title)}</text>`,
    ...drawn.flatMap((line, i) => drawLine(line, i, placeX, placeY)),
    ...nameLines(drawn, placeY),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function fits(x: Axis, y: Axis): (point: readonly [number, number]) => boolean {
  return ([atX, atY]) =>
    Number.isFinite(atX) &&
    Number.isFinite(atY) &&
    (x.scale === 'linear' || atX > 0) &&
    (y.scale === 'linear' || atY > 0);
}

function placing(axis: Axis, { min, max }: AxisMarks, from: number, to: number): Place {
  const of = axis.scale === 'log' ? Math.log10 : (value: number): number => value;
  const span = of(max) - of(min);
  return (value) => Number((from + ((of(value) - of(min)) / span) * (to - from)).toFixed(1));
}

function gridX({ marks }: AxisMarks, place: Place): string[] {
  return marks.flatMap((mark) => [
    `<line x1="${place(mark)}" y1="${plot.top}" x2="${place(mark)}" y2="${plot.bottom}" stroke="#eeeeee"/>`,
    `<text x="${place(mark)}" y="${plot.bottom + 18}" text-anchor="middle">${shortNumber(mark)}</text>`,
  ]);
}

function gridY({ marks }: AxisMarks, place: Place): string[] {
  return marks.flatMap((mark) => [
    `<line x1="${plot.left}" y1="${place(mark)}" x2="${plot.right}" y2="${place(mark)}" stroke="#dddddd"/>`,
    `<text x="${plot.left - 8}" y="${place(mark) + 4}" text-anchor="end">${shortNumber(mark)}</text>`,
  ]);
}

function drawLine({ points }: Line, i: number, placeX: Place, placeY: Place): string[] {
  const colour = colours[i % colours.length] as string;
  const places = points.map(([atX, atY]) => [placeX(atX), placeY(atY)] as const);
  const path = places.map(([atX, atY]) => `${atX},${atY}`).join(' ');
  const line =
    places.length < 2 ? [] : [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`];
  return [...line, ...(places.length > dotsMax ? [] : places.map(([atX, atY]) => dot(i, atX, atY, colour)))];
}

/** Of a line with more points they would only make it thicker. */
const dotsMax = 60;

function dot(i: number, x: number, y: number, colour: string): string {
  switch (i % 3) {
    case 0:
      return `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`;
    case 1:
      return `<rect x="${x - 3}" y="${y - 3}" width="6" height="6" fill="${colour}"/>`;
    default:
      return `<path d="M${x} ${y - 4.5} l4 7.5 h-8 z" fill="${colour}"/>`;
  }
}

/** At the height where each line ends, moved apart where they would cover each other. */
function nameLines(lines: readonly Line[], placeY: Place): string[] {
  const wanted = lines
    .map((line, i) => ({
      line,
      i,
      y: line.points.length === 0 ? plot.bottom : placeY(line.points.at(-1)?.[1] as number),
    }))
    .sort((a, b) => a.y - b.y || a.i - b.i);
  let free = plot.top;
  const placed = wanted.map(({ line, i, y }) => {
    const at = Math.max(y, free);
    free = at + nameGap;
    return { line, i, y: at };
  });
  const over = Math.max(0, (placed.at(-1)?.y ?? 0) - (height - 8));
  return placed.flatMap(({ line, i, y }) => {
    const colour = colours[i % colours.length] as string;
    const at = Number((y - over).toFixed(1));
    return [
      dot(i, plot.right + 14, at, colour),
      `<text x="${plot.right + 24}" y="${Number((at + 4).toFixed(1))}" fill="${colour}">${escaped(line.name)}</text>`,
    ];
  });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
