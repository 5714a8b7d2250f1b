// The picture of a run, cell for cell
// =============================================================================

import { expect } from 'chai';
import { Diagram, type DiagramOptions } from '../../../../cli/sim/diagram.js';
import { mermaidOf } from '../../../../cli/sim/mermaid.js';
import { messageOf, parseTraceLine } from '../../../../runtime/simulation/trace-line.js';

const trace = `
   3036.146 h3/0     metadata       broker-down raft-vote h1
   3039.597 h2/1     partition-3    received replicate h1
   3069.589 h2/1     manager        received map-reply h2
   3077.695 h1/0     partition-3    received write @c1
   3077.695 @c1/0    client         received written h1
   3100.000 -        -              fault host-kill 240.5
   3100.000 h2/main  -              host-killed power-lost
   3110.000 h1/0     partition-3    nobody-there replicate h2
   3110.000 h1/0     partition-3    nobody-there replicate h2
   3120.500 h3/1     partition-3    leader-elected partition=3 epoch=2
   3130.000 h3/main  -              host-paused 20
   3140.000 h1/0     metadata       received raft-append h3
   3151.000 h1/0     metadata       received raft-append h3
   3340.500 -        -              fault-ended host-kill
   3340.500 h2/main  -              host-started host-restart
`.split('\n');

const all: DiagramOptions = { fromMs: 0, toMs: Number.POSITIVE_INFINITY, only: [], rows: 100 };

function drawn(width: number, options: Partial<DiagramOptions> = {}): string[] {
  const diagram = new Diagram({ ...all, ...options });
  for (const line of trace) diagram.feed(line);
  return diagram.draw(width, (_, text) => text);
}

