import { dlopen, ptr, toArrayBuffer } from 'bun:ffi';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { errorCode, Fault } from './error';

/**
 * Maps a file for reading, shared with every process that maps it; unmapped by the garbage collector
 * once nothing refers to the bytes. Writing to them ends the process. (Bun.mmap wants to open the file
 * for writing, which a job may not.) Throws Fault `environment`.
 */
export function mapFile(path: string): Uint8Array {
  const fd = openForReading(path);
  try {
    const byteLength = fstatSync(fd).size;
    if (byteLength === 0) return new Uint8Array(0);
    const { mmap, munmap } = libc();
    const address = Number(mmap(0, byteLength, PROT_READ, MAP_SHARED, fd, 0) ?? 0);
    if (address === 0 || address >= MAP_FAILED) throw cannotMap(path, 'mmap failed');
    return new Uint8Array(toArrayBufferOf(address, 0, byteLength, byteLength, munmap));
  } finally {
    closeSync(fd);
  }
}

/**
 * As documented by Bun, which declares only the first three parameters. The deallocator is called as
 * (address, context): with the length as context that is a call of munmap.
 */
const toArrayBufferOf = toArrayBuffer as unknown as (
  ...parameters: [
    address: number,
    byteOffset: number,
    byteLength: number,
    context: number,
    deallocator: number,
  ]
) => ArrayBuffer;

const PROT_READ = 1;
const MAP_SHARED = 1;
/** (void *)-1 as the double it is read as: no user address comes near. */
const MAP_FAILED = 2 ** 63;

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw cannotMap(path, errorCode(cause) ?? 'open failed', cause);
  }
}

function cannotMap(path: string, state: string, cause?: unknown): Fault {
  return new Fault('environment', `Cannot map ${path}: ${state}`, { cause });
}

let opened: ReturnType<typeof openMemoryMapping> | undefined;
function libc(): ReturnType<typeof openMemoryMapping> {
  opened ??= openMemoryMapping();
  return opened;
}

function openMemoryMapping() {
  const { mmap, dlsym } = openLibc();
  const munmap = Number(dlsym(0, ptr(Buffer.from('munmap\0'))) ?? 0);
  if (munmap === 0) throw new Fault('environment', 'Cannot map files: the C library has no munmap');
  return { mmap, munmap };
}

function openLibc() {
  return dlopen(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6', {
    mmap: { args: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'ptr' },
    dlsym: { args: ['u64', 'ptr'], returns: 'ptr' },
  }).symbols;
}
