//go:build tools

// Package tools names Argo CD's one program, so that its modules are required.
package tools

import (
	_ "github.com/argoproj/argo-cd/v3/cmd"
)
