import type { LocalCheck } from '#agent/cli/doctor/local-check';
import { addressCheck } from './address';
import { agentCheck } from './agent';
import { amdCheck } from './amd';
import { appleCheck } from './apple';
import { cgroupCheck } from './cgroup';
import { clockCheck } from './clock';
import { controlPlaneCheck } from './control-plane';
import { cpuCheck } from './cpu';
import { directoriesCheck } from './directories';
import { diskCheck } from './disk';
import { gossipCheck } from './gossip';
import { ibCheck } from './ib';
import { identityCheck } from './identity';
import { limitsCheck } from './limits';
import { memoryCheck } from './memory';
import { networkCheck } from './network';
import { nvidiaCheck } from './nvidia';
import { portsCheck } from './ports';
import { postgresCheck } from './postgres';
import { settingsCheck } from './settings';
import { shareCheck } from './share';
import { slotsCheck } from './slots';
import { socketsCheck } from './sockets';
import { softwareCheck } from './software';
import { swapCheck } from './swap';
import { timeSyncCheck } from './time-sync';
import { timeZoneCheck } from './time-zone';
import { tokenCheck } from './token';
import { versionCheck } from './version';
import { virtualisationCheck } from './virtualisation';

/** Every check of the machine itself, alphabetical. A new one is its file and a line here. */
export const LOCAL_CHECKS: readonly LocalCheck[] = [
  addressCheck,
  agentCheck,
  amdCheck,
  appleCheck,
  cgroupCheck,
  clockCheck,
  controlPlaneCheck,
  cpuCheck,
  directoriesCheck,
  diskCheck,
  gossipCheck,
  ibCheck,
  identityCheck,
  limitsCheck,
  memoryCheck,
  networkCheck,
  nvidiaCheck,
  portsCheck,
  postgresCheck,
  settingsCheck,
  shareCheck,
  slotsCheck,
  socketsCheck,
  softwareCheck,
  swapCheck,
  timeSyncCheck,
  timeZoneCheck,
  tokenCheck,
  versionCheck,
  virtualisationCheck,
];
