// Writes gathered into batches with one WAIT each

import { expect } from 'chai';
import { type BatchAnswer, type Lane, WaitBatches } from '../../bench/peers/wait-batches.js';

/** A lane that answers when it is told to. */
class Held {
  readonly batches: string[][] = [];
  readonly #answers: ((answer: BatchAnswer) => void)[] = [];
  readonly #failures: ((error: Error) => void)[] = [];

  readonly lane: Lane = (keys) => {
    this.batches.push([...keys]);
    return new Promise((resolve, reject) => {
      this.#answers.push(resolve);
      this.#failures.push(reject);
    });
  };

  answer(replicas: number, errors?: readonly (Error | undefined)[]): void {
    const keys = this.batches[this.batches.length - 1] as string[];
    this.#answers.at(-1)?.({ replicas, errors: errors ?? keys.map(() => undefined) });
  }

  fail(): void {
    this.#failures.at(-1)?.(new Error('connection lost'));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const outcome = (promise: Promise<void>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: Error) => error.message,
  );

describe('bench: peers: batches with one WAIT', () => {
  it('what one turn asks for is one batch; what is asked meanwhile is the next', async () => {
    const held = new Held();
    const batches = new WaitBatches([held.lane], 1, 100);
    const first = [batches.put('a', '1'), batches.put('b', '2')];
    await turn();
    const second = [batches.put('c', '3')];
    await turn();
    second.push(batches.put('d', '4'));
    await turn();
    expect(held.batches).to.deep.equal([['a', 'b']]);
    held.answer(1);
    await Promise.all(first);
    await turn();
    expect(held.batches).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    held.answer(2);
    await Promise.all(second);
  });

  it('each lane has a batch under way, none longer than allowed', async () => {
    const lanes = [new Held(), new Held()];
    const batches = new WaitBatches(
      lanes.map((one) => one.lane),
      1,
      2,
    );
    const all = ['a', 'b', 'c', 'd', 'e'].map((key) => batches.put(key, ''));
    await turn();
    expect(lanes.flatMap((one) => one.batches).map((batch) => batch.length)).to.deep.equal([2, 2]);
    for (const one of lanes) one.answer(1);
    await Promise.all(all.slice(0, 4));
    await turn();
    const last = lanes.find((one) => one.batches.length === 2);
    expect(last?.batches[1]).to.deep.equal(['e']);
    last?.answer(1);
    await Promise.all(all);
  });

  it('too few replicas is no answer, and an error of one write is that write’s alone', async () => {
    const held = new Held();
    const batches = new WaitBatches([held.lane], 1, 100);
    const short = batches.put('a', '');
    await turn();
    held.answer(0);
    expect(await outcome(short)).to.equal('WAIT: 0 replicas have it, not 1');
    const pair = [batches.put('b', ''), batches.put('c', '')];
    await turn();
    held.answer(1, [new Error('OOM'), undefined]);
    expect(await Promise.all(pair.map(outcome))).to.deep.equal(['OOM', 'done']);
  });

  it('a lane that fails fails its batch, and goes on', async () => {
    const held = new Held();
    const batches = new WaitBatches([held.lane], 1, 100);
    const lost = batches.put('a', '');
    await turn();
    held.fail();
    expect(await outcome(lost)).to.equal('connection lost');
    const next = batches.put('b', '');
    await turn();
    held.answer(1);
    expect(await outcome(next)).to.equal('done');
  });
});
