import type { Argument, Command, CommandUnknownOpts, Help, Option } from '@commander-js/extra-typings';

/** Wider lines are hard to read. */
const WIDTH_MAX = 100;

/** The commands of the first help page by what somebody wants to do; one of no group comes last. */
export const COMMAND_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Look at the fleet:': ['status', 'workers', 'ops', 'members', 'rtt', 'doctor'],
  'Work:': ['backtest', 'sweep', 'show', 'follow', 'logs', 'cancel', 'retry'],
  'Results:': ['report', 'export'],
  'Bars and strategies:': ['data', 'strategies', 'indicators', 'validate'],
  'Machines:': ['run', 'dev', 'drain', 'undrain', 'forget', 'leave', 'event', 'query', 'keys'],
  'This program:': ['config', 'completion', 'version', 'help'],
};

/** How every help page is laid out: what is special to a command first, what all share last. */
export function helpLayout(columns: number | undefined): Partial<Help> {
  return {
    helpWidth: Math.min(columns ?? WIDTH_MAX, WIDTH_MAX),
    minWidthToWrap: 20,
    subcommandTerm: (command: CommandUnknownOpts) => command.name(),
    optionDescription: described,
    argumentDescription: described,
    groupItems,
  };
}

export const COMMON_OPTIONS = 'Common options:';

/** Which heading of the first help page a command stands under. */
export function commandGroup(name: string): string {
  const found = Object.entries(COMMAND_GROUPS).find(([, names]) => names.includes(name));
  return found?.[0] ?? 'Commands:';
}

function described({
  description,
  argChoices,
  defaultValue,
}: Pick<Option | Argument, 'description' | 'argChoices' | 'defaultValue'>): string {
  const parts = [
    description,
    argChoices === undefined ? '' : `one of ${argChoices.join(', ')}`,
    defaultValue === undefined ? '' : `default: ${String(defaultValue)}`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/** What is special to a command first; the common options, which are added first, last. */
function groupItems<Item extends Command | Option>(
  _registered: Item[],
  visible: Item[],
  groupOf: (item: Item) => string,
): Map<string, Item[]> {
  const groups = Map.groupBy(visible, groupOf);
  return new Map([...groups].toSorted(([left], [right]) => rankOf(left) - rankOf(right)));
}

function rankOf(heading: string): number {
  if (heading === COMMON_OPTIONS) return Infinity;
  return heading === 'Options:' ? -2 : Object.keys(COMMAND_GROUPS).indexOf(heading);
}
