// The receiving end of a link
// =============================================================================
//
// Notices what is missing, keeps the past out, and says how much more may be sent.
//
// Owns:     the sender's present instance and epoch, the next sequence number expected, what has been taken up.
//
// Invariants
//   I1. A frame is delivered at most once per epoch, and in the order sent.
//   I2. A missing number, a new epoch and a first frame that is not the first sent are each told as a gap before what comes
//       after them is delivered (T3).
//   I3. An epoch, an instance or a host epoch that was followed by another one never comes back.
//   I4. The granted limit only grows within an epoch, and is at most one window beyond what has been taken up.
//   I5. Bytes of lost frames count as taken up: a loss shrinks no window.

import { assert } from '../../runtime/std/assert.js';
import { type Frame, type Grant, noGrant } from '../protocol/frame.js';

/** What to do with a frame. `gap`: tell of a loss first, then deliver it. */
export type Verdict = 'deliver' | 'gap' | 'duplicate' | 'stale';

/** Instances of the same sender that are remembered as past; more than one is rare. */
const pastInstancesMax = 8;

export class ReceivingLink {
  #instance = 0;
  #epoch = 0;
  #hostEpoch = 0;
  #expected = 0;
  /** End of the last frame received, in the sender's count of bytes. */
  #receivedEnd = 0;
  /** Of it, taken up by those the messages were for. */
  #takenUp = 0;
  #limit = 0;
  #toldLimit = 0;
  #toldSettled = 0;
  #answerWanted = false;
  readonly #past: number[] = [];

  /** The sender's instance and epoch together name what `takeUp` refers to. */
  get epoch(): number {
    return this.#epoch;
  }

  get instance(): number {
    return this.#instance;
  }

  /** Judges a frame in sequence or a control frame, and moves on. */
  accept(frame: Frame): Verdict {
    if (frame.hostEpoch !== 0 && frame.hostEpoch < this.#hostEpoch) return 'stale'; // I3
    let lost = false;
    if (frame.instance !== this.#instance) {
      if (this.#past.includes(frame.instance)) return 'stale'; // I3
      if (this.#instance !== 0) {
        this.#past.push(this.#instance);
        if (this.#past.length > pastInstancesMax) this.#past.shift();
      }
      lost = this.#begin(frame);
    } else if (frame.epoch < this.#epoch) {
      return 'stale'; // I3
    } else if (frame.epoch > this.#epoch) {
      lost = this.#begin(frame);
    }
    if (frame.hostEpoch > this.#hostEpoch) this.#hostEpoch = frame.hostEpoch;
    if (frame.answer) this.#answerWanted = true;
    if (frame.sequence < this.#expected) return 'duplicate'; // I1
    if (frame.sequence > this.#expected) lost = true; // I2
    const end = frame.kind === 'control' ? frame.position : frame.position + frame.length;
    if (frame.position > this.#receivedEnd && this.#takenUp === this.#receivedEnd) this.#takenUp = frame.position; // I5
    if (end > this.#receivedEnd) this.#receivedEnd = end;
    this.#expected = frame.kind === 'control' ? frame.sequence : frame.sequence + 1;
    return lost ? 'gap' : 'deliver';
  }

  /** Everything received up to `end`, in this epoch of this instance, has been taken up. */
  takeUp(instance: number, epoch: number, end: number): void {
    if (instance !== this.#instance) return;
    if (epoch !== this.#epoch) return;
    assert(end <= this.#receivedEnd, 'I4: taken up before it was received');
    if (end > this.#takenUp) this.#takenUp = end;
  }

  /** End of what was received: what `takeUp` is told when the messages were taken up. */
  get receivedEnd(): number {
    return this.#receivedEnd;
  }

  /** The grant to put on a frame going back. */
  grant(windowBytes: number): Grant {
    if (this.#instance === 0) return noGrant;
    this.#limit = Math.max(this.#limit, this.#takenUp + windowBytes); // I4
    this.#toldLimit = this.#limit;
    this.#toldSettled = this.#takenUp;
    this.#answerWanted = false;
    return { instance: this.#instance, epoch: this.#epoch, limit: this.#limit, settled: this.#takenUp };
  }

  /** @returns whether the sender should hear of its grant although nothing else goes back. */
  owesGrant(windowBytes: number): boolean {
    if (this.#answerWanted) return true;
    if (this.#instance === 0) return false;
    return (
      this.#takenUp - this.#toldSettled >= windowBytes / 4 ||
      this.#takenUp + windowBytes - this.#toldLimit >= windowBytes / 2
    );
  }

  /** @returns whether something was lost with the change. */
  #begin(frame: Frame): boolean {
    const known = this.#instance !== 0;
    this.#instance = frame.instance;
    this.#epoch = frame.epoch;
    this.#expected = 0;
    this.#receivedEnd = 0;
    this.#takenUp = 0;
    this.#limit = 0;
    this.#toldLimit = 0;
    this.#toldSettled = 0;
    return known; // I2: whatever was on its way in the old epoch is gone
  }
}
