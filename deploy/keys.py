"""Prints the public half of this machine's development key, for RAPPORT_JWT_KEYS; makes the key if there is none.

`python -m services token` signs with the other half.
"""

import json
from pathlib import Path

from shared.auth import DevelopmentIssuer
from shared.clock import SystemClock

KEY_FILE = Path(__file__).resolve().parents[1] / ".run" / "development-key.json"

if __name__ == "__main__":
    KEY_FILE.parent.mkdir(exist_ok=True)
    issuer = DevelopmentIssuer(
        environment="development", issuer="", audience="", clock=SystemClock(), key_file=KEY_FILE
    )
    print(json.dumps(issuer.jwks()))
