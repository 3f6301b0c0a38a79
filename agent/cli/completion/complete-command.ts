import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { ClientFlags } from '#agent/cli/command';
import { HELP_TOPICS } from '#agent/cli/help-topics';
import { openSession } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';
import { printable } from '#agent/cli/text';
import { wantedAt, type Candidate, type Place } from './complete';
import { splitLine } from './split-line';
import { valuesFor, type Asked, type Values } from './values';

/** Longer than this nobody waits for a key: what has not come by then is left out. */
const ANSWER_MS_MAX = 300;

/** `__complete`: what the completion scripts ask. It prints candidates, and nothing about what went wrong. */
export function completeCommand(shell: Shell): CommandUnknownOpts {
  const command = new Command('__complete').argument('[words...]').option('--line <line>').helpOption(false);
  return command.action(async (words, { line }) => {
    const program: CommandUnknownOpts | null = command.parent;
    if (program === null) return;
    const typed = line === undefined ? words : splitLine(line).slice(1);
    const { candidates, files } = await completed(shell, program, typed);
    const current = typed.at(-1) ?? '';
    for (const { value, description } of candidates) {
      if (!value.startsWith(current)) continue;
      const about = description === undefined ? '' : `\t${printable(description)}`;
      shell.stdout.write(`${printable(value)}${about}\n`);
    }
    if (files) shell.stdout.write(':files\n');
  });
}

async function completed(
  shell: Shell,
  program: CommandUnknownOpts,
  words: readonly string[],
): Promise<Values> {
  const wanted = wantedAt(program, helpWords(words));
  if (wanted.kind === 'candidates') {
    const candidates = words[0] === 'help' ? withTopics(words, wanted.candidates) : wanted.candidates;
    return { candidates, files: false };
  }
  const { name, place } = wanted;
  const over = new AbortController();
  const late = shell.clock.sleep(ANSWER_MS_MAX, over.signal);
  try {
    const asked = ask(shell, place, over.signal);
    return await Promise.race([
      // A control plane that is away, or refuses, has nothing to say here.
      valuesFor(name, place, asked).catch(() => valuesFor(name, place, undefined)),
      late.then(() => valuesFor(name, place, undefined)),
    ]);
  } finally {
    over.abort();
  }
}

/** `help data im…` completes as `data im…` does. */
function helpWords(words: readonly string[]): readonly string[] {
  return words[0] === 'help' && words.length > 1 ? words.slice(1) : words;
}

function withTopics(words: readonly string[], candidates: Candidate[]): Candidate[] {
  if (words.length !== 2) return candidates;
  return [...candidates, ...HELP_TOPICS.map(({ name, summary }) => ({ value: name, description: summary }))];
}

/** With the flags of the line that is being typed; undefined when the settings cannot be read. */
function ask(shell: Shell, { options }: Place, signal: AbortSignal): Asked {
  const flags: ClientFlags = {
    json: true,
    apiUrl: options.get('--api-url'),
    tokenFile: options.get('--token-file'),
    settings: options.get('--settings'),
  };
  try {
    const { client } = openSession(shell, flags);
    return { client, shell: { ...shell, signal } };
  } catch {
    return undefined;
  }
}
