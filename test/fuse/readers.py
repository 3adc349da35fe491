#!/usr/bin/env python3
"""Reads a mounted project with 50 readers at once, and tells how long a look, an open-and-read and a listing took.

    readers.py FOLDER [SECONDS]

Each reader is a process of its own. What the kernel has cached is not asked of the file system: each reads another file
each time, which the file system may have said is fresh for a second.
"""

import multiprocessing
import os
import random
import sys
import time
from typing import Callable, Dict, List

READERS = 50
FOLDERS = ("current", "history", "shadows", "context", "streams", "debug")


def read(path: str) -> None:
    with open(path, "rb") as file:
        file.read()


def reader(root: str, seconds: float, seed: int) -> Dict[str, List[float]]:
    chance = random.Random(seed)
    times: Dict[str, List[float]] = {"stat": [], "read": [], "list": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        folder = f"{root}/{chance.choice(FOLDERS)}"
        path = f"{folder}/file-{chance.randrange(100):03}"
        tasks: Dict[str, Callable[[], object]] = {
            "stat": lambda: os.stat(path),
            "read": lambda: read(path),
            "list": lambda: os.listdir(folder),
        }
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
        time.sleep(chance.uniform(0, 0.2))
    return times


def main() -> None:
    root, seconds = sys.argv[1], float(sys.argv[2] if len(sys.argv) > 2 else 10)
    with multiprocessing.get_context("fork").Pool(READERS) as pool:
        results = pool.starmap(reader, [(root, seconds, seed) for seed in range(READERS)])
    for name in ("stat", "read", "list"):
        times = sorted(one for result in results for one in result[name])
        p50, p99 = (1000 * times[int(len(times) * share)] for share in (0.5, 0.99))
        print(f"{name}: {len(times)} by {READERS} readers, p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {1000 * times[-1]:.2f} ms")


if __name__ == "__main__":
    main()
