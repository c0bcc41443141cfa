//go:build tools

// Package istio names the commands this module pins, so that `go mod tidy` keeps what they need.
package istio

import (
	_ "istio.io/istio/pilot/cmd/pilot-agent"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
