import { Option } from '@commander-js/extra-typings';
import { clientCommand, examples, type CliCommand } from '#agent/cli/command';
import { chosenOperation } from '#agent/cli/chosen-operation';
import { downloadToFile, downloadToStdout, formatOf, HEADERS_MS_MAX, rowCountOf } from '#agent/cli/download';
import { bytes } from '#agent/cli/figures';
import { openSession } from '#agent/cli/session';

const TABLES = { trades: 'listTrades', equity: 'listEquity', units: 'listUnits' } as const;
const NAMES = ['trades', 'equity', 'units'] as const;

export const exportCommand: CliCommand = {
  name: 'export',
  create: (shell) =>
    clientCommand('export')
      .summary('Results as CSV or Parquet')
      .description('Trades or equity of a backtest, or the units of a sweep, as CSV or Parquet')
      .argument('[id]', 'id of a backtest or a sweep, or a part of it; default: the newest that completed')
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
        const chosen = formatOf(format, output);
        const response = await session.client.open(TABLES[table], {
          params: { operation_id: id },
          query: { format: chosen },
          signal: shell.signal,
          timeoutMs: HEADERS_MS_MAX,
        });
        const download = {
          what: `${table} of ${id}`,
          response,
          format: chosen,
          rowCount: rowCountOf(response),
        };
        if (output === '-') return await downloadToStdout(session, download);
        const file = output ?? `${id}_${table}.${chosen}`;
        const written = await downloadToFile(session, download, file);
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
