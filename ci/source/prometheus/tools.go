//go:build tools

// Package prometheus names the command this module pins, so that `go mod tidy` keeps what it needs.
package prometheus

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