describe('cli sim diagram', () => {
  it('hosts and clients are columns, messages arrows, faults rows across', () => {
    expect(
      `\n${drawn(100)
        .map((line) => line.trimEnd())
        .join('\n')}\n`,
    ).to.equal(`
         ms       h1          h2          h3          c1
   3036.146      │╳╌╌╌╌╌╌╌╌╌╌┼╌╌╌╌╌╌╌╌╌╌╌┤           │       raft-vote metadata: broker-down
   3039.597      ├──────────▶│           │           │       replicate partition-3
   3077.695      │◀──────────┼───────────┼───────────┤       write partition-3
                 ├───────────┼───────────┼──────────▶│       written client
   3100.000━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ host-kill for 241 ms
                 │           ✖           │           │       host-killed power-lost
   3110.000      ├╌╌╌╌╌╌╌╌╌╌╳            │           │       replicate partition-3: nobody-there ×2
   3120.500      │                       ◆           │       leader-elected partition-3 partition=…
   3130.000      │                       ●           │       host-paused 20
   3140.000      │◀──────────────────────┤           │       raft-append metadata
   3151.000      │◀──────────────────────┤           │       raft-append metadata
   3340.500╌╌╌╌╌╌│╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌│╌╌╌╌╌╌╌╌╌╌╌│╌╌╌╌╌╌ host-kill is over
                 │           ◆           │           │       host-started host-restart
         ms       h1          h2          h3          c1
not drawn: 1 messages within a host, heartbeats and copies of the map (--only names them)
`);
  });

  it('P2 every row fits, however narrow it is and however many hosts there are', () => {
    for (const width of [60, 80, 100, 120, 160, 200])
      for (const line of drawn(width)) expect(line.length, line).to.be.at.most(width);
    const many = new Diagram(all);
    for (let i = 1; i <= 16; i++)
      many.feed(`  1.000 h${i}/0     metadata       received raft-append-with-a-long-name h${(i % 16) + 1}`);
    for (const line of many.draw(60, (_, text) => text)) expect(line.length, line).to.be.at.most(60);
  });

  it('P1 keeps the last rows only, and says how many there were before', () => {
    const diagram = new Diagram({ ...all, rows: 5 });
    for (let i = 0; i < 1000; i++)
      diagram.feed(`${i + 1}.000 h${(i % 2) + 1}/0     metadata       received append-${i} h3`);
    const lines = diagram.draw(100, (_, text) => text);
    expect(lines[0]).to.equal('… 995 rows before');
    expect(lines.filter((line) => line.includes('append-')).length).to.equal(5);
    expect(lines.join('\n')).to.include('append-999').and.not.include('append-994 ');
  });

  it('draws only what was asked for, and faults always', () => {
    const text = drawn(120, { only: ['raft-append', 'c1'] }).join('\n');
    expect(text).to.include('raft-append').and.include('written').and.include('host-kill');
    expect(text).not.to.include('replicate');
    expect(drawn(120, { only: ['manager'] }).join('\n'), 'a message within a host, asked for by its actor').to.include(
      'map-reply',
    );
  });

  it('draws a span of time, and knows who was down before it began', () => {
    const lines = drawn(100, { fromMs: 3105, toMs: 3125 });
    expect(lines.join('\n')).to.include('leader-elected').and.not.include('raft-vote').and.not.include('host-started');
    const row = lines.find((line) => line.includes('leader-elected')) ?? '';
    expect(row.match(/[│◆]/g), 'h1 and h3, but not h2').to.deep.equal(['│', '◆']);
  });

  it('colours do not move anything', () => {
    const diagram = new Diagram(all);
    for (const line of trace) diagram.feed(line);
    const coloured = diagram.draw(100, (tint, text) => `<${tint}>${text}</>`);
    expect(coloured.map((line) => line.replace(/<\/?\w*>/g, ''))).to.deep.equal(drawn(100));
    expect(coloured.join('')).to.include('<yellow>').and.include('<red>').and.include('<dim>');
  });

  it('nothing to draw is said', () => {
    expect(new Diagram(all).draw(100, (_, text) => text)).to.deep.equal(['nothing of this happened']);
  });

  it('is a Mermaid sequence diagram, too', () => {
    const diagram = new Diagram(all);
    for (const line of trace) diagram.feed(line);
    const text = mermaidOf(diagram);
    expect(text.slice(0, 5)).to.deep.equal([
      'sequenceDiagram',
      '  participant h1 as h1',
      '  participant h2 as h2',
      '  participant h3 as h3',
      '  participant c1 as c1',
    ]);
    expect(text).to.include('  h1->>h2: 3039.6 replicate partition-3');
    expect(text).to.include('  h3-xh1: 3036.1 raft-vote metadata broker-down');
    expect(text).to.include('  Note over h1,c1: 3100.0 fault host-kill 240.5');
  });
});

describe('trace lines', () => {
  it('are taken apart as they were put together', () => {
    expect(parseTraceLine('   3036.146 h3/main  -              host-killed power-lost')).to.deep.equal({
      atMs: 3036.146,
      host: 'h3',
      worker: 'main',
      actor: '',
      kind: 'host-killed',
      detail: 'power-lost',
    });
    const fault = parseTraceLine('      0.000 -        -              fault clog 12.5');
    expect(fault).to.deep.include({ host: '', worker: '', actor: '', kind: 'fault', detail: 'clog 12.5' });
    for (const text of ['', 'hello', 'h1/0 metadata received', 'x 1 2 3'])
      expect(parseTraceLine(text)).to.equal(undefined);
  });

  it('tell of messages that arrived and of those that did not', () => {
    const of = (line: string): unknown => {
      const parsed = parseTraceLine(line);
      return parsed === undefined ? undefined : messageOf(parsed);
    };
    expect(of('1.000 h2/1 partition-3 received replicate h1')).to.deep.equal({
      from: 'h1',
      to: 'h2',
      kind: 'replicate',
      lost: undefined,
    });
    expect(of('1.000 h2/1 partition-3 cut replicate h1')).to.deep.include({ from: 'h2', to: 'h1', lost: 'cut' });
    expect(of('1.000 h2/1 partition-3 log-truncated from=3')).to.equal(undefined);
  });
});
