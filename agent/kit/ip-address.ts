import { isIP } from 'node:net';

/** 0.0.0.0, :: and *: every address of the machine. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', '[::]', '*'].includes(host);
}

export function isLoopbackAddress(host: string): boolean {
  return host === 'localhost' || withoutBrackets(host) === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Good on one wire only (RFC 3927, RFC 4291 §2.5.6). */
export function isLinkLocalAddress(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/i.test(withoutBrackets(address));
}

/** Without a zone ("%eth0"), and IPv4 in IPv6 notation (RFC 4291 §2.5.5.2) as what it is. */
export function plainAddress(address: string): string {
  const [plain = address] = address.split('%');
  return plain.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** 4 or 6; null for a name. */
export function addressFamily(host: string): 4 | 6 | null {
  const family = isIP(withoutBrackets(host));
  return family === 4 || family === 6 ? family : null;
}

/** A host as URLs write it: IPv6 in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

export function withoutBrackets(host: string): string {
  return host.replaceAll(/^\[|\]$/g, '');
}
