//go:build tools

// Package edge names the commands this module pins, so that `go mod tidy` keeps what they need.
package edge

import (
	_ "github.com/oauth2-proxy/oauth2-proxy/v7"
)
