"""Tokens: who calls is taken from them alone, and a patient's own is good for that patient only."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from shared.auth import SCOPES, Caller, DevelopmentIssuer, Verifier, expect_own, refuse_import
from shared.clock import Clock
from shared.contracts.base import Origin
from shared.errors import Problem, not_found
from tests.fakes import FakeClock

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def provider(clock: Clock, **claims: Any) -> Caller:
    """The caller a token of somebody's identity provider names."""
    now = int(clock.now().timestamp())
    usual = {"iss": "i", "aud": "a", "sub": "app", "clinic": "harbour", "scope": " ".join(SCOPES)}
    token = jwt.encode(
        usual | {"iat": now, "exp": now + 60} | claims, KEY, algorithm="EdDSA", headers={"kid": "theirs"}
    )
    public: dict[str, Any] = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    keys = {"keys": [public | {"kid": "theirs", "alg": "EdDSA"}]}
    return Verifier(jwks=keys, issuer="i", audience="a", clock=clock).caller(f"Bearer {token}")


def test_a_patients_token_names_its_patient(clock: FakeClock) -> None:
    """`sub` stays the client's; every other token names no patient."""
    patients = provider(clock, role="patient", patient="sam")

    assert (patients.clinic, patients.client, patients.role, patients.patient) == ("harbour", "app", "patient", "sam")
    assert provider(clock, role="therapist").patient is None
    assert provider(clock, role="therapist", patient=None).patient is None


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "patient"},
        {"role": "patient", "patient": None},
        {"role": "Patient"},
        {"role": " PATIENT "},
        {"role": "therapist", "patient": "sam"},
        {"role": "", "patient": "sam"},
    ],
)
def test_a_patients_token_without_its_patient_is_refused_with_what_to_do(
    clock: FakeClock, claims: dict[str, Any]
) -> None:
    """However the role is written; and a claim that contradicts the role widens nothing."""
    with pytest.raises(Problem) as refused:
        provider(clock, **claims)

    assert refused.value.status == 401
    assert "in the claim 'patient'" in refused.value.detail
    assert "identity provider" in refused.value.detail


@pytest.mark.parametrize("name", ["", "a/b", "sam\n", "x" * 65, 7, ["sam"], {"id": "sam"}, True])
def test_a_patient_that_is_no_id_is_refused(clock: FakeClock, name: object) -> None:
    """What could end up in a key is checked like every id."""
    with pytest.raises(Problem) as refused:
        provider(clock, role="patient", patient=name)

    assert refused.value.status == 401


def test_the_role_is_known_however_it_is_written(clock: FakeClock) -> None:
    """A provider's capital letter makes no token that is good for the whole clinic."""
    caller = provider(clock, role="Patient", patient="sam")

    assert (caller.role, caller.patient) == ("patient", "sam")


def test_what_a_patient_sends_is_theirs_and_imports_nothing() -> None:
    """Another patient looks as another clinic's does; a clinic's token is not held back."""
    sam = Caller("harbour", "app", "patient", frozenset(SCOPES), "sam")
    system = Caller("harbour", "records", "clinic_system", frozenset(SCOPES))
    expect_own(sam, "sam", Origin.LIVE)
    expect_own(sam, "sam", Origin.SYNC)
    for origin in Origin:
        expect_own(system, "lee", origin)
    with pytest.raises(Problem) as anothers:
        expect_own(sam, "lee", Origin.IMPORT)
    with pytest.raises(Problem) as imported:
        refuse_import(sam, Origin.IMPORT)

    assert anothers.value == not_found("patient")
    assert (imported.value.status, imported.value.code) == (403, "not_for_patients")


def test_the_development_issuer_makes_no_token_that_would_be_refused(clock: FakeClock) -> None:
    """A patient's names the patient, and no other does."""
    issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=clock)
    verifier = Verifier(jwks=issuer.jwks(), issuer="i", audience="a", clock=clock)
    caller = verifier.caller(f"Bearer {issuer.issue(clinic='harbour', role='patient', patient='sam')}")

    assert caller.patient == "sam"
    with pytest.raises(ValueError, match="names its patient"):
        issuer.issue(clinic="harbour", role="patient")
    with pytest.raises(ValueError, match="no other does"):
        issuer.issue(clinic="harbour", patient="sam")
