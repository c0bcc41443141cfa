//go:build tools

// Package policies names the command this module pins, so that `go mod tidy` keeps what it needs.
package policies

import (
	_ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
)
