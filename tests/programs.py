"""Programs that start at once: a server has their libraries imported, and forks for each call.

A study calls its programs some fifty times, and each call takes a second or two to import what it
needs. In an environment by `served` they are stubs that hand a call, with its folder, environment
and open files, to the server, give its exit status, and take it with them when they are killed. The
package itself each call imports anew: copies of it with changed code are what some tests are about.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = {"sgns-study": "sgns_study.cli", "snakemake": "snakemake.cli", "dvc": "dvc.cli"}
LIBRARIES = (
    *("click", "jinja2", "numba", "pandas", "psutil", "pyarrow.parquet", "pydantic", "rocrate"),
    *("matplotlib.figure", "matplotlib.backends.backend_svg", "matplotlib.textpath"),
    *("safetensors.numpy", "safetensors.torch", "scipy.sparse.linalg", "scipy.stats"),
    *("sklearn.feature_extraction.text", "sklearn.linear_model", "sklearn.manifold"),
    *("sklearn.metrics", "tokenizers", "torch", "tqdm"),
    *("dvc.cli.parser", "dvc.data_cloud", "dvc.repo", "dvc.stage.cache", "scmrepo.git"),
    "snakemake.cli",
)
STUB = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps(({module!r}, sys.argv, os.getcwd(), dict(os.environ)))
    socket.send_fds(server, [call.encode() + b"\\n"], [0, 1, 2])
    status = server.recv(1)
sys.exit(status[0] if status else "the server of programs has ended")
"""
exit_status = [0]  # of this process
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@contextmanager
def served(python: Path) -> Iterator[None]:
    """Put stubs in place of the programs beside a Python, and serve them with it for a while."""
    address = str(python.parent / "server")
    for name, module in PROGRAMS.items():
        stub = python.with_name(name)
        stub.unlink()
        stub.write_text(STUB.format(python=python, address=address, module=module))
        stub.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        server = subprocess.Popen(
            [python, "-P", __file__, str(listener.fileno())],
            env=inherited | ONE_THREAD,
            stdin=subprocess.PIPE,  # whose end it sees, however this process ends
            pass_fds=[listener.fileno()],
        )
    with server:
        yield


def serve(listener: socket.socket) -> None:
    """Fork for each call, until the process that started this one ends."""
    atexit.register(leave)  # the first, which is the last to be called
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()  # what is there already no child has to go through
    calls: dict[int, tuple[int, socket.socket]] = {}  # by a file that tells of the process's end
    while True:
        callers = {caller: process for process, caller in calls.values()}
        ready, _, _ = select.select([sys.stdin, listener, *calls, *callers], [], [])
        for file in ready:
            if file is sys.stdin:
                return None
            if file is listener:
                caller, _ = listener.accept()
                call, files = receive(caller)
                process = os.fork()
                if not process:
                    for each in (listener, caller, *callers):
                        each.close()
                    return carry_out(*call, files)
                for each in files:
                    os.close(each)
                calls[os.pidfd_open(process)] = process, caller
            elif file in calls:  # has ended
                process, caller = calls.pop(file)
                code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
                with suppress(BrokenPipeError):
                    caller.send(bytes([code if code >= 0 else 128 - code]))
                del callers[caller]
                caller.close()
                os.close(file)
            elif file in callers:  # was killed
                os.kill(callers[file], signal.SIGKILL)


def receive(caller: socket.socket) -> tuple[list, list[int]]:
    """A call: module, arguments, folder and environment; and its three files."""
    text, files, _, _ = socket.recv_fds(caller, 1 << 16, 3)
    while not text.endswith(b"\n"):
        text += caller.recv(1 << 16)
    return json.loads(text), files


def carry_out(
    module: str, arguments: list[str], folder: str, environment: dict[str, str], files: list[int]
) -> None:
    """Become the program: what this process is from here on is what a new one would be."""
    exit_status[0] = 1  # of an error that nobody catches
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    sys.modules["numpy.random"].seed()  # else what draws without a seed would repeat
    importlib.import_module("sgns_study")  # tells numba where its compiled code is
    sys.modules["numba"].config.reload_config()
    try:
        sys.exit(importlib.import_module(module).main())
    except SystemExit as end:
        exit_status[0] = 1 if isinstance(end.code, str) else end.code or 0
        raise


def leave() -> None:
    """End, after all that programs do at their end, but without taking all libraries apart."""
    for file in filter(None, (sys.stdout, sys.stderr)):
        file.flush()
    os._exit(exit_status[0])


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
