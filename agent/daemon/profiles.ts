import type { Profile } from '#agent/contract/settings';
import dev from './profiles/workers.dev.yaml';
import prod from './profiles/workers.prod.yaml';
import proxmox from './profiles/workers.proxmox.yaml';

/** The content of each profile: a settings file that lies below the one of the machine. */
export const PROFILE_CONTENTS: Readonly<Record<Profile, unknown>> = { dev, prod, proxmox };
