import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OWN_NAMES, SEED_KEYS, SEED_NAMES, type SeedName } from '#agent/contract/seed-names';
import { PROFILES, SETTINGS } from '#agent/contract/settings';
import { defaultText, namesOf } from '#agent/cli/setting-view';
import { flagName, type Setting } from '#agent/kit/config';
import { repository } from './source-file';

const HEAD = `# Settings

<!-- Written by agent/cli/settings-reference.test.ts from the table of settings: \`UPDATE_GOLDEN=1 bun test agent/cli/settings-reference.test.ts\`. -->

One table serves every role and command. A value comes from the first of these that has one: a flag of
\`ktrdr-agent run\`, the environment, the settings file (\`/etc/ktrdr/agent.yaml\`, else \`KTRDR_SETTINGS\` or
\`--settings\`), a profile, the default. A key of the file that is no setting is refused with the nearest name; an
environment name that looks like one of ours and is none is a warning of \`run\`, \`config\` and \`doctor\`, since the
environment of a service outlives versions.

\`\`\`sh
ktrdr-agent config
ktrdr-agent config --explain slots
ktrdr-agent config --profile prod --changed
\`\`\`

Durations are written \`250ms\`, \`30s\`, \`5m\`, \`2h\`, \`1d\`; amounts of memory \`512MiB\`, \`2GiB\`; lists with commas.
`;

/** The whole of docs/settings.md. */
export function settingsReference(): string {
  return [
    HEAD,
    '## All settings\n',
    table(['Setting, flag', 'Meaning', 'Default', 'Environment', 'In the file'], settingRows()),
    SLOTS,
    '## Profiles\n',
    'Settings for a sort of fleet, carried by the binary and chosen by `profile`. A settings file goes before them.\n',
    ...PROFILES.map(profileBlock),
    '## Names of older set-ups\n',
    'What `run`, `config` and `doctor` answer when they find one of these names in the environment. Names that a',
    'setting reads are in the first table.\n',
    table(['Name', 'Is not read, because'], answeredRows('replaced')),
    '### Not in this version\n',
    table(['Name', 'Until then'], answeredRows('later')),
    "### Other programs'\n",
    'Nothing is said about these: they stand beside ours in the files of older set-ups and are not meant for us.\n',
    table(['Names', 'Whose'], otherRows()),
    '### Keys of older settings files\n',
    table(
      ['Key', 'Instead'],
      Object.entries(SEED_KEYS).map(([key, answer]) => [code(key), answer]),
    ),
    '## Variables that are no settings\n',
    table(
      ['Name', 'Read by'],
      Object.entries(OWN_NAMES).map(([name, reader]) => [code(name), reader]),
    ),
  ].join('\n');
}

const SLOTS = `
## Slots

An agent runs as many pieces of work at once as it has slots. \`slots: auto\` takes one for each usable core, as far as
there is \`memory_per_slot\` for each, and one at least; \`slots: 50%\` counts half of the cores; a number is taken as it
is. When the limits of a container change while the agent runs, its slots follow within a minute or so, and what runs is
left alone. \`ktrdr-agent workers --json\` shows how the number came about (\`facts.slots.derivation\`).
`;

function settingRows(): string[][] {
  return Object.entries<Setting>(SETTINGS).map(([name, setting]) => {
    const byDefault = defaultText(setting);
    const example = setting.example ?? (setting.defaultInWords === undefined ? byDefault : null);
    return [
      setting.env.length === 0 ? code(name) : `${code(name)}<br>${code(flagName(name))}`,
      setting.description + (setting.secret === true ? ' (never shown)' : ''),
      setting.defaultInWords ?? (byDefault === null ? '–' : code(byDefault)),
      namesOf(setting).map(code).join('<br>') || 'only in the file',
      example === null ? '–' : code(`${name}: ${example}`),
    ];
  });
}

function profileBlock(profile: string): string {
  const path = join(repository, `agent/daemon/profiles/workers.${profile}.yaml`);
  return `### ${profile}\n\n\`\`\`yaml\n${readFileSync(path, 'utf8')}\`\`\`\n`;
}

function answeredRows(kind: SeedName['kind']): string[][] {
  return Object.entries(SEED_NAMES)
    .filter(([, seed]) => seed.kind === kind)
    .map(([name, { answer, risk }]) => [code(name), answer + (risk === undefined ? '' : riskText(risk))]);
}

function riskText({ value, says }: NonNullable<SeedName['risk']>): string {
  const values = value.source
    .replaceAll(/[$()^]/g, '')
    .split('|')
    .map(code)
    .join(', ');
  return `. With ${values}: ${says}`;
}

function otherRows(): string[][] {
  const others = Object.entries(SEED_NAMES).filter(([, seed]) => seed.kind === 'other');
  const groups = Map.groupBy(others, ([, { answer }]) => answer.replace('it belongs to ', ''));
  return [...groups].map(([program, names]) => [names.map(([name]) => code(name)).join(' '), program]);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return `${[line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}
