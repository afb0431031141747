"""A SLURM of one node on loopback, for as long as a command runs.

    python tests/slurm/cluster.py snakemake --profile config/profiles/slurm

starts munged, slurmctld and slurmd in a temporary folder, with a key and ports of their own, runs
the command with SLURM_CONF set, and ends them and all jobs with it. Needed: Debian's `slurm-wlm`
and `munge`. The node runs the jobs of the user who starts it.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

PATH = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has the daemons
DAEMONS = ("munged", "slurmctld", "slurmd")

CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# Control groups may be missing: processes are found by their parents, memory is read every second,
# and a step above its limit is killed.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
KillWait=2
# As many cores as it is told; without RealMemory a node has 1 MB.
SlurmdParameters=config_overrides
NodeName=node NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory}
PartitionName=main Nodes=node Default=YES
"""


def missing() -> list[str]:
    """The daemons that are not installed."""
    return [name for name in DAEMONS if shutil.which(name, path=PATH) is None]


@contextmanager
def cluster(cpus: int) -> Iterator[dict[str, str]]:
    """Environment in which `sbatch` and its like speak to a SLURM that ends with the block."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        environment = os.environ | {
            "PATH": f"{folder}/bin:{PATH}",
            "SLURM_CONF": f"{folder}/slurm.conf",
        }
        configure(folder, cpus)
        stack.callback(end_leftovers, environment["SLURM_CONF"])
        for command in commands(folder):
            daemon = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            stack.callback(stop, daemon)
        wait_for_node(environment, folder)
        stack.callback(cancel_all, environment)
        yield environment


def configure(folder: Path, cpus: int) -> None:
    """Write the key, slurm.conf and what else the daemons want to find."""
    controller, node = free_ports(2)
    text = CONFIGURATION.format(
        folder=folder,
        host=socket.gethostname().split(".")[0],
        user=getpass.getuser(),
        controller=controller,
        node=node,
        cpus=cpus,
        memory=psutil.virtual_memory().total * 9 // 10 // 2**20,
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    # Inside a job the executor drops the variables named SLURM_… before it calls srun.
    srun = folder / "bin/srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)


def commands(folder: Path) -> list[list[str]]:
    """The daemons, each in the foreground."""
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    options = [f"--{option}={folder}/munge.{name}" for option, name in files.items()]
    return [
        # --force: the folder of the socket is this user's alone
        ["munged", "--foreground", "--force", f"--log-file={folder}/munge.log", *options],
        ["slurmctld", "-D"],
        ["slurmd", "-D", "-N", "node"],
    ]


def free_ports(number: int) -> list[int]:
    """Ports of loopback on which nothing listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for_node(environment: dict[str, str], folder: Path, seconds: float = 60) -> None:
    """Wait until the node takes jobs; RuntimeError with the ends of the logs if it does not."""
    command = ["sinfo", "--noheader", "--format=%T"]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True)
        if answer.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))
    raise RuntimeError(f"no node after {seconds} s: {answer.stdout}{answer.stderr}\n{logs}")


def cancel_all(environment: dict[str, str]) -> None:
    """End all jobs, and wait until they have ended."""
    subprocess.run(["scancel", "--user", getpass.getuser()], env=environment)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if not subprocess.check_output(["squeue", "--noheader"], env=environment):
            return
        time.sleep(0.2)


def end_leftovers(configuration: str) -> None:
    """Kill what jobs left: without control groups SLURM may miss a process whose parent ended."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if process.pid != os.getpid() and process.environ().get("SLURM_CONF") == configuration:
                process.kill()


def stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


if __name__ == "__main__":
    if absent := missing():
        sys.exit(f"not installed: {', '.join(absent)} (Debian: apt-get install slurm-wlm munge)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as any exit: the daemons end too
    with cluster(os.cpu_count() or 1) as variables:
        sys.exit(subprocess.call(sys.argv[1:], env=variables))
