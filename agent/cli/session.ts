import { createClient, type Client } from '#agent/client/client';
import { tokenFile } from '#agent/client/token-file';
import { loadSettings, type LoadedSettings } from '#agent/daemon/settings';
import type { ClientFlags } from './command';
import { fleetDirectory, fleetFile, readFleet, type Fleet } from './dev/fleet-file';
import { createOutput, type Output } from './output';
import type { Shell } from './shell';

/** What a command that talks to the control plane works with. */
export interface Session {
  shell: Shell;
  client: Client;
  output: Output;
  settings: LoadedSettings;
  /** The fleet of `dev up` that the settings point to. */
  fleet: Fleet | undefined;
}

export function openSession(shell: Shell, flags: ClientFlags): Session {
  const { settings, fleet } = effectiveSettings(shell, flags);
  const output = createOutput(shell, flags.json ?? false);
  const token = tokenFile(settings.values.token_file, (warning) => output.note(`warning: ${warning}`));
  return { shell, client: createClient({ url: settings.values.api_url, token }), output, settings, fleet };
}

/** The settings, and where nobody set another way, the way to the fleet of `dev up`. */
export function effectiveSettings(
  shell: Pick<Shell, 'environment' | 'uid'>,
  flags: ClientFlags,
  readFile?: (path: string) => string | undefined,
): { settings: LoadedSettings; fleet: Fleet | undefined } {
  const { environment, uid } = shell;
  const settings = loadSettings({
    environment,
    uid,
    ...(readFile === undefined ? {} : { readFile }),
    settingsPath: flags.settings,
    flags: { api_url: flags.apiUrl, profile: flags.profile, token_file: flags.tokenFile },
  });
  const { origins, values } = settings;
  const isFree = (['api_url', 'api_port', 'state_dir', 'token_file'] as const).every((name) =>
    ['default', 'profile'].includes(origins[name].from),
  );
  const directory = fleetDirectory(shell);
  const fleet = isFree ? readFleet(directory) : undefined;
  if (fleet === undefined) return { settings, fleet };
  const origin = { from: 'dev fleet' as const, path: fleetFile(directory) };
  return {
    settings: {
      ...settings,
      values: { ...values, api_url: fleet.api_url, token_file: fleet.token_file },
      origins: { ...origins, api_url: origin, token_file: origin },
    },
    fleet,
  };
}
