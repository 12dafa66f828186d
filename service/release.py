"""The version of the product, as it is installed."""

from importlib.metadata import PackageNotFoundError, version


def _installed() -> str:
    try:
        return version("tandem-retrieval")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0.0.0+source"


RELEASE = _installed()
