import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import { AssertionError } from '#agent/kit/assert';
import type { Table, TableColumn } from './table';

/** Parquet with Snappy, one row group a part: what is written is sent on before the next part is read. */
export async function* parquetOf<Row>({ columns, parts }: Table<Row>): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter();
  const schema = [{ name: 'root', num_children: columns.length }, ...columns.map(schemaOf)];
  const parquet = new ParquetWriter({ writer: bytes, schema });
  for await (const rows of parts) {
    const columnData = columns.map((column) => ({
      name: column.name,
      data: rows.map((row) => parquetValue(column, row)),
    }));
    await parquet.write({ columnData, rowGroupSize: rows.length });
    yield taken(bytes);
  }
  await parquet.finish();
  yield taken(bytes);
}

/** What was written since the last time; offsets in the file go on counting. */
function taken(bytes: ByteWriter): Uint8Array {
  const chunk = bytes.getBytes().slice();
  bytes.index = 0;
  return chunk;
}

function schemaOf<Row>({ name, type }: TableColumn<Row>): SchemaElement {
  const common = { name, repetition_type: 'OPTIONAL' } as const;
  switch (type) {
    case 'text':
      return { ...common, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
    case 'integer':
      return { ...common, type: 'INT32' };
    case 'number':
      return { ...common, type: 'DOUBLE' };
    case 'boolean':
      return { ...common, type: 'BOOLEAN' };
    case 'instant':
      return {
        ...common,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      };
    case 'microseconds':
      return {
        ...common,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      };
  }
}

function parquetValue<Row>({ name, type, value }: TableColumn<Row>, row: Row) {
  const found = value(row);
  if (found === null) return null;
  switch (type) {
    case 'text':
      return String(found);
    case 'instant':
      return new Date(String(found));
    case 'integer':
    case 'number':
      if (typeof found === 'number') return found;
      break;
    case 'boolean':
      if (typeof found === 'boolean') return found;
      break;
    case 'microseconds':
      if (typeof found === 'bigint') return found;
      break;
  }
  throw new AssertionError(`column ${name} is of type ${type}, not ${typeof found}`);
}
