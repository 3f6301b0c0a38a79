import { Fault } from '#agent/kit/error';

/** The Fault that this throws; a test fails when it throws something else, or nothing. */
export function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
