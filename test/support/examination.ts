import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { checkSchema } from '#agent/contract/doctor';
import { present } from '#agent/kit/assert';
import { exec } from '#agent/kit/exec';
import { BINARY } from './fleet';
import { freePort } from './free-port';

/** What `doctor --json` prints. */
const examinationSchema = z.object({
  state: z.enum(['ok', 'degraded', 'broken']),
  took_ms: z.number(),
  checks: z.array(checkSchema.extend({ topic: z.string() })),
});

export interface Examination extends z.infer<typeof examinationSchema> {
  code: number;
  stdout: string;
  /** From the outside: with the start of the program. */
  wallMs: number;
  check(name: string): z.infer<typeof checkSchema>;
}

export interface ExaminationOptions {
  environment: Readonly<Record<string, string | undefined>>;
  checks?: readonly string[];
  /** Not as the user of the tests. */
  uid?: number;
  /** Put before the command, such as a program that enters a control group. */
  prefix?: readonly string[];
  /** The words that start `ktrdr-agent`; default the compiled binary. */
  program?: readonly string[];
  /** With KTRDR_DOCTOR_OUTPUTS=<folder> the text as a person sees it is kept in a file of this name. */
  keep?: string;
}

/** Runs `doctor` on a machine as these settings describe it. */
export async function doctor(options: ExaminationOptions): Promise<Examination> {
  const { checks = [], keep } = options;
  const folder = process.env['KTRDR_DOCTOR_OUTPUTS'];
  if (folder !== undefined && keep !== undefined) {
    const { stdout, code } = await run(options, ['doctor', ...checks]);
    await mkdir(folder, { recursive: true });
    const command = ['$ ktrdr-agent doctor', ...checks].join(' ');
    await Bun.write(join(folder, `${keep}.txt`), `${command}\n${stdout}[exit ${code}]\n`);
  }
  const startedMs = performance.now();
  const { stdout, stderr, code } = await run(options, ['doctor', ...checks, '--json']);
  const wallMs = performance.now() - startedMs;
  if (stdout === '') throw new Error(`doctor printed nothing (exit ${code}): ${stderr}`);
  const document = examinationSchema.parse(JSON.parse(stdout));
  const check = (name: string) =>
    present(
      document.checks.find((candidate) => candidate.name === name),
      `the check ${name} of\n${stdout}`,
    );
  return { ...document, code, stdout, wallMs, check };
}

/** Settings of a machine on which nothing was ever started, and which knows of no control plane that runs. */
export async function untouched(directory: string, more: Record<string, string> = {}) {
  const settings = join(directory, 'settings.yaml');
  await Bun.write(settings, '{}\n');
  return {
    PATH: '/usr/bin:/bin',
    HOME: directory,
    KTRDR_SETTINGS: settings,
    KTRDR_STATE_DIR: join(directory, 'state'),
    KTRDR_RUNTIME_DIR: join(directory, 'run'),
    KTRDR_CACHE_DIR: join(directory, 'cache'),
    KTRDR_ROLE: 'worker',
    KTRDR_API_URL: `http://127.0.0.1:${await freePort()}`,
    WORKER_PORT: String(await freePort()),
    ...more,
  };
}

async function run(
  { environment, prefix = [], program = [BINARY], uid }: ExaminationOptions,
  args: string[],
) {
  const asUser = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const defined = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return await exec([...prefix, ...asUser, ...program, ...args], {
    timeoutMs: 30_000,
    cwd: '/',
    env: {
      PATH: '/usr/bin:/bin',
      NO_COLOR: '1',
      KTRDR_DEV_DIR: '/nonexistent',
      ...Object.fromEntries(defined),
    },
  });
}
