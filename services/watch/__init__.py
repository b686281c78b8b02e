"""The watch: a clinic that is not one, from outside. It knows HTTP and a token, and nothing of any service.

asks      the gateway, as a clinic's own system would: a risk answer of a synthetic patient, then its alert's trail;
          each service's /readyz, and /metrics for what its audit found
tells     Prometheus (its own /metrics); an operator by a webhook or a mail server that is not the platform's;
          an external heartbeat, and that only while every check passes
"""

from services.watch.run import Watch, watch
from services.watch.settings import WatchSettings

__all__ = ["Watch", "WatchSettings", "watch"]
