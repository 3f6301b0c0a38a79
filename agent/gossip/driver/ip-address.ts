import { isIP } from 'node:net';
import { Fault } from '#agent/kit/error';

/** 4 or 16 bytes of an IP address; Fault(settings) for a name. */
export function ipBytes(host: string): Uint8Array {
  const version = isIP(host);
  if (version === 4) return Uint8Array.from(host.split('.').map(Number));
  if (version === 6 && !host.includes('%')) return ipv6Bytes(host);
  throw new Fault('settings', `Cannot advertise ${host}: it is not an IP address without a zone`, {
    hint: 'set gossip_advertise (KTRDR_GOSSIP_ADVERTISE) to an address of this machine that the others reach',
  });
}

function ipv6Bytes(host: string): Uint8Array {
  // The URL parser writes every form of an address in the same, compressed one.
  const [head = '', tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const all = [...first, ...Array.from({ length: zeros }, () => 0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
