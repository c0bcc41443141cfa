//go:build tools

// Package ingress names the command this module pins, so that `go mod tidy` keeps what it needs.
package ingress

import (
	_ "github.com/projectcontour/contour/cmd/contour"
)
