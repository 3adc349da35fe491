//go:build tools

// Package tools names Kyverno, cosign, and crane with its registry for tests, so that their modules are required.
package tools

import (
	_ "github.com/google/go-containerregistry/cmd/crane"
	_ "github.com/kyverno/kyverno/cmd/kyverno"
	_ "github.com/sigstore/cosign/v3/cmd/cosign"
)
