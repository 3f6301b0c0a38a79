import { expect, test } from 'bun:test';
import { capturedShell } from '#test/support/captured-shell';
import { createOutput } from '#agent/cli/output';
import { showExamination, type Examination } from './doctor-view';
import type { TopicCheck } from './run-checks';

const check = (name: string, changes: Partial<TopicCheck> = {}): TopicCheck => ({
  name,
  topic: 'machine',
  state: 'ok',
  summary: `${name} is fine`,
  derivation: [`${name} was read from /proc/${name}`],
  fix: null,
  ...changes,
});
const checks = [
  check('cpu'),
  check('disk', { state: 'bad', summary: 'only 8 MiB free for /var/lib/ktrdr', fix: 'free space there' }),
  check('nvidia', { state: 'skipped', summary: 'no NVIDIA hardware' }),
  check('amd', { state: 'skipped', summary: 'no AMD hardware' }),
  check('schema', { topic: 'control', state: 'skipped', summary: 'not known: it does not answer' }),
  check('work', { topic: 'control', state: 'skipped', summary: 'not known: it does not answer' }),
];

function shown(
  columns: number | undefined,
  options: Partial<Examination> & { explain?: boolean } = {},
): string {
  const shell = capturedShell(columns === undefined ? {} : { columns });
  const examination = { title: 'ktrdr-agent on here', checks, tookMs: 12, ...options };
  showExamination(createOutput(shell, false), examination, {
    explain: options.explain ?? false,
    width: columns,
  });
  return shell.out;
}

test('one line a check that is fine, all of one that is not, and a line for what is not here', () => {
  expect(shown(undefined)).toBe(`ktrdr-agent on here

This machine
  ok    cpu     cpu is fine
  BAD   disk    only 8 MiB free for /var/lib/ktrdr
                - disk was read from /proc/disk
                fix: free space there
  not here: nvidia (no NVIDIA hardware); amd (no AMD hardware)

Control plane and fleet
  not known: schema, work (it does not answer)

1 thing is broken, 1 fine (12 ms)
ktrdr-agent doctor disk looks at one alone; --explain shows how each fact was found
`);
});

test('--explain shows how everything was found', () => {
  const text = shown(undefined, { explain: true });
  for (const { name } of checks) expect(text).toContain(`- ${name} was read from /proc/${name}`);
  expect(text).not.toContain('--explain');
});

test('every line fits the terminal, down to a narrow one', () => {
  for (const width of [120, 80, 60, 48]) {
    const tooLong = shown(width, { explain: true })
      .split('\n')
      .filter((line) => Bun.stringWidth(line) > width);
    expect(tooLong).toEqual([]);
  }
});

test('foreign text cannot command the terminal', () => {
  const evil = check('ports', {
    state: 'warn',
    summary: 'taken by \u001b[2Jx',
    derivation: ['a\nb'],
    fix: '\u0007',
  });
  const text = shown(80, { checks: [evil] });
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u0007');
  expect(text).toContain('- a b');
});
