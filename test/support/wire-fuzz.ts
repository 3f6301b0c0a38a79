import fc from 'fast-check';
import { encodePacketMessage } from '#agent/gossip/wire/message-codec';
import { decodeDatagram, encodeDatagram } from '#agent/gossip/wire/packet';
import { readFilter, readSerf, readTags } from '#agent/gossip/wire/serf-messages';
import { encodeStream, StreamReader } from '#agent/gossip/wire/stream';
import { WireError, type WireProblem } from '#agent/gossip/wire/wire-error';
import type { Rng } from '#agent/kit/rng';
import { anyMessage, WIRES } from './gossip-wire';

export interface FuzzReport {
  packets: number;
  /** Mutated packets that were still messages. */
  understood: number;
  problems: Partial<Record<WireProblem, number>>;
  slowestMs: number;
}

/**
 * Feeds mutated packets, streams and Serf messages to every decoder. Anything thrown but a WireError
 * of the inner readers, and anything at all thrown by the outer ones, is rethrown with the bytes in hex.
 */
export function fuzzWire(rng: Rng, packetCount: number): FuzzReport {
  const [plain] = WIRES;
  const corpus = makeCorpus(rng);
  const report: FuzzReport = { packets: 0, understood: 0, problems: {}, slowestMs: 0 };
  while (report.packets < packetCount) {
    const original = corpus[rng.below(corpus.length)] as Uint8Array;
    const bytes = mutate(original, corpus, rng);
    const startMs = performance.now();
    try {
      const { messages, problems } = decodeDatagram(bytes, plain);
      if (messages.length > 0) report.understood++;
      for (const problem of problems) report.problems[problem] = (report.problems[problem] ?? 0) + 1;
      feedStream(bytes, rng);
      for (const read of [readSerf, readTags, readFilter]) onlyWireErrors(() => read(bytes));
    } catch (error) {
      throw new Error(`Cannot survive the packet ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    }
    report.slowestMs = Math.max(report.slowestMs, performance.now() - startMs);
    report.packets++;
  }
  return report;
}

function feedStream(bytes: Uint8Array, rng: Rng): void {
  const reader = new StreamReader(WIRES[0]);
  const cut = rng.below(bytes.length + 1);
  reader.push(bytes.subarray(0, cut));
  reader.push(bytes.subarray(cut));
}

function onlyWireErrors(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

function makeCorpus(rng: Rng): Uint8Array[] {
  const [plain] = WIRES;
  const messages = fc.sample(anyMessage, { numRuns: 200, seed: rng.below(2 ** 31) }).map(encodePacketMessage);
  const options = { ...plain, compress: false, checksum: false };
  const several = messages.map((_, i) => messages.slice(i, i + 1 + (i % 8)));
  return [
    ...messages,
    ...several.map((parts) => encodeDatagram(parts, options)),
    ...several.map((parts) => encodeDatagram(parts, { ...options, compress: true })),
    encodeStream({ type: 'pushPull', Join: true, nodes: [], userState: new Uint8Array(9) }, plain),
  ];
}

/** A handful of changes that keep most of a packet: flips, cuts, insertions, lengths, splices. */
function mutate(original: Uint8Array, corpus: readonly Uint8Array[], rng: Rng): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(original);
  for (let left = 1 + rng.below(4); left > 0; left--) {
    const at = rng.below(bytes.length + 1);
    switch (rng.below(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << rng.below(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = INTERESTING[rng.below(INTERESTING.length)] as number;
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(rng.below(256)), bytes.subarray(at)]);
        break;
      default: {
        const other = corpus[rng.below(corpus.length)] as Uint8Array;
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(rng.below(other.length + 1))]);
      }
    }
  }
  return bytes.length === 0 ? Uint8Array.of(rng.below(256)) : bytes;
}

/** Type bytes of MessagePack and of messages, and the ends of ranges. */
const INTERESTING = [
  0, 1, 6, 7, 8, 9, 10, 12, 0x7f, 0x80, 0x8f, 0x9f, 0xbf, 0xc0, 0xc4, 0xcf, 0xd9, 0xdb, 0xdd, 0xdf, 244, 255,
];
