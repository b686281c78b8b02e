"""Who calls: bearer tokens (JWT), the clinic and a patient from the token only, and an issuer for development alone."""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from pydantic import TypeAdapter, ValidationError

from shared.clock import Clock
from shared.contracts.base import Id, Origin
from shared.errors import Problem, not_found

ALGORITHMS: Final = ["EdDSA", "ES256", "RS256"]
SCOPES: Final = (
    "clinic:read",
    "clinic:write",
    "patients:read",
    "patients:write",
    "entries:read",
    "entries:write",
    "insights:read",
    "alerts:read",
    "alerts:write",
)
PATIENT: Final = "patient"
"""The role of a patient's own token, and the claim that names the patient."""
_ID: TypeAdapter[str] = TypeAdapter(Id)


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who calls. `clinic` is the tenant: every key and every query starts from it.

    patient: the only patient a token of the role `patient` is good for; None for every other token.
    """

    clinic: str
    client: str
    role: str
    scopes: frozenset[str]
    patient: str | None = None


def expect_own(caller: Caller, patient: str, origin: Origin) -> None:
    """What a request's body says of whom, held against the token. Raises Problem 404 where a patient's token names
    another patient (as for another clinic's), and 403 where a patient says that it comes from another system."""
    if caller.patient not in (None, patient):
        raise not_found("patient")
    refuse_import(caller, origin)


def refuse_import(caller: Caller, origin: Origin) -> None:
    """Raises Problem 403 where a patient's token says that something comes from another system."""
    if caller.patient is not None and origin is Origin.IMPORT:
        raise Problem(
            403,
            "not_for_patients",
            "Only the clinic imports",
            "Nothing was recorded. With a patient's token send `origin` as live, or as sync where it was made offline.",
        )


def unauthenticated(detail: str) -> Problem:
    """401, with what to send instead."""
    return Problem(401, "unauthenticated", "Who are you?", detail, headers={"WWW-Authenticate": "Bearer"})


def _patient_unsaid() -> Problem:
    return unauthenticated(
        "A token with the role 'patient' must name its patient, by the clinic's own id, in the claim 'patient', and no "
        "other token may: have your identity provider put it in (docs/tokens.md)."
    )


class Verifier:
    """Checks tokens against keys that were configured beforehand; nothing in a token can name its own key.

    Checked tokens are remembered until they expire, since a signature check costs as much as the rest of a check-in.
    """

    def __init__(
        self, *, jwks: Mapping[str, Any], issuer: str, audience: str, clock: Clock, remembered: int = 10_000
    ) -> None:
        self._keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys}
        self._issuer, self._audience, self._clock = issuer, audience, clock
        self._remembered: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._most = remembered

    def caller(self, authorization: str | None) -> Caller:
        """The caller an `Authorization` header names. Raises Problem 401 with what to send."""
        if authorization is None or not authorization.startswith("Bearer "):
            raise unauthenticated("Send the header 'Authorization: Bearer <token>' with a token of your clinic.")
        now = self._clock.now().timestamp()
        known = self._remembered.get(authorization)
        if known is not None and now < known[0]:
            return known[1]
        expires, caller = self._check(authorization.removeprefix("Bearer "), now)
        self._remembered[authorization] = (expires, caller)
        if len(self._remembered) > self._most:
            self._remembered.popitem(last=False)
        return caller

    def _check(self, token: str, now: float) -> tuple[float, Caller]:
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iat", "aud", "iss", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            if not claims["iat"] - 30 <= now < claims["exp"]:
                raise unauthenticated("The token has expired or is not valid yet: get a new one.")
            role, patient = str(claims["role"]), claims.get(PATIENT)
            if role.strip().casefold() == PATIENT:
                role = PATIENT
            if (role == PATIENT) is (patient is None):
                raise _patient_unsaid()
            caller = Caller(
                clinic=_ID.validate_python(claims["clinic"]),
                client=str(claims["sub"]),
                role=role,
                scopes=frozenset(str(claims.get("scope", "")).split()),
                patient=None if patient is None else _ID.validate_python(patient),
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValidationError):
            raise unauthenticated(
                "The token is not one of ours, or lacks a claim: it needs sub, clinic, role, scope, iss, aud, iat "
                "and exp (a patient's also patient), signed by a key this deployment was given."
            ) from None
        return float(claims["exp"]), caller


class DevelopmentIssuer:
    """Issues tokens for a laptop and for tests. Refuses to exist outside development."""

    KEY_ID: Final = "development"

    def __init__(
        self, *, environment: str, issuer: str, audience: str, clock: Clock, key_file: Path | None = None
    ) -> None:
        if environment != "development":
            raise RuntimeError(
                "The development issuer does not start outside development: give RAPPORT_JWT_KEYS the public keys "
                "of your identity provider instead."
            )
        self._issuer, self._audience, self._clock = issuer, audience, clock
        self._key = _load_key(key_file)

    def jwks(self) -> dict[str, Any]:
        """The public half, as a JSON Web Key Set."""
        key: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [key | {"kid": self.KEY_ID, "alg": "EdDSA", "use": "sig"}]}

    def issue(
        self,
        *,
        clinic: str,
        client: str = "demo",
        role: str = "clinic_system",
        patient: str | None = None,
        scopes: tuple[str, ...] = SCOPES,
        lasts: timedelta = timedelta(days=1),
    ) -> str:
        """A signed token for one clinic; of the role `patient`, for that one patient. Raises ValueError where a
        patient's token names none, or another one does."""
        if (role == PATIENT) is (patient is None):
            raise ValueError("a token of the role 'patient' names its patient, and no other does")
        now: datetime = self._clock.now()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": client,
            "clinic": clinic,
            "role": role,
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int((now + lasts).timestamp()),
        }
        if patient is not None:
            claims[PATIENT] = patient
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers={"kid": self.KEY_ID})


def _load_key(key_file: Path | None) -> Ed25519PrivateKey:
    if key_file is None:
        return Ed25519PrivateKey.generate()
    if not key_file.exists():
        key_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = Ed25519PrivateKey.generate()
        key_file.touch(mode=0o600)
        key_file.write_text(json.dumps(json.loads(OKPAlgorithm.to_jwk(fresh))))
        return fresh
    key = OKPAlgorithm.from_jwk(key_file.read_text())
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{key_file} does not hold a private Ed25519 key: remove it and start again.")
    return key
