import {
  DataType,
  Field,
  Float64,
  makeData,
  Precision,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  tableFromIPC,
  TimestampMicrosecond,
  TimeUnit,
} from 'apache-arrow';
import type { DataType as ColumnType, Table, Vector } from 'apache-arrow';
import { Fault } from '#agent/kit/error';
import type { BarColumns } from './bars';

/**
 * Bars as an Arrow IPC file of one record batch: `time` (timestamp, microseconds, UTC), then open,
 * high, low, close and volume (float64). The chunks are the parts of the file in order, and most are
 * views on the columns: nothing is copied, so millions of bars do not block the caller.
 */
export async function* encodeBars(columns: BarColumns): AsyncGenerator<Uint8Array, void> {
  const length = columns.time.length;
  const time = makeData({ type: new TimestampMicrosecond('UTC'), length, nullCount: 0, data: columns.time });
  const prices = PRICE_COLUMNS.map((name) =>
    makeData({ type: new Float64(), length, nullCount: 0, data: columns[name] }),
  );
  const schema = new Schema([
    new Field('time', new TimestampMicrosecond('UTC'), false),
    ...PRICE_COLUMNS.map((name) => new Field(name, new Float64(), false)),
  ]);
  const struct = makeData({
    type: new Struct(schema.fields),
    length,
    nullCount: 0,
    children: [time, ...prices],
  });
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, struct));
  writer.close();
  for await (const chunk of writer) yield chunk;
}

/**
 * The columns of an Arrow IPC file or stream, as views on `bytes` when it holds one record batch whose
 * buffers are aligned (as `encodeBars` writes them and a mapped file has them), copied otherwise.
 * Throws Fault `invalid` for other columns, other types, or missing values.
 */
export function decodeBars(bytes: Uint8Array): BarColumns {
  const table = readTable(bytes);
  const [open, high, low, close, volume] = PRICE_COLUMNS.map((name) => {
    const vector = columnOf(table, name);
    const type: ColumnType = vector.type;
    if (!DataType.isFloat(type) || type.precision !== Precision.DOUBLE) {
      throw notBars(`column '${name}' is not float64`);
    }
    return join(valuesOf<Float64Array>(vector), (length) => new Float64Array(length));
  });
  return { time: timeColumn(table), open, high, low, close, volume } as BarColumns;
}

const PRICE_COLUMNS = ['open', 'high', 'low', 'close', 'volume'] as const;

type Values = Float64Array | BigInt64Array;

function timeColumn(table: Table): BigInt64Array {
  const vector = columnOf(table, 'time');
  const type: ColumnType = vector.type;
  const inMicroseconds = DataType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND;
  const isInt64 = DataType.isInt(type) && type.bitWidth === 64 && type.isSigned;
  if (!inMicroseconds && !isInt64) throw notBars("column 'time' is not 64-bit microseconds");
  return join(valuesOf<BigInt64Array>(vector), (length) => new BigInt64Array(length));
}

/** One view for each record batch; the caller has checked the type of the column. */
function valuesOf<T extends Values>(vector: Vector<ColumnType>): T[] {
  return vector.data.map((data) => (data.values as T).subarray(0, data.length) as T);
}

function join<T extends Values>(parts: readonly T[], allocate: (length: number) => T): T {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const joined = allocate(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    // Both are the same kind of array, which TypeScript cannot see through the type parameter.
    (joined as Float64Array).set(part as Float64Array, offset);
    offset += part.length;
  }
  return joined;
}

function columnOf(table: Table, name: string): Vector<ColumnType> {
  const vector: Vector<ColumnType> | null = table.getChild(name);
  if (vector === null) throw notBars(`it has no column '${name}'`);
  if (vector.nullCount > 0) throw notBars(`column '${name}' has ${vector.nullCount} missing values`);
  return vector;
}

function readTable(bytes: Uint8Array): Table {
  try {
    return tableFromIPC(bytes);
  } catch (cause) {
    throw new Fault('invalid', 'Cannot read bars: the file is not Arrow IPC, or it is cut off', { cause });
  }
}

function notBars(state: string): Fault {
  return new Fault('invalid', `Cannot read bars: ${state}`, {
    hint: 'the columns are time (microseconds UTC), open, high, low, close and volume (float64)',
  });
}
