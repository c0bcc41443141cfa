//go:build tools

// Package servers names the commands this module pins, so that `go mod tidy` keeps what they need.
package servers

import (
	_ "github.com/fsouza/fake-gcs-server"
	_ "github.com/versity/versitygw/cmd/versitygw"
)
