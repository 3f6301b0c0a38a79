import { hostname } from 'node:os';
import type { CheckState } from '#agent/contract/doctor';
import { buildInfo } from '#agent/kit/build-info';
import { Fault } from '#agent/kit/error';
import { nearest } from '#agent/kit/nearest';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { createOutput } from '#agent/cli/output';
import { showExamination } from '#agent/cli/doctor/doctor-view';
import { examine } from '#agent/cli/doctor/patient';
import { CHECK_NAMES, EXAMINATION_MS_MAX, runChecks } from '#agent/cli/doctor/run-checks';
import { readSettings } from '#agent/cli/doctor/settings-reading';

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
      .action(async (names, { explain = false, ...flags }) => {
        const unknown = names.find((name) => !CHECK_NAMES.includes(name));
        if (unknown !== undefined) throw noSuchCheck(unknown);
        const output = createOutput(shell, flags.json ?? false);
        const startedMs = shell.clock.bootMs();
        const deadline = AbortSignal.any([shell.signal, AbortSignal.timeout(EXAMINATION_MS_MAX)]);
        const checks = await runChecks(examine(shell, readSettings(shell, flags), deadline), names);
        shell.signal.throwIfAborted();
        const tookMs = shell.clock.bootMs() - startedMs;
        const state = gravestState(checks);
        const { version, commit, target } = buildInfo;
        const examined_at = new Date(shell.clock.nowMs()).toISOString();
        output.document({
          state,
          version,
          commit,
          target,
          hostname: hostname(),
          examined_at,
          took_ms: Math.round(tookMs),
          checks,
        });
        const title = `ktrdr-agent ${version} (${target}) on ${hostname()}, ${examined_at}`;
        showExamination(output, { title, checks, tookMs }, { explain, width: shell.stdout.columns });
        shell.setExitCode(EXIT_CODES[state]);
      })
      .addHelpText(
        'after',
        examples(
          ['doctor', 'one line for each check, and the fix of what is not fine'],
          ['doctor ports token', 'two of them'],
          ['doctor cpu memory slots --explain', 'how the figures of this machine came about'],
          ['doctor --json', 'for scripts and monitoring'],
        ),
      ),
};

const EXIT_CODES = { ok: 0, degraded: 1, broken: 2 } as const;

function gravestState(checks: ReadonlyArray<{ state: CheckState }>): keyof typeof EXIT_CODES {
  if (checks.some(({ state }) => state === 'bad')) return 'broken';
  return checks.some(({ state }) => state === 'warn') ? 'degraded' : 'ok';
}

function noSuchCheck(name: string): Fault {
  const suggestion = nearest(name, CHECK_NAMES);
  const all = `the checks are ${CHECK_NAMES.join(', ')}`;
  return new Fault('bad_request', `Cannot check ${name}: there is no such check`, {
    hint: suggestion === undefined ? all : `did you mean ${suggestion}? ${all}`,
  });
}
