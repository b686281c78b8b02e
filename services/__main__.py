"""The development host and operator's console: with services/backtest, all that may import several services.

python -m services up       start Kafka, the store and all four services on one port, and return
python -m services serve    the four services in this process, in the foreground
python -m services demo     a simulated clinic, or a file's patients, through the gateway API
python -m services backtest what a rule set would have raised of a tidy log, before it is switched on
python -m services watch    a synthetic clinic's alert, end to end, every few minutes
python -m services token    a development token for one clinic
python -m services down     stop what up started
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from deploy.demo.run import DemoError, run_demo
from deploy.demo.sink import run_sink
from deploy.local import local_stack
from deploy.native import StackError
from deploy.native.ports import holder, is_free
from services.backtest import Refused, backtest_log, show_summary
from services.backtest.fitting import fit_command
from services.insights.app import create_app as create_insights
from services.insights.settings import Settings as InsightsSettings
from services.intake.app import create_app as create_intake
from services.intake.settings import Settings as IntakeSettings
from services.mood.app import create_app as create_mood
from services.mood.settings import Settings as MoodSettings
from services.notify.app import create_app as create_notify
from services.notify.settings import Settings as NotifySettings
from services.watch import watch
from shared.auth import DevelopmentIssuer
from shared.bus.provision import provision
from shared.clock import SystemClock
from shared.logs import set_up_logs
from shared.runtime import background, collect_seldom
from shared.runtime.host import DevelopmentHost

RUN: Final = Path(".run")
PORT, SMTP_PORT, SINK_PORT = 8080, 1025, 8025
READY_WITHIN = 60.0  # seconds
console = Console(stderr=True)
cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
cli.command("fit")(fit_command)


def service_apps() -> dict[str, FastAPI]:
    """The four services' apps, by name, with their settings from the environment; nothing is opened yet."""
    return {
        "intake": create_intake(IntakeSettings()),
        "mood": create_mood(MoodSettings()),
        "insights": create_insights(InsightsSettings()),
        "notify": create_notify(NotifySettings()),
    }


def _issuer() -> DevelopmentIssuer:
    settings = IntakeSettings(env="development")
    return DevelopmentIssuer(
        environment=settings.env,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        clock=SystemClock(),
        key_file=RUN / "development-key.json",
    )


def _development_environment() -> dict[str, str]:
    """What the development host tells its services; anything already set in the environment stands."""
    stack = local_stack()
    defaults = {
        "RAPPORT_ENV": "development",
        "RAPPORT_KAFKA": stack.bootstrap,
        "RAPPORT_MONGO": stack.mongo_url,
        "RAPPORT_JWT_KEYS": json.dumps(_issuer().jwks()),
        "NOTIFY_SMTP_HOST": "127.0.0.1",
        "NOTIFY_SMTP_PORT": str(SMTP_PORT),
        "NOTIFY_SMTP_TLS": "none",
        "NOTIFY_MAIL_FROM": "alerts@harbour-clinic.example",
        "NOTIFY_TWILIO_URL": f"http://127.0.0.1:{SINK_PORT}",
        "NOTIFY_TWILIO_ACCOUNT": "AC00000000000000000000000000000000",
        "NOTIFY_TWILIO_TOKEN": "development",
        "NOTIFY_TWILIO_FROM": "+447700900000",
        "NOTIFY_PUBLIC_URL": f"http://127.0.0.1:{PORT}",
        "NOTIFY_LINK_SECRET": "development-only-link-secret",
    }
    return defaults | os.environ


async def _serve(port: int) -> None:
    os.environ.update(_development_environment())
    collect_seldom()
    set_up_logs(service="host")
    server = uvicorn.Server(
        uvicorn.Config(DevelopmentHost(service_apps()), host="127.0.0.1", port=port, log_config=None, access_log=False)
    )
    async with background(run_sink(SMTP_PORT, SINK_PORT, RUN / "messages"), name="sink"):
        await server.serve()


@cli.command()
def serve(port: int = PORT) -> None:
    """The four services and the message sink in this process, until it is stopped."""
    asyncio.run(_serve(port))


def _fail(sentence: str) -> typer.Exit:
    console.print(sentence, style="red", highlight=False, soft_wrap=True)
    return typer.Exit(1)


