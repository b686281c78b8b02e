"""How well the rules find what came: on real series, against plain rivals, at the same rate of false alarms.

The rules are the ones that run live: each series is judged by insights' own domain, as a backtest does. What came is
derived from the series themselves, as docs/detection.md says; nothing here is a label that anybody gave.
"""
