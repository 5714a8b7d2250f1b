// A small file is replaced as one step, whenever the power goes

import { expect } from 'chai';
import { Scheduler } from '../../../runtime/simulation/scheduler.js';
import { SimulatedDisk } from '../../../runtime/simulation/simulated-disk.js';
import { seededRandom } from '../../../runtime/std/random.js';
import { replaceFile } from '../../../runtime/storage/replace-file.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('replace a file', () => {
  it('a crash at any point leaves the old content or the new one, and the new one once it is done', () => {
    const seen = new Set<string>();
    for (let steps = 0; steps < 12; steps++) {
      for (let seed = 0; seed < 20; seed++) {
        const random = seededRandom(`replace ${steps} ${seed}`);
        const scheduler = new Scheduler(random.split('scheduler'));
        const disk = new SimulatedDisk(scheduler, random.split('disk'));
        const replace = (text: string, done: () => void): void =>
          replaceFile(disk.session(), 'a', bytesOf(text), (error) => {
            expect(error).to.equal(undefined);
            done();
          });
        const read = (): string => new TextDecoder().decode(disk.session().read('a', 0, 10_000));
        replace('old', () => undefined);
        while (scheduler.stepUntil(1e6));
        let isNew = false;
        replace('n'.repeat(2000), () => (isNew = true));
        for (let i = 0; i < steps; i++) scheduler.stepUntil(1e6);
        disk.crash();
        const found = read();
        expect(found).to.be.oneOf(isNew ? ['n'.repeat(2000)] : ['old', 'n'.repeat(2000)]);
        seen.add(`${isNew} ${found.length}`);
        replace('newer', () => undefined);
        while (scheduler.stepUntil(1e6));
        expect(read(), 'what was left beside it is in nobody’s way').to.equal('newer');
      }
    }
    expect([...seen]).to.have.members(['false 3', 'false 2000', 'true 2000']);
  });
});
