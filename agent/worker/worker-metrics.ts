import { Counter, Gauge, type Registry } from 'prom-client';

export type WorkerMetrics = ReturnType<typeof workerMetrics>;

/** The instruments of the agent's side; gauges that only mirror a level are read when scraped. */
export function workerMetrics(registry: Registry, levels: WorkerLevels) {
  const registers = [registry];
  gauge(registry, 'ktrdr_worker_slots', 'Pieces of work that this agent runs at once', () => levels.slots());
  gauge(registry, 'ktrdr_worker_slots_free', 'Slots that wait for work', () => levels.freeSlots());
  gauge(
    registry,
    'ktrdr_worker_operations_active',
    'Attempts held: starting, running, or finished and not yet delivered',
    () => levels.active(),
  );
  gauge(
    registry,
    'ktrdr_worker_control_plane_reachable',
    '1 while the control plane answers this agent',
    () => (levels.reachable() ? 1 : 0),
  );
  return {
    /** By kind and by what was delivered. */
    operations: new Counter({
      name: 'ktrdr_worker_operations_total',
      help: 'Attempts whose end was accepted by the control plane',
      labelNames: ['operation_type', 'outcome'],
      registers,
    }),
    heartbeatFailures: new Counter({
      name: 'ktrdr_worker_heartbeat_failures_total',
      help: 'Heartbeats without a good answer',
      registers,
    }),
    heartbeats: new Counter({
      name: 'ktrdr_worker_heartbeats_total',
      help: 'Heartbeats that were answered',
      registers,
    }),
    grants: new Counter({
      name: 'ktrdr_worker_grants_total',
      help: 'Attempts granted to this agent',
      labelNames: ['operation_type'],
      registers,
    }),
    reports: new Counter({
      name: 'ktrdr_worker_reports_total',
      help: 'Reports by what became of them; "retried" counts each failed try',
      labelNames: ['report', 'verdict'],
      registers,
    }),
    barsCacheBytes: new Gauge({
      name: 'ktrdr_worker_bars_cache_bytes',
      help: 'Size of the host cache of bars, when it last changed',
      registers,
    }),
    barsDownloads: new Counter({
      name: 'ktrdr_worker_bars_downloads_total',
      help: 'Bars files asked of the control plane, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
  };
}

export interface WorkerLevels {
  slots(): number;
  freeSlots(): number;
  active(): number;
  reachable(): boolean;
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  // The registry keeps the gauge; it asks for the level whenever somebody scrapes.
  const instrument: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: () => instrument.set(read()),
  });
}
