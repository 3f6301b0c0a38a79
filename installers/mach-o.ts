/** Mach-O, as far as packing for macOS needs it (mach-o/fat.h, mach-o/machine.h). */
const FAT_MAGIC = 0xcafebabe;
const CPU_TYPE_ARM64 = 0x0100000c;
const ARCHITECTURES_MAX = 16;

/**
 * The arm64 part of a universal binary, which carries its own code signature; undefined when the file
 * is not universal. @throws when it is and has no such part.
 */
export function arm64Part(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.byteLength < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(4);
  // Java's class files have the same magic number, and a version where the number of parts is.
  if (view.getUint32(0) !== FAT_MAGIC || count > ARCHITECTURES_MAX) return undefined;
  for (let index = 0; index < count; index++) {
    const entry = 8 + 20 * index;
    if (view.getUint32(entry) !== CPU_TYPE_ARM64) continue;
    const offset = view.getUint32(entry + 8);
    return bytes.subarray(offset, offset + view.getUint32(entry + 12));
  }
  throw new Error('Cannot take the arm64 part of a universal binary: there is none');
}
