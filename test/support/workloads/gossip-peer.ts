/**
 * One node of ours as a process, for tests beside real serf: options as JSON in the first argument,
 * commands as JSON lines on stdin, answers and happenings as JSON lines on stdout.
 */
import { z } from 'zod';
import { LAN } from '#agent/gossip/core/settings';
import { startGossip } from '#agent/gossip/driver/start-gossip';
import type { GossipNode, Happening } from '#agent/gossip/driver/node';
import { keyRequest } from '#agent/gossip/serf/key-queries';
import { encodeFilter } from '#agent/gossip/wire/serf-messages';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { systemRng } from '#agent/kit/rng';

const optionsSchema = z.object({
  names: z.array(z.string()).min(1),
  host: z.string(),
  port: z.int(),
  tags: z.record(z.string(), z.string()).default({}),
  key: z.base64().nullable().default(null),
  memoryPath: z.string(),
});
const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));

/** All in this process: the first one takes the commands. */
const nodes: GossipNode[] = [];
for (const [i, name] of options.names.entries()) {
  nodes.push(
    await startGossip({
      name,
      bind: { host: options.host, port: options.port + i },
      advertiseHost: options.host,
      settings: LAN,
      tags: new Map(Object.entries(options.tags)),
      keyring: options.key === null ? null : [new Uint8Array(Buffer.from(options.key, 'base64'))],
      label: '',
      memoryPath: i === 0 ? options.memoryPath : `${options.memoryPath}.${i}`,
      clock: systemClock,
      rng: systemRng,
      log: silentLog,
    }),
  );
}
const [node] = nodes as [GossipNode];
node.listen((happening) => {
  if (happening.kind === 'query' && happening.query.name === 'uptime') {
    node.tell({ kind: 'respond', query: happening.query, payload: Buffer.from('up since today') });
  }
  print({ happening: plain(happening) });
});
for (const member of nodes) member.join([{ host: options.host, port: options.port }]);
print({ ready: node.address });

const commandSchema = z.discriminatedUnion('command', [
  z.object({ command: z.literal('members') }),
  z.object({ command: z.literal('health') }),
  z.object({ command: z.literal('keys') }),
  z.object({ command: z.literal('rtt'), to: z.string() }),
  z.object({ command: z.literal('join'), host: z.string(), port: z.int() }),
  z.object({ command: z.literal('event'), name: z.string(), payload: z.string() }),
  z.object({ command: z.literal('tags'), tags: z.record(z.string(), z.string()) }),
  z.object({ command: z.literal('force-leave'), name: z.string(), prune: z.boolean().default(false) }),
  z.object({ command: z.literal('leave') }),
  z.object({
    command: z.literal('query'),
    id: z.int(),
    name: z.string(),
    payload: z.string().default(''),
    key: z.base64().optional(),
    nodes: z.array(z.string()).optional(),
    tag: z.tuple([z.string(), z.string()]).optional(),
    relayFactor: z.int().default(0),
    timeoutMs: z.int().default(3_000),
  }),
]);
type Command = z.infer<typeof commandSchema>;

for await (const line of console) print({ answer: await obey(commandSchema.parse(JSON.parse(line))) });

async function obey(command: Command): Promise<unknown> {
  switch (command.command) {
    case 'members':
      return node.members().map(({ name, status, tags, member }) => ({
        name,
        status,
        tags: Object.fromEntries(tags),
        address: `${member.address.host}:${member.address.port}`,
      }));
    case 'health':
      return node.health();
    case 'keys':
      return node.keys()?.map((key) => Buffer.from(key).toString('base64')) ?? null;
    case 'rtt':
      return node.roundTripSeconds(node.name, command.to) ?? null;
    case 'join':
      for (const member of nodes) member.join([{ host: command.host, port: command.port }]);
      return null;
    case 'event':
      return node.tell({
        kind: 'event',
        name: command.name,
        payload: Buffer.from(command.payload),
        coalesce: false,
      });
    case 'tags':
      return node.tell({ kind: 'set-tags', tags: new Map(Object.entries(command.tags)) });
    case 'force-leave':
      return node.tell({ kind: 'force-leave', name: command.name, prune: command.prune });
    case 'query':
      return node.tell({ kind: 'query', query: queryOf(command) });
    case 'leave':
      await Promise.all(nodes.map((member) => member.leave()));
      return null;
  }
}

function queryOf({
  id,
  name,
  payload,
  key,
  nodes: names,
  tag,
  relayFactor,
  timeoutMs,
}: Command & { command: 'query' }) {
  const filters = [
    ...(names === undefined ? [] : [encodeFilter({ kind: 'nodes', names })]),
    ...(tag === undefined ? [] : [encodeFilter({ kind: 'tag', Tag: tag[0], Expr: tag[1] })]),
  ];
  return {
    id,
    name,
    payload: key === undefined ? Buffer.from(payload) : keyRequest(Buffer.from(key, 'base64')),
    filters,
    wantsAcks: true,
    relayFactor,
    timeoutMs,
  };
}

/** Bytes as text and maps as objects: what JSON can carry. */
function plain(happening: Happening): unknown {
  if (happening.kind === 'member' && 'news' in happening) {
    return { kind: 'member', news: happening.news, name: happening.member.name };
  }
  if (happening.kind === 'member') {
    return { kind: 'core', change: happening.change, name: happening.member.name };
  }
  if ('payload' in happening) return { ...happening, payload: Buffer.from(happening.payload).toString() };
  if (happening.kind === 'keyring') return { kind: 'keyring', count: happening.keys.length };
  if (happening.kind === 'query')
    return { kind: 'query', name: happening.query.name, from: happening.query.from };
  return happening;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
