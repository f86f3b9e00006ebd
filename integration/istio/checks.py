"""The checks, in the order in which they run."""

import check_masking

MODULES = [check_masking]
ALL = [check for module in MODULES for check in module.CHECKS]
