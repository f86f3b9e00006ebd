"""Images with the same module under different digests, to upgrade between."""

from registry import another, url

COUNT = 5


def push(registry, module):
    """Their addresses and digests."""
    return [(url(f"0.2.{number}"), registry.push_module(f"0.2.{number}", another(module, number))) for number in range(COUNT)]
