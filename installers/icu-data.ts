/**
 * ICU's data is half of what PostgreSQL weighs, and of it a server without ICU locales (`--no-locale`)
 * opens the root collation alone, when initdb notes its version. The library keeps its size and layout;
 * every other item leaves its table of contents and becomes zeros, which pack to nothing.
 *
 * Format: https://unicode-org.github.io/icu/userguide/icu_data/ ("offset TOC"): a header, the number of
 * items, for each the offsets of its name and its data from that number on, then names, then data.
 */
const KEPT = ['root.res', 'coll/root.res', 'coll/ucadata.icu'];

/** The bytes of `libicudata.so` with little else than the root locale. @throws when the layout is another. */
export function shrinkIcuData(library: Uint8Array): Uint8Array {
  const bytes = Buffer.from(library);
  const start = tableOf(bytes);
  const items = readItems(bytes, start);
  const kept = items.filter(({ name }) => KEPT.some((wanted) => name.endsWith(`l/${wanted}`)));
  if (kept.length !== KEPT.length) throw unknownLayout('the root collation is not in it');
  const dataStart = Math.min(...items.map(({ dataStart }) => dataStart));
  for (const item of items) if (!kept.includes(item)) bytes.fill(0, item.dataStart, item.dataEnd);
  bytes.fill(0, start, dataStart);
  bytes.writeUInt32LE(kept.length, start);
  let nameOffset = 4 + 8 * kept.length;
  for (const [index, { name, dataStart }] of kept.entries()) {
    bytes.writeUInt32LE(nameOffset, start + 4 + 8 * index);
    bytes.writeUInt32LE(dataStart - start, start + 8 + 8 * index);
    nameOffset += bytes.write(`${name}\0`, start + nameOffset, 'latin1');
  }
  return bytes;
}

interface Item {
  name: string;
  /** From the start of the file. */
  dataStart: number;
  dataEnd: number;
}

/** Where the table starts: behind a header with two magic bytes and the format "CmnD". */
function tableOf(bytes: Buffer): number {
  for (let at = bytes.indexOf('CmnD'); at >= 0; at = bytes.indexOf('CmnD', at + 1)) {
    const header = at - 12;
    if (header < 0 || bytes[header + 2] !== 0xda || bytes[header + 3] !== 0x27) continue;
    return header + bytes.readUInt16LE(header);
  }
  throw unknownLayout('there is no table of contents');
}

function readItems(bytes: Buffer, start: number): Item[] {
  const count = bytes.readUInt32LE(start);
  if (count === 0 || count > ITEMS_MAX) throw unknownLayout(`${count} items`);
  const offsets = Array.from({ length: count }, (_, index) => ({
    name: start + bytes.readUInt32LE(start + 4 + 8 * index),
    data: start + bytes.readUInt32LE(start + 8 + 8 * index),
  }));
  // The table says no lengths. The last item is left as it is, since what follows may be code.
  return offsets.map(({ name, data }, index) => ({
    name: bytes.toString('latin1', name, bytes.indexOf(0, name)),
    dataStart: data,
    dataEnd: offsets[index + 1]?.data ?? data,
  }));
}

const ITEMS_MAX = 100_000;

function unknownLayout(what: string): Error {
  return new Error(`Cannot shrink the data of ICU: ${what}`);
}
