import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { isTerminal, OPERATION_STATUSES } from '#agent/contract/operation';
import { placementNodes } from '#control/schedule/fleet';
import type { VerdictBasis } from '#control/schedule/verdict';
import { operationCountsByKind, operationDurations } from '#control/store/operation-metrics';
import type { Sql } from '#control/store/sql';

/** Instruments of the API itself. */
export interface HttpMetrics {
  /** Starts timing a request; call the result when its answer is known. */
  start: () => (end: { method: string; status: number }) => void;
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const seconds = new Histogram({
    name: 'ktrdr_http_request_duration_seconds',
    help: 'Time to answer a request; long polls and streams are counted when they begin to answer',
    labelNames: ['method', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30],
    registers: [registry],
  });
  return {
    start: () => {
      const end = seconds.startTimer();
      return ({ method, status }) => {
        end({ method, status: String(status) });
      };
    },
  };
}

/** KTRDR's figures, read from the store when somebody asks, so that they survive restarts. */
export function fleetMetrics(registry: Registry, source: { sql: Sql; times: VerdictBasis }): void {
  registry.registerMetric(
    new Gauge({
      name: 'ktrdr_workers_registered_total',
      help: 'Agents that registered and were not forgotten',
      registers: [],
      async collect() {
        this.set((await placementNodes(source.sql, source.times)).length);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'ktrdr_workers_available',
      help: 'Agents that are ready or degraded and have a free slot',
      registers: [],
      async collect() {
        const nodes = await placementNodes(source.sql, source.times);
        const free = nodes.filter(
          ({ verdict, freeSlots }) =>
            (verdict.state === 'ready' || verdict.state === 'degraded') && freeSlots > 0,
        );
        this.set(free.length);
      },
    }),
  );
  operationMetrics(registry, source.sql);
}

function operationMetrics(registry: Registry, sql: Sql): void {
  registry.registerMetric(
    new Gauge({
      name: 'ktrdr_operations_active',
      help: 'Operations that wait or run',
      labelNames: ['operation_type', 'status'],
      registers: [],
      async collect() {
        this.reset();
        for (const row of await operationCountsByKind(sql)) {
          if (!isTerminal(row.status)) this.set({ operation_type: row.kind, status: row.status }, row.count);
        }
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'ktrdr_operations_total',
      help: 'Operations ever submitted, by their present status',
      labelNames: ['operation_type', 'status'],
      registers: [],
      async collect() {
        this.reset();
        for (const row of await operationCountsByKind(sql)) {
          if (OPERATION_STATUSES.includes(row.status)) {
            this.inc({ operation_type: row.kind, status: row.status }, row.count);
          }
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'ktrdr_operation_duration_seconds',
      help: 'Run time of operations that ended in the last hour',
      labelNames: ['operation_type', 'quantile'],
      registers: [],
      async collect() {
        this.reset();
        for (const row of await operationDurations(sql)) {
          this.set({ operation_type: row.kind, quantile: '0.5' }, row.medianSeconds);
          this.set({ operation_type: row.kind, quantile: '0.95' }, row.p95Seconds);
        }
      },
    }),
  );
}
