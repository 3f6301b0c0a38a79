import type {
  FleetGossip,
  GossipAnswers,
  GossipMember,
  GossipQuery,
  KeyChange,
  KeyStep,
} from '#agent/contract/gossip';
import { randomBytes } from 'node:crypto';
import { Fault } from '#agent/kit/error';
import { urlHost } from '#agent/kit/ip-address';
import type { Rng } from '#agent/kit/rng';
import type { GossipNode } from '#agent/gossip/driver/node';
import { SerfRefusal, type QueryRequest } from '#agent/gossip/serf/effects';
import { KEY_QUERY, keyRequest } from '#agent/gossip/serf/key-queries';
import { isKey } from '#agent/gossip/wire/seal';
import { encodeFilter, readSerf } from '#agent/gossip/wire/serf-messages';
import type { FleetEvidence } from './evidence';
import { fingerprint, gossipState, isThere, type Joins } from './gossip-state';
import { chosenMembers, tagPatterns } from './member-filter';

export interface FleetGossipParts {
  readonly node: GossipNode;
  readonly fleet: FleetEvidence;
  readonly joins: Joins;
  readonly label: string;
  readonly rng: Rng;
}

/** Gossip in the words of the product's API. */
export function fleetGossip({ node, fleet, joins, label, rng }: FleetGossipParts): FleetGossip {
  return {
    get address() {
      return `${urlHost(node.address.host)}:${node.address.port}`;
    },
    name: node.name,
    members: (filter) => chosenMembers(fleet.members(), filter),
    state: () => gossipState(node, { label, joins, members: fleet.members() }),
    fire({ name, payload, coalesce }) {
      granted('send the event', () => {
        node.tell({ kind: 'event', name, payload: Buffer.from(payload), coalesce });
      });
    },
    async ask(query, signal) {
      const startMs = performance.now();
      const asked = askedBy(query, fleet.members());
      if (asked.length === 0) return { acks: [], responses: [], members: 0, missing: [], took_ms: 0 };
      const { acks, responses } = await collect(node, {
        request: requestOf(query, rng),
        signal,
        enough: { acks: asked.length, responses: asked.length },
      });
      return {
        acks: [...acks].toSorted(),
        responses: responses.map(({ from, payload }) => ({
          from,
          payload: Buffer.from(payload).toString('utf8'),
        })),
        members: asked.length,
        missing: asked.filter((name) => !acks.has(name)),
        took_ms: Math.round(performance.now() - startMs),
      } satisfies GossipAnswers;
    },
    changeKeys: (change, signal) => changeKeys({ node, fleet, rng, signal }, change),
    roundTripMs(from, to) {
      for (const name of [from, to]) if (node.member(name) === undefined) throw unknownMember(name);
      const seconds = node.roundTripSeconds(from, to);
      return seconds === undefined ? null : seconds * 1000;
    },
    forceLeave(name, prune) {
      const member = node.member(name);
      if (member === undefined) throw unknownMember(name);
      if (member.status === 'alive') {
        throw new Fault('conflict', `Cannot force ${name} to leave: it is alive`, {
          hint: 'stop the agent there: systemctl stop ktrdr-agent; it leaves by itself then',
        });
      }
      granted(`force ${name} to leave`, () => node.tell({ kind: 'force-leave', name, prune }));
    },
  };
}

/** Longer than all members need to answer a change of keys, which none of them may miss. */
const KEY_TIMEOUT_MS = 5_000;
const KEY_BYTES = 32;

interface KeyWork {
  node: GossipNode;
  fleet: FleetEvidence;
  rng: Rng;
  signal: AbortSignal;
}

/** Install, use, remove, in this order, and the next only when all members did the last. */
async function changeKeys(work: KeyWork, change: KeyChange): Promise<KeyStep[]> {
  const former = work.node.keys()?.[0];
  if (former === undefined) {
    throw new Fault('conflict', 'Cannot change the keys: nothing is encrypted here', {
      hint: 'gossip is encrypted when a keyring exists: see gossip_keyring',
    });
  }
  if (change.action === 'list') return [await keyStep(work, 'list', undefined)];
  const key = change.key === undefined ? randomBytes(KEY_BYTES) : keyOf(change.key);
  if (change.action !== 'rotate') return [await keyStep(work, change.action, key)];
  const steps: KeyStep[] = [];
  for (const [step, of] of [
    ['install', key],
    ['use', key],
    ['remove', former],
  ] as const) {
    const done = await keyStep(work, step, of);
    steps.push(done);
    // Whoever missed it would be locked out by the next one.
    if (done.succeeded < done.members) break;
  }
  return steps;
}

