#!/usr/bin/env python3
"""tidy.py BUILD JOBS: clang-tidy over the sources of a build that has many of them in one (CMake's unity
build). It looks at every header anew for each file that it is given, and its analyzer at every function
that is not yet known; so it is given the sources of a library joined into one file. The analyzer does
not follow #include, hence joined. What it finds is told as of the source itself."""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

OPTIONS = [
    "--quiet",
    # A joined file includes the same header many times.
    "--checks=-readability-duplicate-include",
    # States that the analyzer looks at in a function before it gives up, instead of 225,000: the
    # largest functions take most of the time.
    "--extra-arg=-Xclang", "--extra-arg=-analyzer-config",
    "--extra-arg=-Xclang", "--extra-arg=max-nodes=40000",
]


def join(path):
    """Replaces the #includes of a unity file by what they include. Returns where each source begins:
    (line, source), in order."""
    sources = re.findall(r'^#include "(.*)"$', path.read_text(), re.M)
    begins, lines = [], []
    for source in sources:
        begins.append((len(lines), source))
        lines += pathlib.Path(source).read_text().splitlines()
    path.write_text("\n".join(lines) + "\n")
    return begins


def located(output, path, begins):
    """The output with a joined file's lines as those of its sources."""
    def place(match):
        line = int(match[1]) - 1
        begin, source = max(entry for entry in begins if entry[0] <= line)
        return f"{source}:{line - begin + 1}"

    return re.sub(re.escape(str(path)) + r":(\d+)", place, output)


def check(build, path, begins):
    done = subprocess.run(["clang-tidy", *OPTIONS, "-p", build, str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    output = located(done.stdout, path, begins) if begins else done.stdout
    # "N warnings generated" counts those in headers of others.
    output = re.sub(r"^\d+ warnings? (and \d+ errors? )?generated\.\n", "", output, flags=re.M)
    print(output, end="", flush=True)
    return done.returncode == 0


def main():
    build, jobs = sys.argv[1], int(sys.argv[2])
    commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    # The schema's source is made of SQL, when it is built.
    paths = sorted({pathlib.Path(command["file"]) for command in commands
                    if "/schema/" not in command["file"]})
    todo = [(path, join(path) if path.suffix == ".cxx" else []) for path in paths]
    # The longest first, so that they are not waited for at the end.
    todo.sort(key=lambda entry: -entry[0].stat().st_size)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        clean = list(pool.map(lambda entry: check(build, *entry), todo))
    sys.exit(not all(clean))


main()
