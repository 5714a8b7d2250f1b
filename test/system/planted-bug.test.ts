// A bug planted in a real host: only by a name that is known, and never in silence
// =============================================================================

import { expect } from 'chai';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runNode } from '../support/cli-mesh.js';

const process = new URL('../support/toy-process.js', import.meta.url).pathname;

describe('system: a bug planted in a host', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'troupe-planted-'));

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('planted-bug G4: a host refuses a bug that nobody knows, before it has formatted anything', async () => {
    const data = join(folder, 'a');
    const words = [resolve('cli/troupe.mjs'), 'serve', '--name', 'a', '--data', data, '--bootstrap'];
    const { code, stderr } = await runNode(words, folder, '', { TROUPE_PLANTED_BUG: 'PB00' });
    expect(code).to.equal(78);
    expect(stderr.trim().split('\n')).to.have.length(1);
    expect(stderr).to.match(/TROUPE_PLANTED_BUG=PB00: no such bug; .* PB09/);
    expect(existsSync(data)).to.equal(false);
  });

  it('planted-bug G4: main thread and workers have the one that is asked for, and the host says so', async () => {
    const { code, stdout } = await runNode([process, 'tell-planted'], folder, '', { TROUPE_PLANTED_BUG: 'PB09' });
    expect(code).to.equal(0);
    expect(stdout).to.match(/ warn {2}child\/main\/host bug-planted bug=PB09 wrong=/);
    expect(stdout).to.include('main: true\n').and.to.include('worker 0: true\n');
  });

  it('planted-bug G4: without the variable nobody has any', async () => {
    const { code, stdout } = await runNode([process, 'tell-planted'], folder);
    expect(code).to.equal(0);
    expect(stdout).to.include('main: false\n').and.to.include('worker 0: false\n').and.not.to.include('bug-planted');
  });
});
