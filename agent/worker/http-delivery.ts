import type { AttemptKey, ResultReport } from '#agent/contract/lease';
import type { Clock } from '#agent/kit/clock';
import { describeError, Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { backoffDelayMs } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import type { Delivery, DeliveryVerdict } from './attempts/delivery';
import type { Accepted, CallOptions, ControlApi } from './control-api';
import { operationType } from './held-operation';
import type { WorkerMetrics } from './worker-metrics';

export interface HttpDeliveryOptions {
  api: ControlApi;
  workerId: string;
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Pick<WorkerMetrics, 'operations' | 'reports'>;
}

/** Brings reports to the control plane over HTTP, for as long as it takes. */
export function httpDelivery(options: HttpDeliveryOptions): Delivery {
  const { api, workerId: worker_id } = options;
  const send = (report: Report, work: (call: CallOptions) => Promise<Accepted>) =>
    deliver(options, report, work);
  return {
    progress: (key, progress, signal) =>
      send({ name: 'progress', key, signal, timeoutMs: 5_000 }, (call) =>
        api.progress(key, { worker_id, progress }, call),
      ),
    units: (key, units, signal) =>
      send({ name: 'units', key, signal, timeoutMs: 20_000 }, (call) =>
        api.units(key, { worker_id, units: [...units] }, call),
      ),
    logs: (key, lines, signal) =>
      send({ name: 'logs', key, signal, timeoutMs: 10_000 }, (call) =>
        api.logs(key, { worker_id, lines: [...lines] }, call),
      ),
    result: (key, report, signal) => {
      const named = { name: 'result', key, signal, timeoutMs: 60_000 } as const;
      return deliverResult(options, named, report);
    },
  };
}

interface Report {
  name: 'progress' | 'units' | 'logs' | 'result';
  key: AttemptKey;
  signal: AbortSignal;
  timeoutMs: number;
}

/** A result that the control plane finds malformed becomes a failure, so that the operation still ends. */
async function deliverResult(
  options: HttpDeliveryOptions,
  report: Report,
  body: ResultReport,
): Promise<DeliveryVerdict> {
  const { api } = options;
  const send = async (sent: ResultReport): Promise<DeliveryVerdict> => {
    const verdict = await deliver(options, report, (call) => api.result(report.key, sent, call));
    if (verdict === 'accepted') options.metrics.operations.inc(operationLabels(report.key, sent.outcome));
    return verdict;
  };
  try {
    return await send(body);
  } catch (error) {
    if (report.signal.aborted) throw error;
    options.log.error('the result of an attempt was refused; reporting a failure instead', {
      ...report.key,
      outcome: body.outcome,
      reason: describeError(error),
    });
    return await send(failedResult(body, `Cannot deliver the result: ${describeError(error)}`));
  }
}

function operationLabels({ operation_id }: AttemptKey, outcome: string) {
  return { operation_type: operationType(operation_id), outcome };
}

function failedResult(body: ResultReport, message: string): ResultReport {
  return {
    worker_id: body.worker_id,
    outcome: 'failed',
    result: null,
    error: { code: 'internal', message: message.slice(0, 4000), retryable: false },
    provenance: null,
  };
}

async function deliver(
  options: HttpDeliveryOptions,
  report: Report,
  send: (call: CallOptions) => Promise<Accepted>,
): Promise<DeliveryVerdict> {
  const { clock, rng, log, metrics } = options;
  const { name, key, signal, timeoutMs } = report;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      const { accepted, duplicate } = await send({ signal, timeoutMs });
      const verdict = accepted || duplicate ? 'accepted' : 'stale';
      metrics.reports.inc({ report: name, verdict });
      return verdict;
    } catch (error) {
      signal.throwIfAborted();
      if (isStale(error)) {
        // Lines may come after the result by design; anything else late is worth a look.
        if (name !== 'logs')
          log.info('a late report was refused: its attempt is over', { ...key, report: name });
        metrics.reports.inc({ report: name, verdict: 'stale' });
        return 'stale';
      }
      if (!isTransient(error)) {
        metrics.reports.inc({ report: name, verdict: 'refused' });
        log.error('a report was refused for good', { ...key, report: name, reason: describeError(error) });
        throw error;
      }
      metrics.reports.inc({ report: name, verdict: 'retried' });
      const delayMs = retryAfterMs(error) ?? backoffDelayMs(BACKOFF, attempt, rng);
      log.debug('a report waits for the control plane', {
        ...key,
        report: name,
        reason: describeError(error),
        delay_ms: Math.round(delayMs),
      });
      await clock.sleep(delayMs, signal);
    }
  }
}

/** Short at the end, so that results are home soon after an outage. */
const BACKOFF = { delayMsMin: 100, delayMsMax: 2_000 };
/** A server that asks for more is asked again anyway: a report is small, a lost hour is not. */
const RETRY_AFTER_MS_MAX = 30_000;

/** 409: another epoch or another result. 404: the operation does not exist (any more). */
function isStale(error: unknown): boolean {
  if (!(error instanceof Fault)) return false;
  return error.code === 'stale_epoch' || error.code === 'conflict' || error.code === 'not_found';
}

/**
 * Whether the same report may be taken later: no answer, an overloaded or failing server, and a token
 * or a proxy that an operator still has to put right. What the input itself is refused for never heals.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Fault)) return false;
  if (error.retryable) return true;
  switch (error.code) {
    case 'unauthorized':
    case 'forbidden':
    case 'environment':
    case 'internal':
      return true;
    default:
      return false;
  }
}

export function retryAfterMs(error: unknown): number | undefined {
  const seconds = error instanceof Fault ? error.details?.['retry_after_s'] : undefined;
  return typeof seconds === 'number' && seconds >= 0
    ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX)
    : undefined;
}
