import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';

/** One word that could stand where the cursor is. */
export interface Candidate {
  value: string;
  /** What it is, in a few words. */
  description?: string;
}

/** What is to be completed, as the tree of commands tells. */
export type Wanted =
  | { kind: 'candidates'; candidates: Candidate[] }
  /** A value of an argument or an option, by its name in the help. */
  | { kind: 'value'; name: string; place: Place };

/** Where a value stands, for those that depend on what was typed before. */
export interface Place {
  /** Words of the command, without the program: ["data", "show"]. */
  command: readonly string[];
  /** Arguments before this one. */
  positionals: readonly string[];
  /** Values of the options so far, by their long name. */
  options: ReadonlyMap<string, string>;
  /** What is typed of the value itself. */
  current: string;
  /** What the shell has to be given before each value: "--format=". */
  prefix: string;
}

/** What fits at the last of these words, which may be empty; the words do not include the program. */
export function wantedAt(program: CommandUnknownOpts, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? '';
  const state = readWords(program, words.slice(0, -1));
  const { command, pending, positionals, isLiteral } = state;
  const place: Place = {
    command: state.path,
    positionals,
    options: state.options,
    current,
    prefix: '',
  };
  if (pending !== undefined) return valueOf(pending, place);
  const [, flag, value] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? [];
  if (flag !== undefined && value !== undefined && !isLiteral) {
    const option = optionOf(command, flag);
    if (option === undefined) return nothing();
    return valueOf(option, { ...place, current: value, prefix: `${flag}=` });
  }
  if (current.startsWith('-') && !isLiteral) return { kind: 'candidates', candidates: flagsOf(state) };
  const children = visibleChildren(command);
  if (children.length > 0) return positionals.length > 0 ? nothing() : commandsOf(children);
  return argumentOf(command, place);
}

interface WordsRead {
  command: CommandUnknownOpts;
  path: string[];
  positionals: string[];
  options: Map<string, string>;
  /** Long names of the options that were given. */
  given: Set<string>;
  /** The option whose value comes next. */
  pending: Option | undefined;
  /** After `--` everything is an argument. */
  isLiteral: boolean;
}

function readWords(program: CommandUnknownOpts, words: readonly string[]): WordsRead {
  const state: WordsRead = {
    command: program,
    path: [],
    positionals: [],
    options: new Map(),
    given: new Set(),
    pending: undefined,
    isLiteral: false,
  };
  for (const word of words) {
    if (state.pending !== undefined) {
      state.options.set(nameOf(state.pending), word);
      state.pending = undefined;
    } else if (state.isLiteral || !word.startsWith('-') || word === '-') readOperand(state, word);
    else if (word === '--') state.isLiteral = true;
    else readFlag(state, word);
  }
  return state;
}

function readOperand(state: WordsRead, word: string): void {
  const child = state.positionals.length > 0 ? undefined : childOf(state.command, word);
  if (child === undefined) return void state.positionals.push(word);
  state.command = child;
  state.path.push(child.name());
}

function readFlag(state: WordsRead, word: string): void {
  const [, flag = word, value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
  const option = optionOf(state.command, flag);
  if (option === undefined) return;
  state.given.add(nameOf(option));
  if (value !== undefined) state.options.set(nameOf(option), value);
  else if (option.required) state.pending = option;
}

function flagsOf({ command, given }: WordsRead): Candidate[] {
  const isRepeatable = (option: Option): boolean =>
    option.variadic || option.description.includes('repeated');
  const left = command.options.filter(
    (option) => !option.hidden && (!given.has(nameOf(option)) || isRepeatable(option)),
  );
  return [
    ...left.map((option) => ({ value: nameOf(option), description: option.description })),
    { value: '--help', description: 'show this help' },
  ];
}

function valueOf(option: Option, place: Place): Wanted {
  if (option.argChoices !== undefined) return choices(option.argChoices, place);
  const [, name] = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(option.flags) ?? [];
  return name === undefined ? nothing() : { kind: 'value', name, place };
}

function argumentOf(command: CommandUnknownOpts, place: Place): Wanted {
  const declared = command.registeredArguments;
  const last = declared.at(-1);
  const argument = declared[place.positionals.length] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return nothing();
  if (argument.argChoices !== undefined) return choices(argument.argChoices, place);
  return { kind: 'value', name: argument.name(), place };
}

function choices(values: readonly string[], { prefix }: Place): Wanted {
  return { kind: 'candidates', candidates: values.map((value) => ({ value: prefix + value })) };
}

function commandsOf(commands: readonly CommandUnknownOpts[]): Wanted {
  const candidates = commands.map((command) => ({
    value: command.name(),
    description: command.summary() || command.description(),
  }));
  return { kind: 'candidates', candidates };
}

function nothing(): Wanted {
  return { kind: 'candidates', candidates: [] };
}

function childOf(command: CommandUnknownOpts, word: string): CommandUnknownOpts | undefined {
  return visibleChildren(command).find((child) => child.name() === word);
}

function visibleChildren(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  return command.createHelp().visibleCommands(command);
}

function optionOf(command: CommandUnknownOpts, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => long === flag || short === flag);
}

function nameOf({ long, short }: Option): string {
  return long ?? short ?? '';
}
