import { assert } from '#agent/kit/assert';
import { WireError } from './wire-error';

/** First byte of a packet or stream that names its cluster, before everything else and in the clear. */
const LABEL_TYPE = 244;
const LABEL_BYTES_MAX = 255;

/** What precedes each packet of a cluster; empty for the cluster without a label. */
export function labelHeader(label: Uint8Array): Uint8Array {
  assert(label.length <= LABEL_BYTES_MAX, 'a label has at most 255 bytes');
  return label.length === 0 ? label : Buffer.concat([Uint8Array.of(LABEL_TYPE, label.length), label]);
}

/**
 * The bytes behind the label. Throws WireError: `label` when it is not ours, `truncated` when it is
 * not whole, so that a cluster never hears another one.
 */
export function withoutLabel(bytes: Uint8Array, label: Uint8Array): Uint8Array {
  if (bytes[0] !== LABEL_TYPE) {
    if (label.length === 0) return bytes;
    throw new WireError('label', 'it has no label');
  }
  const length = bytes[1];
  if (length === undefined || bytes.length < 2 + length)
    throw new WireError('truncated', 'its label is cut off');
  if (length === 0) throw new WireError('malformed', 'its label is empty');
  const named = bytes.subarray(2, 2 + length);
  if (Buffer.compare(named, label) !== 0) throw new WireError('label', 'it has the label of another cluster');
  return bytes.subarray(2 + length);
}
