//go:build tools

// Package tools names amtool, so that its modules are required.
package tools

import (
	_ "github.com/prometheus/alertmanager/cmd/amtool"
)
