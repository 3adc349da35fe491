//go:build tools

// Package tools names the programs that are built here, so that their modules are required.
package tools

import _ "github.com/weaviate/weaviate/cmd/weaviate-server"
