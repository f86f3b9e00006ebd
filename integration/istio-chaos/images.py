"""Images with the same module under different digests, for upgrades."""

from registry import another, url

COUNT = 5


def push(registry, module):
    """Pushes the images. Returns their addresses and digests."""
    return [(url(f"0.2.{number}"), registry.push_module(f"0.2.{number}", another(module, number))) for number in range(COUNT)]
