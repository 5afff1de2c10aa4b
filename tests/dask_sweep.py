"""A sweep on a Dask cluster of three processes, one of which is killed as it trains.

Run by test_sweep.py: ``python dask_sweep.py DATA RESULTS``; prints one line of JSON.
Workers import this file again, and so see the generated data too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import official_files

official_files.use_generated(Path(sys.argv[1]))


def main() -> None:
    from distributed import Client, LocalCluster

    from marginflow.experiments.runner import epochs_done
    from marginflow.experiments.spec import grid
    from marginflow.experiments.sweep import dask_scheduler, run_sweep

    data, results = sys.argv[1:]
    specs = grid("mnist", scale="smoke", rounds=range(2))
    killed: list[int] = []

    with (
        LocalCluster(
            n_workers=3,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
        ) as cluster,
        Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        over = threading.Event()

        def kill_one_at_work() -> None:
            while not over.is_set() and not killed:
                for address, pid in pids.items():
                    busy = client.processing(workers=[address]).get(address)
                    if busy and any(epochs_done(results, spec) for spec in specs):
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                        return
                time.sleep(0.01)

        workplace = dask_scheduler(cluster.scheduler_address)
        killer = threading.Thread(target=kill_one_at_work)
        killer.start()
        outcomes = run_sweep(
            specs, results, data, workplace=workplace, checkpoint_seconds=0.0
        )
        over.set()
        killer.join()
        told = {
            "killed": killed[0] if killed else None,
            "outcomes": [outcome.status for outcome in outcomes],
            "messages": sorted({o.message for o in outcomes}),
            "workers": len(client.run(os.getpid)),
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
