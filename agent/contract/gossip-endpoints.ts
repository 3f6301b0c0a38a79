import { z } from 'zod';
import { endpoint } from './endpoint';
import {
  gossipAnswersSchema,
  gossipEventSchema,
  gossipMemberSchema,
  gossipQuerySchema,
  gossipStateSchema,
  keyChangeSchema,
  keyStepSchema,
} from './gossip';
import { listOf, single } from './problem';

const none = z.object({});
const memberName = z.string().min(1).max(300);
const tagFilter = z
  .string()
  .max(300)
  .regex(/^[^=]+=./, 'a tag is chosen by name=expression, such as gpu=h200');

/** The filter of `tag` parameters; of two with one name the later holds. */
export function tagFilters(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=');
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

export const gossipEndpoints = {
  getGossip: endpoint({
    method: 'get',
    path: '/gossip',
    tag: 'gossip',
    summary: 'How the gossip of this process stands: keys, label, members to join, refused packets',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: single(gossipStateSchema),
  }),
  listMembers: endpoint({
    method: 'get',
    path: '/gossip/members',
    tag: 'gossip',
    summary: 'Members of the fleet as gossip sees them, also those that are none of ours',
    permission: 'read',
    params: none,
    query: z.object({
      /** name=expression, also several times; all of them must hold. */
      tag: z
        .union([tagFilter, z.array(tagFilter).max(16)])
        .transform((given) => [given].flat())
        .optional(),
      status: gossipMemberSchema.shape.status.optional(),
    }),
    body: z.undefined(),
    reply: listOf(gossipMemberSchema),
  }),
  forceLeaveMember: endpoint({
    method: 'post',
    path: '/gossip/members/{name}/force-leave',
    tag: 'gossip',
    summary: 'A failed member will not come back; with `prune` it is forgotten at once',
    permission: 'run',
    params: z.object({ name: memberName }),
    query: none,
    body: z.strictObject({ prune: z.boolean().default(false) }),
    reply: single(z.object({ name: z.string(), prune: z.boolean() })),
  }),
  fireEvent: endpoint({
    method: 'post',
    path: '/gossip/events',
    tag: 'gossip',
    summary: 'Tells something to everybody who listens, once',
    permission: 'run',
    params: none,
    query: none,
    body: gossipEventSchema,
    reply: single(z.object({ name: z.string(), members: z.int() })),
  }),
  askMembers: endpoint({
    method: 'post',
    path: '/gossip/queries',
    tag: 'gossip',
    summary: 'Asks everybody, or those that the filters choose; answers when all have, or the time is over',
    permission: 'run',
    params: none,
    query: none,
    body: gossipQuerySchema,
    reply: single(gossipAnswersSchema),
  }),
  listKeys: endpoint({
    method: 'get',
    path: '/gossip/keys',
    tag: 'gossip',
    summary: 'Which keys how many members hold and seal with, by fingerprint',
    permission: 'read',
    params: none,
    query: none,
    body: z.undefined(),
    reply: single(keyStepSchema),
  }),
  changeKeys: endpoint({
    method: 'post',
    path: '/gossip/keys',
    tag: 'gossip',
    summary: 'Changes the keys of all members, step by step; stops at the first step that not all did',
    permission: 'run',
    params: none,
    query: none,
    body: keyChangeSchema,
    reply: single(z.array(keyStepSchema)),
  }),
  getRoundTrip: endpoint({
    method: 'get',
    path: '/gossip/rtt',
    tag: 'gossip',
    summary: 'Estimated round trip between two members, milliseconds; null before it is known',
    permission: 'read',
    params: none,
    query: z.object({ from: memberName, to: memberName.optional() }),
    body: z.undefined(),
    reply: single(z.object({ from: z.string(), to: z.string(), round_trip_ms: z.number().nullable() })),
  }),
};
