// Links: order, loss and flow control over an unreliable datagram network
// =============================================================================
//
// Everything between the actors' messages and the bytes that are published, without I/O and without a clock of its own: batches, frames,
// sequence numbers, gaps, credits, chunks. The NATS transport gives it a way to publish; tests give it a network made by hand.
//
// Owns:     one link for each place that it speaks with.
// Does not: know subjects or connections.
//
// Invariants
//   K1. `post` and `flush` never block and throw nothing but assertion failures; what exceeds a bound is dropped and counted, and the receiver
//       sees a gap.
//   K2. Nothing is delivered from a frame of another cluster, for another place, or whose sender is not the one that the network vouches for (T1).
//   K3. What was published before this end reconnected is never counted on: every link starts a new epoch (T3), and other ends are told as gaps.
//   K4. A receiver's grant follows what its actors took out of their mailboxes, so that back-pressure reaches the sender (T5).
//   K5. Messages keep views on their frame; the frame is copied out of the socket's buffer once.
//
// Sources: CORRECTNESS T1–T5.

import { isClient } from '../../runtime/contract/address.js';
import type { Envelope, MessageCodec, TransportReceiver } from '../../runtime/contract/transport.js';
import { assert } from '../../runtime/std/assert.js';
import { DecodeError } from '../../runtime/std/byte-reader.js';
import { ByteWriter } from '../../runtime/std/byte-writer.js';
import { equalBytes } from '../../runtime/std/bytes.js';
import type { Crc32 } from '../../runtime/std/crc32.js';
import { Queue } from '../../runtime/std/queue.js';
import { cutFrame, decodeChunk, isChunk } from '../protocol/chunk.js';
import type { WireCodec } from '../protocol/codec.js';
import {
  decodeFrame,
  type Frame,
  FrameWriter,
  type FrameKind,
  frameMajor,
  frameOverheadBytesMax,
  isFrame,
  noGrant,
  readMessages,
  stampFrame,
} from '../protocol/frame.js';
import { anyHost, isPlace, type Place, type SubjectSender } from '../protocol/subject.js';
import { ChunkAssembly } from './chunk-assembly.js';
import type { LinkLimits } from './link-limits.js';
import { ReceivingLink } from './receiving-link.js';
import { SendingLink } from './sending-link.js';

export interface LinkPorts {
  readonly receiver: TransportReceiver;
  readonly codec: MessageCodec | WireCodec;
  readonly crc32: Crc32;
  /** Gives up `bytes`: they do not change any more. False when it could not be sent; it then counts as lost. */
  publish(to: Place, bytes: Uint8Array): boolean;
  /** Whether more may be published now; `resume` is called when that changes back to true. */
  mayPublish(): boolean;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Registration epoch of this host, 0 while it has none. */
  hostEpoch(): number;
  /** Messages delivered that wait in mailboxes. */
  backlog(): number;
}

export interface LinkOptions {
  readonly place: Place;
  /** Undefined for a client that has not met its cluster. */
  readonly clusterId: Uint8Array | undefined;
  /** Random, never 0; unique to this transport. */
  readonly instance: number;
  /** Bytes of one message that the network takes. */
  chunkBytesMax(): number;
  readonly limits: LinkLimits;
}

/** Counters since start; all of them only rise, but `links`, `waitingBytes` and `assemblyBytes`. */
export interface LinkStats {
  messagesSent: number;
  messagesReceived: number;
  framesSent: number;
  framesReceived: number;
  bytesSent: number;
  bytesReceived: number;
  /** Frames with nothing but link fields. */
  controlSent: number;
  controlReceived: number;
  /** Messages posted that no frame could take: no connection, no such place, too long. */
  messagesDropped: number;
  /** Frames dropped on this side: full outbox, lost connection. */
  framesDropped: number;
  /** Frames that were no frames, damaged, or forged. */
  garbage: number;
  otherVersion: number;
  otherCluster: number;
  duplicates: number;
  stale: number;
  gaps: number;
  /** Messages of kinds that this version does not know, or out of shape. */
  messagesSkipped: number;
  assembliesDropped: number;
  links: number;
  waitingBytes: number;
  assemblyBytes: number;
}

/** The buffer of a batch is kept for the next one up to this size. */
const batchBytesKept = 1024 * 1024;

interface Peer {
  readonly place: Place;
  readonly key: string;
  readonly client: boolean;
  /** Only while something is posted, or what it holds is small and soon used again: there may be tens of thousands of peers. */
  batch: FrameWriter | undefined;
  readonly sending: SendingLink;
  readonly receiving: ReceivingLink;
  /** Queued for the next flush. */
  dirty: boolean;
}

