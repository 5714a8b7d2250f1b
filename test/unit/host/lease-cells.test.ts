import { expect } from 'chai';
import {
  appliedRevision,
  followedRevision,
  forgetApplied,
  grantLease,
  leaseExpiryMs,
  leaseValid,
  markApplied,
  rememberedRegistration,
  rememberFollowed,
  rememberRegistration,
  voidLease,
} from '../../../actors/host/lease-cells.js';
import type { Cells } from '../../../runtime/contract/cells.js';

/** Cells that note the order of loads and stores. */
class NotingCells implements Cells {
  readonly values = new Map<number, number>();
  readonly notes: string[] = [];

  load(index: number): number {
    this.notes.push(`load ${index}`);
    return this.values.get(index) ?? 0;
  }

  store(index: number, value: number): void {
    this.notes.push(`store ${index}`);
    this.values.set(index, value);
  }
}

describe('lease cells', () => {
  it('Z1: the revision is written before the expiry, and read after it', () => {
    const cells = new NotingCells();
    grantLease(cells, 1000.7, 5);
    expect(cells.notes).to.deep.equal(['store 0', 'store 1']);
    expect(leaseExpiryMs(cells)).to.equal(1000); // cut off, not rounded
    cells.notes.length = 0;
    leaseValid(cells, 0, 0);
    expect(cells.notes.slice(0, 2)).to.deep.equal(['load 1', 'load 0']);
  });

  for (const [name, expiryMs, required, applied, nowMs, valid] of [
    ['nothing granted', 0, 0, 0, 0, false],
    ['granted and applied', 100, 5, 5, 99.9, true],
    ['applied more', 100, 5, 9, 50, true],
    ['at its end', 100, 5, 5, 100, false],
    ['worker behind the grant', 100, 5, 4, 50, false],
  ] as const)
    it(`Z2: ${name} → ${valid}`, () => {
      const cells = new NotingCells();
      grantLease(cells, expiryMs, required);
      markApplied(cells, 1, applied);
      expect(leaseValid(cells, 1, nowMs)).to.equal(valid);
    });

  it('Z3: a void lease is over at once', () => {
    const cells = new NotingCells();
    grantLease(cells, 1000, 0);
    expect(leaseValid(cells, 0, 1)).to.equal(true);
    voidLease(cells);
    expect(leaseValid(cells, 0, 1)).to.equal(false);
  });

  it('applied revisions are each worker’s own, never fall, and are forgotten at a manager’s start', () => {
    const cells = new NotingCells();
    markApplied(cells, 0, 7);
    expect(appliedRevision(cells, 1)).to.equal(0);
    expect(() => markApplied(cells, 0, 6)).to.throw('Y1');
    forgetApplied(cells, 0);
    expect(appliedRevision(cells, 0)).to.equal(0);
  });

  it('a registration is remembered for the next manager of the process', () => {
    const cells = new NotingCells();
    expect(rememberedRegistration(cells, 0)).to.equal(undefined);
    rememberRegistration(cells, 0, 12);
    expect(rememberedRegistration(cells, 0)).to.equal(12);
  });

  it('so is the newest map that was gone by, each worker’s own', () => {
    const cells = new NotingCells();
    expect(followedRevision(cells, 0)).to.equal(0);
    rememberFollowed(cells, 0, 7);
    expect([followedRevision(cells, 0), followedRevision(cells, 1)]).to.deep.equal([7, 0]);
    expect(() => rememberFollowed(cells, 0, 6)).to.throw('older map');
  });
});
