//go:build tools

// Package netgatewayapi names the command this module pins, so that `go mod tidy` keeps what it needs.
package netgatewayapi

import (
	_ "knative.dev/net-gateway-api/cmd/controller"
)
