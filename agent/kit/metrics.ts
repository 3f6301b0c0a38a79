import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { buildInfo } from './build-info';

/**
 * The instruments of one process, as a parameter like the clock: every folder registers its own on
 * it, nobody collects for others, and tests with several agents in one process stay apart.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  // Of the defaults only process_* and the event-loop lag mean anything under Bun.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_PERIOD_MS });
  for (const name of WITHOUT_MEANING) registry.removeSingleMetric(name);
  const build = new Gauge({
    name: 'ktrdr_build_info',
    help: 'Which program this is; always 1',
    labelNames: ['version', 'commit', 'target'],
    registers: [registry],
  });
  build.set({ version: buildInfo.version, commit: buildInfo.commit, target: buildInfo.target }, 1);
  return registry;
}

/** The default of 10 ms would wake an idle agent a hundred times a second, most of what it then uses of a core. */
const LAG_PERIOD_MS = 250;

const WITHOUT_MEANING = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_gc_duration_seconds',
  'nodejs_heap_space_size_available_bytes',
  'nodejs_heap_space_size_total_bytes',
  'nodejs_heap_space_size_used_bytes',
  'nodejs_version_info',
];
