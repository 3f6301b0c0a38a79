import { buildInfo } from '#agent/kit/build-info';

/**
 * What `version` prints. Apart from the command, since main.ts answers the plain call itself: loading
 * the other commands takes ten times as long as the answer.
 */
export function versionText(json: boolean): string {
  const { version, commit, target } = buildInfo;
  return json ? `${JSON.stringify(buildInfo, null, 2)}\n` : `ktrdr-agent ${version} (${commit}, ${target})\n`;
}