def _host_pid() -> int | None:
    try:
        pid = int((RUN / "host.pid").read_text())
        command = Path(f"/proc/{pid}/cmdline").read_text() if Path("/proc/self").exists() else "services"
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if "services" in command else None


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def _start_platform() -> str:
    url = f"http://127.0.0.1:{PORT}"
    if _host_pid() is not None and _ready(url):
        console.print(f"The platform is already up at {url}")
        return url
    for port, what in ((PORT, "The gateway"), (SMTP_PORT, "The mail sink"), (SINK_PORT, "The message page")):
        if not is_free(port):
            raise _fail(
                f"{what} needs port {port}, which is held by {holder(port) or 'another program'}: stop it "
                "(`make down` stops an earlier Rapport), then try again."
            )
    try:
        stack = local_stack()
        with console.status(f"Starting Kafka and the store ({stack.kind} stack)"):
            stack.start()
    except StackError as error:
        raise _fail(str(error)) from None
    console.print(f"Kafka on {stack.bootstrap}, store on {stack.mongo_url} ({stack.kind} stack)", highlight=False)
    try:
        asyncio.run(provision(stack.bootstrap))
        _start_host(url)
    except BaseException:
        _stop_platform()
        raise
    return url


def _start_host(url: str) -> None:
    log_path = RUN / "host.log"
    with log_path.open("ab") as log, console.status("Starting the four services"):
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "serve"], stdout=log, stderr=log, start_new_session=True
        )
        (RUN / "host.pid").write_text(str(process.pid))
        deadline = time.monotonic() + READY_WITHIN
        while not _ready(url):
            if process.poll() is not None:
                raise _fail(f"The services ended while starting: see the last lines of {log_path}.")
            if time.monotonic() > deadline:
                raise _fail(
                    f"The services were not ready within {READY_WITHIN:.0f} s: see {log_path} and {url}/readyz."
                )
            time.sleep(0.2)


def _stop_platform() -> None:
    pid = _host_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while _host_pid() is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
    (RUN / "host.pid").unlink(missing_ok=True)
    local_stack().stop()


@cli.command()
def up() -> None:
    """Start Kafka, the store server and the development host, and return when all are ready."""
    RUN.mkdir(exist_ok=True)
    url = _start_platform()
    console.print(f"Rapport is up: API docs {url}/docs · messages http://127.0.0.1:{SINK_PORT} · `make down` stops it")


@cli.command()
def down() -> None:
    """Stop what `up` or `demo` started. The data stays in .run."""
    _stop_platform()
    console.print("Rapport is down.")


@cli.command()
def token(
    clinic: str = "harbour",
    client: str = "console",
    role: str = "clinic_system",
    patient: Annotated[str | None, typer.Option(help="With --role patient: whose token it is.")] = None,
) -> None:
    """Print a development token for one clinic."""
    RUN.mkdir(exist_ok=True)
    try:
        print(_issuer().issue(clinic=clinic, client=client, role=role, patient=patient))
    except ValueError as wrong:
        raise typer.BadParameter(f"{wrong}: send --role patient --patient ID") from None


@cli.command()
def demo(
    from_: Annotated[
        Path | None, typer.Option("--from", help="Replay this tidy CSV instead of the simulation.")
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Declare a measure: name=min..max[:risk].")] = None,
    patients: int = 200,
    weeks: int = 12,
    seed: int = 1,
    url: Annotated[str | None, typer.Option(help="A gateway that is already up; by default one is started.")] = None,
) -> None:
    """Set up a demo clinic, send its entries through the API, and say what came of them."""
    RUN.mkdir(exist_ok=True)
    gateway = url or _start_platform()
    clinic = f"demo-{int(time.time()):x}"
    try:
        asyncio.run(
            run_demo(
                gateway,
                sink=f"http://127.0.0.1:{SINK_PORT}",
                token=_issuer().issue(clinic=clinic, client="demo"),
                source=from_,
                measures=measure or [],
                patients=patients,
                weeks=weeks,
                seed=seed,
            )
        )
    except DemoError as error:
        raise _fail(str(error)) from None


@cli.command()
def backtest(
    input_: Annotated[Path, typer.Option("--input", help="A tidy CSV: patient,occurred_at,measure,value[,note].")],
    output: Annotated[Path, typer.Option(help="Where to write what would have been raised, as CSV.")],
    rules: Annotated[Path | None, typer.Option(help="A rules file (YAML); by default the starter set.")] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Another one to compare with; by default the starter set.")
    ] = None,
) -> None:
    """Say what a rule set would have raised of a tidy log, before it is switched on (docs/backtest.md)."""
    try:
        report = backtest_log(input_, output, rules, compare, console=console)
    except Refused as refused:
        for problem in refused.problems:
            console.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    show_summary(report, Console())


@cli.command("watch")
def watch_platform(*, once: bool = False) -> None:
    """A synthetic clinic makes an alert end to end every few minutes; its silence pages (docs/runbook.md)."""
    RUN.mkdir(exist_ok=True)
    if wrong := asyncio.run(watch(lambda: _issuer().issue(clinic="rapport-watch", client="watch"), once=once)):
        raise _fail("\n".join(wrong))


if __name__ == "__main__":
    cli()
