"""What can go wrong with a network, named; imports nothing, so that a web process may catch it."""

from collections.abc import Mapping


class NetworkError(Exception):
    """A network can not be built, trained or published; the text says what happened and what to do."""

    code = "network_error"
    status = 400


class InvalidConfig(NetworkError, ValueError):
    """A training configuration is out of its ranges; `fields` holds the sentences for each setting."""

    code = "invalid_config"

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self.fields = dict(fields)
        super().__init__(" ".join(sentence for sentences in fields.values() for sentence in sentences))


class WeightsUnavailable(NetworkError):
    """The ImageNet weights of the ResNet50 base can not be had."""

    code = "weights_unavailable"


class RandomBaseFrozen(NetworkError):
    """A base with random weights was to be frozen: nothing could be learnt."""

    code = "random_base_frozen"


class NothingToTrainOn(NetworkError):
    """The training subset holds no image, or not of two classes."""

    code = "nothing_to_train_on"


class Diverged(NetworkError):
    """The loss is no number any more."""

    code = "diverged"


class FittingCancelled(NetworkError):
    """The training was asked to stop, and did."""

    code = "cancelled"


class FittingInterrupted(NetworkError):
    """The training was asked to pause: it can go on from here elsewhere."""

    code = "interrupted"


class ParityFailed(NetworkError):
    """The exported artefact answers otherwise than the network it was exported from."""

    code = "parity_failed"
    status = 500
