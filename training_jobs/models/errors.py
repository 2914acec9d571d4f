"""What a job's moves are refused with, and what ends a worker's hold on it."""

from classifier.networks.errors import FittingInterrupted
from datasets.errors import Refused


class IllegalMove(Refused):
    """Raised where a job is asked to go to a state that cannot follow the one it is in."""

    status = 409
    code = "illegal_move"


class LeaseLost(Exception):
    """Raised in a worker whose claim was taken from it: it must stop and write nothing more."""

    code = "lease_lost"


class WorkerEnding(FittingInterrupted):
    """Raised in a worker that is to end, at a place where its job can be given back, to go on elsewhere."""

    code = "worker_ending"
