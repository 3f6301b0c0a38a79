import { z } from 'zod';
import { endpoint } from './endpoint';
import { single } from './problem';
import { workerIdSchema, workerSchema } from './worker';

const byWorker = z.object({ worker_id: workerIdSchema });

export const REASON_CHARS_MAX = 500;

/** Kept with the drain and written to the log. */
export const drainRequestSchema = z.strictObject({
  reason: z.string().trim().min(1).max(REASON_CHARS_MAX),
  /** Who asks, as people write it, such as "ann@nas". */
  by: z.string().trim().min(1).max(120).optional(),
});

const drainReplySchema = single(
  workerSchema.extend({
    /** What follows for the fleet, such as that no other agent takes work now. */
    warnings: z.array(z.string()),
  }),
);

export const drainEndpoints = {
  drainWorker: endpoint({
    method: 'post',
    path: '/workers/{worker_id}/drain',
    tag: 'workers',
    summary: 'No new work for an agent, which finishes what it has; repeating it changes the reason only',
    permission: 'run',
    params: byWorker,
    query: z.object({}),
    body: drainRequestSchema,
    reply: drainReplySchema,
  }),
  undrainWorker: endpoint({
    method: 'post',
    path: '/workers/{worker_id}/undrain',
    tag: 'workers',
    summary: 'Ends a drain: the agent takes work again at once',
    permission: 'run',
    params: byWorker,
    query: z.object({}),
    body: drainRequestSchema.pick({ by: true }),
    reply: drainReplySchema,
  }),
};
