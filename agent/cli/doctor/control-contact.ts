import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { errorCode } from '#agent/kit/error';
import { controlHealthSchema } from '#agent/contract/fleet';
import type { Clock } from '#agent/kit/clock';
import { withoutBrackets } from '#agent/kit/ip-address';
import type { ControlHealth } from './local-answer';

/** How far a request to the control plane gets, each step apart: name, connection, HTTP. */
export interface ControlContact {
  url: string;
  /** What worked, with its figures. */
  steps: string[];
  /** The first step that did not; null when the control plane answers. */
  failure: { step: 'name' | 'connection' | 'silence' | 'http'; why: string } | null;
  health: ControlHealth | null;
  /** Its clock less ours; null when it did not answer. */
  clock: { aheadMs: number; uncertaintyMs: number } | null;
}

const STEP_MS_MAX = 2_500;
/** The round trip of the first request holds the connection's; the shortest of the rest is the best clock. */
const SAMPLES = 4;

export async function contactControl(
  url: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<ControlContact> {
  const contact: ControlContact = { url, steps: [], failure: null, health: null, clock: null };
  const { hostname, port, protocol } = new URL(url);
  const address = await resolveName(withoutBrackets(hostname), { contact, clock });
  if (address === undefined) return contact;
  const tcpPort = Number(port || (protocol === 'https:' ? 443 : 80));
  if (!(await tryConnect(address, tcpPort, { contact, clock }))) return contact;
  for (let sample = 0; sample < SAMPLES && contact.failure === null && !signal.aborted; sample++) {
    await askHealth(contact, { clock, signal });
  }
  return contact;
}

async function resolveName(
  host: string,
  { contact, clock }: { contact: ControlContact; clock: Clock },
): Promise<string | undefined> {
  const done = new AbortController();
  const late = clock.sleep(STEP_MS_MAX, done.signal).then(() => undefined);
  try {
    const found = await Promise.race([lookup(host), late]);
    if (found === undefined) throw new Error(`no answer within ${STEP_MS_MAX / 1000} s`);
    contact.steps.push(
      found.address === host ? `${host} is an address` : `${host} is ${found.address} (name look-up)`,
    );
    return found.address;
  } catch (error) {
    const why = errorCode(error) ?? (error instanceof Error ? error.message : 'it failed');
    contact.failure = { step: 'name', why: `the name ${host} cannot be looked up (${why})` };
    return undefined;
  } finally {
    done.abort();
  }
}

async function tryConnect(
  host: string,
  port: number,
  { contact, clock }: { contact: ControlContact; clock: Clock },
): Promise<boolean> {
  const startedMs = clock.bootMs();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connect({ host, port });
  socket.setTimeout(STEP_MS_MAX, () => resolve(`no connection within ${STEP_MS_MAX / 1000} s`));
  socket.once('connect', () => resolve(null));
  socket.once('error', (error) => resolve(STATES[errorCode(error) ?? ''] ?? errorCode(error) ?? 'it failed'));
  try {
    const problem = await promise;
    if (problem !== null) contact.failure = { step: 'connection', why: `${host}:${port}: ${problem}` };
    else contact.steps.push(`${host}:${port} takes connections (${roundMs(clock.bootMs() - startedMs)} ms)`);
    return problem === null;
  } finally {
    socket.destroy();
  }
}

const STATES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nobody listens there',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

async function askHealth(
  contact: ControlContact,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const sentMs = clock.nowMs();
  const sentBootMs = clock.bootMs();
  try {
    const response = await fetch(`${contact.url.replace(/\/+$/, '')}/health`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(STEP_MS_MAX)]),
      redirect: 'manual',
    });
    const health = controlHealthSchema.safeParse(await response.json());
    const roundTripMs = clock.bootMs() - sentBootMs;
    if (!health.success) throw new Error(`HTTP ${response.status}, but not from a control plane`);
    if (contact.health === null) {
      contact.steps.push(`it says version ${health.data.version}, database ${health.data.database}`);
    }
    contact.health = health.data;
    const aheadMs = Date.parse(health.data.timestamp) - (sentMs + roundTripMs / 2);
    const uncertaintyMs = roundTripMs / 2;
    if (contact.clock === null || uncertaintyMs < contact.clock.uncertaintyMs) {
      contact.clock = { aheadMs, uncertaintyMs };
    }
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    const text = error instanceof SyntaxError ? 'what answers is not a control plane' : String(error);
    contact.failure = late
      ? { step: 'silence', why: `it takes connections, but does not answer within ${STEP_MS_MAX / 1000} s` }
      : { step: 'http', why: text };
  }
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
