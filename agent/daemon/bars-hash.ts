import { decodeBars } from '#agent/engine/arrow-bars';
import { dataHash } from '#agent/kit/data-hash';
import { mapFile } from '#agent/kit/mapped-file';

/** The logical data hash of an Arrow file, over views on the mapped file. Fault(invalid) when it holds no bars. */
export async function hashBarsFile(path: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  return await dataHash(decodeBars(mapFile(path)));
}
