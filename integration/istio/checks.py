"""All checks, in the order in which they run."""

import check_alerts
import check_audit
import check_changes
import check_components
import check_egress
import check_gateways
import check_identity
import check_incident
import check_masking
import check_observability
import check_order
import check_overlays
import check_private_registry
import check_protocols
import check_pull

MODULES = [
    check_masking, check_overlays, check_gateways, check_egress, check_incident, check_order, check_identity, check_observability,
    check_protocols, check_pull, check_private_registry, check_components, check_changes, check_audit, check_alerts,
]
ALL = [check for module in MODULES for check in module.CHECKS]
