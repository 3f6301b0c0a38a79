/**
 * Errors of the world: input, machines, networks. A bug is an AssertionError instead.
 * Every fault says what could not be done and why (`message`, "Cannot <verb> <thing>: <state>")
 * and the command or setting that fixes it (`hint`).
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly hint: string | undefined;
  /** Structured facts for programs: the refusal table, the line of a file, the holder of a lock. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }

  /** HTTP status of this fault. */
  get status(): number {
    return FAULTS[this.code].status;
  }

  /** Exit code of a command that ends with this fault. */
  get exitCode(): number {
    return FAULTS[this.code].exit;
  }

  /** Whether the same request may succeed later without a change by the caller. */
  get retryable(): boolean {
    return FAULTS[this.code].retryable;
  }
}

export interface FaultOptions {
  hint?: string;
  cause?: unknown;
  details?: Record<string, unknown>;
}

/** The one table from code to HTTP status, exit code and retryability. Exit 2 is wrong usage. */
export const FAULTS = {
  bad_request: { status: 400, exit: 2, retryable: false },
  unauthorized: { status: 401, exit: 1, retryable: false },
  forbidden: { status: 403, exit: 1, retryable: false },
  not_found: { status: 404, exit: 1, retryable: false },
  conflict: { status: 409, exit: 1, retryable: false },
  stale_epoch: { status: 409, exit: 1, retryable: false },
  too_large: { status: 413, exit: 2, retryable: false },
  invalid: { status: 422, exit: 2, retryable: false },
  too_many: { status: 429, exit: 1, retryable: true },
  no_workers: { status: 503, exit: 1, retryable: true },
  unavailable: { status: 503, exit: 1, retryable: true },
  timeout: { status: 504, exit: 1, retryable: true },
  disk_full: { status: 507, exit: 1, retryable: true },
  in_use: { status: 409, exit: 1, retryable: false },
  settings: { status: 500, exit: 2, retryable: false },
  environment: { status: 500, exit: 1, retryable: false },
  internal: { status: 500, exit: 70, retryable: false },
} as const satisfies Record<string, { status: number; exit: number; retryable: boolean }>;

export type FaultCode = keyof typeof FAULTS;

export function isFaultCode(code: string): code is FaultCode {
  return Object.hasOwn(FAULTS, code);
}

/** The chain of causes in one line; an outer message that already holds the inner one is not repeated. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const message = current instanceof Error ? current.message || current.name : describeThrown(current);
    if (!parts.some((part) => part.includes(message))) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ');
}

/** Not everything thrown is an Error, and an object as a string says nothing. */
function describeThrown(value: unknown): string {
  return typeof value === 'string' ? value : Bun.inspect(value);
}

/** The `code` of a system or database error (ENOSPC, 57P01, …), if it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
