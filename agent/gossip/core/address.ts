/** Where a member listens. The host is an IP address in text: `10.0.0.7` or `fd00:0:0:0:0:0:0:7`. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const V4_MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * The 4 or 16 bytes of an address as the wire carries them, an IPv4 address always in 4: Go's net.IP may
 * send it in 16, and the same member must not look like two. Undefined for any other length.
 */
export function normalizedIp(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 4) return bytes;
  if (bytes.length !== 16) return undefined;
  return V4_MAPPED_PREFIX.every((byte, index) => bytes[index] === byte) ? bytes.slice(12) : bytes;
}

/** The text of 4 or 16 normalized bytes. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < bytes.length; i += 2)
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return groups.join(':');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
