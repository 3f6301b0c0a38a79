import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';
import { attemptHandlers } from './attempts';
import { dataHandlers } from './data';
import { doctorHandlers } from './doctor';
import { drainHandlers } from './drain';
import { exportHandlers } from './exports';
import { fleetHandlers } from './fleet';
import { gossipHandlers } from './gossip';
import { indicatorHandlers } from './indicators';
import { operationHandlers } from './operations';
import { resultHandlers } from './results';
import { strategyHandlers } from './strategies';
import { workHandlers } from './work';
import { workerForgetHandlers } from './worker-forget';
import { workerHandlers } from './workers';

/** Every handler of the API, one file a resource, alphabetical. */
export function handlersOf(context: ControlContext): Handlers {
  return {
    ...attemptHandlers(context),
    ...dataHandlers(context),
    ...doctorHandlers(context),
    ...drainHandlers(context),
    ...exportHandlers(context),
    ...fleetHandlers(context),
    ...gossipHandlers(context),
    ...indicatorHandlers(context),
    ...operationHandlers(context),
    ...resultHandlers(context),
    ...strategyHandlers(),
    ...workHandlers(context),
    ...workerForgetHandlers(context),
    ...workerHandlers(context),
  };
}
