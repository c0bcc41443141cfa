"""Ports of a cluster's node that the machine reaches at loopback: see `Kind.loopback_port`."""

SERVICE = 30080  # for a Service of a release: the demo's
KOURIER_HTTP, KOURIER_HTTPS = 31080, 31443  # Knative's gateway
INGRESS_HTTP, INGRESS_HTTPS = 31081, 31444  # the gateway of another ingress
EDGE_HTTP, EDGE_HTTPS = 31082, 31445  # the authenticating edge
# kind maps ports only when it makes a node, so all of them are mapped.
MAPPED = (SERVICE, KOURIER_HTTP, KOURIER_HTTPS, INGRESS_HTTP, INGRESS_HTTPS, EDGE_HTTP, EDGE_HTTPS)
