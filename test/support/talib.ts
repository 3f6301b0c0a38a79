import { init } from 'talib-web';
import { present } from '#agent/kit/assert';

export interface TalibCall {
  /** Without TA_, such as MACD. */
  name: string;
  /** Columns of equal length, in the order of the C function. */
  inputs: readonly Float64Array[];
  /** The optional parameters, all of them, in the order of the C function. */
  options: readonly number[];
  /** How many columns it gives. */
  outputs: number;
}

export interface Talib {
  /** Columns as long as the inputs, NaN before TA-Lib's first value. */
  call(request: TalibCall): Float64Array[];
  /** A function of one input and a period. */
  run(name: string, source: Float64Array, period: number): Float64Array;
}

/** What talib-web documents of its emscripten module, plus the C functions it exports. */
interface TalibModule {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  HEAPF64: Float64Array;
  HEAP32: Int32Array;
  ccall(name: string, returns: 'number', types: string[], values: number[]): number;
}

const BYTES = 8;

/**
 * The C functions are called directly: talib-web's own wrappers ask for one element more than there
 * are and take only plain arrays. Its memory is fixed at 16 MiB, which a million values fill when
 * TA-Lib writes over its input, as it allows; with several columns 200,000 bars are safe.
 */
export async function loadTalib(): Promise<Talib> {
  const file = Bun.file(new URL('talib.wasm', import.meta.resolve('talib-web')));
  // Its loader can fetch, but neither a path nor a file: URL: a blob: URL is what both accept.
  const url = URL.createObjectURL(new Blob([await file.arrayBuffer()], { type: 'application/wasm' }));
  const module = (await init(url)) as TalibModule;
  const call = (request: TalibCall): Float64Array[] => callTalib(module, request);
  return {
    call,
    run(name, source, period) {
      const columns = call({ name, inputs: [source], options: [period], outputs: 1 });
      return present(columns[0], name);
    },
  };
}

function callTalib(module: TalibModule, { name, inputs, options, outputs }: TalibCall): Float64Array[] {
  const length = present(inputs[0], 'an input').length;
  const inPlace = inputs.length === 1 && outputs === 1;
  // The first slot is for the index of the first value and their count.
  const head = module._malloc(BYTES * (1 + length * (inPlace ? 1 : inputs.length + outputs)));
  if (head === 0) throw new Error(`TA_${name} of ${length} bars does not fit into talib-web's memory`);
  try {
    const column = (index: number): number => head + BYTES * (1 + index * length);
    for (const [index, input] of inputs.entries()) module.HEAPF64.set(input, column(index) / BYTES);
    const sources = inputs.map((_, index) => column(index));
    const results = Array.from({ length: outputs }, (_, index) =>
      column(inPlace ? index : inputs.length + index),
    );
    const values = [0, length - 1, ...sources, ...options, head, head + 4, ...results];
    const types = values.map(() => 'number');
    const status = module.ccall(`TA_${name}`, 'number', types, values);
    if (status !== 0) throw new Error(`TA_${name}(${options.join(', ')}) answered ${status}`);
    const first = present(module.HEAP32[head / 4], 'index of the first value');
    const count = present(module.HEAP32[head / 4 + 1], 'number of values');
    return results.map((pointer) => {
      const result = new Float64Array(length).fill(NaN);
      result.set(module.HEAPF64.subarray(pointer / BYTES, pointer / BYTES + count), first);
      return result;
    });
  } finally {
    module._free(head);
  }
}
