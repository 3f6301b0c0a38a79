import { Option } from '@commander-js/extra-typings';
import { clientCommand } from './command';
import { wholeNumber } from './usage';

const GROUP = 'Bars and queue:';

/** What every command takes that submits work on the bars of a series. */
export function submissionCommand(name: string) {
  return clientCommand(name)
    .argument('<strategy>', 'see `ktrdr-agent strategies`; or a strategy file')
    .argument('[symbol]', 'see `ktrdr-agent data show`')
    .argument('[timeframe]', 'such as 1d')
    .addOption(
      new Option('--start <date>', 'first day; default: of the first bar, or as the file says').helpGroup(
        GROUP,
      ),
    )
    .addOption(
      new Option('--end <date>', 'last day, itself included; default: of the last bar').helpGroup(GROUP),
    )
    .addOption(
      new Option('--priority <n>', '0 to 20, higher first')
        .argParser(wholeNumber('--priority', 0, 20))
        .helpGroup(GROUP),
    )
    .addOption(new Option('--wait', 'queue it even when no agent could run it now').helpGroup(GROUP))
    .addOption(
      new Option('-d, --detach', 'print the id and leave; do not wait for the result').helpGroup(GROUP),
    );
}

/** The query of a submission; a new key each time, so that sending it twice starts it once. */
export function submissionQuery({
  wait,
  priority,
}: {
  wait?: true | undefined;
  priority?: number | undefined;
}) {
  return { idempotency_key: crypto.randomUUID(), wait: wait ?? false, priority };
}
