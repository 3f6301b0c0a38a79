import { clientCommand, examples } from '#agent/cli/command';
import { openSession } from '#agent/cli/session';
import type { Shell } from '#agent/cli/shell';
import { readKey } from './key-file';
import { isDone, isEven, showKeys, showSteps } from './key-view';

/** Three steps, each of which waits for every member. */
const CHANGE_MS_MAX = 60_000;

export function listKeysCommand(shell: Shell) {
  return clientCommand('list')
    .summary('Which keys are held by how many')
    .description('Which keys are held by how many members, by fingerprint; exit 1 when they differ')
    .action(async (flags) => {
      const { client, output } = openSession(shell, flags);
      const { data } = await client.call('listKeys', { signal: shell.signal });
      output.document(data);
      showKeys(output, data);
      if (!isDone(data) || !isEven(data)) shell.setExitCode(1);
    })
    .addHelpText('after', examples(['keys list', 'one key, held by all: as it should be']));
}

export function rotateKeysCommand(shell: Shell) {
  return clientCommand('rotate')
    .summary('A new key for everybody')
    .description(
      'A new key for everybody: install it, seal with it, remove the former; each step only when all members did the one before. Exit 1 when one did not.',
    )
    .option(
      '--key-file <file>',
      'a key of your own in base64, - for stdin; default: the control plane makes one',
    )
    .action(async ({ keyFile, ...flags }) => {
      const { client, output } = openSession(shell, flags);
      const key = keyFile === undefined ? {} : { key: await readKey(shell, keyFile) };
      const call = {
        body: { action: 'rotate' as const, ...key },
        signal: shell.signal,
        timeoutMs: CHANGE_MS_MAX,
      };
      const { data } = await client.call('changeKeys', call);
      output.document(data);
      showSteps(output, 'rotate', data);
      if (!data.every(isDone)) shell.setExitCode(1);
    })
    .addHelpText('after', examples(['keys rotate', 'also while work runs: nothing is interrupted']));
}

const ABOUT = {
  install: {
    summary: 'Give everybody a key',
    description: 'Give everybody a key beside those they hold; `keys use` seals with it',
    example: 'before the first step of a change of keys by hand',
  },
  use: {
    summary: 'Seal with a key that all hold',
    description: 'Seal with a key that all members hold; what the others seal is still read',
    example: 'the second step',
  },
  remove: {
    summary: 'Take a key away from everybody',
    description: 'Take a key away from everybody that nobody seals with any more',
    example: 'the last step',
  },
} as const;

export function changeKeyCommand(shell: Shell, action: keyof typeof ABOUT) {
  const { summary, description, example } = ABOUT[action];
  return clientCommand(action)
    .summary(summary)
    .description(`${description}; exit 1 when somebody did not`)
    .requiredOption('--key-file <file>', 'the key in base64, - for stdin')
    .action(async ({ keyFile, ...flags }) => {
      const { client, output } = openSession(shell, flags);
      const key = await readKey(shell, keyFile);
      const call = { body: { action, key }, signal: shell.signal, timeoutMs: CHANGE_MS_MAX };
      const { data } = await client.call('changeKeys', call);
      output.document(data);
      showSteps(output, action, data);
      if (!data.every(isDone)) shell.setExitCode(1);
    })
    .addHelpText('after', examples([`keys ${action} --key-file new.key`, example]));
}
