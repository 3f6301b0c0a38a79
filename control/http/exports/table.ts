export type TableValue = string | number | bigint | boolean | null;

/** A column of an export: the same name and the same values in every format. */
export interface TableColumn<Row> {
  name: string;
  /**
   * `instant`: ISO 8601 text in UTC, or a bigint of microseconds since 1970 for `microseconds`; both are
   * written as a timestamp where the format has one.
   */
  type: 'text' | 'integer' | 'number' | 'boolean' | 'instant' | 'microseconds';
  value: (row: Row) => TableValue;
}

/** Rows come in parts, so that a table of any length needs the memory of one. */
export interface Table<Row> {
  /** Name of the file, without its extension. */
  name: string;
  /** Where it is known before the rows are read. */
  rowCount?: number;
  columns: ReadonlyArray<TableColumn<Row>>;
  parts: AsyncIterable<readonly Row[]>;
}
