"""The checks, in the order in which they run."""

import check_gateways
import check_masking
import check_overlays

MODULES = [check_masking, check_overlays, check_gateways]
ALL = [check for module in MODULES for check in module.CHECKS]
