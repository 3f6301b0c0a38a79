/** What of a Mach-O file's code signature can be checked without a Mac (cs_blobs.h of XNU). */
export interface CodeSignature {
  cpuType: number;
  /** Ad hoc: hashes without a certificate, which is what arm64 macOS asks for at least. */
  isAdHoc: boolean;
  pages: number;
  /** Pages whose SHA-256 is not the one in the signature; the kernel kills a process that touches one. */
  wrongPages: number[];
}

const MACH_O_64 = 0xfeedfacf;
const LC_CODE_SIGNATURE = 0x1d;
const CODE_DIRECTORY = 0xfade0c02;
const FLAG_ADHOC = 0x2;
const HASH_SHA256 = 2;
const HEADER_BYTES = 32;

/** @throws when the file is not a 64-bit Mach-O file with a signature in SHA-256. */
export function readCodeSignature(bytes: Uint8Array): CodeSignature {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MACH_O_64) throw new Error('not a 64-bit Mach-O file');
  const directory = codeDirectoryAt(view, signatureAt(view));
  const field = (offset: number): number => view.getUint32(directory + offset);
  const hashBytes = view.getUint8(directory + 36);
  if (view.getUint8(directory + 37) !== HASH_SHA256) throw new Error('the signature is not in SHA-256');
  const [hashes, pages, codeBytes] = [directory + field(16), field(28), field(32)];
  const pageBytes = 2 ** view.getUint8(directory + 39);
  const isWrong = (page: number): boolean => {
    const code = bytes.subarray(page * pageBytes, Math.min(codeBytes, (page + 1) * pageBytes));
    const hash = new Bun.CryptoHasher('sha256').update(code).digest();
    return !hash.equals(bytes.subarray(hashes + page * hashBytes, hashes + (page + 1) * hashBytes));
  };
  return {
    cpuType: view.getUint32(4, true),
    isAdHoc: (field(12) & FLAG_ADHOC) !== 0,
    pages,
    wrongPages: Array.from({ length: pages }, (_, page) => page).filter(isWrong),
  };
}

/** Where the signature is: load commands are (command, size, …). */
function signatureAt(view: DataView): number {
  const count = view.getUint32(16, true);
  let at = HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) === LC_CODE_SIGNATURE) return view.getUint32(at + 8, true);
    at += view.getUint32(at + 4, true);
  }
  throw new Error('there is no code signature');
}

/** The signature is a list of blobs (type, offset), one of which is the directory. Big-endian from here on. */
function codeDirectoryAt(view: DataView, signature: number): number {
  const count = view.getUint32(signature + 8);
  for (let index = 0; index < count; index++) {
    const blob = signature + view.getUint32(signature + 12 + 8 * index + 4);
    if (view.getUint32(blob) === CODE_DIRECTORY) return blob;
  }
  throw new Error('the signature has no code directory');
}
