"""Filter chains: panveil with a neighbour in front and behind, a policy and buffer limits, each on a port of its
own.
"""

import json
import random

NEIGHBOURS = [
    "none", "ext_authz", "lua", "ext_proc_streamed", "ext_proc_partial", "ext_proc_duplex", "delay", "compressor", "decompressor",
    "buffer",
]
LIMITS = {"16k": 16384, "32k": 32768, "default": None}
POLICIES = {
    "mask": {},
    "mask-none": {"mask": {"keep": "none"}},
    "mask-last4": {"mask": {"keep": "last4"}},
    "block": {"request": "block", "response": "block"},
    "monitor": {"mode": "monitor", "audit": {"clean": True}},
    "uninspectable-block": {"uninspectable": "block"},
    "block-all": {"request": "block", "response": "block", "uninspectable": "block"},
    "base64-patterns": {
        "detect": {"base64": True, "patterns": [{"name": "employee", "regex": "\\bEMP-[0-9]{6}\\b"}]},
    },
}
KEEP = {"mask": "first6_last4", "mask-none": "none", "mask-last4": "last4", "uninspectable-block": "first6_last4", "base64-patterns": "first6_last4"}
TYPE = "type.googleapis.com/envoy.extensions."


def table(seed=1):
    """Table of chains: each pair of neighbours, with policies and limits such that every pair of values occurs."""
    rng = random.Random(seed)
    chains = []
    for before in NEIGHBOURS:
        for behind in NEIGHBOURS:
            count = 24 if before == behind == "none" else 8 if "none" in (before, behind) else 1
            policies = list(POLICIES) * 3
            limits = list(LIMITS) * 8
            if count != 24:
                rng.shuffle(policies)
                rng.shuffle(limits)
                if count == 8:
                    policies = list(POLICIES)
            for policy, limit in list(zip(policies, limits))[:count]:
                chains.append({"before": before, "behind": behind, "policy": policy, "limit": limit})
    return chains


def named(name, kind, config):
    return {"name": name, "typed_config": {"@type": TYPE + kind, **config}}


def neighbour(name, place):
    """Filter of a neighbour. `place` distinguishes the two of one chain."""
    if name == "none":
        return []
    full = f"{name}.{place}"
    if name == "ext_authz":
        service = {"server_uri": {"uri": "http://side.test", "cluster": "side", "timeout": "10s"}}
        return [named(full, "filters.http.ext_authz.v3.ExtAuthz", {"http_service": service, "transport_api_version": "V3"})]
    if name == "lua":
        call = (
            'handle:httpCall("side", {[":method"]="GET", [":path"]="/lua", [":authority"]="side.test"}, "", 10000)'
        )
        code = f"function envoy_on_request(handle) {call} end\nfunction envoy_on_response(handle) {call} end"
        return [named(full, "filters.http.lua.v3.Lua", {"default_source_code": {"inline_string": code}})]
    if name.startswith("ext_proc"):
        mode = {"streamed": "STREAMED", "partial": "BUFFERED_PARTIAL", "duplex": "FULL_DUPLEX_STREAMED"}[name[9:]]
        processing = {
            "request_header_mode": "SEND", "response_header_mode": "SEND", "request_body_mode": mode, "response_body_mode": mode,
        }
        if mode == "FULL_DUPLEX_STREAMED":
            processing |= {"request_trailer_mode": "SEND", "response_trailer_mode": "SEND"}
        service = {"envoy_grpc": {"cluster_name": "side_grpc"}, "timeout": "10s"}
        return [
            named(
                full, "filters.http.ext_proc.v3.ExternalProcessor",
                {"grpc_service": service, "processing_mode": processing, "message_timeout": "10s"},
            )
        ]
    if name == "delay":
        always = {"numerator": 100, "denominator": "HUNDRED"}
        return [named(full, "filters.http.fault.v3.HTTPFault", {"delay": {"fixed_delay": "0.004s", "percentage": always}})]
    if name == "compressor":
        library = named("gzip", "compression.gzip.compressor.v3.Gzip", {"compression_level": "BEST_SPEED"})
        types = [
            "application/json", "text/plain", "text/csv", "application/xml", "application/x-www-form-urlencoded", "text/event-stream",
            "application/octet-stream", "application/x-ndjson", "application/cbor", "application/msgpack", "multipart/form-data",
        ]
        common = {"enabled": {"default_value": True, "runtime_key": "x"}, "min_content_length": 30, "content_type": types}
        config = {
            "compressor_library": library,
            "request_direction_config": {"common_config": common},
            "response_direction_config": {"common_config": common},
        }
        return [named(full, "filters.http.compressor.v3.Compressor", config)]
    if name == "decompressor":
        libraries = [
            ("gzip", "compression.gzip.decompressor.v3.Gzip", {"window_bits": 15}),
            ("br", "compression.brotli.decompressor.v3.Brotli", {}),
            ("zstd", "compression.zstd.decompressor.v3.Zstd", {}),
        ]
        return [
            named(f"{full}.{one}", "filters.http.decompressor.v3.Decompressor", {"decompressor_library": named(one, kind, config)})
            for one, kind, config in libraries
        ]
    if name == "buffer":
        return [named(full, "filters.http.buffer.v3.Buffer", {"max_request_bytes": 8_000_000})]
    raise ValueError(name)