async function keyStep(work: KeyWork, step: KeyStep['step'], key: Uint8Array | undefined): Promise<KeyStep> {
  const { node, fleet, rng, signal } = work;
  const alive = fleet.members().filter(isThere);
  const request: QueryRequest = {
    id: rng.below(2 ** 32),
    name: KEY_QUERY[step],
    payload: key === undefined ? new Uint8Array(0) : keyRequest(key),
    filters: [],
    wantsAcks: false,
    relayFactor: 0,
    timeoutMs: KEY_TIMEOUT_MS,
  };
  const { responses } = await collect(node, {
    request,
    signal,
    enough: { acks: 0, responses: alive.length },
  });
  const result: KeyStep = { step, succeeded: 0, members: alive.length, failures: {}, held: {}, sealing: {} };
  for (const { name } of alive) result.failures[name] = 'it did not answer';
  for (const { from, payload } of responses) {
    const message = readSerf(payload);
    if (message.kind !== 'keyResponse') continue;
    const { Result, Message, Keys, PrimaryKey } = message.value;
    if (Result) {
      result.succeeded++;
      delete result.failures[from];
    } else result.failures[from] = Message;
    for (const held of Keys) count(result.held, fingerprint(keyBytes(held)));
    if (PrimaryKey !== '') count(result.sealing, fingerprint(keyBytes(PrimaryKey)));
  }
  return result;
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function keyBytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function keyOf(base64: string): Uint8Array {
  const key = keyBytes(base64);
  if (isKey(key)) return key;
  throw new Fault('invalid', `Cannot use the key: it has ${key.length} bytes, not 16, 24 or 32`, {
    hint: 'head -c 32 /dev/urandom | base64 makes one; `ktrdr-agent keys rotate` makes its own',
  });
}

function requestOf(
  { name, payload, nodes, tags, relay_factor, timeout_ms }: GossipQuery,
  rng: Rng,
): QueryRequest {
  const byTag = tagPatterns(tags).map(({ name: Tag, pattern: { source: Expr } }) =>
    encodeFilter({ kind: 'tag', Tag, Expr }),
  );
  return {
    id: rng.below(2 ** 32),
    name,
    payload: Buffer.from(payload),
    filters: [...(nodes.length === 0 ? [] : [encodeFilter({ kind: 'nodes', names: nodes })]), ...byTag],
    wantsAcks: true,
    relayFactor: relay_factor,
    timeoutMs: timeout_ms,
  };
}

interface Answer {
  from: string;
  payload: Uint8Array;
}

interface Collection {
  request: QueryRequest;
  signal: AbortSignal;
  /** When both have come nothing more is waited for. */
  enough: { acks: number; responses: number };
}

/** All answers until there are enough, or until the time of the query is over. */
async function collect(
  node: GossipNode,
  { request, signal, enough }: Collection,
): Promise<{ acks: Set<string>; responses: Answer[] }> {
  const acks = new Set<string>();
  const responses: Answer[] = [];
  const over = Promise.withResolvers<void>();
  const cancel = (): void => node.tell({ kind: 'cancel-query', id: request.id });
  using _listener = node.listen((happening) => {
    if (!('id' in happening) || happening.id !== request.id) return;
    if (happening.kind === 'query-ack') acks.add(happening.from);
    if (happening.kind === 'query-response') responses.push(happening);
    if (happening.kind === 'query-done') over.resolve();
    if (acks.size >= enough.acks && responses.length >= enough.responses) over.resolve();
  });
  signal.throwIfAborted();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    granted('ask', () => node.tell({ kind: 'query', query: request }));
    await over.promise;
    return { acks, responses };
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

function granted(wish: string, tell: () => void): void {
  try {
    tell();
  } catch (error) {
    if (!(error instanceof SerfRefusal)) throw error;
    throw new Fault('invalid', `Cannot ${wish}: ${error.message}`, { cause: error });
  }
}

/** Names of those that are there and that the filters choose, as exactly as each of them will judge it. */
function askedBy({ nodes, tags }: GossipQuery, members: readonly GossipMember[]): string[] {
  const wanted = tagPatterns(tags);
  return members
    .filter(isThere)
    .filter(({ name }) => nodes.length === 0 || nodes.includes(name))
    .filter((member) =>
      wanted.every(({ name, pattern }) => {
        const value = member.tags[name];
        return value !== undefined && pattern.test(value);
      }),
    )
    .map(({ name }) => name)
    .toSorted();
}

function unknownMember(name: string): Fault {
  return new Fault('not_found', `Cannot find ${name}: gossip knows no member of that name`, {
    hint: '`ktrdr-agent members` lists them',
  });
}
