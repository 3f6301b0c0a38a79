import { timingSafeEqual } from 'node:crypto';
import type { Permission } from '#agent/contract/endpoint';
import { Fault } from '#agent/kit/error';
import { addressFamily } from '#agent/kit/ip-address';

export interface GuardOptions {
  token: string;
  tokenFile: string;
  /** Host names that requests may name, besides loopback and addresses. */
  hosts: readonly string[];
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]', '::1'];

/**
 * Lets a request in, or throws. The Host and Origin checks are for browsers: without them a web page
 * could reach a control plane on loopback by a name that it makes resolve there (DNS rebinding).
 */
export function guard(request: Request, permission: Permission, options: GuardOptions): void {
  checkHost(request, options);
  if (permission === 'open') return;
  const header = request.headers.get('authorization') ?? '';
  const given = header.startsWith('Bearer ') ? header.slice('Bearer '.length) : '';
  if (given !== '' && equalInConstantTime(given, options.token)) return;
  throw new Fault(
    'unauthorized',
    `Cannot let this request in: ${given === '' ? 'it carries no token' : 'its token is not the one of this control plane'}`,
    { hint: `send "Authorization: Bearer <content of ${options.tokenFile}>"` },
  );
}

function checkHost(request: Request, options: GuardOptions): void {
  const host = hostName(request.headers.get('host') ?? '');
  const allowed = [...LOOPBACK, ...options.hosts];
  // An address is not a name that somebody else could make resolve here.
  if (!allowed.includes(host) && addressFamily(host) === null) {
    throw new Fault(
      'forbidden',
      `Cannot serve host "${host.slice(0, 100)}": it is not a name of this control plane`,
      {
        hint: 'add it to allowed_hosts (KTRDR_ALLOWED_HOSTS)',
      },
    );
  }
  const origin = request.headers.get('origin');
  if (origin === null) return;
  if (URL.canParse(origin) && [...allowed, host].includes(new URL(origin).hostname)) return;
  throw new Fault(
    'forbidden',
    `Cannot serve origin "${origin.slice(0, 100)}": it is not this control plane`,
    {
      hint: 'add its host to allowed_hosts (KTRDR_ALLOWED_HOSTS)',
    },
  );
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string): Uint8Array => new Bun.CryptoHasher('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