def panveil(module, policy):
    config = {
        "name": "panveil",
        "root_id": "panveil",
        "failure_policy": "FAIL_RELOAD",
        "vm_config": {
            "vm_id": "panveil",
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": module}},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(POLICIES[policy])},
    }
    return named("panveil", "filters.http.wasm.v3.Wasm", {"config": config})


LOG = {
    "exchange": "%REQ(X-EXCHANGE)%",
    "status": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "action": "%FILTER_STATE(wasm.panveil.action:PLAIN)%",
    "found": "%FILTER_STATE(wasm.panveil.found:PLAIN)%",
    "where": "%FILTER_STATE(wasm.panveil.where:PLAIN)%",
    "uninspected": "%FILTER_STATE(wasm.panveil.uninspected:PLAIN)%",
    "path": "%FILTER_STATE(wasm.panveil.path:PLAIN)%",
    "record": "%FILTER_STATE(wasm.panveil.record:PLAIN)%",
}


def listener(number, chain, module, folder):
    filters = neighbour(chain["before"], "before")
    if module:
        filters.append(panveil(module, chain["policy"]))
    filters += neighbour(chain["behind"], "behind")
    filters.append(named("envoy.filters.http.router", "filters.http.router.v3.Router", {}))
    routes = [
        {"match": {"prefix": f"/{up}/"}, "route": {"cluster": f"{up}_{chain['limit']}", "timeout": "0s"}} for up in ("h1", "h2")
    ]
    manager = {
        "stat_prefix": "judge",
        "codec_type": "AUTO",
        "generate_request_id": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http2_protocol_options": {"allow_connect": True},
        "http_protocol_options": {"enable_trailers": number % 2 == 0},
        "route_config": {"name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]},
        "http_filters": filters,
        "access_log": [
            named("file", "access_loggers.file.v3.FileAccessLog", {"path": f"{folder}/access.json", "log_format": {"json_format": LOG}})
        ],
    }
    made = {
        "name": f"chain{number}",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [
            {"filters": [named("hcm", "filters.network.http_connection_manager.v3.HttpConnectionManager", manager)]}
        ],
    }
    if LIMITS[chain["limit"]]:
        made["per_connection_buffer_limit_bytes"] = LIMITS[chain["limit"]]
    return made


def cluster(name, port, http2, limit=None, trailers=False):
    if http2:
        options = {"http2_protocol_options": {"allow_connect": True}}
    else:
        options = {"http_protocol_options": {"enable_trailers": trailers}}
    made = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [{"max_connections": 100000, "max_pending_requests": 100000, "max_requests": 100000, "max_retries": 0}]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": TYPE + "upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": options,
            }
        },
    }
    if limit:
        made["per_connection_buffer_limit_bytes"] = limit
    return made


def bootstrap(chains, module, ports, folder):
    """Envoy's bootstrap. `chains` by number; `ports` are those of the peers: h1, h2, side, side_grpc. Omits panveil
    without a module.
    """
    clusters = [cluster("side", ports["side"], False), cluster("side_grpc", ports["side_grpc"], True)]
    for name, limit in LIMITS.items():
        clusters.append(cluster(f"h1_{name}", ports["h1"], False, limit, trailers=True))
        clusters.append(cluster(f"h2_{name}", ports["h2"], True, limit))
    return {
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": [listener(number, chain, module, folder) for number, chain in chains.items()],
            "clusters": clusters,
        },
        "stats_config": {
            "stats_tags": [
                {"tag_name": tag, "regex": f"({tag}=\\.=(.*?);\\.;)"}
                for tag in ("direction", "place", "brand", "action", "outcome", "reason", "limit", "version", "mode")
            ]
        },
    }
