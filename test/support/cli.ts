import { join } from 'node:path';
import { exec, type ExecResult } from '#agent/kit/exec';

const repository = join(import.meta.dirname, '../..');
const BINARY = join(repository, 'dist/ktrdr-agent');

export interface CliOptions {
  /** Added to an environment that holds nothing else of the machine but PATH and HOME. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string;
  timeoutMs?: number;
  /** The compiled binary instead of the sources. */
  compiled?: boolean;
}

/** The words before the arguments: the runtime and main.ts, or the binary. */
export function cliCommand(compiled = false): string[] {
  return compiled ? [BINARY] : [process.execPath, join(repository, 'agent/main.ts')];
}

/** Runs `ktrdr-agent` to its end. It finds no settings, no fleet and no colours unless `env` names them. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<ExecResult> {
  return await exec([...cliCommand(options.compiled), ...args], {
    timeoutMs: options.timeoutMs ?? 20_000,
    env: {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: process.env.HOME ?? '/',
      KTRDR_DEV_DIR: '/nonexistent',
      ...options.env,
    },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  });
}
