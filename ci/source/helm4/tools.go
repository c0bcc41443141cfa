//go:build tools

// Package helm4 names the command this module pins, so that `go mod tidy` keeps what it needs.
package helm4

import (
	_ "helm.sh/helm/v4/cmd/helm"
)
