"""The console's backtest: what a rule set would have raised of a tidy log, before it is switched on.

A part of the development host and operator's console, and no service: it reads a file, writes a file, and opens neither
broker nor store. It puts together what the services know, and knows nothing of its own: intake sets the clinic up, mood
scores the answers, insights assesses. docs/backtest.md says what is read, judged and written.
"""

from services.backtest.refusals import Refused
from services.backtest.run import Report, backtest_log
from services.backtest.summary import show_summary

__all__ = ["Refused", "Report", "backtest_log", "show_summary"]
