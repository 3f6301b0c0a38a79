import type { CheckState } from '#agent/contract/doctor';
import { plural } from '#agent/cli/figures';
import type { Output } from '#agent/cli/output';
import { printable, wrap } from '#agent/cli/text';
import { TOPICS, type Topic } from './local-check';
import type { TopicCheck } from './run-checks';

export interface Examination {
  /** What is examined: program, machine, time. */
  title: string;
  checks: readonly TopicCheck[];
  tookMs: number;
}

export interface ViewOptions {
  /** Show how every fact was found, not only of those that are not fine. */
  explain: boolean;
  /** Cells of the terminal; undefined for a pipe, where nothing is wrapped. */
  width: number | undefined;
}

const HEADINGS: Readonly<Record<Topic, string>> = {
  settings: 'Settings',
  machine: 'This machine',
  node: 'What runs here',
  control: 'Control plane and fleet',
};

export function showExamination(output: Output, examination: Examination, options: ViewOptions): void {
  const { checks, title } = examination;
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  output.line(output.style.bold(title));
  for (const topic of TOPICS) {
    const ofTopic = checks.filter((check) => check.topic === topic);
    if (ofTopic.length === 0) continue;
    output.line();
    output.line(output.style.bold(HEADINGS[topic]));
    const shown = ofTopic.filter(({ state }) => options.explain || state !== 'skipped');
    for (const check of shown) showCheck(output, check, { ...options, nameWidth });
    const absent = ofTopic.filter((check) => !shown.includes(check));
    if (absent.length > 0) showAbsent(output, absent, options);
  }
  output.line();
  output.line(verdictLine(output, examination));
  const first = checks.find(({ state }) => state === 'bad') ?? checks.find(({ state }) => state === 'warn');
  if (first !== undefined && !options.explain) {
    output.line(
      output.style.dim(
        `ktrdr-agent doctor ${first.name} looks at one alone; --explain shows how each fact was found`,
      ),
    );
  }
}

const WORDS: Readonly<Record<CheckState, string>> = { ok: 'ok', warn: 'warn', bad: 'BAD', skipped: '–' };
const WORD_WIDTH = 4;

function showCheck(
  output: Output,
  check: TopicCheck,
  { explain, width, nameWidth }: ViewOptions & { nameWidth: number },
): void {
  const { style } = output;
  const indent = ' '.repeat(2 + WORD_WIDTH + 2 + nameWidth + 2);
  const [first = '', ...rest] = lines(check.summary, width, indent.length);
  const word = WORDS[check.state].padEnd(WORD_WIDTH);
  output.line(`  ${painted(output, check.state, word)}  ${check.name.padEnd(nameWidth)}  ${first}`.trimEnd());
  for (const line of rest) output.line(`${indent}${line}`);
  if (explain || check.state === 'warn' || check.state === 'bad') {
    for (const sentence of check.derivation) {
      const [start = '', ...more] = lines(sentence, width, indent.length + 2);
      output.line(style.dim(`${indent}- ${start}`));
      for (const line of more) output.line(style.dim(`${indent}  ${line}`));
    }
  }
  if (check.fix === null) return;
  const [start = '', ...more] = lines(check.fix, width, indent.length + 'fix: '.length);
  output.line(`${indent}${style.bold('fix')}: ${start}`);
  for (const line of more) output.line(`${indent}     ${line}`);
}

function painted({ style }: Output, state: CheckState, word: string): string {
  switch (state) {
    case 'ok':
      return style.good(word);
    case 'warn':
      return style.warning(word);
    case 'bad':
      return style.bad(word);
    case 'skipped':
      return style.dim(word);
  }
}

const NOT_KNOWN = 'not known: ';

/** A dim line for all that makes no sense here, and one for what cannot be told; equal reasons are said once. */
function showAbsent(output: Output, checks: readonly TopicCheck[], options: ViewOptions): void {
  const isUnknown = ({ summary }: TopicCheck): boolean => summary.startsWith(NOT_KNOWN);
  const unknown = checks.filter(isUnknown);
  showReasons(output, 'not here: ', { checks: checks.filter((check) => !isUnknown(check)), ...options });
  showReasons(output, NOT_KNOWN, { checks: unknown, ...options });
}

function showReasons(
  output: Output,
  heading: string,
  { checks, width }: ViewOptions & { checks: readonly TopicCheck[] },
): void {
  if (checks.length === 0) return;
  const reasons = Map.groupBy(checks, ({ summary }) => summary.replace(NOT_KNOWN, ''));
  const parts = [...reasons].map(([reason, of]) => `${of.map(({ name }) => name).join(', ')} (${reason})`);
  for (const line of lines(`${heading}${parts.join('; ')}`, width, 2))
    output.line(output.style.dim(`  ${line}`));
}

function verdictLine(output: Output, { checks, tookMs }: Examination): string {
  const { style } = output;
  const count = (state: CheckState): number => checks.filter((check) => check.state === state).length;
  const [bad, warn, ok] = [count('bad'), count('warn'), count('ok')];
  const took = `${ok} fine (${Math.round(tookMs)} ms)`;
  if (bad > 0) {
    const warned = warn === 0 ? '' : `, ${plural(warn, 'warning')}`;
    return `${style.bad(plural(bad, 'thing is broken', 'things are broken'))}${warned}, ${took}`;
  }
  if (warn > 0) return `${style.warning(plural(warn, 'warning'))}, ${took}`;
  return `${style.good('All is well')}: ${took}`;
}

function lines(text: string, width: number | undefined, indent: number): string[] {
  const clean = printable(text);
  return width === undefined ? [clean] : wrap(clean, Math.max(24, width - indent));
}
