//go:build tools

// Package tools names the controller of Argo Rollouts, so that its modules are required.
package tools

import (
	_ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
)
