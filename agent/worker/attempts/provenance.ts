import { open } from 'node:fs/promises';
import type { ExitRecord } from '#agent/contract/job';
import type { Grant } from '#agent/contract/lease';
import type { Provenance } from '#agent/contract/operation';
import { buildInfo } from '#agent/kit/build-info';

const CHUNK_BYTES = 4 * 2 ** 20;

let ownSha256: Promise<string> | undefined;
/** SHA-256 of this program's executable, computed once; `source` when it is not a compiled one. */
export function binarySha256(): Promise<string> {
  ownSha256 ??= buildInfo.version === 'dev' ? Promise.resolve('source') : sha256OfFile(executablePath());
  return ownSha256;
}

/** In pieces, so that the caller's event loop never waits for the whole file. */
export async function sha256OfFile(path: string): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  await using file = await open(path, 'r');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
    if (bytesRead === 0) return hasher.digest('hex');
    hasher.update(chunk.subarray(0, bytesRead));
  }
}

/** By which program and from which input an attempt came to its end; null when no program recorded it. */
export async function provenanceOf(
  grant: Grant,
  exit: ExitRecord,
  worker: { id: string; name: string },
): Promise<Provenance | null> {
  const { build } = exit;
  if (build === null) return null;
  const isOurs =
    build.version === buildInfo.version &&
    build.commit === buildInfo.commit &&
    build.target === buildInfo.target;
  return {
    ...build,
    // A shim of before an upgrade ran a file that may be gone.
    binary_sha256: isOurs ? await binarySha256() : 'unknown',
    parameters_sha256: grant.parameters_sha256,
    data_hash: grant.bars?.data_hash ?? null,
    result_sha256: exit.result_sha256,
    worker_id: worker.id,
    worker_name: worker.name,
  };
}

/** The running file itself, also after an upgrade has put another one in its place. */
function executablePath(): string {
  return process.platform === 'linux' ? '/proc/self/exe' : process.execPath;
}
