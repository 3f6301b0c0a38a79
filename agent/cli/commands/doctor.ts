import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { CheckState } from '#agent/contract/doctor';
import { buildInfo } from '#agent/kit/build-info';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { createOutput } from '#agent/cli/output';
import { showExamination } from '#agent/cli/doctor/doctor-view';
import { examine } from '#agent/cli/doctor/patient';
import { recordExamination } from '#agent/cli/doctor/record-examination';
import { CHECKS, EXAMINATION_MS_MAX, runChecks, type TopicCheck } from '#agent/cli/doctor/run-checks';
import { readSettings } from '#agent/cli/doctor/settings-reading';

import { fold } from '#agent/cli/text';

export const doctorCommand: CliCommand = {
  name: 'doctor',
  create: (shell) =>
    clientCommand('doctor')
      .summary('What is wrong here, and the command that fixes it')
      .description(
        'Every fact about this machine, its agent and its control plane, with a verdict and the command or setting that fixes it; changes nothing; exit 0 all is well, 1 warnings, 2 something is broken',
      )
      .argument('[check...]', 'only these checks, such as cpu, ports or schema; default: all')
      .option('--explain', 'show how every fact was found')
      .option('--record <folder>', 'write what was read into a new folder, for a bug report')
      .action(async (names, { explain = false, record, ...flags }) => {
        const unknown = names.find((name) => !CHECKS.some((check) => check.name === name));
        if (unknown !== undefined) throw noSuchCheck(unknown);
        const output = createOutput(shell, flags.json ?? false);
        const startedMs = shell.clock.bootMs();
        const deadline = AbortSignal.any([shell.signal, AbortSignal.timeout(EXAMINATION_MS_MAX)]);
        const patient = examine(shell, readSettings(shell, flags), deadline);
        const checks = await runChecks(patient, names);
        shell.signal.throwIfAborted();
        const tookMs = shell.clock.bootMs() - startedMs;
        const document = documentOf(checks, { atMs: shell.clock.nowMs(), tookMs });
        output.document(document);
        const { version, target, examined_at } = document;
        const title = `ktrdr-agent ${version} (${target}) on ${hostname()}, ${examined_at}`;
        showExamination(output, { title, checks, tookMs }, { explain, width: shell.stdout.columns });
        shell.setExitCode(EXIT_CODES[document.state]);
        if (record === undefined) return;
        await recordExamination(resolve(record), patient, document);
        output.note(
          `Recorded in ${record}, without what identifies this machine; look through it, then attach it.`,
        );
      })
      .addHelpText(
        'after',
        examples(
          ['doctor', 'one line for each check, and the fix of what is not fine'],
          ['doctor ports token', 'two of them'],
          ['doctor cpu memory slots --explain', 'how the figures of this machine came about'],
          ['doctor --json', 'for scripts and monitoring'],
          ['doctor --record ktrdr-report', 'a folder for a bug report'],
        ),
      )
      .addHelpText('after', () => `Checks:\n${checkTable(shell.stdout.columns)}\n`),
};

function checkTable(columns: number | undefined): string {
  const width = Math.max(...CHECKS.map(({ name }) => name.length));
  return CHECKS.flatMap(({ name, about }) => fold(about, columns, `  ${name.padEnd(width)}  `)).join('\n');
}

/** What --json prints. */
function documentOf(checks: readonly TopicCheck[], { atMs, tookMs }: { atMs: number; tookMs: number }) {
  return {
    state: gravestState(checks),
    version: buildInfo.version,
    commit: buildInfo.commit,
    target: buildInfo.target,
    hostname: hostname(),
    examined_at: new Date(atMs).toISOString(),
    took_ms: Math.round(tookMs),
    checks,
  };
}

const EXIT_CODES = { ok: 0, degraded: 1, broken: 2 } as const;

function gravestState(checks: ReadonlyArray<{ state: CheckState }>): keyof typeof EXIT_CODES {
  if (checks.some(({ state }) => state === 'bad')) return 'broken';
  return checks.some(({ state }) => state === 'warn') ? 'degraded' : 'ok';
}

function noSuchCheck(name: string): Fault {
  const names = CHECKS.map((check) => check.name);
  const suggestion = nearest(name, names);
  const all = `the checks are ${names.join(', ')}`;
  return new Fault('bad_request', `Cannot check ${name}: there is no such check`, {
    hint: suggestion === undefined ? all : `did you mean ${suggestion}? ${all}`,
  });
}
