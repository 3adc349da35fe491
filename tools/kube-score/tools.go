//go:build tools

// Package tools names the programs that are built here, so that their modules are required.
package tools

import _ "github.com/zegl/kube-score/cmd/kube-score"
