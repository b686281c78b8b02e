"""The Java side of the native stack: fetched once by Maven, compiled once, kept in `.run/jars`."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .errors import StackError

HERE = Path(__file__).resolve().parent
JARS = HERE.parents[1] / ".run" / "jars"
JAVA_NEEDED = 17
HOW_TO_GET_JAVA = (
    "Install a Java 17 JDK and Maven (Debian: apt-get install openjdk-17-jdk-headless maven; "
    "macOS: brew install openjdk@17 maven), or start Docker."
)
COPY_JARS = [
    "-q",
    "--batch-mode",
    "--strict-checksums",
    "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
    "-DincludeScope=runtime",
]


def java_tool(name: str) -> str:
    """The path of `java` or `javac`, the one of JAVA_HOME first; StackError where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(name, path=str(Path(home, "bin"))) if home else None
    found = found or shutil.which(name)
    if found is None:
        raise StackError(f"The stack without Docker needs {name}, which is not on the PATH. {HOW_TO_GET_JAVA}")
    return found


def class_path() -> str:
    """The class path of both servers; fetches and compiles first where that has not been done."""
    sources = sorted(HERE.glob("*.java"))
    made_from = hashlib.sha256(b"".join(path.read_bytes() for path in [HERE / "pom.xml", *sources]))
    stamp = JARS / f".stamp-{made_from.hexdigest()[:12]}"
    if not stamp.exists():
        JARS.parent.mkdir(parents=True, exist_ok=True)
        with JARS.with_suffix(".lock").open("w") as lock:  # two test runs may come here at once
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp.exists():
                _make(sources, stamp.name)
    return os.pathsep.join([str(JARS / "classes"), str(JARS / "*")])


def _make(sources: list[Path], stamp: str) -> None:
    _check_java()
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(f"Maven fetches Kafka once, and mvn is not on the PATH. {HOW_TO_GET_JAVA}")
    fresh = JARS.with_name("jars.new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "classes").mkdir(parents=True)
    print("Fetching Kafka and the MongoDB stand-in (50 MB, once) …", file=sys.stderr, flush=True)
    _run(
        "Maven could not fetch Kafka and the MongoDB stand-in",
        [maven, *COPY_JARS, "-f", str(HERE / "pom.xml"), f"-DoutputDirectory={fresh}"],
    )
    _run(
        "The launchers of the native stack do not compile",
        [java_tool("javac"), "-cp", f"{fresh}/*", "-d", str(fresh / "classes"), *map(str, sources)],
    )
    (fresh / stamp).touch()
    shutil.rmtree(JARS, ignore_errors=True)
    fresh.rename(JARS)


def _check_java() -> None:
    java = java_tool("java")
    java_tool("javac")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    if version is None or int(version[1]) < JAVA_NEEDED:
        found = version[1] if version else "an unknown version"
        raise StackError(f"Kafka needs Java {JAVA_NEEDED} or later, and {java} is {found}. {HOW_TO_GET_JAVA}")


def _run(failure: str, command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line or "error:" in line]
        reason = re.sub(r"\x1b\[[0-9;]*m|\[ERROR\]", "", lines[0]).strip() if lines else "it gave no reason"
        raise StackError(f"{failure}: {reason[:400]}. Check the network and run the same command again.")
