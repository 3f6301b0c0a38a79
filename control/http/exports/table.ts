/** A column of an export: the same name and the same values in every format. */
export interface TableColumn<Row> {
  name: string;
  /** `instant`: ISO 8601 text in UTC, written as a timestamp where the format has one. */
  type: 'text' | 'integer' | 'number' | 'boolean' | 'instant';
  value: (row: Row) => string | number | boolean | null;
}

/** Rows come in parts, so that a table of any length needs the memory of one. */
export interface Table<Row> {
  /** Name of the file, without its extension. */
  name: string;
  columns: ReadonlyArray<TableColumn<Row>>;
  parts: AsyncIterable<readonly Row[]>;
}
