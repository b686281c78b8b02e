"""Structured logs: static event names, identifiers of ours, never patient data. JSON unless a person is watching."""

import logging
import sys
from typing import cast

import structlog


def set_up_logs(*, service: str, level: str = "INFO") -> None:
    """Send structlog and the standard library's loggers to stdout in one shape. Called once, by `__main__`."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "uvicorn.access", "httpx", "pymongo", "vl_convert"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(service=service)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger; `name` is the module's."""
    return cast("structlog.typing.FilteringBoundLogger", structlog.get_logger(name))
