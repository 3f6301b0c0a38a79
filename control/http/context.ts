import type { Registry } from 'prom-client';
import type { FleetGossip } from '#agent/contract/gossip';
import type { BuildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import type { Log } from '#agent/kit/log';
import type { Rng } from '#agent/kit/rng';
import type { Changes } from '#control/schedule/changes';
import type { Dispatcher } from '#control/schedule/dispatcher';
import type { LeaseSweeper } from '#control/schedule/lease-sweeper';
import type { VerdictBasis } from '#control/schedule/verdict';
import type { Database } from '#control/store/connect';
import type { Sql } from '#control/store/sql';
import type { BarsFiles } from './bars-files';

/** What the handlers of the control plane work with. */
export interface ControlContext {
  database: Database;
  databaseKind: 'embedded' | 'external';
  transaction: <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;
  clock: Clock;
  rng: Rng;
  log: Log;
  build: BuildInfo;
  times: VerdictBasis;
  /** Undefined where gossip is switched off, and until it runs. */
  gossip: () => FleetGossip | undefined;
  changes: Changes;
  dispatcher: Dispatcher;
  sweeper: LeaseSweeper;
  barsFiles: BarsFiles;
  metrics: Registry;
  startedAt: string;
  /** Aborts when the control plane begins to stop: from then on requests are refused, and streams end. */
  stopping: AbortSignal;
  /** Tells this and other control planes that work may be claimable. */
  wake: () => void;
  /** Tells this and other control planes that an operation changed. */
  changed: (operationId: string, parentId: string | null) => void;
}
