import type { RunJob } from '#agent/jobs/job';
import { runWorkload } from '#agent/worker/workload/run-workload';

// A workload whose kinds are behaviours: what the product's own kinds would never do on purpose.
const JOBS: Readonly<Record<string, RunJob>> = {
  /** Emits its units, then says which process it was. */
  count: async (context) => {
    const { from, to } = context.units ?? { from: 0, to: 0 };
    for (let unit = from; unit < to; unit++) {
      context.emitUnit({ unit_index: unit, parameters: { unit }, metrics: { square: unit * unit } });
      context.reportProgress({ percentage: (100 * (unit - from + 1)) / (to - from) });
      await context.breathe();
    }
    console.log('counted');
    return { pid: process.pid, environment: Object.keys(process.env).toSorted() };
  },
  /** Computes for ever, and takes a cancellation well. */
  endless: async (context) => {
    console.log(`endless in ${process.pid}`);
    context.reportProgress({ percentage: 50, current_step: 'for ever' });
    for (let unit = 0; ; unit++) {
      if (unit < 3) context.emitUnit({ unit_index: unit, parameters: {}, metrics: {} });
      await context.breathe();
    }
  },
  /** Waits until a file appears. */
  wait: async (context) => {
    const { path } = context.parameters;
    console.log(`waiting in ${process.pid}`);
    while (!(await Bun.file(String(path)).exists())) {
      await context.breathe();
      await Bun.sleep(10);
    }
    context.emitUnit({ unit_index: 0, parameters: {}, metrics: { found: 1 } });
    return { pid: process.pid };
  },
  /** Takes neither a cancellation nor SIGTERM, and has a grandchild in a session of its own. */
  stubborn: async () => {
    process.on('SIGTERM', () => console.error('SIGTERM ignored'));
    // The child ends at once, so that its child is an orphan.
    Bun.spawn(['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo orphan $!'], { stdout: 'inherit' });
    for (;;) await Bun.sleep(1_000);
  },
  /** Succeeds, and leaves a process behind. */
  litter: async () => {
    await Bun.spawn(['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo orphan $!'], { stdout: 'inherit' })
      .exited;
    return { pid: process.pid };
  },
  crash: async () => {
    console.error('about to die');
    process.kill(process.pid, 'SIGKILL');
    await Bun.sleep(10_000);
    return {};
  },
  throw: async () => {
    throw new TypeError('undefined is not a strategy');
  },
  nan: async () => ({ metrics: { sharpe: NaN } }),
  flood: async (context) => {
    const lines = Number(context.parameters['lines']);
    for (let line = 0; line < lines; line++) console.log(`${line} ${'x'.repeat(200)}`);
    return { lines };
  },
};

await runWorkload(process.argv.slice(2), (kind) => {
  const job = JOBS[kind];
  return job === undefined ? undefined : Promise.resolve(job);
});
