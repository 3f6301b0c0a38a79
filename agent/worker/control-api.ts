import type { z } from 'zod';
import type {
  ClaimReply,
  ResultReport,
  AttemptKey,
  claimRequestSchema,
  logsReportSchema,
  progressReportSchema,
  UnitsReport,
} from '#agent/contract/lease';
import type {
  Heartbeat,
  HeartbeatReply,
  Registration,
  registrationReplySchema,
} from '#agent/contract/worker';

export type RegistrationReply = z.infer<typeof registrationReplySchema>;
export type ClaimRequest = z.infer<typeof claimRequestSchema>;
export type ProgressReport = z.infer<typeof progressReportSchema>;
export type LogsReport = z.infer<typeof logsReportSchema>;

/**
 * What an agent asks of the control plane, one method an endpoint. Each makes one request and rejects
 * with a Fault: `unavailable` or `timeout` when no answer came, else the code of the problem document.
 */
export interface ControlApi {
  readonly url: string;
  register(body: Registration, call: CallOptions): Promise<RegistrationReply>;
  heartbeat(workerId: string, body: Heartbeat, call: CallOptions): Promise<HeartbeatReply>;
  claim(workerId: string, body: ClaimRequest, call: CallOptions): Promise<ClaimReply>;
  stop(workerId: string, instance: string, call: CallOptions): Promise<void>;
  progress(key: AttemptKey, body: ProgressReport, call: CallOptions): Promise<Accepted>;
  units(key: AttemptKey, body: UnitsReport, call: CallOptions): Promise<Accepted>;
  logs(key: AttemptKey, body: LogsReport, call: CallOptions): Promise<Accepted>;
  result(key: AttemptKey, body: ResultReport, call: CallOptions): Promise<Accepted>;
  /** The answer of 200 with its unread body; `timeoutMs` bounds the time to its head. */
  barsFile(dataHash: string, call: CallOptions): Promise<Response>;
}

export interface CallOptions {
  signal: AbortSignal;
  timeoutMs: number;
}

export interface Accepted {
  accepted: boolean;
  duplicate: boolean;
}

export function keyOf({ operation_id, epoch }: AttemptKey): AttemptKey {
  return { operation_id, epoch };
}
