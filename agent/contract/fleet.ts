import { z } from 'zod';
import { gossipCountsSchema } from './gossip';
import { workerSchema } from './worker';

/** What `status` shows: one screen about everything, with a reason beside each state. */
export const fleetStatusSchema = z.object({
  state: z.enum(['ok', 'degraded', 'down']),
  /** Why the state is not ok; empty when it is. */
  reasons: z.array(z.string()),
  control: z.object({
    version: z.string(),
    commit: z.string(),
    started_at: z.string(),
    database: z.object({
      state: z.enum(['ok', 'down']),
      kind: z.enum(['embedded', 'external']),
      server_version: z.string(),
      schema_version: z.int(),
    }),
    /** The end of the time in which no lease is taken away after a start or an outage; null when over. */
    leases_held_until: z.string().nullable(),
  }),
  workers: z.array(workerSchema),
  /** Null where the control plane takes no part in gossip. */
  gossip: gossipCountsSchema.nullable(),
  operations: z.object({
    pending: z.int(),
    running: z.int(),
    completed_24h: z.int(),
    failed_24h: z.int(),
  }),
  generated_at: z.string(),
});
export type FleetStatus = z.infer<typeof fleetStatusSchema>;

/** `/health` of the control plane. */
export const controlHealthSchema = z.object({
  healthy: z.boolean(),
  service: z.literal('ktrdr-agent-control'),
  timestamp: z.string(),
  version: z.string(),
  database: z.enum(['ok', 'down']),
  workers_available: z.int(),
});

/** `/health` of an agent, with KTRDR's worker fields. */
export const workerHealthSchema = z.object({
  healthy: z.boolean(),
  service: z.literal('ktrdr-agent-worker'),
  timestamp: z.string(),
  worker_id: z.string(),
  worker_status: z.enum(['busy', 'idle']),
  current_operation: z.string().nullable(),
  active_operations_count: z.int(),
  control_plane: z.object({ url: z.string(), reachable: z.boolean(), reason: z.string().nullable() }),
  gpu_available: z.boolean(),
  ib_available: z.boolean(),
  version: z.string(),
});
export type WorkerHealth = z.infer<typeof workerHealthSchema>;
