import type { CliCommand } from '#agent/cli/command';
import { backtestCommand } from './backtest';
import { cancelCommand } from './cancel';
import { completionCommand } from './completion';
import { configCommand } from './config';
import { dataCommand } from './data';
import { devCommand } from './dev';
import { doctorCommand } from './doctor';
import { drainCommand } from './drain';
import { eventCommand } from './event';
import { exportCommand } from './export';
import { followCommand } from './follow';
import { forgetCommand } from './forget';
import { helpCommand } from './help';
import { indicatorsCommand } from './indicators';
import { keysCommand } from './keys';
import { leaveCommand } from './leave';
import { logsCommand } from './logs';
import { membersCommand } from './members';
import { opsCommand } from './ops';
import { queryCommand } from './query';
import { reportCommand } from './report';
import { retryCommand } from './retry';
import { rttCommand } from './rtt';
import { runCommand } from './run';
import { showCommand } from './show';
import { statusCommand } from './status';
import { strategiesCommand } from './strategies';
import { sweepCommand } from './sweep';
import { undrainCommand } from './undrain';
import { validateCommand } from './validate';
import { versionCommand } from './version';
import { workersCommand } from './workers';

/** Every command, alphabetical, as the help lists them. */
export const COMMANDS: readonly CliCommand[] = [
  backtestCommand,
  cancelCommand,
  completionCommand,
  configCommand,
  dataCommand,
  devCommand,
  doctorCommand,
  drainCommand,
  eventCommand,
  exportCommand,
  followCommand,
  forgetCommand,
  helpCommand,
  indicatorsCommand,
  keysCommand,
  leaveCommand,
  logsCommand,
  membersCommand,
  opsCommand,
  queryCommand,
  reportCommand,
  retryCommand,
  rttCommand,
  runCommand,
  showCommand,
  statusCommand,
  strategiesCommand,
  sweepCommand,
  undrainCommand,
  validateCommand,
  versionCommand,
  workersCommand,
];
