//go:build tools

// Package tools names promtool, so that its modules are required.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
