import type { AttemptKey, ResultReport } from '#agent/contract/lease';
import type { SpooledUnit } from '#agent/contract/job';
import type { LogLine, Progress } from '#agent/contract/operation';

/** `stale`: the epoch is over, somebody else has the work or it was cancelled; nothing was written. */
export type DeliveryVerdict = 'accepted' | 'stale';

export type DeliveredLine = Omit<LogLine, 'epoch'>;

/**
 * The way of an attempt's reports to the control plane. Each method retries by itself for as long as
 * the control plane is away, and ends with the signal's reason when the signal aborts. Any other
 * rejection says that the report will never be taken, whoever sends it again (a Fault of the input).
 * All reports may be repeated: units by their index, lines by their `seq`, results by their attempt.
 */
export interface Delivery {
  progress(key: AttemptKey, progress: Progress, signal: AbortSignal): Promise<DeliveryVerdict>;
  /** At most UNITS_PER_REPORT_MAX; one call of an attempt at a time, in the order of the spool. */
  units(key: AttemptKey, units: readonly SpooledUnit[], signal: AbortSignal): Promise<DeliveryVerdict>;
  /** At most LOG_LINES_PER_REPORT_MAX. Lines may still come shortly after the result. */
  logs(key: AttemptKey, lines: readonly DeliveredLine[], signal: AbortSignal): Promise<DeliveryVerdict>;
  /** Comes after every unit of the attempt was accepted. */
  result(key: AttemptKey, report: ResultReport, signal: AbortSignal): Promise<DeliveryVerdict>;
}
