import { expect } from 'chai';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MessageChannel } from 'node:worker_threads';

import { Caller, ControlError, type HostServices, movedCopy, serveCalls } from '../../../runtime/threads/control.js';

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call was answered');
}

describe('runtime/threads: control calls', () => {
  it('control W1: a call is answered', async () => {
    const { port1, port2 } = new MessageChannel();
    serveCalls({ compress: (bytes) => Promise.resolve(bytes.slice(0, 1)) }, port2);
    const caller = new Caller<HostServices>(port1);
    const answer = await caller.call('compress', 5000, (remote) => remote.compress(new Uint8Array([1, 2])));
    expect(answer).deep.equals(new Uint8Array([1]));
    caller.end();
  });

  // Soak, cycle 49: a chunk that had come over the network was moved with the frame that it lay in, and its worker died.
  it('what is moved as a copy leaves the buffer that it is a view on, also that of a Buffer', async () => {
    const { port1, port2 } = new MessageChannel();
    serveCalls({ compress: (bytes) => Promise.resolve(bytes.slice(0, 1)) }, port2);
    const caller = new Caller<HostServices>(port1);
    const frame = Buffer.alloc(64, 7);
    for (const view of [frame.subarray(8, 16), new Uint8Array(frame.buffer, frame.byteOffset + 8, 8)]) {
      const answer = await caller.call('compress', 5000, (remote) => remote.compress(movedCopy(view)));
      expect(answer).deep.equals(new Uint8Array([7]));
    }
    expect(frame.subarray(0, 3)).deep.equals(Buffer.from([7, 7, 7]));
    caller.end();
  });

  it('control W1: a call that is never answered ends at its deadline', async () => {
    const { port1, port2 } = new MessageChannel();
    const caller = new Caller<HostServices>(port1);
    const error = await failureOf(caller.call('compress', 20, (remote) => remote.compress(new Uint8Array())));
    expect(error).instanceOf(ControlError);
    expect((error as ControlError).cause).equals('deadline');
    caller.end();
    port2.close();
  });

  it('control W1: a call ends with the thread, and so does one made afterwards; W3: the port is closed', async () => {
    const { port1, port2 } = new MessageChannel();
    const caller = new Caller<HostServices>(port1);
    const closed = new Promise((resolve) => port2.once('close', resolve));
    port2.start();
    const pending = failureOf(caller.call('compress', 5000, (remote) => remote.compress(new Uint8Array())));
    caller.end();
    expect(((await pending) as ControlError).cause).equals('thread-ended');
    const late = await failureOf(caller.call('compress', 5000, (remote) => remote.compress(new Uint8Array())));
    expect((late as ControlError).cause).equals('thread-ended');
    await closed;
  });

  it('control W2: a call under way survives garbage collection', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { port1, port2 } = new MessageChannel();
    let answer: (bytes: Uint8Array) => void = () => undefined;
    const answered = new Promise<Uint8Array>((resolve) => {
      answer = resolve;
    });
    serveCalls({ compress: () => answered }, port2);
    const caller = new Caller<HostServices>(port1);
    const pending = caller.call('compress', 5000, (remote) => remote.compress(new Uint8Array()));
    for (let i = 0; i < 5; i++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    answer(new Uint8Array([7]));
    expect(await pending).deep.equals(new Uint8Array([7]));
    caller.end();
  });

  it('what the other side threw comes as an error with its message', async () => {
    const { port1, port2 } = new MessageChannel();
    serveCalls({ compress: () => Promise.reject(new RangeError('too long')) }, port2);
    const caller = new Caller<HostServices>(port1);
    const error = await failureOf(caller.call('compress', 5000, (remote) => remote.compress(new Uint8Array())));
    expect((error as Error).message).equals('too long');
    caller.end();
  });
});
