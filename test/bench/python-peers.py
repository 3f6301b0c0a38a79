"""Peers of the engine in Python: reads `<peer> <rounds>` lines, answers `ok <seconds per round>` or why not.

Usage: python-peers.py <file>, which holds open, high, low and close as columns of float64.
"""
import sys
import time

import numpy as np
import pandas as pd

FAST, SLOW = 20, 50
CASH, FRACTION, COMMISSION, SLIPPAGE = 100_000, 0.25, 0.001, 0.0005

columns = np.fromfile(sys.argv[1]).reshape(4, -1)
index = pd.date_range("2000-01-03", periods=columns.shape[1], freq=sys.argv[2])
frame = pd.DataFrame(dict(zip(["Open", "High", "Low", "Close"], columns)), index=index)


def backtesting_py():
    from backtesting import Backtest, Strategy

    def sma(values, period):
        return pd.Series(values).rolling(period).mean()

    class SmaCross(Strategy):
        def init(self):
            self.fast = self.I(sma, self.data.Close, FAST)
            self.slow = self.I(sma, self.data.Close, SLOW)

        def next(self):
            above = self.fast[-1] > self.slow[-1]
            if above and not self.position:
                self.buy(size=FRACTION)
            elif not above and self.position:
                self.position.close()

    backtest = Backtest(frame, SmaCross, cash=CASH, commission=COMMISSION, spread=SLIPPAGE)
    return lambda: backtest.run()


def vectorbt():
    import vectorbt as vbt

    def run():
        close = frame["Close"]
        above = close.rolling(FAST).mean() > close.rolling(SLOW).mean()
        # Decided at a close, filled at the next open.
        entries = above.shift(1, fill_value=False)
        portfolio = vbt.Portfolio.from_signals(
            close,
            entries,
            ~entries,
            price=frame["Open"],
            size=FRACTION,
            size_type="percent",
            init_cash=CASH,
            fees=COMMISSION,
            slippage=SLIPPAGE,
            freq=sys.argv[2],
        )
        return portfolio.value(), portfolio.sharpe_ratio(), portfolio.max_drawdown(), portfolio.trades.count()

    return run


peers = {"backtesting.py": backtesting_py, "vectorbt": vectorbt}
ready = {}
for line in sys.stdin:
    name, rounds = line.split()
    try:
        if name not in ready:
            ready[name] = peers[name]()
            ready[name]()  # compiles, where a peer compiles
        start = time.perf_counter()
        for _ in range(int(rounds)):
            ready[name]()
        print("ok", (time.perf_counter() - start) / int(rounds), flush=True)
    except Exception as error:
        print("no", repr(error).replace("\n", " ")[:200], flush=True)
