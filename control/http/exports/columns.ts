import type { BacktestTrade, EquityPoint } from '#agent/contract/backtest';
import { METRIC_NAMES } from '#agent/engine/backtest/metric-table';
import type { RankedUnit } from '#control/store/unit-ranking';
import type { TableColumn } from './table';

type Unit = Pick<RankedUnit, 'unitIndex' | 'parameters' | 'metrics'>;

export const TRADE_COLUMNS: ReadonlyArray<TableColumn<BacktestTrade>> = [
  { name: 'trade_id', type: 'integer', value: (trade) => trade.trade_id },
  { name: 'symbol', type: 'text', value: (trade) => trade.symbol },
  { name: 'side', type: 'text', value: (trade) => trade.side },
  { name: 'entry_price', type: 'number', value: (trade) => trade.entry_price },
  { name: 'entry_time', type: 'instant', value: (trade) => trade.entry_time },
  { name: 'exit_price', type: 'number', value: (trade) => trade.exit_price },
  { name: 'exit_time', type: 'instant', value: (trade) => trade.exit_time },
  { name: 'quantity', type: 'number', value: (trade) => trade.quantity },
  { name: 'gross_pnl', type: 'number', value: (trade) => trade.gross_pnl },
  { name: 'commission', type: 'number', value: (trade) => trade.commission },
  { name: 'slippage', type: 'number', value: (trade) => trade.slippage },
  { name: 'net_pnl', type: 'number', value: (trade) => trade.net_pnl },
  { name: 'holding_period_hours', type: 'number', value: (trade) => trade.holding_period_hours },
  { name: 'max_favorable_excursion', type: 'number', value: (trade) => trade.max_favorable_excursion },
  { name: 'max_adverse_excursion', type: 'number', value: (trade) => trade.max_adverse_excursion },
  { name: 'exit_reason', type: 'text', value: (trade) => trade.decision_metadata.exit_reason },
];

export const EQUITY_COLUMNS: ReadonlyArray<TableColumn<EquityPoint>> = [
  { name: 'time', type: 'instant', value: (point) => point.time },
  { name: 'equity', type: 'number', value: (point) => point.equity },
];

/**
 * `unit_index`, a `param_<name>` for each parameter, and the metrics in the order of the metric table.
 * Which there are, and of which type, is read off some units: all units of a sweep have the same.
 */
export function unitColumns(units: readonly Unit[]): Array<TableColumn<Unit>> {
  const parameters = new Set(units.flatMap((unit) => Object.keys(unit.parameters)));
  const metrics = new Set(units.flatMap((unit) => Object.keys(unit.metrics)));
  const known = METRIC_NAMES.filter((name) => metrics.has(name));
  return [
    { name: 'unit_index', type: 'integer', value: (unit) => unit.unitIndex },
    ...[...parameters].map((name) => parameterColumn(name, units)),
    ...[...new Set<string>([...known, ...metrics])].map((name): TableColumn<Unit> => ({
      name,
      type: 'number',
      value: (unit) => unit.metrics[name] ?? null,
    })),
  ];
}

function parameterColumn(name: string, units: readonly Unit[]): TableColumn<Unit> {
  const types = new Set(units.map((unit) => typeof unit.parameters[name]));
  const isAll = (type: 'number' | 'boolean'): boolean => types.size === 1 && types.has(type);
  const header = `param_${name}`;
  if (isAll('number')) return { name: header, type: 'number', value: (unit) => scalar(unit, name) };
  if (isAll('boolean')) return { name: header, type: 'boolean', value: (unit) => scalar(unit, name) };
  return { name: header, type: 'text', value: (unit) => textOf(scalar(unit, name)) };
}

function scalar(unit: Unit, name: string): string | number | boolean | null {
  const value = unit.parameters[name] ?? null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null ? null : JSON.stringify(value);
}

function textOf(value: string | number | boolean | null): string | null {
  return value === null ? null : String(value);
}
