import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Option } from '@commander-js/extra-typings';
import { isTerminal, type Operation } from '#agent/contract/operation';
import { writeFault, writeFileDurably } from '#agent/kit/durable-file';
import { Fault } from '#agent/kit/error';
import { exec } from '#agent/kit/exec';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { chosenOperation } from '#agent/cli/chosen-operation';
import { bytes } from '#agent/cli/figures';
import { backtestReport } from '#agent/cli/report/backtest-report';
import { readBacktest } from '#agent/cli/report/read-backtest';
import { readSweep } from '#agent/cli/report/read-sweep';
import { sweepReport } from '#agent/cli/report/sweep-report';
import { openSession, type Session } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';

/** Browsers start in the background, so xdg-open is soon back. */
const OPEN_MS_MAX = 10_000;

export const reportCommand: CliCommand = {
  name: 'report',
  create: (shell) =>
    clientCommand('report')
      .summary('One HTML file that shows a backtest or a sweep')
      .description('Write one HTML file with charts and tables; it opens without a network or a server')
      .argument('[id]', 'id of a backtest or a sweep, or a part of it; default: the newest that completed')
      .option('-o, --output <file>', 'file to write; default: {id}.html')
      .option('--axes <names>', 'two parameters for the heat map of a sweep, such as fast,slow')
      .addOption(
        new Option('--open <when>', 'open it in the browser; default: auto, on a desktop').choices([
          'auto',
          'yes',
          'no',
        ]),
      )
      .action(async (id, { output: given, axes, open = 'auto', ...flags }) => {
        const session = openSession(shell, flags);
        const operation = await chosenOperation(session, id);
        const { operation_id } = operation;
        const html = await render(session, operation, axes === undefined ? undefined : twoAxes(axes));
        const file = resolve(given ?? `${operation_id}.html`);
        write(file, html);
        const url = pathToFileURL(file).href;
        session.output.document({ operation_id, file, url, bytes: Buffer.byteLength(html) });
        session.output.line(`Wrote ${file} (${bytes(Buffer.byteLength(html))})`);
        session.output.line(`Open ${url}`);
        if (open === 'yes' || (open === 'auto' && isDesktop(shell))) await openInBrowser(file, shell);
      })
      .addHelpText(
        'after',
        examples(
          ['report op_backtesting_20260131_235959_1a2b3c4d', 'equity, drawdown, trades, months, hashes'],
          ['report', 'of the newest that completed'],
          ['report op_sweep_20260131_235959_1a2b3c4d -o sweep.html', 'ranking, heat map, what it proves'],
          ['report op_sweep_20260131_235959_1a2b3c4d --axes fast,slow --open no', 'two axes of many'],
        ),
      ),
};

async function render(
  session: Session,
  operation: Operation,
  axes: readonly string[] | undefined,
): Promise<string> {
  const { operation_id: id, operation_type: kind, status, parent_operation_id: parent } = operation;
  if (parent !== null) {
    throw new Fault('invalid', `Cannot report on ${id}: it is a batch of a sweep`, {
      hint: `ktrdr-agent report ${parent}`,
    });
  }
  if (!isTerminal(status)) {
    throw new Fault('conflict', `Cannot report on ${id}: it is ${status}`, {
      hint: `ktrdr-agent follow ${id}`,
    });
  }
  if (kind === 'sweep') return sweepReport(await readSweep(session, operation, axes));
  if (kind === 'backtesting') return backtestReport(await readBacktest(session, operation));
  throw new Fault('invalid', `Cannot report on ${id}: there is no report of a ${kind}`, {
    hint: `ktrdr-agent show ${id}`,
  });
}

function twoAxes(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.length === 2 && names[0] !== names[1] && names.every((name) => name !== '')) return names;
  throw new Fault('bad_request', `Cannot read --axes ${text}: it is not two names`, {
    hint: 'such as --axes fast,slow',
  });
}

function write(file: string, html: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (cause) {
    throw writeFault(file, cause);
  }
  writeFileDurably(file, html, 0o644);
}

function isDesktop({ stdout, environment }: Shell): boolean {
  return stdout.isTty && Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}

async function openInBrowser(file: string, { signal }: Shell): Promise<void> {
  const { code, stderr } = await exec(['xdg-open', file], { timeoutMs: OPEN_MS_MAX, signal });
  if (code === 0) return;
  throw new Fault('environment', `Cannot open ${file}: xdg-open ended with ${code} ${stderr.slice(0, 200)}`, {
    hint: 'open the file in a browser yourself, and pass --open no',
  });
}
