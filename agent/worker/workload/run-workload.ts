import { constants, setPriority } from 'node:os';
import { z } from 'zod';
import { END_OF_OUTPUT, RESULT_LENGTH_MAX, shimToWorkloadSchema } from '#agent/contract/job';
import type { ShimToWorkload, WorkloadToShim } from '#agent/contract/job';
import type { RunJob } from '#agent/jobs/job';
import { BarsStore } from '#agent/jobs/bars-store';
import { loadJob } from '#agent/jobs/runs';
import { assert, present } from '#agent/kit/assert';
import { canonicalJson } from '#agent/kit/canonical-json';
import { systemClock } from '#agent/kit/clock';
import { describeError, Fault } from '#agent/kit/error';
import { dieWithParent } from '#agent/kit/process';

import { createContext } from './job-context';
import type { RunningContext } from './job-context';

/**
 * The process that computes: `__run <pid of the shim>`. Runs one job at a time, as often as the shim
 * says, and has no way out but its messages to the shim, stdout and stderr. Dies with the shim.
 */
export function runWorkload(argv: readonly string[], load: LoadJob = loadJob): Promise<void> {
  dieWithParent(z.coerce.number().int().min(2).parse(argv[0]));
  // The agent and the control plane of the same host come first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const workload = createWorkload(load);
  process.on('message', (message) => workload.receive(shimToWorkloadSchema.parse(message)));
  const disconnected = new Promise<void>((resolve) => {
    process.once('disconnect', () => resolve());
  });
  send({ type: 'ready' });
  return disconnected.then(() => process.exit(0));
}

export type LoadJob = (kind: string) => Promise<RunJob> | undefined;

type RunMessage = Extract<ShimToWorkload, { type: 'run' }>;

interface Running {
  abort: AbortController;
  parts: RunningContext;
}

function createWorkload(load: LoadJob): { receive(message: ShimToWorkload): void } {
  const store = new BarsStore();
  let running: Running | undefined;

  const run = async (message: RunMessage): Promise<void> => {
    assert(running === undefined, 'the shim started a job while another one runs');
    const abort = new AbortController();
    const parts = createContext({
      run: message,
      send,
      openBars: async () => openBars(store, message),
      clock: systemClock,
      yieldToMessages: nextTurn,
      signal: abort.signal,
    });
    running = { abort, parts };
    const outcome = await outcomeOf(message, parts, load);
    parts.flush();
    running = undefined;
    await endOutput();
    send(outcome);
  };

  return {
    receive(message) {
      switch (message.type) {
        case 'run':
          void run(message);
          break;
        case 'cancel':
          running?.abort.abort(new Cancellation());
          break;
        case 'spooled':
          running?.parts.spooled(message.units);
          break;
      }
    },
  };
}

async function outcomeOf(
  message: RunMessage,
  { context }: RunningContext,
  load: LoadJob,
): Promise<WorkloadToShim> {
  try {
    const job = await load(message.kind);
    if (job === undefined) {
      throw new Fault('environment', `Cannot run a job of kind '${message.kind}': this version has none`, {
        hint: 'upgrade this agent to the version of the control plane',
      });
    }
    const result_json = canonicalJson(await job(context));
    if (result_json.length > RESULT_LENGTH_MAX) {
      throw new Fault('too_large', `Cannot report the result: it has ${result_json.length} characters`);
    }
    const result_sha256 = new Bun.CryptoHasher('sha256').update(result_json).digest('hex');
    return { type: 'completed', result_json, result_sha256 };
  } catch (error) {
    return { type: 'failed', error: describeFailure(error) };
  }
}

type Failure = Extract<WorkloadToShim, { type: 'failed' }>['error'];

function describeFailure(error: unknown): Failure {
  if (error instanceof Cancellation) return { code: 'cancelled', message: error.message, retryable: false };
  if (error instanceof Fault) {
    return {
      code: error.code,
      message: describeError(error).slice(0, 4000),
      ...(error.hint === undefined ? {} : { hint: error.hint.slice(0, 1000) }),
      retryable: error.retryable,
    };
  }
  // A bug of the job: its stack belongs into the log.
  console.error(error);
  return { code: 'internal', message: describeError(error).slice(0, 4000), retryable: false };
}

class Cancellation extends Error {
  override readonly name = 'Cancellation';
  constructor() {
    super('the job was cancelled');
  }
}

function openBars(store: BarsStore, message: RunMessage): ReturnType<BarsStore['open']> {
  return store.open(present(message.bars_path, 'the path of the bars'), present(message.bars, 'the bars'));
}

/** One turn of the event loop, in which messages that have arrived are handled. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function endOutput(): Promise<unknown> {
  const end = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise((resolve) => {
      stream.write(`${END_OF_OUTPUT}\n`, () => resolve());
    });
  return Promise.all([end(process.stdout), end(process.stderr)]);
}

function send(message: WorkloadToShim): void {
  assert(process.send !== undefined, 'a workload is started by a shim, with a channel to it');
  process.send(message);
}