/** A frame whose messages are still in mailboxes. */
interface Unread {
  readonly peer: Peer;
  readonly instance: number;
  readonly epoch: number;
  readonly end: number;
  /** Count of messages ever delivered, this frame's included. */
  readonly deliveredEnd: number;
}

export class LinkLayer {
  readonly #ports: LinkPorts;
  readonly #options: LinkOptions;
  readonly #limits: LinkLimits;
  readonly #place: Place;
  /** In order of use, so that the first is the one idle longest. */
  readonly #hosts = new Map<string, Peer>();
  readonly #clients = new Map<string, Peer>();
  #dirty: Peer[] = [];
  readonly #unread = new Queue<Unread>();
  readonly #assembly: ChunkAssembly;
  readonly #scratch = new ByteWriter(4096);
  readonly #anyBatch: FrameWriter;
  readonly #stats: LinkStats;
  #clusterId: Uint8Array | undefined;
  #connected = false;
  /** Something may have been dropped that no link knows of: by a lost connection, or with a forgotten link. */
  #interrupted = false;
  #epochs = 0;
  #frameNumbers = 0;
  #delivered = 0;
  #waitingBytes = 0;
  #lastPeer: Peer | undefined;

  constructor(options: LinkOptions, ports: LinkPorts) {
    assert(isPlace(options.place), 'a transport has a place');
    assert(options.instance > 0, 'a transport has an instance');
    assert(options.clusterId !== undefined || isClient(options.place), 'a host knows its cluster');
    this.#options = options;
    this.#ports = ports;
    this.#limits = options.limits;
    this.#place = options.place;
    this.#clusterId = options.clusterId;
    this.#assembly = new ChunkAssembly(options.limits);
    this.#anyBatch = new FrameWriter(options.place, { host: anyHost, worker: 0 });
    this.#stats = {
      messagesSent: 0,
      messagesReceived: 0,
      framesSent: 0,
      framesReceived: 0,
      bytesSent: 0,
      bytesReceived: 0,
      controlSent: 0,
      controlReceived: 0,
      messagesDropped: 0,
      framesDropped: 0,
      garbage: 0,
      otherVersion: 0,
      otherCluster: 0,
      duplicates: 0,
      stale: 0,
      gaps: 0,
      messagesSkipped: 0,
      assembliesDropped: 0,
      links: 0,
      waitingBytes: 0,
      assemblyBytes: 0,
    };
  }

  /** The cluster that this end belongs to; a client learns it from the first reply. */
  get clusterId(): Uint8Array | undefined {
    return this.#clusterId;
  }

  stats(): LinkStats {
    return {
      ...this.#stats,
      assembliesDropped: this.#assembly.droppedCount,
      links: this.#hosts.size + this.#clients.size,
      waitingBytes: this.#waitingBytes,
      assemblyBytes: this.#assembly.bytes,
    };
  }

  // --- connection -----------------------------------------------------------------------------------------------------

  /** The network is there, for the first time or again. */
  connected(): void {
    if (this.#connected) return;
    this.#connected = true;
    for (const peer of this.#hosts.values()) {
      if (peer.receiving.instance !== 0) this.#tellGap(peer); // K3: what they sent meanwhile did not reach us
    }
  }

  /** The network is gone: what is posted from now on is dropped and counted (K1). */
  disconnected(): void {
    this.#connected = false;
    this.#interrupted = true;
    for (const peer of this.#dirty) {
      peer.dirty = false;
      this.#stats.messagesDropped += peer.batch?.count ?? 0;
      peer.batch = undefined;
    }
    this.#dirty = [];
    if (this.#anyBatch.count > 0) {
      this.#stats.messagesDropped += this.#anyBatch.count;
      this.#anyBatch.finish();
    }
    for (const peer of [...this.#hosts.values(), ...this.#clients.values()]) this.#reopen(peer); // K3
  }

  /** The network takes more again. */
  resume(): void {
    if (this.#waitingBytes === 0) return;
    for (const peer of this.#hosts.values()) if (peer.sending.waitingCount > 0) this.#pump(peer);
    for (const peer of this.#clients.values()) if (peer.sending.waitingCount > 0) this.#pump(peer);
  }

  // --- out ------------------------------------------------------------------------------------------------------------

  /** Encodes the message now, so it may be forgotten; it leaves with the next `flush`. */
  post(envelope: Envelope): void {
    const { to, from, message } = envelope;
    if (!this.#connected) {
      this.#stats.messagesDropped++;
      return;
    }
    const codec = this.#ports.codec;
    let encoded: Uint8Array;
    if ('write' in codec) {
      this.#scratch.reset();
      codec.write(message, this.#scratch);
      encoded = this.#scratch.view();
    } else encoded = codec.encode(message);
    if (
      encoded.length + to.actor.length * 3 + from.actor.length * 3 + frameOverheadBytesMax + 16 >
      this.#limits.frameBytesMax
    ) {
      this.#stats.messagesDropped++; // K1: no frame can hold it
      return;
    }
    if (to.host === anyHost) {
      this.#postToAny(to.actor, from.actor, encoded);
      return;
    }
    const peer = this.#peerOf(to.host, to.worker);
    if (peer === undefined) {
      this.#stats.messagesDropped++; // K1: no such place
      return;
    }
    const open = peer.batch;
    if (open !== undefined && (open.isFull || open.length + encoded.length > this.#limits.frameBytesTarget))
      this.#close(peer);
    peer.batch ??= new FrameWriter(this.#place, peer.place);
    peer.batch.add(to.actor, from.actor, encoded);
    if (!peer.dirty) {
      peer.dirty = true;
      this.#dirty.push(peer);
    }
  }

  /** Sends what was posted, a batch a place, and grants what was taken up since. */
  flush(): void {
    this.#takeUp();
    if (!this.#connected) return;
    if (this.#dirty.length > 0) {
      const dirty = this.#dirty;
      this.#dirty = [];
      for (const peer of dirty) {
        peer.dirty = false;
        this.#close(peer);
        this.#touch(peer);
        this.#grantIfOwed(peer);
      }
    }
    if (this.#anyBatch.count > 0) this.#sendAny();
  }

  /** Looks after lost grants and lost tails; to be called every 50 to 200 ms. */
  tick(): void {
    this.#takeUp();
    if (!this.#connected) return;
    const nowMs = this.#ports.nowMs();
    for (const peer of this.#hosts.values()) this.#tickPeer(peer, nowMs);
    for (const peer of this.#clients.values()) this.#tickPeer(peer, nowMs);
  }

  #tickPeer(peer: Peer, nowMs: number): void {
    const before = peer.sending.waitingBytes;
    const { probe, dropped } = peer.sending.tick(nowMs);
    this.#waitingBytes += peer.sending.waitingBytes - before;
    this.#stats.framesDropped += dropped;
    if (probe) this.#sendControl(peer, true);
  }

  #postToAny(toActor: string, fromActor: string, encoded: Uint8Array): void {
    const batch = this.#anyBatch;
    const fits = batch.length + encoded.length + toActor.length * 3 + fromActor.length * 3 + 512;
    if (!isClient(this.#place) || batch.isFull || fits > this.#options.chunkBytesMax()) {
      this.#stats.messagesDropped++; // K1: outside links there are neither chunks nor credits
      return;
    }
    batch.add(toActor, fromActor, encoded);
  }

  #sendAny(): void {
    this.#stats.messagesSent += this.#anyBatch.count;
    const bytes = this.#anyBatch.finish();
    this.#stamp(bytes, 'datagram', 0, 0, 0, undefined, false);
    this.#publish({ host: anyHost, worker: 0 }, bytes);
  }

  /** Hands the batch of a peer to its link, and sends what may go. */
  #close(peer: Peer): void {
    const batch = peer.batch;
    if (batch === undefined || batch.count === 0) return;
    this.#stats.messagesSent += batch.count;
    const bytes = batch.finish();
    if (peer.client || bytes.length > batchBytesKept) peer.batch = undefined;
    const before = peer.sending.waitingBytes;
    const room = this.#limits.outboxTotalBytesMax - this.#waitingBytes;
    if (!peer.sending.push(bytes, room)) this.#stats.framesDropped++;
    this.#waitingBytes += peer.sending.waitingBytes - before;
    this.#pump(peer);
  }

  #pump(peer: Peer): void {
    const link = peer.sending;
    const nowMs = this.#ports.nowMs();
    while (this.#ports.mayPublish()) {
      const frame = link.take(nowMs);
      if (frame === undefined) return;
      this.#waitingBytes -= frame.bytes.length;
      this.#stamp(frame.bytes, 'messages', link.epoch, frame.sequence, frame.position, peer, false);
      this.#publish(peer.place, frame.bytes);
    }
  }

  #sendControl(peer: Peer, answer: boolean): void {
    const bytes = new FrameWriter(this.#place, peer.place).finish();
    const { epoch, nextSequence, position } = peer.sending;
    this.#stamp(bytes, 'control', epoch, nextSequence, position, peer, answer);
    this.#stats.controlSent++;
    this.#publish(peer.place, bytes);
  }

  #stamp(
    bytes: Uint8Array,
    kind: FrameKind,
    epoch: number,
    sequence: number,
    position: number,
    peer: Peer | undefined,
    answer: boolean,
  ): void {
    const grant = peer === undefined ? noGrant : peer.receiving.grant(this.#windowOf(peer));
    const { instance } = this.#options;
    const hostEpoch = this.#ports.hostEpoch();
    stampFrame(
      bytes,
      { kind, clusterId: this.#clusterId, instance, epoch, hostEpoch, sequence, position, grant, answer },
      this.#ports.crc32,
    );
  }

  #publish(to: Place, bytes: Uint8Array): void {
    const chunkBytesMax = this.#options.chunkBytesMax();
    if (bytes.length <= chunkBytesMax) {
      this.#publishOne(to, bytes);
      return;
    }
    const number = ++this.#frameNumbers;
    for (const chunk of cutFrame(bytes, chunkBytesMax, this.#options.instance, number, this.#ports.crc32)) {
      if (!this.#publishOne(to, chunk)) return;
    }
  }

  #publishOne(to: Place, bytes: Uint8Array): boolean {
    if (!this.#ports.publish(to, bytes)) {
      this.#stats.framesDropped++;
      return false;
    }
    this.#stats.framesSent++;
    this.#stats.bytesSent += bytes.length;
    return true;
  }

  // --- in -------------------------------------------------------------------------------------------------------------

  /** @param sender whom the network says the bytes are from. @param bytes are not kept and not changed. */
  receive(sender: SubjectSender, bytes: Uint8Array): void {
    this.#stats.bytesReceived += bytes.length;
    try {
      if ((isFrame(bytes) || isChunk(bytes)) && bytes[4] !== frameMajor) {
        this.#stats.otherVersion++;
        return;
      }
      if (isChunk(bytes)) {
        const whole = this.#assembly.accept(
          `${sender.host}/${sender.worker ?? ''}`,
          decodeChunk(bytes, this.#ports.crc32),
        );
        if (whole !== undefined) this.#receiveFrame(sender, decodeFrame(whole, this.#ports.crc32), whole);
        return;
      }
      this.#receiveFrame(sender, decodeFrame(bytes, this.#ports.crc32), undefined);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#stats.garbage++;
    }
  }

  /** @param own the bytes of the frame when they are ours already (K5). @throws DecodeError */
  #receiveFrame(sender: SubjectSender, frame: Frame, own: Uint8Array | undefined): void {
    if (frame.from.host !== sender.host || (sender.worker !== undefined && frame.from.worker !== sender.worker))
      throw new DecodeError('the sender is not the one of the subject'); // K2
    if (!isPlace(frame.from)) throw new DecodeError('a sender that is no place'); // K2
    const isForUs = frame.to.host === this.#place.host && frame.to.worker === this.#place.worker;
    const isForAny = frame.to.host === anyHost && !isClient(this.#place) && isClient(frame.from);
    if (!(frame.kind === 'datagram' ? isForAny : isForUs)) throw new DecodeError('for another place'); // K2
    if (!this.#isOurCluster(frame)) {
      this.#stats.otherCluster++;
      return;
    }
    if (frame.instance === 0) throw new DecodeError('a sender without an instance');

    const peer = frame.kind === 'datagram' ? undefined : this.#peerOf(frame.from.host, frame.from.worker);
    if (frame.kind === 'control') {
      this.#stats.controlReceived++;
      if (frame.messageCount !== 0) throw new DecodeError('messages in a control frame');
    } else this.#stats.framesReceived++;
    // Everything that can fail comes first: a frame is taken as a whole or not at all.
    const body = own === undefined && frame.messageCount > 0 ? { ...frame, body: frame.body.slice() } : frame; // K5
    const { messages, skipped } = readMessages(body, this.#ports.codec);

    if (peer !== undefined) {
      const verdict = peer.receiving.accept(frame);
      if (verdict === 'stale') {
        this.#stats.stale++;
        return;
      }
      this.#granted(peer, frame);
      if (verdict === 'duplicate') {
        this.#stats.duplicates++;
        this.#grantIfOwed(peer);
        return;
      }
      if (verdict === 'gap') this.#tellGap(peer);
    }
    this.#stats.messagesSkipped += skipped;
    this.#stats.messagesReceived += messages.length;
    for (const { toActor, fromActor, message } of messages) {
      this.#ports.receiver.deliver({
        to: { host: this.#place.host, worker: this.#place.worker, actor: toActor },
        from: { host: frame.from.host, worker: frame.from.worker, actor: fromActor },
        message,
      });
    }
    this.#delivered += messages.length;
    if (peer === undefined) return;
    this.#unread.push({
      peer,
      instance: peer.receiving.instance,
      epoch: peer.receiving.epoch,
      end: peer.receiving.receivedEnd,
      deliveredEnd: this.#delivered,
    });
    this.#touch(peer);
    if (frame.answer || frame.kind === 'control') this.#takeUp();
  }

  #isOurCluster(frame: Frame): boolean {
    if (frame.clusterId === undefined) return isClient(frame.from) && !isClient(this.#place);
    if (this.#clusterId === undefined) {
      this.#clusterId = frame.clusterId.slice(); // a client keeps to the first cluster that answers
      return true;
    }
    return equalBytes(frame.clusterId, this.#clusterId);
  }

  #granted(peer: Peer, frame: Frame): void {
    if (frame.grant.instance !== this.#options.instance) return;
    peer.sending.granted(frame.grant.epoch, frame.grant.limit, frame.grant.settled);
    if (peer.sending.waitingCount > 0 && this.#connected) this.#pump(peer);
  }

  #tellGap(peer: Peer): void {
    this.#stats.gaps++;
    // A host has nothing to make good to a client: the client asks again.
    if (!peer.client) this.#ports.receiver.gap(peer.place.host, peer.place.worker);
  }

  /** Grants what has left the mailboxes (K4). */
  #takeUp(): void {
    const first = this.#unread.peek();
    if (first === undefined) return;
    const taken = this.#delivered - this.#ports.backlog();
    for (let unread = this.#unread.peek(); unread !== undefined; unread = this.#unread.peek()) {
      if (unread.deliveredEnd > taken) return;
      this.#unread.shift();
      unread.peer.receiving.takeUp(unread.instance, unread.epoch, unread.end);
      // What goes back with this flush carries the grant.
      if (!unread.peer.dirty) this.#grantIfOwed(unread.peer);
    }
  }

  #grantIfOwed(peer: Peer): void {
    if (this.#connected && peer.receiving.owesGrant(this.#windowOf(peer))) this.#sendControl(peer, false);
  }

  #windowOf(peer: Peer): number {
    const { clientWindowTotalBytes, hostWindowTotalBytes, windowMaxBytes, windowMinBytes } = this.#limits;
    const share = peer.client
      ? clientWindowTotalBytes / Math.max(1, this.#clients.size)
      : hostWindowTotalBytes / Math.max(1, this.#hosts.size);
    return Math.floor(Math.min(windowMaxBytes, Math.max(windowMinBytes, share)));
  }

  // --- peers ----------------------------------------------------------------------------------------------------------

  #peerOf(host: string, worker: number): Peer | undefined {
    const last = this.#lastPeer;
    if (last !== undefined && last.place.worker === worker && last.place.host === host) return last;
    const client = isClient({ host });
    const key = client ? host : `${host}/${worker}`;
    const peers = client ? this.#clients : this.#hosts;
    let peer = peers.get(key);
    if (peer === undefined) {
      const place: Place = { host, worker };
      if (!isPlace(place)) return undefined;
      if (client && isClient(this.#place)) return undefined;
      const initial =
        client || isClient(this.#place) ? this.#limits.clientWindowInitialBytes : this.#limits.hostWindowInitialBytes;
      peer = {
        place,
        key,
        client,
        batch: undefined,
        sending: new SendingLink(++this.#epochs, this.#interrupted, initial, this.#limits),
        receiving: new ReceivingLink(),
        dirty: false,
      };
      peers.set(key, peer);
      this.#evict(peers, client ? this.#limits.clientLinkCountMax : this.#limits.hostLinkCountMax);
    }
    this.#lastPeer = peer;
    return peer;
  }

  /** Moves a peer to the end of the order of use. */
  #touch(peer: Peer): void {
    const peers = peer.client ? this.#clients : this.#hosts;
    if (!peers.delete(peer.key)) return; // evicted meanwhile
    peers.set(peer.key, peer);
  }

  #evict(peers: Map<string, Peer>, max: number): void {
    if (peers.size <= max) return;
    for (const peer of peers.values()) {
      if (peer.dirty) continue;
      peers.delete(peer.key);
      this.#interrupted = true;
      this.#waitingBytes -= peer.sending.waitingBytes;
      this.#stats.framesDropped += peer.sending.waitingCount;
      if (this.#lastPeer === peer) this.#lastPeer = undefined;
      return;
    }
  }

  #reopen(peer: Peer): void {
    this.#waitingBytes -= peer.sending.waitingBytes;
    this.#stats.framesDropped += peer.sending.reopen(++this.#epochs);
  }
}
