"""One harness for whole stacks, on a virtual clock: the operator's passes and the test AWS in one process.

There is no HTTP, no thread and no waiting. boto3 is real: requests are validated, signed, serialised and parsed; only
the socket is left out. What could happen in any order happens in an order drawn from a seed, so that a failure replays.
As nothing runs beside it, the process can be forked at any moment, in the middle of a call too: a fork is a snapshot of
everything, and what happens in it stays in it.

    aws.py       the test AWS, its clock, its faults, and clients for whoever is not the operator
    app.py       a MissYouApp: what a person does to it, and the operator's passes
    process.py   the operator's process as AWS sees it, and its end at a call
    world.py     the environment and the clock that lead an operator to that AWS
    picture.py   all that is in AWS, so that two of them can be compared
    forks.py     snapshots
    fixtures.py  for conftest.py: `aws`, and each test in a fork of its own
"""
