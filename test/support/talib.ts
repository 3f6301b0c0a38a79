import { init } from 'talib-web';
import { present } from '#agent/kit/assert';

/** TA-Lib's functions of one input and a period. */
export type TalibFunction = 'EMA' | 'RSI' | 'SMA' | 'WMA';

export interface Talib {
  /** A column as long as `source`, NaN before TA-Lib's first value. */
  run(name: TalibFunction, source: Float64Array, period: number): Float64Array;
}

/** What talib-web documents of its emscripten module, plus the C functions it exports. */
interface TalibModule {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  HEAPF64: Float64Array;
  HEAP32: Int32Array;
  ccall(name: string, returns: 'number', types: string[], values: number[]): number;
}

/**
 * The C functions are called directly: talib-web's own wrappers ask for one element more than there
 * are and take only plain arrays. Its memory is fixed at 16 MiB, which a million values fill when
 * TA-Lib writes over its input, as it allows. Slots of 8 bytes: first index and count, then values.
 */
export async function loadTalib(): Promise<Talib> {
  const file = Bun.file(new URL('talib.wasm', import.meta.resolve('talib-web')));
  // Its loader can fetch, but neither a path nor a file: URL: a blob: URL is what both accept.
  const url = URL.createObjectURL(new Blob([await file.arrayBuffer()], { type: 'application/wasm' }));
  const module = (await init(url)) as TalibModule;
  return {
    run(name, source, period) {
      const { length } = source;
      const bytes = 8;
      const head = module._malloc(bytes * (length + 1));
      const column = head + bytes;
      try {
        module.HEAPF64.set(source, column / bytes);
        const values = [0, length - 1, column, period, head, head + 4, column];
        const types = values.map(() => 'number');
        const status = module.ccall(`TA_${name}`, 'number', types, values);
        if (status !== 0) throw new Error(`TA_${name} of period ${period} answered ${status}`);
        const first = present(module.HEAP32[head / 4], 'index of the first value');
        const count = present(module.HEAP32[head / 4 + 1], 'number of values');
        const result = new Float64Array(length).fill(NaN);
        result.set(module.HEAPF64.subarray(column / bytes, column / bytes + count), first);
        return result;
      } finally {
        module._free(head);
      }
    },
  };
}
