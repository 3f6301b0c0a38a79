import type { KeyStep } from '#agent/contract/gossip';
import type { Output } from '#agent/cli/output';
import { printable } from '#agent/cli/text';

export function isDone({ succeeded, members }: KeyStep): boolean {
  return succeeded >= members;
}

/** One and the same keyring everywhere. */
export function isEven({ held, sealing, members }: KeyStep): boolean {
  return Object.keys(sealing).length === 1 && Object.values(held).every((count) => count === members);
}

export function showKeys(output: Output, step: KeyStep): void {
  const { held, sealing, members } = step;
  output.table(Object.keys(held).toSorted(), [
    { header: 'KEY', cell: (fingerprint) => fingerprint },
    { header: 'HELD BY', cell: (fingerprint) => `${held[fingerprint] ?? 0} of ${members}`, align: 'right' },
    {
      header: 'SEALS AT',
      cell: (fingerprint) => `${sealing[fingerprint] ?? 0} of ${members}`,
      align: 'right',
    },
  ]);
  showFailures(output, step);
  if (isDone(step) && !isEven(step))
    output.line('Not all hold the same: ktrdr-agent keys rotate makes them equal.');
}

/** Each step with how many did it; after one that failed what to do next. */
export function showSteps(
  output: Output,
  action: Exclude<KeyStep['step'], 'list'> | 'rotate',
  steps: readonly KeyStep[],
): void {
  for (const step of steps) {
    const { succeeded, members } = step;
    const mark = isDone(step) ? output.style.good('done') : output.style.bad('NOT DONE');
    output.line(`${step.step.padEnd(8)}${succeeded} of ${members}  ${mark}`);
    showFailures(output, step);
  }
  const last = steps.at(-1);
  if (last === undefined) return;
  if (!isDone(last)) {
    output.line();
    for (const line of nextSteps(action, last)) output.line(line);
  } else if (action === 'rotate') {
    const [fingerprint] = Object.keys(last.sealing);
    output.line(`All ${last.members} seal with ${fingerprint ?? 'the new key'}; the former key is gone.`);
  }
}

function showFailures(output: Output, { failures }: KeyStep): void {
  for (const [name, reason] of Object.entries(failures))
    output.line(`  ${printable(name)}: ${printable(reason)}`);
}

/** Nothing is lost at any step; whoever missed one would be locked out by the next. */
function nextSteps(action: string, { step }: KeyStep): string[] {
  const state = {
    list: '',
    install: 'Everybody still seals with the former key, and all hear one another.',
    use: 'Both keys are held by all, so all hear one another whichever they seal with.',
    remove: 'All seal with the new key; some still read the former one.',
  }[step];
  const again = action === 'rotate' ? 'keys rotate' : `keys ${action} --key-file FILE`;
  return [
    state,
    `Next: see that those named above answer (ktrdr-agent members), or say that they are gone (ktrdr-agent leave NAME), then again: ktrdr-agent ${again}`,
  ].filter((line) => line !== '');
}
