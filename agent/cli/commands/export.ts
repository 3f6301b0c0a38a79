import { open, rename, rm } from 'node:fs/promises';
import { Option } from '@commander-js/extra-typings';
import { errorCode, Fault } from '#agent/kit/error';
import { writeFault } from '#agent/kit/durable-file';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { chosenOperation } from '#agent/cli/chosen-operation';
import { bytes } from '#agent/cli/figures';
import { openSession, type Session } from '#agent/cli/session';
import { ReaderGone } from '#agent/cli/shell';

/** A million units over a slow line. */
const EXPORT_MS_MAX = 60 * 60_000;
const TABLES = { trades: 'listTrades', equity: 'listEquity', units: 'listUnits' } as const;
const NAMES = ['trades', 'equity', 'units'] as const;

export const exportCommand: CliCommand = {
  name: 'export',
  create: (shell) =>
    clientCommand('export')
      .summary('Results as CSV or Parquet')
      .description('Trades or equity of a backtest, or the units of a sweep, as CSV or Parquet')
      .argument('[id]', 'id of a backtest or a sweep; default: the newest that completed')
      .addOption(new Option('--what <table>', 'default: units of a sweep, else trades').choices(NAMES))
      .addOption(
        new Option('--format <format>', 'default: by the name of the file, else csv').choices([
          'csv',
          'parquet',
        ]),
      )
      .option('-o, --output <file>', 'file to write, - for stdout; default: {id}_{table}.{format}')
      .action(async (given, { what, format, output, ...flags }) => {
        const session = openSession(shell, flags);
        const { operation_id: id, operation_type: kind } = await chosenOperation(session, given);
        const table = what ?? (kind === 'sweep' ? 'units' : 'trades');
        const chosen = format ?? (output?.toLowerCase().endsWith('.parquet') ? 'parquet' : 'csv');
        const response = await session.client.open(TABLES[table], {
          params: { operation_id: id },
          query: { format: chosen },
          signal: shell.signal,
          timeoutMs: EXPORT_MS_MAX,
        });
        if (output === '-') return await copyToStdout(session, response);
        const file = output ?? `${id}_${table}.${chosen}`;
        const written = await copyToFile(response, file);
        session.output.document({ operation_id: id, what: table, format: chosen, file, bytes: written });
        session.output.line(`Wrote ${file}: ${table} of ${id}, ${bytes(written)}`);
      })
      .addHelpText(
        'after',
        examples(
          ['export op_backtesting_20260131_235959_1a2b3c4d', 'its trades as CSV'],
          ['export op_backtesting_20260131_235959_1a2b3c4d --what equity -o equity.parquet', 'for pandas'],
          ['export op_sweep_20260131_235959_1a2b3c4d -o - | head', 'all units, into a pipe'],
        ),
      ),
};

/** Beside its place and renamed in: a file with the name is whole. */
async function copyToFile(response: Response, path: string): Promise<number> {
  const partial = `${path}.${process.pid}.partial`;
  let written = 0;
  try {
    await using file = await open(partial, 'wx', 0o644);
    for await (const chunk of chunksOf(response)) {
      await file.write(chunk);
      written += chunk.length;
    }
    await file.sync();
    await rename(partial, path);
  } catch (cause) {
    await rm(partial, { force: true });
    throw cause instanceof Fault || !(cause instanceof Error && 'syscall' in cause)
      ? cause
      : writeFault(path, cause);
  }
  return written;
}

async function copyToStdout({ output }: Session, response: Response): Promise<void> {
  if (output.json) {
    throw new Fault('bad_request', 'Cannot export to stdout with --json: it has room for one document', {
      hint: 'leave out --json, or name a file: -o trades.csv',
    });
  }
  try {
    for await (const chunk of chunksOf(response)) await Bun.write(Bun.stdout, chunk);
  } catch (cause) {
    throw errorCode(cause) === 'EPIPE' ? new ReaderGone() : cause;
  }
}

function chunksOf(response: Response): AsyncIterable<Uint8Array<ArrayBuffer>> {
  return response.body ?? new Blob().stream();
}
