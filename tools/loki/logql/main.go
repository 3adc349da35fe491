// Command logql says of each LogQL expression whether Loki's own parser takes it.
//
// Standard input: a JSON array of expressions. Standard output: a JSON array as long, each element the error, or "" where
// the expression parses.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var expressions []string
	if err := json.NewDecoder(os.Stdin).Decode(&expressions); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	complaints := make([]string, len(expressions))
	for i, expression := range expressions {
		if _, err := syntax.ParseExpr(expression); err != nil {
			complaints[i] = err.Error()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(complaints)
}
